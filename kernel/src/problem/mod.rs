//! Errors, as whoever asked gets to see them.
//!
//! Which error to use where: a context has one flat `thiserror` enum and implements [`Problem`] for it, naming a
//! [`ProblemType`] for each variant. Handlers return [`Failure`], into which `?` turns any of them. How it becomes
//! an HTTP answer is decided once, in [`crate::http`].

mod common;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use common::*;

use crate::fields::FieldError;

/// What kind of problem it is: decides the HTTP status, and whether trying again can help.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Not understood: broken JSON, a parameter that is unknown or out of range. 400.
    Malformed,
    /// Nobody we know. 401.
    Unauthenticated,
    /// Known, but not allowed. 403.
    Forbidden,
    /// There is no such thing, or none the caller may know of. 404.
    NotFound,
    /// There is such a thing, but it does not do that. 405.
    MethodNotAllowed,
    /// The request did not arrive in time. 408.
    TimedOut,
    /// At odds with what is there: exists already, is discarded, changed meanwhile. 409.
    Conflict,
    /// The caller's condition (`If-Match`) does not hold. 412.
    PreconditionFailed,
    /// More than is taken in one request. 413.
    TooLarge,
    /// Not in a format that is read here. 415.
    UnsupportedMediaType,
    /// Understood, but fields are at fault. 422.
    Invalid,
    /// More often than is let through. 429.
    TooMany,
    /// Our fault. 500; the detail stays in the log.
    Internal,
    /// Something we need is away or busy; trying again helps. 503.
    Unavailable,
}

impl Kind {
    /// The HTTP status (RFC 9110).
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TimedOut => 408,
            Self::Conflict => 409,
            Self::PreconditionFailed => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Invalid => 422,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// Whether what went wrong is for our eyes only.
    pub const fn is_internal(self) -> bool {
        matches!(self, Self::Internal | Self::Unavailable)
    }
}

/// A type of problem: what `type` and `code` in an answer stand for, and the page that explains it.
#[derive(PartialEq, Eq, Debug)]
pub struct ProblemType {
    /// Stable, for programs: `server_name_taken`. The page is `/problems/<code>`.
    pub code: &'static str,
    /// What kind of problem.
    pub kind: Kind,
    /// A short summary that does not change from one occurrence to the next.
    pub title: &'static str,
    /// For the page: when it occurs and what to do.
    pub explanation: &'static str,
}

/// An error that can be shown to whoever asked. Its `Display` is the detail, unless its kind is internal.
pub trait Problem: std::error::Error + Any + Send + Sync {
    /// The type of problem.
    fn problem(&self) -> &'static ProblemType;

    /// The fields at fault, where fields are.
    fn fields(&self) -> &[FieldError] {
        &[]
    }

    /// After which time it makes sense to try again, where that is known.
    fn retry_after(&self) -> Option<Duration> {
        None
    }

    /// Whether what is missing may be on its way: another context told of it, and the event has not arrived yet. A command that
    /// fails with it is carried out anew for a moment, before its caller hears of it.
    fn may_be_early(&self) -> bool {
        false
    }
}

/// Any [`Problem`], erased at the boundary of a context. Clones are the same one: those who wait for one thing together
/// are told of its failure together.
#[derive(Clone)]
pub struct Failure(Arc<dyn Problem>);

impl Failure {
    /// The type of problem.
    pub fn problem(&self) -> &'static ProblemType {
        self.0.problem()
    }

    /// What kind of problem.
    pub fn kind(&self) -> Kind {
        self.problem().kind
    }

    /// The fields at fault, where fields are.
    pub fn fields(&self) -> &[FieldError] {
        self.0.fields()
    }

    /// After which time it makes sense to try again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after()
    }

    /// Whether what is missing may be on its way.
    pub fn may_be_early(&self) -> bool {
        self.0.may_be_early()
    }

    /// The error itself, if it is a `P`.
    pub fn downcast_ref<P: Problem>(&self) -> Option<&P> {
        let any: &dyn Any = &*self.0;
        any.downcast_ref()
    }

    /// The error with what caused it, for the log.
    pub fn chain(&self) -> String {
        chain(&*self.0)
    }
}

/// An error with what caused it, for the log.
pub fn chain<E: std::error::Error + ?Sized>(error: &E) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl<P: Problem> From<P> for Failure {
    fn from(problem: P) -> Self {
        Self(Arc::new(problem))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(self.problem().code).field(&self.0).finish()
    }
}

/// Declares problem types and the list of them that a manifest names:
/// `problems! { pub ALL; /// Why. NAME_TAKEN: Conflict "name_taken", "title", "explanation"; }`.
#[macro_export]
macro_rules! problems {
    ($vis:vis $all:ident; $($name:ident: $kind:ident $code:literal, $title:literal, $explanation:literal;)+) => {
        $(
            #[doc = $explanation]
            $vis static $name: $crate::problem::ProblemType = $crate::problem::ProblemType {
                code: $code,
                kind: $crate::problem::Kind::$kind,
                title: $title,
                explanation: $explanation,
            };
        )+

        /// All types of problem declared here.
        $vis static $all: &[&$crate::problem::ProblemType] = &[$(&$name),+];
    };
}
