//! The routes of the server context.

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use deserr::Deserr;
use serde_json::Value;
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::fields::FieldErrors;
use servertree_kernel::http::{
    ALWAYS, API_BASE, BODY, Body, Call, Created, Entity, IfMatch, Look, ONCE, Once, Page, Patch, Posted,
    Replacement, id_in,
};
use servertree_kernel::idempotency::Answer;
use servertree_kernel::problem::{CONCURRENT_CHANGE, Failure, INVALID_PARAMETER, NOT_FOUND, STALE_REVISION};
use servertree_kernel::problem_responses;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{applications, credentials, history};
use crate::application::change_server_status::ChangeServerStatus;
use crate::application::discard_server::DiscardServer;
use crate::application::find_server::{FindServer, ServerView};
use crate::application::find_servers::FindServers;
use crate::application::modify_server::ModifyServer;
use crate::application::patch_server::PatchServer;
use crate::application::register_server::RegisterServer;
use crate::application::restore_server::RestoreServer;
use crate::domain::{ServerDraft, ServerId, Status};
use crate::error::{DISCARDED, NAME_TAKEN};

/// All of them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(register_server)
        .service(list_servers)
        .service(find_server)
        .service(modify_server)
        .service(patch_server)
        .service(change_server_status)
        .service(discard_server)
        .service(restore_server)
        .configure(credentials::routes)
        .configure(applications::routes)
        .configure(history::routes);
}

problem_responses! {
    RegisterProblems: ALWAYS, BODY, ONCE, &[&NAME_TAKEN];
    ListProblems: ALWAYS, &[&INVALID_PARAMETER];
    FindProblems: ALWAYS, &[&NOT_FOUND];
    ModifyProblems: ALWAYS, BODY, &[&INVALID_PARAMETER, &NOT_FOUND, &NAME_TAKEN, &DISCARDED, &CONCURRENT_CHANGE,
        &STALE_REVISION];
    RestoreProblems: ALWAYS, ONCE, &[&NOT_FOUND, &NAME_TAKEN, &CONCURRENT_CHANGE, &STALE_REVISION];
    DiscardProblems: ALWAYS, &[&INVALID_PARAMETER, &NOT_FOUND, &CONCURRENT_CHANGE, &STALE_REVISION];
}

/// Register a server
///
/// It enters the inventory stopped, under a name that no other server has.
#[utoipa::path(
    tag = "servers",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it takes effect once")),
    responses(
        (status = 201, description = "Registered", body = ServerView,
            headers(("Location" = String, description = "Where the server is"), ("ETag" = String))),
        RegisterProblems
    ),
    request_body(content = ServerDraft, content_type = "application/json")
)]
#[post("/servers")]
async fn register_server(call: Call, Posted(draft, once): Posted<ServerDraft>) -> Result<Answer, Failure> {
    let created = |server: ServerView| Created {
        location: format!("{API_BASE}/servers/{}", server.id),
        entity: server,
    };
    let look = |server: &Value| id_in(server).map(|id| Look::at(FindServer { id }));
    call.dispatch_once(once, RegisterServer { draft }, created, look).await
}

/// List servers
///
/// A page of the servers that match. Conditions in one object are joined by and; the whole is `filter` and all of
/// `and_filter` and any of `or_filter`. Operators: `eq`, `ne`, `gt`, `ge`, `lt`, `le`, `in` and `btw` (an array or a
/// comma-separated text), `lk` (contains, in any case), `sw` (starts with, in any case), `em` (is empty: true or false).
/// Discarded servers are left out, unless the filter names `discarded`.
#[utoipa::path(
    tag = "servers",
    params(
        ("filter" = Option<String>, Query, example = r#"{"environment":{"eq":"production"},"cpu_cores":{"ge":4}}"#,
            description = "Conditions on fields, as JSON; nested fields by dot: `operating_system.name`"),
        ("and_filter" = Option<String>, Query, example = r#"[{"ram_mib":{"btw":[4096,16384]}}]"#,
            description = "An array of filters that all hold"),
        ("or_filter" = Option<String>, Query, example = r#"[{"status":{"eq":"error"}},{"status":{"eq":"unknown"}}]"#,
            description = "An array of filters of which one holds"),
        ("q" = Option<String>, Query, example = "debian web",
            description = "Words that are all contained, in any case, in name, environment, operating system or the names of applications"),
        ("sort" = Option<String>, Query, example = r#"[{"environment":"asc"},{"name":"desc"}]"#,
            description = "The order, as JSON, the most significant field first; by name if not given"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 500, example = 25,
            description = "How many at most; 25 if not given"),
        ("offset" = Option<u64>, Query, maximum = 10000, example = 0, description = "How many to skip"),
        ("cursor" = Option<String>, Query, example = "eyJwIjpbXSwiYiI6ZmFsc2UsImYiOjB9",
            description = "Where to go on: `next_cursor` or `prev_cursor` of a page with the same filter, `q` and `sort`"),
        ("count" = Option<String>, Query, example = "exact",
            description = "`exact` (if not given), or `none`: spares counting all that match"),
        ("fields" = Option<String>, Query, example = "id,name", description = "What to show of each server"),
    ),
    responses((status = 200, description = "A page of servers", body = Page<ServerView>), ListProblems)
)]
#[get("/servers")]
async fn list_servers(call: Call, criteria: Criteria<ServerView>) -> Result<Slice<ServerView>, Failure> {
    call.ask(FindServers { criteria }).await
}

