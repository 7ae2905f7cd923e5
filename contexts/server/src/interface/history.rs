//! The route of the history of a server.

use actix_web::{get, web};
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::history::{HistoryEntry, HistoryParameters};
use servertree_kernel::http::{ALWAYS, Call, Page};
use servertree_kernel::problem::{Failure, INVALID_PARAMETER, NOT_FOUND};
use servertree_kernel::problem_responses;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::application::find_server_history::FindServerHistory;
use crate::domain::ServerId;

/// It.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(find_server_history);
}

problem_responses! {
    HistoryProblems: ALWAYS, &[&INVALID_PARAMETER, &NOT_FOUND];
}

/// Find what happened to a server
///
/// Who changed what, when, and from which value to which; the newest first unless told otherwise. Discarded ones have a history,
/// too. What became of its credentials is told to those who may see them.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"), HistoryParameters),
    responses((status = 200, description = "A page of its history", body = Page<HistoryEntry>), HistoryProblems)
)]
#[get("/servers/{id}/history")]
async fn find_server_history(
    call: Call,
    id: web::Path<ServerId>,
    criteria: Criteria<HistoryEntry>,
) -> Result<Slice<HistoryEntry>, Failure> {
    call.ask(FindServerHistory { id: *id, criteria }).await
}
