//! Errors on the wire: RFC 9457 `application/problem+json`, made in this one place.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};

use super::call::Origin;
use super::openapi::ProblemDetails;
use crate::problem::{
    BAD_REQUEST, BODY_TOO_LARGE, Failure, INTERNAL, Kind, METHOD_NOT_ALLOWED, NOT_FOUND, Problem,
    ProblemType, REQUEST_TIMED_OUT, UNSUPPORTED_MEDIA_TYPE,
};

/// Seconds after which it makes sense to ask again when something was not available.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// How to say who one is (RFC 6750).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"ServerTree\"");

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The status and the headers; [`render_problems`] adds the body, which names the request.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        if matches!(self.kind(), Kind::Unavailable | Kind::TooMany) {
            response.headers_mut().insert(header::RETRY_AFTER, self.seconds_to_retry());
        }
        if self.kind() == Kind::Unauthenticated {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        if let Some(allow) = self.allow() {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }
}

/// There is something here, but it does not take this method.
#[derive(Debug, thiserror::Error)]
#[error("allowed here: {allow}")]
pub struct MethodNotAllowed {
    /// The methods it takes, as the `Allow` header has them.
    pub allow: String,
}

impl Problem for MethodNotAllowed {
    fn problem(&self) -> &'static ProblemType {
        &METHOD_NOT_ALLOWED
    }
}

impl Failure {
    /// In whole seconds, rounded up: whoever waits that long is not told to wait again.
    fn seconds_to_retry(&self) -> HeaderValue {
        let exact = self.retry_after().map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0));
        exact.map_or(RETRY_AFTER, HeaderValue::from)
    }

    fn allow(&self) -> Option<HeaderValue> {
        let MethodNotAllowed { allow } = self.downcast_ref()?;
        HeaderValue::from_str(allow).ok()
    }
}

/// Middleware: gives every answer of 400 and above a problem+json body, whoever made it, and logs those of 500 and
/// above with all that is known, which the caller does not get to see.
pub async fn render_problems(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answer = next.call(request).await?;
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(answer.map_into_boxed_body());
    }
    let (request, response) = answer.into_parts();
    let request_id = request.extensions().get::<Origin>().map(|origin| origin.request_id.to_string());
    let failure = response.error().and_then(|error| error.as_error::<Failure>());
    let problem = failure.map_or_else(|| by_status(status), Failure::problem);
    if problem.kind.status() >= 500 {
        let error = failure
            .map_or_else(|| response.error().map(ToString::to_string).unwrap_or_default(), Failure::chain);
        match problem.kind {
            Kind::Unavailable => tracing::warn!(request_id, code = problem.code, error, "a request failed"),
            _ => tracing::error!(request_id, code = problem.code, error, "a request failed"),
        }
    }
    let details = ProblemDetails {
        type_: format!("/problems/{}", problem.code),
        title: problem.title,
        status: status.as_u16(),
        detail: match failure {
            Some(failure) if !problem.kind.is_internal() => failure.to_string(),
            _ => problem.title.to_owned(),
        },
        instance: request.path().to_owned(),
        code: problem.code,
        errors: failure.map(|failure| failure.fields().to_vec()).unwrap_or_default(),
        request_id: if problem.kind.is_internal() { request_id } else { None },
    };
    let mut rendered = HttpResponse::build(status);
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            rendered.append_header((name, value));
        }
    }
    let rendered = rendered
        .content_type("application/problem+json")
        .body(serde_json::to_vec(&details).unwrap_or_default());
    Ok(ServiceResponse::new(request, rendered))
}

/// The type of problem for an error that did not come from us.
fn by_status(status: StatusCode) -> &'static ProblemType {
    match status {
        StatusCode::NOT_FOUND => &NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => &METHOD_NOT_ALLOWED,
        StatusCode::REQUEST_TIMEOUT => &REQUEST_TIMED_OUT,
        StatusCode::PAYLOAD_TOO_LARGE => &BODY_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => &UNSUPPORTED_MEDIA_TYPE,
        status if status.is_client_error() => &BAD_REQUEST,
        _ => &INTERNAL,
    }
}
