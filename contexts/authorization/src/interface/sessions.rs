//! The routes of one's own sessions, and of one's tokens for programs.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use actix_web::{HttpResponse, delete, get, post, web};
use serde::Serialize;
use servertree_kernel::http::{ALWAYS, API_BASE, BODY, Body, Call};
use servertree_kernel::problem::{Failure, NOT_FOUND};
use servertree_kernel::problem_responses;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::application::create_token::{CreateToken, NewToken};
use crate::application::end_session::EndSession;
use crate::application::find_sessions::{FindSessions, SessionView};
use crate::application::find_tokens::{FindTokens, TokenView};
use crate::application::remove_token::RemoveToken;
use crate::domain::{SessionId, TokenDraft, TokenId};
use crate::error::{SESSION_NEEDED, TOO_MANY_TOKENS};

/// All of them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(find_sessions)
        .service(end_session)
        .service(create_token)
        .service(find_tokens)
        .service(remove_token);
}

problem_responses! {
    ListProblems: ALWAYS;
    EndProblems: ALWAYS, &[&SESSION_NEEDED, &NOT_FOUND];
    CreateTokenProblems: ALWAYS, BODY, &[&SESSION_NEEDED, &TOO_MANY_TOKENS];
}

/// All there are: 100 at most.
#[derive(Serialize, ToSchema)]
struct Sessions {
    items: Vec<SessionView>,
}

/// All there are: 100 at most.
#[derive(Serialize, ToSchema)]
struct Tokens {
    items: Vec<TokenView>,
}

/// List one's own sessions
///
/// Those that go on, the oldest first.
#[utoipa::path(tag = "account", responses((status = 200, description = "The sessions", body = Sessions), ListProblems))]
#[get("/account/sessions")]
async fn find_sessions(call: Call) -> Result<web::Json<Sessions>, Failure> {
    Ok(web::Json(Sessions { items: call.ask(FindSessions).await? }))
}

/// End a session of one's own
///
/// Its access tokens are good for nothing from now on. To end one that has ended changes nothing.
#[utoipa::path(
    tag = "account",
    params(("id" = SessionId, Path, description = "The id of the session")),
    responses((status = 204, description = "Ended"), EndProblems)
)]
#[delete("/account/sessions/{id}")]
async fn end_session(call: Call, id: web::Path<SessionId>) -> Result<HttpResponse, Failure> {
    call.dispatch(EndSession { id: *id }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A token, with what it is itself.
#[derive(Serialize, ToSchema)]
struct NewTokenBody {
    #[serde(flatten)]
    view: TokenView,
    /// To be sent as `Authorization: Bearer …`. It is a secret, and shown this once.
    #[schema(example = "st_2xQJ8k…")]
    token: String,
}

/// Create a token for programs
///
/// It stands for the user who creates it, with all their roles, and cannot manage tokens, passwords or sessions. With
/// `read_only` it is good for looking only.
#[utoipa::path(
    tag = "account",
    request_body(content = TokenDraft, content_type = "application/json"),
    responses((status = 201, description = "Created", body = NewTokenBody,
        headers(("Location" = String, description = "Where it can be removed"))), CreateTokenProblems)
)]
#[post("/account/tokens")]
async fn create_token(call: Call, Body(draft): Body<TokenDraft>) -> Result<HttpResponse, Failure> {
    let NewToken { text, view } = call.dispatch(CreateToken { draft }).await?;
    let location = format!("{API_BASE}/account/tokens/{}", view.id);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .json(NewTokenBody { view, token: text.expose().to_owned() }))
}

/// List one's own tokens
///
/// The oldest first. What they are themselves is not shown.
#[utoipa::path(tag = "account", responses((status = 200, description = "The tokens", body = Tokens), ListProblems))]
#[get("/account/tokens")]
async fn find_tokens(call: Call) -> Result<web::Json<Tokens>, Failure> {
    Ok(web::Json(Tokens { items: call.ask(FindTokens).await? }))
}

/// Remove a token of one's own
///
/// It is good for nothing from now on.
#[utoipa::path(
    tag = "account",
    params(("id" = TokenId, Path, description = "The id of the token")),
    responses((status = 204, description = "Removed"), EndProblems)
)]
#[delete("/account/tokens/{id}")]
async fn remove_token(call: Call, id: web::Path<TokenId>) -> Result<HttpResponse, Failure> {
    call.dispatch(RemoveToken { id: *id }).await?;
    Ok(HttpResponse::NoContent().finish())
}
