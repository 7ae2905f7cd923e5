//! The problems that every context can answer with, and the errors behind some of them.

use super::{Problem, ProblemType};
use crate::fields::FieldError;
use crate::problems;

problems! {
    pub COMMON;

    BAD_REQUEST: Malformed "bad_request", "The request could not be understood",
        "The request is not valid HTTP, or not one that this service understands.";
    MALFORMED_JSON: Malformed "malformed_json", "The body is not JSON",
        "The body could not be read as JSON. The detail says where the reading stopped.";
    INVALID_PARAMETER: Malformed "invalid_parameter", "A parameter or header is not valid",
        "A parameter of the query string, or a header, is unknown or has a value that is not allowed. `errors` \
         names it and says what is.";
    NOT_AUTHENTICATED: Unauthenticated "not_authenticated", "Who is asking is not known",
        "The request carries nothing that says who is asking, or what it carries is not valid.";
    NOT_PERMITTED: Forbidden "not_permitted", "Not permitted",
        "The caller is known, but has no grant for this action on this type of object.";
    FOREIGN_ORIGIN: Forbidden "foreign_origin", "Not from this origin",
        "A change that a browser sends with its cookie, or a log-in from a page, needs its `Origin` to be `http.public_url`: pages \
         from elsewhere do not speak for whoever is logged in. Where nobody can log in, `Host` and `Origin` must name a loopback \
         address.";
    NOT_FOUND: NotFound "not_found", "Not found",
        "There is nothing at this address, or nothing with this id.";
    METHOD_NOT_ALLOWED: MethodNotAllowed "method_not_allowed", "Method not allowed",
        "There is something at this address, but it does not take this method. The `Allow` header names those it \
         takes.";
    REQUEST_TIMED_OUT: TimedOut "request_timed_out", "The body did not arrive in time",
        "The body of the request came too slowly. Send it again, faster; the limit is `http.body_timeout`.";
    CONCURRENT_CHANGE: Conflict "concurrent_change", "Changed by somebody else meanwhile",
        "Between reading and writing, somebody else changed the same object. Read it again and repeat the change.";
    STALE_REVISION: PreconditionFailed "stale_revision", "The `If-Match` condition does not hold",
        "The object is not at a revision that `If-Match` names: somebody changed it since it was read. Read it \
         again and repeat the change on what is there now.";
    IDEMPOTENCY_IN_PROGRESS: Conflict "idempotency_in_progress", "A request with this key is under way",
        "A request with the same `Idempotency-Key` has not ended yet. Send it again later: then it is answered as the first \
         one was.";
    IDEMPOTENCY_KEY_REUSED: Invalid "idempotency_key_reused", "The key stands for another request",
        "The `Idempotency-Key` was used within the last day with another payload. Each request needs a key of its own; only a \
         repetition has the key of what it repeats.";
    BODY_TOO_LARGE: TooLarge "body_too_large", "The body is too large",
        "The body of a request may have 1 MiB (1,048,576 bytes).";
    UNSUPPORTED_MEDIA_TYPE: UnsupportedMediaType "unsupported_media_type", "Not JSON",
        "The body must be JSON, sent as `Content-Type: application/json`, and not compressed.";
    INVALID_FIELDS: Invalid "invalid_fields", "Fields are not valid",
        "The body is JSON, but fields of it are missing, unknown, of the wrong type or out of range. `errors` names \
         every one of them, and says what is allowed.";
    INTERNAL: Internal "internal", "Something went wrong on our side",
        "An error in ServerTree, or in something it depends on. The log has a line with the same request id that \
         says more.";
    UNAVAILABLE: Unavailable "unavailable", "Not available right now",
        "Something that ServerTree needs, such as its database, is away or busy. Try again after the seconds that \
         `Retry-After` gives. If the request was a change, look first whether it took effect: only a commit that broke \
         off leaves that open.";
}

/// There is nothing with this id.
#[derive(Debug, thiserror::Error)]
#[error("there is nothing here")]
pub struct NotFound;

impl Problem for NotFound {
    fn problem(&self) -> &'static ProblemType {
        &NOT_FOUND
    }
}

/// The caller's condition names other revisions than the one that is there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is at revision {revision} now")]
pub struct StaleRevision {
    /// The one that is there.
    pub revision: u64,
}

impl Problem for StaleRevision {
    fn problem(&self) -> &'static ProblemType {
        &STALE_REVISION
    }
}

/// A parameter or header that is not valid.
#[derive(Debug, thiserror::Error)]
#[error("{} {}", .0.field, .0.message)]
pub struct InvalidParameter(pub FieldError);

impl InvalidParameter {
    /// `name` has a fault: `message` says which, and what is allowed.
    pub fn new(name: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self(FieldError { field: crate::fields::shortened(name), code, message: message.into() })
    }
}

impl Problem for InvalidParameter {
    fn problem(&self) -> &'static ProblemType {
        &INVALID_PARAMETER
    }

    fn fields(&self) -> &[FieldError] {
        std::slice::from_ref(&self.0)
    }
}

/// Fields that are not valid.
#[derive(Debug, thiserror::Error)]
#[error("{} at fault: {}", if .0.len() == 1 { "one field is" } else { "fields are" }, names(.0))]
pub struct InvalidFields(pub Vec<FieldError>);

impl Problem for InvalidFields {
    fn problem(&self) -> &'static ProblemType {
        &INVALID_FIELDS
    }

    fn fields(&self) -> &[FieldError] {
        &self.0
    }
}

fn names(fields: &[FieldError]) -> String {
    fields.iter().map(|error| error.field.as_str()).collect::<Vec<_>>().join(", ")
}

/// An error of ours that nobody outside can do anything about.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Internal(pub String);

impl Problem for Internal {
    fn problem(&self) -> &'static ProblemType {
        &INTERNAL
    }
}
