//! The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header).

use std::future::{Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use deserr::Deserr;

use super::body::{JSON, receive};
use crate::fields::{self, FieldErrors};
use crate::idempotency::OnceRequest;
use crate::problem::{Failure, InvalidParameter};

const HEADER: &str = "Idempotency-Key";

/// Extractor: whether a POST without a body is to take effect once.
pub struct Once(pub(super) Option<OnceRequest>);

/// Extractor: the body of a POST, read into a `T` whose value objects have checked it, and whether the request is to take
/// effect once.
pub struct Posted<T>(pub T, pub Once);

impl Once {
    fn of(request: &HttpRequest, payload: &serde_json::Value) -> Result<Self, InvalidParameter> {
        let mut headers = request.headers().get_all(HEADER);
        let Some(header) = headers.next() else { return Ok(Self(None)) };
        let key = header.to_str().ok().map(str::trim).filter(|key| is_sane(key) && headers.next().is_none());
        let key = key.ok_or_else(|| {
            let message = "must be given once, as 1 to 255 visible ASCII characters";
            InvalidParameter::new(HEADER, "invalid_format", message)
        })?;
        Ok(Self(Some(OnceRequest {
            key: key.to_owned(),
            target: target(request),
            // The keys of its objects are sorted: the same payload has the same text.
            payload: payload.to_string().into_bytes(),
        })))
    }
}

/// The route with its ids, however they are written: a path can be encoded in many ways.
fn target(request: &HttpRequest) -> String {
    let pattern = request.match_pattern().unwrap_or_else(|| request.path().to_owned());
    let ids = request.match_info().iter().map(|(_, id)| id.to_ascii_lowercase());
    let parts = [request.method().to_string(), pattern].into_iter().chain(ids);
    parts.collect::<Vec<_>>().join(" ")
}

fn is_sane(key: &str) -> bool {
    (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

impl FromRequest for Once {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request, &serde_json::Value::Null).map_err(Into::into))
    }
}

impl<T: Deserr<FieldErrors> + 'static> FromRequest for Posted<T> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = receive(request, payload, &[JSON]);
        let request = request.clone();
        Box::pin(async move {
            let json = json.await?;
            let once = Once::of(&request, &json)?;
            Ok(Self(fields::parse(json)?, once))
        })
    }
}
