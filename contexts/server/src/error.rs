//! What can go wrong in this context, and which type of problem each is to whoever asked.

use servertree_kernel::database::DatabaseError;
use servertree_kernel::fields::FieldError;
use servertree_kernel::problem::{
    CONCURRENT_CHANGE, INTERNAL, Internal, InvalidFields, NOT_FOUND, Problem, ProblemType,
};
use servertree_kernel::secrets::SecretsError;
use thiserror::Error;

use crate::domain::{ApplicationId, CredentialId, ServerId, ServerName};

servertree_kernel::problems! {
    pub PROBLEMS;

    NAME_TAKEN: Conflict "server_name_taken", "A server of this name exists",
        "Names of servers are unique among those that are not discarded, whether written in capitals or not. Choose \
         another name, or rename or discard the server that has it.";
    DISCARDED: Conflict "server_discarded", "The server is discarded",
        "A discarded server cannot be changed. Restore it first, with `POST /api/v1/servers/{id}/restore`.";
    NO_PASSWORD: Conflict "credential_without_password", "The credential has no password",
        "There is nothing to reveal: the credential was stored without a password, or it was removed. `has_password` of a \
         credential says whether it has one.";
}

/// What can go wrong with servers.
#[derive(Debug, Error)]
pub enum Error {
    #[error("there is no server {0}")]
    NotFound(ServerId),
    #[error("a server named '{0}' exists already")]
    NameTaken(ServerName),
    #[error("server {0} is discarded and cannot be changed; restore it first")]
    Discarded(ServerId),
    #[error("server {0} was changed by somebody else meanwhile; read it again")]
    ConcurrentChange(ServerId),
    #[error("the server has no credential {0}")]
    NoCredential(CredentialId),
    #[error("the server has no application {0}")]
    NotInstalled(ApplicationId),
    #[error("there is no application {0}")]
    NoApplication(ApplicationId),
    #[error("credential {0} has no password")]
    NoPassword(CredentialId),
    #[error(transparent)]
    Fields(#[from] InvalidFields),
    /// Applications that are unknown or discarded, as far as is known.
    #[error(transparent)]
    NotInstallable(InvalidFields),
    #[error("server {id} is stored with a value that is not allowed: {field} {fault}")]
    Corrupt { id: ServerId, field: &'static str, fault: String },
    #[error("credential {id} is stored with a value that is not allowed: {field} {fault}")]
    CorruptCredential { id: CredentialId, field: &'static str, fault: String },
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl Problem for Error {
    fn problem(&self) -> &'static ProblemType {
        match self {
            Self::NotFound(_) | Self::NoCredential(_) | Self::NotInstalled(_) | Self::NoApplication(_) => {
                &NOT_FOUND
            }
            Self::NoPassword(_) => &NO_PASSWORD,
            Self::Fields(error) | Self::NotInstallable(error) => error.problem(),
            Self::Secrets(error) => error.problem(),
            Self::NameTaken(_) => &NAME_TAKEN,
            Self::Discarded(_) => &DISCARDED,
            Self::ConcurrentChange(_) => &CONCURRENT_CHANGE,
            Self::Corrupt { .. } | Self::CorruptCredential { .. } => &INTERNAL,
            Self::Database(error) => error.problem(),
            Self::Internal(error) => error.problem(),
        }
    }

    fn fields(&self) -> &[FieldError] {
        match self {
            Self::Fields(error) | Self::NotInstallable(error) => error.fields(),
            _ => &[],
        }
    }

    /// Whoever registers or restores an application and installs it right away may come before the event that tells of it.
    fn may_be_early(&self) -> bool {
        matches!(self, Self::NotInstallable(_))
    }
}
