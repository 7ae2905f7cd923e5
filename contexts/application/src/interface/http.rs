//! The routes of the application context.

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use serde_json::Value;
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::history::{HistoryEntry, HistoryParameters};
use servertree_kernel::http::{
    ALWAYS, API_BASE, BODY, Call, Created, Entity, IfMatch, ListParameters, Look, ONCE, Once, Page, Patch,
    Posted, Replacement, id_in,
};
use servertree_kernel::idempotency::Answer;
use servertree_kernel::problem::{CONCURRENT_CHANGE, Failure, INVALID_PARAMETER, NOT_FOUND, STALE_REVISION};
use servertree_kernel::problem_responses;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::application::discard_application::DiscardApplication;
use crate::application::find_application::{ApplicationView, FindApplication};
use crate::application::find_application_history::FindApplicationHistory;
use crate::application::find_applications::FindApplications;
use crate::application::modify_application::ModifyApplication;
use crate::application::patch_application::PatchApplication;
use crate::application::register_application::RegisterApplication;
use crate::application::restore_application::RestoreApplication;
use crate::domain::{ApplicationId, Specification};
use crate::error::{DISCARDED, NAME_TAKEN};

/// All of them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(register_application)
        .service(list_applications)
        .service(find_application)
        .service(find_application_history)
        .service(modify_application)
        .service(patch_application)
        .service(discard_application)
        .service(restore_application);
}

problem_responses! {
    RegisterProblems: ALWAYS, BODY, ONCE, &[&NAME_TAKEN];
    ListProblems: ALWAYS, &[&INVALID_PARAMETER];
    FindProblems: ALWAYS, &[&NOT_FOUND];
    HistoryProblems: ALWAYS, &[&INVALID_PARAMETER, &NOT_FOUND];
    ModifyProblems: ALWAYS, BODY, &[&INVALID_PARAMETER, &NOT_FOUND, &NAME_TAKEN, &DISCARDED, &CONCURRENT_CHANGE,
        &STALE_REVISION];
    RestoreProblems: ALWAYS, ONCE, &[&NOT_FOUND, &NAME_TAKEN, &CONCURRENT_CHANGE, &STALE_REVISION];
    DiscardProblems: ALWAYS, &[&INVALID_PARAMETER, &NOT_FOUND, &CONCURRENT_CHANGE, &STALE_REVISION];
}

/// Register an application
///
/// It enters the catalogue, with a name and a version that no other application has together.
#[utoipa::path(
    tag = "applications",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it takes effect once")),
    request_body(content = Specification, content_type = "application/json"),
    responses(
        (status = 201, description = "Registered", body = ApplicationView,
            headers(("Location" = String, description = "Where the application is"), ("ETag" = String))),
        RegisterProblems
    )
)]
#[post("/applications")]
async fn register_application(
    call: Call,
    Posted(specification, once): Posted<Specification>,
) -> Result<Answer, Failure> {
    let created = |application: ApplicationView| Created {
        location: format!("{API_BASE}/applications/{}", application.id),
        entity: application,
    };
    let look = |application: &Value| id_in(application).map(|id| Look::at(FindApplication { id }));
    call.dispatch_once(once, RegisterApplication { specification }, created, look).await
}

/// List applications
///
/// By name unless told otherwise; `q` looks into name, version and architect. Discarded ones are left out, unless the filter
/// names `discarded`.
#[utoipa::path(
    tag = "applications",
    params(ListParameters),
    responses((status = 200, description = "A page of applications", body = Page<ApplicationView>), ListProblems)
)]
#[get("/applications")]
async fn list_applications(
    call: Call,
    criteria: Criteria<ApplicationView>,
) -> Result<Slice<ApplicationView>, Failure> {
    call.ask(FindApplications { criteria }).await
}

