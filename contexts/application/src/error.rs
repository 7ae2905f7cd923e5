//! What can go wrong in this context, and which type of problem each is to whoever asked.

use servertree_kernel::database::DatabaseError;
use servertree_kernel::problem::{CONCURRENT_CHANGE, INTERNAL, Internal, NOT_FOUND, Problem, ProblemType};
use thiserror::Error;

use crate::domain::{ApplicationId, ApplicationName, ApplicationVersion};

servertree_kernel::problems! {
    pub PROBLEMS;

    NAME_TAKEN: Conflict "application_name_taken", "An application of this name and version exists",
        "Of the applications that are not discarded, no two have both the same name, whether written in capitals or not, and the \
         same version. Choose another name or version, or change or discard the application that has them.";
    DISCARDED: Conflict "application_discarded", "The application is discarded",
        "A discarded application cannot be changed. Restore it first, with `POST /api/v1/applications/{id}/restore`.";
}

/// What can go wrong with applications.
#[derive(Debug, Error)]
pub enum Error {
    #[error("there is no application {0}")]
    NotFound(ApplicationId),
    #[error("an application named '{name}' of version '{version}' exists already")]
    NameTaken { name: ApplicationName, version: ApplicationVersion },
    #[error("application {0} is discarded and cannot be changed; restore it first")]
    Discarded(ApplicationId),
    #[error("application {0} was changed by somebody else meanwhile; read it again")]
    ConcurrentChange(ApplicationId),
    #[error("application {id} is stored with a value that is not allowed: {field} {fault}")]
    Corrupt { id: ApplicationId, field: &'static str, fault: String },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl Problem for Error {
    fn problem(&self) -> &'static ProblemType {
        match self {
            Self::NotFound(_) => &NOT_FOUND,
            Self::NameTaken { .. } => &NAME_TAKEN,
            Self::Discarded(_) => &DISCARDED,
            Self::ConcurrentChange(_) => &CONCURRENT_CHANGE,
            Self::Corrupt { .. } => &INTERNAL,
            Self::Database(error) => error.problem(),
            Self::Internal(error) => error.problem(),
        }
    }
}
