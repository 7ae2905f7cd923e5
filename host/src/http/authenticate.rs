//! Who is asking: nobody gets past this without a valid token, but to what is open to everyone.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderName, ORIGIN};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use servertree_kernel::authentication::NotAuthenticated;
use servertree_kernel::http::{ACCESS_COOKIE, API_BASE, Origin};
use servertree_kernel::message::Caller;
use servertree_kernel::plugin::Application;
use servertree_kernel::problem::{FOREIGN_ORIGIN, Failure, Problem, ProblemType};

/// Open to everyone: what tells about the service itself and shows nothing of the inventory.
const OPEN: [&str; 6] = ["/", "/openapi.json", "/docs", "/problems", "/health", "/.well-known/jwks.json"];

/// Where browsers find the service. Put it into the app's data.
pub struct PublicUrl(pub String);

/// What a request carries to say who asks.
enum Credential {
    Bearer(String),
    /// A browser sends it along with whatever a page makes it send.
    Cookie(String),
}

/// Middleware: finds out who asks before path, query or body are looked at. Without a verifier of tokens it changes nothing:
/// whoever gets here is the local operator.
pub async fn admit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match identify(&request).await {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_left_body),
        Err(failure) => Ok(request.error_response(failure).map_into_right_body()),
    }
}

async fn identify(request: &ServiceRequest) -> Result<(), Failure> {
    let Some(application) = request.app_data::<web::Data<Application>>().cloned() else {
        return Err(NotAuthenticated.into());
    };
    let Some(verifier) = &application.token_verifier else {
        is_asked_by(request, Caller::local_operator());
        return Ok(());
    };
    let is_open = is_open(request, &application);
    let credential = match credential(request) {
        Some(credential) => credential,
        None if is_open => return require_no_foreign_origin(request),
        None => return Err(NotAuthenticated.into()),
    };
    let (Credential::Bearer(token) | Credential::Cookie(token)) = &credential;
    match verifier.verify(token).await? {
        Some(caller) => is_asked_by(request, caller),
        None if is_open => return require_no_foreign_origin(request),
        None => return Err(NotAuthenticated.into()),
    }
    match credential {
        Credential::Cookie(_) if !request.method().is_safe() => require_own_origin(request),
        _ => Ok(()),
    }
}

fn is_asked_by(request: &ServiceRequest, caller: Caller) {
    if let Some(origin) = request.extensions_mut().get_mut::<Origin>() {
        origin.caller = caller;
    }
}

/// Exact paths, and what is below them of pages that belong together.
fn is_open(request: &ServiceRequest, application: &Application) -> bool {
    let path = request.path();
    let is_below =
        |open: &str| open != "/" && path.strip_prefix(open).is_some_and(|rest| rest.starts_with('/'));
    if OPEN.iter().any(|open| path == *open || is_below(open)) {
        return true;
    }
    match path.strip_prefix(API_BASE) {
        Some("/") => true,
        Some(below) => application.open.contains(&(request.method().as_str(), below)),
        None => false,
    }
}

/// A header goes before a cookie: what is said on purpose before what a browser adds. One that is not understood is no
/// reason to look at the cookie.
fn credential(request: &ServiceRequest) -> Option<Credential> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    if let Some(header) = headers.next() {
        // Which of several is meant, nobody knows.
        if headers.next().is_some() {
            return None;
        }
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        return is_bearer.then(|| Credential::Bearer(token.trim().to_owned()));
    }
    request.cookie(ACCESS_COOKIE).map(|cookie| Credential::Cookie(cookie.value().to_owned()))
}

/// A page from elsewhere can make a browser write with its cookie, but cannot make it lie about where it came from.
fn require_own_origin(request: &ServiceRequest) -> Result<(), Failure> {
    let own = request.app_data::<web::Data<PublicUrl>>().map(|url| url.0.as_str());
    let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
    if own.is_some() && origin == own { Ok(()) } else { Err(ForeignOrigin { header: ORIGIN }.into()) }
}

/// Nor can it make a browser log in as somebody else: what is open, and no page of ours, must not come from a page at all.
fn require_no_foreign_origin(request: &ServiceRequest) -> Result<(), Failure> {
    let comes_from_a_page = request.headers().contains_key(ORIGIN);
    if request.method().is_safe() || !comes_from_a_page { Ok(()) } else { require_own_origin(request) }
}

#[derive(Debug, thiserror::Error)]
#[error("a change that a browser sends needs the header {header} to be http.public_url")]
struct ForeignOrigin {
    header: HeaderName,
}

impl Problem for ForeignOrigin {
    fn problem(&self) -> &'static ProblemType {
        &FOREIGN_ORIGIN
    }
}
