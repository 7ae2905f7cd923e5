//! Who is asking: nobody gets past this without a valid token, but to what is open to everyone.

use std::time::Duration;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue, ORIGIN};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use servertree_kernel::authentication::{NotAuthenticated, RenewAccess};
use servertree_kernel::domain::Secret;
use servertree_kernel::http::{ACCESS_COOKIE, API_BASE, Origin, access_cookie};
use servertree_kernel::message::{Account, Caller, Message};
use servertree_kernel::plugin::Application;
use servertree_kernel::problem::{FOREIGN_ORIGIN, Failure, Problem, ProblemType};

/// Open to everyone: what tells about the service itself and shows nothing of the inventory.
const OPEN: [&str; 6] = ["/", "/openapi.json", "/docs", "/problems", "/health", "/.well-known/jwks.json"];

/// Where browsers find the service: the origins of our own pages. Put it into the app's data.
pub struct OwnOrigins(pub Vec<String>);

/// How long before its end a cookie is renewed: most of the life of an access token, which is 15 minutes.
const RENEWED_BEFORE: Duration = Duration::from_mins(10);

/// How long an answer waits for that: there is time for it with the next one.
const RENEWED_WITHIN: Duration = Duration::from_millis(250);

/// By what a request said who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    Bearer,
    Cookie,
}

/// What a request carries to say who asks.
enum Credential {
    Bearer(String),
    /// A browser sends it along with whatever a page makes it send.
    Cookie(String),
}

/// Middleware: finds out who asks before path, query or body are looked at. Without a verifier of tokens nobody gets in.
pub async fn admit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let shown = match identify(&request).await {
        Ok(shown) => shown,
        Err(failure) => return Ok(request.error_response(failure).map_into_right_body()),
    };
    let mut answer = next.call(request).await?;
    if shown == Shown::Cookie {
        renew_access(&mut answer).await;
    }
    Ok(answer.map_into_left_body())
}

async fn identify(request: &ServiceRequest) -> Result<Shown, Failure> {
    let Some(application) = request.app_data::<web::Data<Application>>().cloned() else {
        return Err(NotAuthenticated.into());
    };
    let Some(verifier) = &application.token_verifier else { return Err(NotAuthenticated.into()) };
    if is_own_page(request.path()) {
        return Ok(Shown::Nothing);
    }
    let is_open = is_open(request.method().as_str(), request.path(), application.open.iter());
    let credential = match credential(request) {
        Some(credential) => credential,
        None if is_open => return require_no_foreign_origin(request).map(|()| Shown::Nothing),
        None => return Err(NotAuthenticated.into()),
    };
    let (Credential::Bearer(token) | Credential::Cookie(token)) = &credential;
    match verifier.verify(token).await? {
        Some(caller) => is_asked_by(request, caller, token),
        None if is_open => return require_no_foreign_origin(request).map(|()| Shown::Nothing),
        None => return Err(NotAuthenticated.into()),
    }
    match credential {
        Credential::Cookie(_) => {
            if !request.method().is_safe() {
                require_own_origin(request)?;
            }
            Ok(Shown::Cookie)
        }
        Credential::Bearer(_) => Ok(Shown::Bearer),
    }
}

