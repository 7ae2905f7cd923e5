//! One entity on the wire, with its ETag and the conditions on it (RFC 9110, section 13).

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::header::{self, ETag, EntityTag, Header, HeaderName, IfNoneMatch};
use actix_web::http::{Method, StatusCode};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::domain::{Precondition, Revision};
use crate::idempotency::Answer;
use crate::problem::{Failure, Internal, InvalidParameter};

/// What an entity looks like from outside.
pub trait Representation: Serialize {
    /// The revision that it shows.
    fn revision(&self) -> Revision;
}

/// Tells that what is answered was answered before.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Answers 200 with the entity and its ETag; 304 when the caller has just this one.
pub struct Entity<T>(pub T);

/// Answers 201 with the entity, its ETag, and where it is from now on.
pub struct Created<T> {
    /// The path of the entity.
    pub location: String,
    /// The entity.
    pub entity: T,
}

impl<T: Representation> Responder for Entity<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let (json, tag) = match represent(&self.0) {
            Ok(represented) => represented,
            Err(failure) => return HttpResponse::from_error(failure),
        };
        if *request.method() == Method::GET && is_known(request, &tag) {
            return HttpResponse::NotModified().insert_header(ETag(tag)).finish();
        }
        HttpResponse::Ok().insert_header(ETag(tag)).content_type(header::ContentType::json()).body(json)
    }
}

/// What can be answered to a POST.
pub trait PostAnswer {
    /// The answer as it is sent, and kept for repetitions of the request.
    fn render(self) -> Result<Answer, Failure>;
}

impl<T: Representation> PostAnswer for Created<T> {
    fn render(self) -> Result<Answer, Failure> {
        let (body, tag) = represent(&self.entity)?;
        let etag = Some(tag.to_string());
        Ok(Answer { status: 201, location: Some(self.location), etag, body, replayed: false })
    }
}

impl<T: Representation> PostAnswer for Entity<T> {
    fn render(self) -> Result<Answer, Failure> {
        let (body, tag) = represent(&self.0)?;
        Ok(Answer { status: 200, location: None, etag: Some(tag.to_string()), body, replayed: false })
    }
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        response.content_type(header::ContentType::json());
        for (name, value) in [(header::LOCATION, self.location), (header::ETAG, self.etag)] {
            if let Some(value) = value {
                response.insert_header((name, value));
            }
        }
        if self.replayed {
            response.insert_header((IDEMPOTENCY_REPLAYED, "true"));
        }
        response.body(self.body)
    }
}

/// `"<revision>-<digest of the JSON>"`. The digest also tells apart what one revision looks like to callers who may
/// see more or less of it.
fn represent<T: Representation>(entity: &T) -> Result<(Vec<u8>, EntityTag), Failure> {
    let json = serde_json::to_vec(entity).map_err(|error| Internal(format!("no JSON: {error}")))?;
    let tag = format!("{}-{:016x}", entity.revision(), xxh3_64(&json));
    Ok((json, EntityTag::new_strong(tag)))
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match request.get_header::<IfNoneMatch>() {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        None => false,
    }
}

/// Extractor: the revisions that `If-Match` names. Of a tag only the revision counts: a write is at odds with other
/// writes, not with how somebody looked at the entity.
#[derive(Debug)]
pub struct IfMatch(pub Precondition);

impl IfMatch {
    fn of(request: &HttpRequest) -> Result<Self, Failure> {
        if !request.headers().contains_key(header::IF_MATCH) {
            return Ok(Self(Precondition::Any));
        }
        match header::IfMatch::parse(request) {
            Ok(header::IfMatch::Any) => Ok(Self(Precondition::Any)),
            Ok(header::IfMatch::Items(tags)) if tags.len() == parts(request) => {
                Ok(Self(Precondition::OneOf(tags.iter().filter_map(revision_in).collect())))
            }
            _ => {
                let message = "must be * or entity tags as the ETag header gave them, in double quotes";
                Err(InvalidParameter::new("If-Match", "invalid_format", message).into())
            }
        }
    }
}

/// How many tags the header should have: what is no tag is left out when it is read, and must not go unnoticed.
fn parts(request: &HttpRequest) -> usize {
    request
        .headers()
        .get_all(header::IF_MATCH)
        .map(|value| value.as_bytes().split(|byte| *byte == b',').count())
        .sum()
}

/// The revision in a tag of ours. A weak tag matches nothing (RFC 9110, section 13.1.1).
fn revision_in(tag: &EntityTag) -> Option<Revision> {
    let (revision, _digest) = tag.tag().split_once('-')?;
    let is_number = revision.bytes().all(|byte| byte.is_ascii_digit());
    if tag.weak || !is_number { None } else { revision.parse().ok() }
}

impl FromRequest for IfMatch {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn precondition(value: &str) -> Result<Precondition, Failure> {
        let request = TestRequest::put().insert_header((header::IF_MATCH, value)).to_http_request();
        IfMatch::of(&request).map(|header| header.0)
    }

    #[test]
    fn if_match_names_revisions() {
        assert_eq!(precondition("*").unwrap(), Precondition::Any);
        assert_eq!(precondition("\"3-a1\", \"4-b2\"").unwrap(), Precondition::OneOf(vec![3, 4]));
    }

    #[test]
    fn tags_that_are_not_ours_match_nothing() {
        for tag in ["\"abc\"", "W/\"3-a1\"", "\"-1-a\"", "\"+1-a\"", "\"3\""] {
            assert_eq!(precondition(tag).unwrap(), Precondition::OneOf(vec![]), "{tag}");
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for header in ["3", "", "\"3-a1\", junk", "\"3-a1\" \"4-b2\""] {
            assert_eq!(precondition(header).unwrap_err().kind(), crate::problem::Kind::Malformed, "{header}");
        }
    }
}
