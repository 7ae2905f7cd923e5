//! The routes of one's own account.

use actix_web::http::header::{self, CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, post, put};
use deserr::Deserr;
use serde::Serialize;
use servertree_kernel::domain::Timestamp;
use servertree_kernel::fields::FieldErrors;
use servertree_kernel::http::{
    ALWAYS, API_BASE, BODY, Body, Call, Created, Entity, PostAnswer, access_cookie, removed_access_cookie,
};
use servertree_kernel::idempotency::Answer;
use servertree_kernel::problem::Failure;
use servertree_kernel::{problem_responses, text};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::application::change_password::ChangePassword;
use crate::application::find_account::FindAccount;
use crate::application::find_user::UserView;
use crate::application::log_in::{LogIn, LoggedIn};
use crate::application::log_out::LogOut;
use crate::application::renew_session::RenewSession;
use crate::application::sign_up::SignUp;
use crate::domain::{Password, PasswordAttempt, RoleName, UserId, Username};
use crate::error::{
    LOGGED_IN, SESSION_NEEDED, SIGN_UP_CLOSED, TOO_MANY_ATTEMPTS, USERNAME_TAKEN, WRONG_CREDENTIALS,
    WRONG_PASSWORD,
};

/// What of `User-Agent` is kept, in characters.
const USER_AGENT_LENGTH: usize = 200;
const NO_STORE: (header::HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// All of them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(sign_up)
        .service(log_in)
        .service(log_out)
        .service(find_account)
        .service(renew_session)
        .service(change_password);
}

problem_responses! {
    SignUpProblems: ALWAYS, BODY, &[&LOGGED_IN, &SIGN_UP_CLOSED, &USERNAME_TAKEN, &TOO_MANY_ATTEMPTS];
    LogInProblems: ALWAYS, BODY, &[&LOGGED_IN, &WRONG_CREDENTIALS, &TOO_MANY_ATTEMPTS];
    AccountProblems: ALWAYS;
    SessionProblems: ALWAYS, &[&SESSION_NEEDED];
    PasswordProblems: ALWAYS, BODY, &[&SESSION_NEEDED, &WRONG_PASSWORD, &TOO_MANY_ATTEMPTS];
}

/// A new account.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
struct SignUpBody {
    /// The name to log in with.
    username: Username,
    /// The password: not among the commonest, and not the name.
    #[schema(example = "correct horse battery")]
    password: Password,
}

/// Sign up
///
/// Gives oneself an account with the role `user`, which sees nothing of the inventory: an administrator gives it more. Where
/// `accounts.signup` is off, only administrators make accounts.
#[utoipa::path(
    tag = "account",
    request_body(content = SignUpBody, content_type = "application/json"),
    responses(
        (status = 201, description = "Signed up", body = UserView,
            headers(("Location" = String, description = "Where the account is"), ("ETag" = String))),
        SignUpProblems
    )
)]
#[post("/account/signup")]
async fn sign_up(call: Call, Body(body): Body<SignUpBody>) -> Result<Answer, Failure> {
    let SignUpBody { username, password } = body;
    let entity: UserView = call.dispatch(SignUp { username, password }).await?;
    Created { location: format!("{API_BASE}/account/me"), entity }.render()
}

text! {
    /// A name as it is typed to log in.
    pub struct TypedName {
        normal: |text: String| text.to_ascii_lowercase(),
        length: 1..=256,
        allows: |_| true,
        rule: "a name",
        pattern: "",
        example: "ada",
    }
}

/// Who wants to log in.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
struct LogInBody {
    /// The name of the user.
    #[schema(value_type = String, example = "ada")]
    username: TypedName,
    /// The password.
    #[schema(example = "correct horse battery")]
    password: PasswordAttempt,
}

/// An access token.
#[derive(Serialize, ToSchema)]
struct LoggedInBody {
    /// To be sent as `Authorization: Bearer …`. It is a secret.
    #[schema(example = "eyJhbGciOiJFZERTQSIs…")]
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Until when it is good. Renew it before; the session itself ends 12 hours after the log-in.
    expires_at: Timestamp,
    user: LoggedInUser,
}

