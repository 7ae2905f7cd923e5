//! What can go wrong with a database, sorted by what can be done about it.

use thiserror::Error;

use crate::problem::{INTERNAL, Problem, ProblemType, UNAVAILABLE};

/// A statement failed.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The database is away, busy or full: trying again later can help.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A unique index refused a row.
    #[error("{index} is to be unique")]
    Unique {
        /// The index, by the convention `ux_<table>_<column>`.
        index: String,
    },
    /// Anything else: a fault of ours.
    #[error("the database refused a statement")]
    Other(#[source] sqlx::Error),
}

impl DatabaseError {
    /// Whether the unique index of this name (`ux_<table>_<column>`) refused a row.
    pub fn violates(&self, unique_index: &str) -> bool {
        matches!(self, Self::Unique { index } if index == unique_index)
    }
}

impl Problem for DatabaseError {
    fn problem(&self) -> &'static ProblemType {
        match self {
            Self::Unavailable(_) => &UNAVAILABLE,
            Self::Unique { .. } | Self::Other(_) => &INTERNAL,
        }
    }
}

/// The database could not be opened: the message says why, and what to do.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The URL is none of ours.
    #[error("database.url '{0}' is not understood: it must be sqlite:// and the path of a file")]
    Url(String),
    /// The file cannot be opened or created.
    #[error(
        "the database file {path} cannot be opened: {source}. Check that its folder exists, belongs to this user \
         and is writable, and that the file is a SQLite database"
    )]
    Open {
        /// The file.
        path: String,
        /// Why.
        source: sqlx::Error,
    },
    /// There is no such file.
    #[error(
        "there is no database at {path}. Go to the folder that the service is started in, or give the settings that it is \
         started with"
    )]
    Missing {
        /// The file.
        path: String,
    },
    /// The engine has a known fault that loses data.
    #[error(
        "SQLite {found} has a fault that can corrupt a database in WAL mode; {needed} or later is needed"
    )]
    TooOld {
        /// The version at hand.
        found: String,
        /// The first one without the fault.
        needed: &'static str,
    },
}
