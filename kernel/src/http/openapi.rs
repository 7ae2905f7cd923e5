//! The part of the OpenAPI description that every route shares: its errors.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use crate::fields::FieldError;
use crate::problem::{
    BODY_TOO_LARGE, FOREIGN_ORIGIN, IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED, INTERNAL,
    INVALID_FIELDS, INVALID_PARAMETER, Kind, MALFORMED_JSON, NOT_AUTHENTICATED, NOT_PERMITTED, ProblemType,
    REQUEST_TIMED_OUT, UNAVAILABLE, UNSUPPORTED_MEDIA_TYPE,
};

/// What went wrong (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDetails {
    /// The page that explains this type of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not_found")]
    pub type_: String,
    /// A summary of this type of problem.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
    /// The path that was asked for.
    #[schema(example = "/api/v1/servers/019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11")]
    pub instance: String,
    /// The type of problem, for programs.
    pub code: &'static str,
    /// The fields at fault, where fields are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// With a fault of ours: the id of the request, under which the log says more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What any route may answer with.
pub static ALWAYS: &[&ProblemType] =
    &[&NOT_AUTHENTICATED, &NOT_PERMITTED, &FOREIGN_ORIGIN, &INTERNAL, &UNAVAILABLE];

/// What a route with a body may answer with.
pub static BODY: &[&ProblemType] =
    &[&MALFORMED_JSON, &BODY_TOO_LARGE, &REQUEST_TIMED_OUT, &UNSUPPORTED_MEDIA_TYPE, &INVALID_FIELDS];

/// What a route that takes an `Idempotency-Key` may answer with.
pub static ONCE: &[&ProblemType] = &[&INVALID_PARAMETER, &IDEMPOTENCY_IN_PROGRESS, &IDEMPOTENCY_KEY_REUSED];

/// Declares the errors of a route for OpenAPI: `problem_responses! { pub RenameProblems: ALWAYS, BODY, &[&TAKEN]; }`
#[macro_export]
macro_rules! problem_responses {
    ($($(#[$meta:meta])* $vis:vis $name:ident: $($types:expr),+;)+) => {$(
        $(#[$meta])*
        $vis struct $name;

        impl $crate::glue::utoipa::IntoResponses for $name {
            fn responses() -> ::std::collections::BTreeMap<
                String,
                $crate::glue::utoipa::openapi::RefOr<$crate::glue::utoipa::openapi::Response>,
            > {
                $crate::http::responses_for(&[$($types),+])
            }
        }
    )+};
}

/// One response for each status, with an example for each type of problem.
pub fn responses_for(groups: &[&[&'static ProblemType]]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<&'static ProblemType>> = BTreeMap::new();
    for problem in groups.iter().flat_map(|group| group.iter()) {
        by_status.entry(problem.kind.status()).or_default().push(problem);
    }
    by_status.into_iter().map(|(status, types)| (status.to_string(), response(&types).into())).collect()
}

fn response(types: &[&'static ProblemType]) -> Response {
    let titles = types.iter().map(|problem| format!("`{}`: {}", problem.code, problem.title));
    let examples = types.iter().map(|problem| {
        let example = ExampleBuilder::new().summary(problem.title).value(Some(example(problem))).build();
        (problem.code, RefOr::T(example))
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(examples)
        .build();
    let mut response = ResponseBuilder::new()
        .description(titles.collect::<Vec<_>>().join("; "))
        .content("application/problem+json", content);
    for (name, text) in headers(types[0].kind) {
        let header = utoipa::openapi::HeaderBuilder::new()
            .schema(Some(<String as utoipa::PartialSchema>::schema()))
            .description(Some(text))
            .build();
        response = response.header(name, header);
    }
    response.build()
}

fn headers(kind: Kind) -> Vec<(&'static str, &'static str)> {
    match kind {
        Kind::Unavailable | Kind::TooMany => vec![("Retry-After", "Seconds after which to try again")],
        Kind::Unauthenticated => vec![("WWW-Authenticate", "How to say who one is")],
        Kind::MethodNotAllowed => vec![("Allow", "The methods that are allowed")],
        _ => Vec::new(),
    }
}

fn example(problem: &ProblemType) -> serde_json::Value {
    let errors = if problem.kind == Kind::Invalid {
        let message = "must be 1 to 65536, not 0".to_owned();
        vec![FieldError { field: "cpu_cores".to_owned(), code: "out_of_range", message }]
    } else {
        Vec::new()
    };
    let details = ProblemDetails {
        type_: format!("/problems/{}", problem.code),
        title: problem.title,
        status: problem.kind.status(),
        detail: problem.title.to_owned(),
        instance: "/api/v1/…".to_owned(),
        code: problem.code,
        errors,
        request_id: None,
    };
    serde_json::to_value(details).unwrap_or_default()
}