/// Who logged in.
#[derive(Serialize, ToSchema)]
struct LoggedInUser {
    id: UserId,
    #[schema(value_type = Username)]
    username: String,
    #[schema(value_type = Vec<RoleName>)]
    roles: Vec<String>,
}

/// Log in
///
/// Opens a session of 12 hours. The answer has an access token of 15 minutes, in the body and as a cookie for browsers.
#[utoipa::path(
    tag = "account",
    request_body(content = LogInBody, content_type = "application/json"),
    responses((status = 200, description = "Logged in", body = LoggedInBody,
        headers(("Set-Cookie" = String, description = "The same token, for browsers"))), LogInProblems)
)]
#[post("/account/login")]
async fn log_in(
    request: HttpRequest,
    call: Call,
    Body(body): Body<LogInBody>,
) -> Result<HttpResponse, Failure> {
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let user_agent = agent.map(|agent| agent.chars().take(USER_AGENT_LENGTH).collect());
    let LogInBody { username, password } = body;
    let logged_in = call.dispatch(LogIn { username: username.into(), password, user_agent }).await?;
    Ok(logged_in_answer(logged_in))
}

/// Renew the session
///
/// A new access token, while the session lasts.
#[utoipa::path(
    tag = "account",
    responses((status = 200, description = "Renewed", body = LoggedInBody,
        headers(("Set-Cookie" = String, description = "The same token, for browsers"))), SessionProblems)
)]
#[post("/account/renew")]
async fn renew_session(call: Call) -> Result<HttpResponse, Failure> {
    Ok(logged_in_answer(call.dispatch(RenewSession).await?))
}

/// Log out
///
/// The session ends, and all access tokens of it.
#[utoipa::path(tag = "account", responses((status = 204, description = "Logged out"), SessionProblems))]
#[post("/account/logout")]
async fn log_out(call: Call) -> Result<HttpResponse, Failure> {
    call.dispatch(LogOut).await?;
    Ok(logged_out_answer())
}

/// Find one's own account
#[utoipa::path(
    tag = "account",
    responses((status = 200, description = "The account", body = UserView, headers(("ETag" = String))), AccountProblems)
)]
#[get("/account/me")]
async fn find_account(call: Call) -> Result<Entity<UserView>, Failure> {
    Ok(Entity(call.ask(FindAccount).await?))
}

/// Another password.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
struct ChangePasswordBody {
    /// The one that it is.
    #[schema(example = "correct horse battery")]
    current_password: PasswordAttempt,
    /// The one that it is to be.
    #[schema(example = "staple battery horse")]
    new_password: Password,
}

/// Change one's own password
///
/// All sessions end, this one too, and all tokens: log in again.
#[utoipa::path(
    tag = "account",
    request_body(content = ChangePasswordBody, content_type = "application/json"),
    responses((status = 204, description = "Changed"), PasswordProblems)
)]
#[put("/account/password")]
async fn change_password(call: Call, Body(body): Body<ChangePasswordBody>) -> Result<HttpResponse, Failure> {
    let ChangePasswordBody { current_password: current, new_password: new } = body;
    call.dispatch(ChangePassword { current, new }).await?;
    Ok(logged_out_answer())
}

/// Not to be stored by anybody on the way; browsers keep the token where pages cannot read it.
fn logged_in_answer(logged_in: LoggedIn) -> HttpResponse {
    let LoggedIn { access_token, expires_at, user } = logged_in;
    let cookie = access_cookie(&access_token, expires_at);
    HttpResponse::Ok().insert_header(NO_STORE).cookie(cookie).json(LoggedInBody {
        access_token: access_token.expose().to_owned(),
        token_type: "Bearer",
        expires_at,
        user: LoggedInUser { id: user.id, username: user.username, roles: user.roles },
    })
}

fn logged_out_answer() -> HttpResponse {
    HttpResponse::NoContent().insert_header(NO_STORE).cookie(removed_access_cookie()).finish()
}
