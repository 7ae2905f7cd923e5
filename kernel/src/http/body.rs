//! Bodies: JSON of limited size, in limited time, with every faulty field named.

use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use deserr::Deserr;
use futures_util::StreamExt;
use thiserror::Error;

use crate::fields::{self, FieldErrors, Replaceable, ignore_filled_in};
use crate::json;
use crate::merge_patch::MergePatch;
use crate::problem::{
    BODY_TOO_LARGE, Failure, MALFORMED_JSON, Problem, ProblemType, REQUEST_TIMED_OUT, UNSUPPORTED_MEDIA_TYPE,
};

pub(super) const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// The largest body that is taken: 1 MiB.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// What of a body that is too large is read and thrown away, so that its sender, who may still be writing, gets to
/// read the answer.
const MAX_DISCARDED_BYTES: usize = 8 * MAX_BODY_BYTES;

/// How long a body may take to arrive. Put it into the app's data; without it the default holds.
#[derive(Clone, Copy, Debug)]
pub struct BodyTimeout(pub Duration);

impl Default for BodyTimeout {
    fn default() -> Self {
        Self(Duration::from_secs(30))
    }
}

/// Extractor: the body, read into a `T` whose value objects have checked it.
pub struct Body<T>(pub T);

/// Extractor: the body, if there is one.
pub struct OptionalBody<T>(pub Option<T>);

/// Extractor: the body of a PUT. As a client sends back what it got, fields that the service fills in are accepted
/// and ignored.
pub struct Replacement<T>(pub T);

/// Extractor: the body of a PATCH, a JSON Merge Patch (RFC 7396). As with PUT, fields that the service fills in are
/// ignored.
pub struct Patch<T> {
    /// What is to be merged into the entity.
    pub patch: MergePatch,
    of: PhantomData<fn() -> T>,
}

impl<T: Deserr<FieldErrors> + 'static> FromRequest for Body<T> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = receive(request, payload, &[JSON]);
        Box::pin(async move { Ok(Self(fields::parse(json.await?)?)) })
    }
}

impl<T: Deserr<FieldErrors> + 'static> FromRequest for OptionalBody<T> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let length = request.headers().get(header::CONTENT_LENGTH);
        let has_body = length.is_some_and(|length| length != "0")
            || request.headers().contains_key(header::TRANSFER_ENCODING);
        if !has_body {
            return Box::pin(async { Ok(Self(None)) });
        }
        let body = Body::from_request(request, payload);
        Box::pin(async move { Ok(Self(Some(body.await?.0))) })
    }
}

impl<T: Deserr<FieldErrors> + Replaceable + 'static> FromRequest for Replacement<T> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = receive(request, payload, &[JSON]);
        Box::pin(async move {
            let mut json = json.await?;
            ignore_filled_in::<T>(&mut json);
            Ok(Self(fields::parse(json)?))
        })
    }
}

impl<T: Replaceable + 'static> FromRequest for Patch<T> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = receive(request, payload, &[MERGE_PATCH, JSON]);
        Box::pin(async move {
            let mut json = json.await?;
            ignore_filled_in::<T>(&mut json);
            Ok(Self { patch: MergePatch::new(json)?, of: PhantomData })
        })
    }
}

/// The JSON of the body.
pub(super) fn receive(
    request: &HttpRequest,
    payload: &mut Payload,
    media_types: &[&str],
) -> impl Future<Output = Result<serde_json::Value, BodyError>> + use<> {
    let media_type = is_plain(request, media_types);
    let limit =
        request.app_data::<web::Data<BodyTimeout>>().map_or_else(BodyTimeout::default, |data| ***data);
    let mut payload = payload.take();
    async move {
        media_type?;
        let bytes =
            tokio::time::timeout(limit.0, read(&mut payload)).await.map_err(|_| BodyError::TimedOut)??;
        json::parse(&bytes).map_err(BodyError::Json)
    }
}

fn is_plain(request: &HttpRequest, media_types: &[&str]) -> Result<(), BodyError> {
    let media_type = request.content_type();
    if !media_types.iter().any(|taken| media_type.eq_ignore_ascii_case(taken)) {
        let taken = media_types.join(" or ");
        return Err(BodyError::MediaType { taken, found: fields::shortened(media_type) });
    }
    // JSON is UTF-8 (RFC 8259); whoever says otherwise sends something else.
    let charset = mime_parameter(request, "charset");
    if charset.is_some_and(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
        return Err(BodyError::Charset);
    }
    match request.headers().get(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => Err(BodyError::Encoding),
        _ => Ok(()),
    }
}

/// A parameter of the content type.
fn mime_parameter<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    let content_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let value = |(key, value): (&str, &'r str)| key.trim().eq_ignore_ascii_case(name).then(|| value.trim());
    parameters.filter_map(value).next().map(|value| value.trim_matches('"'))
}

async fn read(payload: &mut Payload) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    let mut received = 0;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| BodyError::BrokenOff(error.to_string()))?;
        received += chunk.len();
        if received > MAX_DISCARDED_BYTES {
            return Err(BodyError::TooLarge);
        }
        if received <= MAX_BODY_BYTES {
            bytes.extend_from_slice(&chunk);
        }
    }
    if received > MAX_BODY_BYTES { Err(BodyError::TooLarge) } else { Ok(bytes) }
}

/// A body that is not taken.
#[derive(Debug, Error)]
pub(super) enum BodyError {
    #[error("the body must be {taken}, not '{found}'")]
    MediaType { taken: String, found: String },
    #[error("the body must be UTF-8")]
    Charset,
    #[error("the body must not be compressed")]
    Encoding,
    #[error("the body has more than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    #[error("the body did not arrive in time")]
    TimedOut,
    #[error("the body broke off: {0}")]
    BrokenOff(String),
    #[error("the body is not JSON: {0}")]
    Json(serde_json::Error),
}

impl Problem for BodyError {
    fn problem(&self) -> &'static ProblemType {
        match self {
            Self::MediaType { .. } | Self::Charset | Self::Encoding => &UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => &BODY_TOO_LARGE,
            Self::TimedOut => &REQUEST_TIMED_OUT,
            Self::BrokenOff(_) | Self::Json(_) => &MALFORMED_JSON,
        }
    }
}
