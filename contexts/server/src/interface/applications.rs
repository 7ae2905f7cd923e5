//! The routes of the applications on servers.

use actix_web::{HttpResponse, delete, get, put, web};
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::http::{ALWAYS, BODY, Call, Entity, IfMatch, ListParameters, Page, Replacement};
use servertree_kernel::problem::{CONCURRENT_CHANGE, Failure, INVALID_PARAMETER, NOT_FOUND, STALE_REVISION};
use servertree_kernel::problem_responses;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::application::find_server::ServerView;
use crate::application::find_servers_of_application::FindServersOfApplication;
use crate::application::install_application::InstallApplication;
use crate::application::uninstall_application::UninstallApplication;
use crate::domain::{ApplicationId, Directories, ServerId};
use crate::error::DISCARDED;

/// All of them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(install_application).service(uninstall_application).service(list_servers_of_application);
}

problem_responses! {
    ListProblems: ALWAYS, &[&INVALID_PARAMETER, &NOT_FOUND];
    InstallProblems: ALWAYS, BODY, &[&INVALID_PARAMETER, &NOT_FOUND, &DISCARDED, &CONCURRENT_CHANGE, &STALE_REVISION];
    UninstallProblems: ALWAYS, &[&INVALID_PARAMETER, &NOT_FOUND, &DISCARDED, &CONCURRENT_CHANGE, &STALE_REVISION];
}

/// Install an application on a server
///
/// Where it is installed already, it is in these directories from now on. One that is unknown or discarded cannot be installed
/// (422); where a discarded one is installed, it stays.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("application_id" = ApplicationId, Path, description = "The id of the application"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on")),
    request_body(content = Directories, content_type = "application/json"),
    responses(
        (status = 200, description = "The server as it is now", body = ServerView, headers(("ETag" = String))),
        InstallProblems
    )
)]
#[put("/servers/{id}/applications/{application_id}")]
async fn install_application(
    call: Call,
    path: web::Path<(ServerId, ApplicationId)>,
    IfMatch(precondition): IfMatch,
    Replacement(directories): Replacement<Directories>,
) -> Result<Entity<ServerView>, Failure> {
    let (server, application) = *path;
    Ok(Entity(call.dispatch(InstallApplication { server, application, directories, precondition }).await?))
}

/// Uninstall an application from a server
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("application_id" = ApplicationId, Path, description = "The id of the application"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on")),
    responses((status = 204, description = "Uninstalled"), UninstallProblems)
)]
#[delete("/servers/{id}/applications/{application_id}")]
async fn uninstall_application(
    call: Call,
    path: web::Path<(ServerId, ApplicationId)>,
    IfMatch(precondition): IfMatch,
) -> Result<HttpResponse, Failure> {
    let (server, application) = *path;
    call.dispatch(UninstallApplication { server, application, precondition }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List the servers with an application
///
/// A page of those that match, as in the list of all servers. Those with a discarded application are found, too.
#[utoipa::path(
    tag = "servers",
    params(("id" = ApplicationId, Path, description = "The id of the application"), ListParameters),
    responses((status = 200, description = "A page of servers", body = Page<ServerView>), ListProblems)
)]
#[get("/applications/{id}/servers")]
async fn list_servers_of_application(
    call: Call,
    id: web::Path<ApplicationId>,
    criteria: Criteria<ServerView>,
) -> Result<Slice<ServerView>, Failure> {
    call.ask(FindServersOfApplication { application: *id, criteria }).await
}