/// Find an application
///
/// Discarded ones are found, too.
#[utoipa::path(
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "The id of the application"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the caller has")),
    responses(
        (status = 200, description = "The application", body = ApplicationView, headers(("ETag" = String))),
        (status = 304, description = "The caller has it as it is", headers(("ETag" = String))),
        FindProblems
    )
)]
#[get("/applications/{id}")]
async fn find_application(
    call: Call,
    id: web::Path<ApplicationId>,
) -> Result<Entity<ApplicationView>, Failure> {
    Ok(Entity(call.ask(FindApplication { id: *id }).await?))
}

/// Find what happened to an application
///
/// Who changed what, when, and from which value to which; the newest first unless told otherwise. Discarded ones have a history,
/// too.
#[utoipa::path(
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "The id of the application"), HistoryParameters),
    responses((status = 200, description = "A page of its history", body = Page<HistoryEntry>), HistoryProblems)
)]
#[get("/applications/{id}/history")]
async fn find_application_history(
    call: Call,
    id: web::Path<ApplicationId>,
    criteria: Criteria<HistoryEntry>,
) -> Result<Slice<HistoryEntry>, Failure> {
    call.ask(FindApplicationHistory { id: *id, criteria }).await
}

/// Modify an application
///
/// Replaces all that is said about it. What GET answered can be sent back: the fields that the service fills in are
/// accepted and ignored. To change nothing is no change: the revision stays.
#[utoipa::path(
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "The id of the application"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on")),
    request_body(content = Specification, content_type = "application/json"),
    responses(
        (status = 200, description = "The application as it is now", body = ApplicationView, headers(("ETag" = String))),
        ModifyProblems
    )
)]
#[put("/applications/{id}")]
async fn modify_application(
    call: Call,
    id: web::Path<ApplicationId>,
    IfMatch(precondition): IfMatch,
    Replacement(specification): Replacement<Specification>,
) -> Result<Entity<ApplicationView>, Failure> {
    Ok(Entity(call.dispatch(ModifyApplication { id: *id, specification, precondition }).await?))
}

/// Change a part of an application
///
/// The body is a JSON Merge Patch (RFC 7396): the fields to change; what is not in it stays.
#[utoipa::path(
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "The id of the application"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on")),
    request_body(content = Object, content_type = "application/merge-patch+json",
        example = json!({"architect": "web team"})),
    responses(
        (status = 200, description = "The application as it is now", body = ApplicationView, headers(("ETag" = String))),
        ModifyProblems
    )
)]
#[patch("/applications/{id}")]
async fn patch_application(
    call: Call,
    id: web::Path<ApplicationId>,
    IfMatch(precondition): IfMatch,
    Patch { patch, .. }: Patch<Specification>,
) -> Result<Entity<ApplicationView>, Failure> {
    Ok(Entity(call.dispatch(PatchApplication { id: *id, patch, precondition }).await?))
}

/// Discard an application
///
/// It leaves the catalogue, and its name and version become free. It is kept, and can be restored. Discarding it again changes
/// nothing.
#[utoipa::path(
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "The id of the application"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what is to be discarded")),
    responses((status = 204, description = "Discarded"), DiscardProblems)
)]
#[delete("/applications/{id}")]
async fn discard_application(
    call: Call,
    id: web::Path<ApplicationId>,
    IfMatch(precondition): IfMatch,
) -> Result<HttpResponse, Failure> {
    call.dispatch(DiscardApplication { id: *id, precondition }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Restore an application
///
/// It comes back into the catalogue under its name and version, unless another application has them by now. Restoring one that
/// is not discarded changes nothing.
#[utoipa::path(
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "The id of the application"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what is to be restored"),
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it takes effect once")),
    responses(
        (status = 200, description = "The application as it is now", body = ApplicationView, headers(("ETag" = String))),
        RestoreProblems
    )
)]
#[post("/applications/{id}/restore")]
async fn restore_application(
    call: Call,
    id: web::Path<ApplicationId>,
    IfMatch(precondition): IfMatch,
    once: Once,
) -> Result<Answer, Failure> {
    let look = |_: &Value| Some(Look::at(FindApplication { id: *id }));
    call.dispatch_once(once, RestoreApplication { id: *id, precondition }, Entity, look).await
}