/// Find a server
///
/// Discarded ones are found, too.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the caller has")),
    responses(
        (status = 200, description = "The server", body = ServerView, headers(("ETag" = String))),
        (status = 304, description = "The caller has it as it is", headers(("ETag" = String))),
        FindProblems
    )
)]
#[get("/servers/{id}")]
async fn find_server(call: Call, id: web::Path<ServerId>) -> Result<Entity<ServerView>, Failure> {
    Ok(Entity(call.ask(FindServer { id: *id }).await?))
}

/// Modify a server
///
/// Replaces all that is said about it. What GET answered can be sent back: the fields that the service fills in are
/// accepted and ignored. To change nothing is no change: the revision stays.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on")),
    request_body(content = ServerDraft, content_type = "application/json"),
    responses(
        (status = 200, description = "The server as it is now", body = ServerView, headers(("ETag" = String))),
        ModifyProblems
    )
)]
#[put("/servers/{id}")]
async fn modify_server(
    call: Call,
    id: web::Path<ServerId>,
    IfMatch(precondition): IfMatch,
    Replacement(draft): Replacement<ServerDraft>,
) -> Result<Entity<ServerView>, Failure> {
    Ok(Entity(call.dispatch(ModifyServer { id: *id, draft, precondition }).await?))
}

/// Change a part of a server
///
/// The body is a JSON Merge Patch (RFC 7396): the fields to change, nested ones too; what is not in it stays.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on")),
    request_body(content = Object, content_type = "application/merge-patch+json",
        example = json!({"cpu_cores": 8, "operating_system": {"version": "13"}})),
    responses(
        (status = 200, description = "The server as it is now", body = ServerView, headers(("ETag" = String))),
        ModifyProblems
    )
)]
#[patch("/servers/{id}")]
async fn patch_server(
    call: Call,
    id: web::Path<ServerId>,
    IfMatch(precondition): IfMatch,
    Patch { patch, .. }: Patch<ServerDraft>,
) -> Result<Entity<ServerView>, Failure> {
    Ok(Entity(call.dispatch(PatchServer { id: *id, patch, precondition }).await?))
}

/// How a server is doing.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
struct ServerStatusBody {
    /// How it is doing.
    status: Status,
}

/// Say how a server is doing
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on")),
    request_body(content = ServerStatusBody, content_type = "application/json", example = json!({"status": "running"})),
    responses(
        (status = 200, description = "The server as it is now", body = ServerView, headers(("ETag" = String))),
        ModifyProblems
    )
)]
#[put("/servers/{id}/status")]
async fn change_server_status(
    call: Call,
    id: web::Path<ServerId>,
    IfMatch(precondition): IfMatch,
    Body(body): Body<ServerStatusBody>,
) -> Result<Entity<ServerView>, Failure> {
    Ok(Entity(call.dispatch(ChangeServerStatus { id: *id, status: body.status, precondition }).await?))
}

/// Discard a server
///
/// It leaves the inventory and its name becomes free. It is kept, and can be restored. Discarding it again changes
/// nothing.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what is to be discarded")),
    responses((status = 204, description = "Discarded"), DiscardProblems)
)]
#[delete("/servers/{id}")]
async fn discard_server(
    call: Call,
    id: web::Path<ServerId>,
    IfMatch(precondition): IfMatch,
) -> Result<HttpResponse, Failure> {
    call.dispatch(DiscardServer { id: *id, precondition }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Restore a server
///
/// It comes back into the inventory under its name, unless another server has that by now. Restoring one that is not
/// discarded changes nothing.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what is to be restored"),
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it takes effect once")),
    responses(
        (status = 200, description = "The server as it is now", body = ServerView, headers(("ETag" = String))),
        RestoreProblems
    )
)]
#[post("/servers/{id}/restore")]
async fn restore_server(
    call: Call,
    id: web::Path<ServerId>,
    IfMatch(precondition): IfMatch,
    once: Once,
) -> Result<Answer, Failure> {
    let look = |_: &Value| Some(Look::at(FindServer { id: *id }));
    call.dispatch_once(once, RestoreServer { id: *id, precondition }, Entity, look).await
}