/// Adds a new cookie where the old one has not got long to live: a browser stays logged in as long as its session lasts.
async fn renew_access<B>(answer: &mut ServiceResponse<B>) {
    let Some(application) = answer.request().app_data::<web::Data<Application>>().cloned() else { return };
    let Some(origin) = answer.request().extensions().get::<Origin>().cloned() else { return };
    let now = application.clock().now();
    let is_due = |account: Account| account.until.is_some_and(|until| until.before(RENEWED_BEFORE) <= now);
    let sets_one = answer.response().cookies().any(|cookie| cookie.name() == ACCESS_COOKIE);
    if !origin.caller.account().is_some_and(is_due) || sets_one || !answer.status().is_success() {
        return;
    }
    let message = Message::new(origin.caller, origin.request_id, origin.traceparent, now);
    // Whoever's session has just ended, or cannot be renewed right now, goes on with what they have.
    let renewal = application.commands.dispatch(RenewAccess, message);
    if let Ok(Ok(renewed)) = tokio::time::timeout(RENEWED_WITHIN, renewal).await {
        let cookie = access_cookie(&renewed.access_token, renewed.expires_at);
        if answer.response_mut().add_cookie(&cookie).is_ok() {
            answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

fn is_asked_by(request: &ServiceRequest, caller: Caller, token: &str) {
    if let Some(origin) = request.extensions_mut().get_mut::<Origin>() {
        origin.caller = caller;
        origin.token = Secret::parse(token.to_owned()).ok();
    }
}

/// Whether it is open to everyone; `open` is what contexts open.
pub fn is_open<'o>(
    method: &str,
    path: &str,
    mut open: impl Iterator<Item = &'o (&'static str, &'static str)>,
) -> bool {
    let of_a_context = |below| open.any(|route| *route == (method, below));
    is_own_page(path) || path.strip_prefix(API_BASE).is_some_and(of_a_context)
}

/// The host's own pages: exact paths, and what is below them of pages that belong together. They are the same whoever asks, and
/// are there when nobody can say who that is.
fn is_own_page(path: &str) -> bool {
    let is_below =
        |open: &str| open != "/" && path.strip_prefix(open).is_some_and(|rest| rest.starts_with('/'));
    OPEN.iter().any(|open| path == *open || is_below(open)) || path.strip_prefix(API_BASE) == Some("/")
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
    let own = request.app_data::<web::Data<OwnOrigins>>();
    let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let is_own = own.zip(origin).is_some_and(|(own, origin)| own.0.iter().any(|one| one == origin));
    if is_own { Ok(()) } else { Err(ForeignOrigin.into()) }
}

/// Nor can it make a browser log in as somebody else: what is open, and no page of ours, must not come from a page at all.
fn require_no_foreign_origin(request: &ServiceRequest) -> Result<(), Failure> {
    let comes_from_a_page = request.headers().contains_key(ORIGIN);
    if request.method().is_safe() || !comes_from_a_page { Ok(()) } else { require_own_origin(request) }
}

#[derive(Debug, thiserror::Error)]
#[error("a change that a browser sends needs the header Origin to be http.public_url")]
struct ForeignOrigin;

impl Problem for ForeignOrigin {
    fn problem(&self) -> &'static ProblemType {
        &FOREIGN_ORIGIN
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::http::header::{COOKIE, SET_COOKIE};
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse};
    use servertree_kernel::administration::CreateFirstAdministrator;
    use servertree_kernel::http::render_problems;
    use servertree_kernel::plugin::Context;
    use servertree_kernel::testkit::Testbed;
    use utoipa_actix_web::{AppExt, scope};

    use super::super::observe::observe;
    use super::*;

    /// A browser that goes on asking stays logged in, without asking for that.
    #[actix_web::test]
    async fn a_cookie_is_renewed_before_it_ends() {
        let test = Testbed::of(&Context::all().unwrap()).start().await;
        let create = CreateFirstAdministrator { keep: Arc::new(|_| Ok(())) };
        let administrator = test.dispatch_as(&Caller::local_operator(), create).await.unwrap().unwrap();
        let application = test.application.clone();
        let app = App::new()
            .app_data(web::Data::new(application.clone()))
            .wrap(from_fn(admit))
            .wrap(from_fn(render_problems))
            .wrap(from_fn(observe))
            .into_utoipa_app()
            .service(scope::scope(API_BASE).configure(|config| {
                application.contexts.iter().for_each(|context| (context.routes)(config));
            }))
            .into_app()
            .default_service(web::to(HttpResponse::NotFound));
        let app = init_service(app).await;
        let credentials = serde_json::json!({
            "username": administrator.username, "password": administrator.password.expose(),
        });
        let log_in = TestRequest::post().uri("/api/v1/account/login").set_json(credentials).to_request();
        let logged_in = call_service(&app, log_in).await;
        let cookie_of = |header: Option<&actix_web::http::header::HeaderValue>| {
            let header = header?.to_str().unwrap();
            Some(header.split(';').next().unwrap().to_owned())
        };
        let mut cookie = cookie_of(logged_in.headers().get(SET_COOKIE)).unwrap();
        assert!(cookie.starts_with("__Host-servertree_token="), "{cookie}");
        let (mut renewals, mut asked) = (0, 0);
        // Four minutes between requests, for longer than any token lives, up to the end of the session.
        loop {
            test.clock.advance(Duration::from_mins(4));
            let request =
                TestRequest::get().uri("/api/v1/account/me").insert_header((COOKIE, cookie.as_str()));
            let answer = call_service(&app, request.to_request()).await;
            if !answer.status().is_success() {
                break;
            }
            asked += 1;
            if let Some(renewed) = cookie_of(answer.headers().get(SET_COOKIE)) {
                assert_eq!(answer.headers().get(CACHE_CONTROL).unwrap(), "no-store");
                assert_ne!(renewed, cookie);
                (cookie, renewals) = (renewed, renewals + 1);
            }
        }
        assert_eq!(asked, 179, "twelve hours");
        assert!((80..90).contains(&renewals), "every other request, and none at the end, not {renewals}");
        test.finish().await;
    }
}
