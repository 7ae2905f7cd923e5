//! The routes of the credentials of a server.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, delete, get, post, put, web};
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use servertree_kernel::fields::FieldErrors;
use servertree_kernel::http::{
    ALWAYS, API_BASE, BODY, Body, Call, Created, Entity, IfMatch, Look, ONCE, Posted, Replacement,
};
use servertree_kernel::idempotency::Answer;
use servertree_kernel::problem::{CONCURRENT_CHANGE, Failure, INVALID_PARAMETER, NOT_FOUND, STALE_REVISION};
use servertree_kernel::problem_responses;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::application::add_credential::AddCredential;
use crate::application::change_credential::ChangeCredential;
use crate::application::find_credential::{CredentialView, FindCredential, ServerCredential};
use crate::application::find_server::FindServer;
use crate::application::remove_credential::RemoveCredential;
use crate::application::reveal_credential::RevealCredential;
use crate::domain::{CredentialDraft, CredentialId, RevealReason, ServerId};
use crate::error::{DISCARDED, NO_PASSWORD};

/// All of them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(add_credential)
        .service(find_credential)
        .service(change_credential)
        .service(remove_credential)
        .service(reveal_credential);
}

problem_responses! {
    FindProblems: ALWAYS, &[&NOT_FOUND];
    AddProblems: ALWAYS, BODY, ONCE, &[&NOT_FOUND, &DISCARDED, &CONCURRENT_CHANGE, &STALE_REVISION];
    WriteProblems: ALWAYS, BODY, &[&INVALID_PARAMETER, &NOT_FOUND, &DISCARDED, &CONCURRENT_CHANGE, &STALE_REVISION];
    RemoveProblems: ALWAYS, &[&INVALID_PARAMETER, &NOT_FOUND, &DISCARDED, &CONCURRENT_CHANGE, &STALE_REVISION];
    RevealProblems: ALWAYS, BODY, &[&NOT_FOUND, &NO_PASSWORD, &CONCURRENT_CHANGE];
}

/// Add a credential to a server
///
/// Its password is stored encrypted, and shown by nothing but a reveal.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on"),
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it takes effect once")),
    request_body(content = CredentialDraft, content_type = "application/json"),
    responses(
        (status = 201, description = "Added", body = CredentialView,
            headers(("Location" = String, description = "Where the credential is"), ("ETag" = String))),
        AddProblems
    )
)]
#[post("/servers/{id}/credentials")]
async fn add_credential(
    call: Call,
    id: web::Path<ServerId>,
    IfMatch(precondition): IfMatch,
    Posted(draft, once): Posted<CredentialDraft>,
) -> Result<Answer, Failure> {
    let server = *id;
    let created = move |entity: ServerCredential| {
        let location = format!("{API_BASE}/servers/{server}/credentials/{}", entity.credential.id);
        Created { location, entity }
    };
    let look = |_: &Value| Some(Look::at_part(FindServer { id: server }, "credentials"));
    call.dispatch_once(once, AddCredential { server, draft, precondition }, created, look).await
}

/// Find a credential of a server
///
/// The revision in its ETag is that of the server.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("credential_id" = CredentialId, Path, description = "The id of the credential"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the caller has")),
    responses(
        (status = 200, description = "The credential", body = CredentialView, headers(("ETag" = String))),
        (status = 304, description = "The caller has it as it is", headers(("ETag" = String))),
        FindProblems
    )
)]
#[get("/servers/{id}/credentials/{credential_id}")]
async fn find_credential(
    call: Call,
    path: web::Path<(ServerId, CredentialId)>,
) -> Result<Entity<ServerCredential>, Failure> {
    let (server, credential) = *path;
    Ok(Entity(call.ask(FindCredential { server, credential }).await?))
}

/// Change a credential of a server
///
/// Replaces it. Without `password` it keeps the one it has, `"password": null` removes it.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("credential_id" = CredentialId, Path, description = "The id of the credential"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on")),
    request_body(content = CredentialDraft, content_type = "application/json"),
    responses(
        (status = 200, description = "The credential as it is now", body = CredentialView, headers(("ETag" = String))),
        WriteProblems
    )
)]
#[put("/servers/{id}/credentials/{credential_id}")]
async fn change_credential(
    call: Call,
    path: web::Path<(ServerId, CredentialId)>,
    IfMatch(precondition): IfMatch,
    Replacement(draft): Replacement<CredentialDraft>,
) -> Result<Entity<ServerCredential>, Failure> {
    let (server, credential) = *path;
    Ok(Entity(call.dispatch(ChangeCredential { server, credential, draft, precondition }).await?))
}

/// Remove a credential of a server
///
/// It is not kept, and neither is its password.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("credential_id" = CredentialId, Path, description = "The id of the credential"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on")),
    responses((status = 204, description = "Removed"), RemoveProblems)
)]
#[delete("/servers/{id}/credentials/{credential_id}")]
async fn remove_credential(
    call: Call,
    path: web::Path<(ServerId, CredentialId)>,
    IfMatch(precondition): IfMatch,
) -> Result<HttpResponse, Failure> {
    let (server, credential) = *path;
    call.dispatch(RemoveCredential { server, credential, precondition }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Why a password is to be revealed.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
struct RevealBody {
    /// For the record: it stands in the event `server.credential.revealed`.
    reason: RevealReason,
}

/// A password.
#[derive(Serialize, ToSchema)]
struct RevealedPassword<'s> {
    #[schema(format = Password, example = "…")]
    password: &'s str,
}

/// Reveal the password of a credential
///
/// The event that tells who saw it, when and why is stored before the password is answered. It counts as a revision of the
/// server.
#[utoipa::path(
    tag = "servers",
    params(("id" = ServerId, Path, description = "The id of the server"),
        ("credential_id" = CredentialId, Path, description = "The id of the credential")),
    request_body(content = RevealBody, content_type = "application/json"),
    responses((status = 200, description = "The password, not to be stored", body = RevealedPassword), RevealProblems)
)]
#[post("/servers/{id}/credentials/{credential_id}/reveal")]
async fn reveal_credential(
    call: Call,
    path: web::Path<(ServerId, CredentialId)>,
    Body(RevealBody { reason }): Body<RevealBody>,
) -> Result<HttpResponse, Failure> {
    let (server, credential) = *path;
    let secret = call.dispatch(RevealCredential { server, credential, reason }).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .json(RevealedPassword { password: secret.expose() }))
}
