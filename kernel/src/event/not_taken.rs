//! Why an event was not taken, and whether it may be yet.

use thiserror::Error;

use crate::problem::Failure;

/// Why an event was not taken.
#[derive(Debug, Error)]
pub(super) enum NotTaken {
    /// It is not what the subscriber reads: it never will be.
    #[error("{0}")]
    NotUnderstood(String),
    /// This time.
    #[error("{}", .0.chain())]
    Failed(Failure),
}

impl<F: Into<Failure>> From<F> for NotTaken {
    fn from(failure: F) -> Self {
        Self::Failed(failure.into())
    }
}
