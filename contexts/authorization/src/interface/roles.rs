//! The routes of roles.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde_json::Value;
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::http::{
    ALWAYS, API_BASE, BODY, Call, Created, Entity, IfMatch, ListParameters, Look, ONCE, Page, Posted,
    Replacement, id_in,
};
use servertree_kernel::idempotency::Answer;
use servertree_kernel::problem::{CONCURRENT_CHANGE, Failure, INVALID_PARAMETER, NOT_FOUND, STALE_REVISION};
use servertree_kernel::problem_responses;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::application::change_role::ChangeRole;
use crate::application::create_role::CreateRole;
use crate::application::find_role::{FindRole, RoleView};
use crate::application::find_roles::FindRoles;
use crate::application::remove_role::RemoveRole;
use crate::domain::{RoleDraft, RoleId};
use crate::error::{BUILT_IN_ROLE, GRANT_LACKED, NOT_ABOVE, ROLE_IN_USE, ROLE_NAME_TAKEN};

/// All of them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_role)
        .service(list_roles)
        .service(find_role)
        .service(change_role)
        .service(remove_role);
}

problem_responses! {
    CreateProblems: ALWAYS, BODY, ONCE, &[&NOT_ABOVE, &GRANT_LACKED, &ROLE_NAME_TAKEN];
    ListProblems: ALWAYS, &[&INVALID_PARAMETER];
    FindProblems: ALWAYS, &[&NOT_FOUND];
    ChangeProblems: ALWAYS, BODY, &[&INVALID_PARAMETER, &NOT_ABOVE, &GRANT_LACKED, &NOT_FOUND, &ROLE_NAME_TAKEN,
        &BUILT_IN_ROLE, &CONCURRENT_CHANGE, &STALE_REVISION];
    RemoveProblems: ALWAYS, &[&INVALID_PARAMETER, &NOT_ABOVE, &NOT_FOUND, &ROLE_IN_USE, &BUILT_IN_ROLE,
        &CONCURRENT_CHANGE, &STALE_REVISION];
}

/// Create a role
///
/// A grant permits an action on all objects of a type, or on those that meet its condition, which is a filter as lists have it.
/// Nobody makes a role of what they lack.
#[utoipa::path(
    tag = "roles",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it takes effect once")),
    request_body(content = RoleDraft, content_type = "application/json"),
    responses(
        (status = 201, description = "Created", body = RoleView,
            headers(("Location" = String, description = "Where the role is"), ("ETag" = String))),
        CreateProblems
    )
)]
#[post("/roles")]
async fn create_role(call: Call, Posted(draft, once): Posted<RoleDraft>) -> Result<Answer, Failure> {
    let created =
        |role: RoleView| Created { location: format!("{API_BASE}/roles/{}", role.id), entity: role };
    let look = |role: &Value| id_in(role).map(|id| Look::at(FindRole { id }));
    call.dispatch_once(once, CreateRole { draft }, created, look).await
}

/// List roles
///
/// Built-in ones and own ones, by name unless told otherwise.
#[utoipa::path(
    tag = "roles",
    params(ListParameters),
    responses((status = 200, description = "A page of roles", body = Page<RoleView>), ListProblems)
)]
#[get("/roles")]
async fn list_roles(call: Call, criteria: Criteria<RoleView>) -> Result<Slice<RoleView>, Failure> {
    call.ask(FindRoles { criteria }).await
}

/// Find a role
#[utoipa::path(
    tag = "roles",
    params(("id" = RoleId, Path, description = "The id of the role"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the caller has")),
    responses(
        (status = 200, description = "The role", body = RoleView, headers(("ETag" = String))),
        (status = 304, description = "The caller has it as it is", headers(("ETag" = String))),
        FindProblems
    )
)]
#[get("/roles/{id}")]
async fn find_role(call: Call, id: web::Path<RoleId>) -> Result<Entity<RoleView>, Failure> {
    Ok(Entity(call.ask(FindRole { id: *id }).await?))
}

/// Change a role
///
/// Replaces its name and its grants. For all who have it, that holds from the next request.
#[utoipa::path(
    tag = "roles",
    params(("id" = RoleId, Path, description = "The id of the role"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on")),
    request_body(content = RoleDraft, content_type = "application/json"),
    responses(
        (status = 200, description = "The role as it is now", body = RoleView, headers(("ETag" = String))),
        ChangeProblems
    )
)]
#[put("/roles/{id}")]
async fn change_role(
    call: Call,
    id: web::Path<RoleId>,
    IfMatch(precondition): IfMatch,
    Replacement(draft): Replacement<RoleDraft>,
) -> Result<Entity<RoleView>, Failure> {
    Ok(Entity(call.dispatch(ChangeRole { id: *id, draft, precondition }).await?))
}

/// Remove a role
///
/// One that users have is not removed: take it from them first.
#[utoipa::path(
    tag = "roles",
    params(("id" = RoleId, Path, description = "The id of the role"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what is to be removed")),
    responses((status = 204, description = "Removed"), RemoveProblems)
)]
#[delete("/roles/{id}")]
async fn remove_role(
    call: Call,
    id: web::Path<RoleId>,
    IfMatch(precondition): IfMatch,
) -> Result<HttpResponse, Failure> {
    call.dispatch(RemoveRole { id: *id, precondition }).await?;
    Ok(HttpResponse::NoContent().finish())
}
