//! HTTP: what every context's routes have in common, so that a handler is three lines long.
//!
//! A route takes a [`Call`] and what it needs of [`Body`], [`Replacement`], [`Patch`], [`IfMatch`] and
//! [`Criteria`](crate::criteria::Criteria), dispatches, and answers with [`Entity`], [`Created`] or a [`Slice`](crate::criteria::Slice). Its error
//! is a [`Failure`](crate::problem::Failure), which becomes problem+json here and nowhere else.

mod access_cookie;
mod body;
mod call;
mod criteria;
mod entity;
mod once;
mod openapi;
mod problem;

pub use access_cookie::{ACCESS_COOKIE, access_cookie, removed_access_cookie};
pub use body::{Body, BodyTimeout, MAX_BODY_BYTES, OptionalBody, Patch, Replacement};
pub use call::{Call, Look, Origin, id_in};
pub use criteria::{ListParameters, Page};
pub use entity::{Created, Entity, IfMatch, PostAnswer, Representation};
pub use once::{Once, Posted};
pub use openapi::{ALWAYS, BODY, ONCE, ProblemDetails, responses_for};
pub use problem::{MethodNotAllowed, render_problems};

/// Below which all contexts' routes are.
pub const API_BASE: &str = "/api/v1";
