//! What can go wrong with a database, sorted by what can be done about it.

use std::io::ErrorKind;

use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;
use thiserror::Error;

use super::{mysql, postgres, sqlite};
use crate::problem::{INTERNAL, Problem, ProblemType, UNAVAILABLE};

/// A statement failed.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The database is away, busy or full: trying again later can help.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// Somebody else was at the same rows. The transaction was rolled back, or has to be, as a whole; from its start it can be
    /// tried again.
    #[error("somebody else was at the same rows of the database")]
    Contended(#[source] sqlx::Error),
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

/// What a refusal of an engine means.
pub(super) enum Refusal {
    Unavailable,
    Contended,
    /// By the index of this name.
    Unique(String),
    Other,
}

impl DatabaseError {
    /// Whether the unique index of this name (`ux_<table>_<column>`) refused a row.
    pub fn violates(&self, unique_index: &str) -> bool {
        matches!(self, Self::Unique { index } if index == unique_index)
    }

    /// Whether the connection broke: what it was asked may have been done or not.
    pub(super) fn is_lost_connection(&self) -> bool {
        match self {
            Self::Unavailable(sqlx::Error::Io(error)) => error.kind() != ErrorKind::TimedOut,
            Self::Unavailable(sqlx::Error::Database(refusal)) => ends_connection(refusal.as_ref()),
            _ => false,
        }
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error::{Database, Io, PoolClosed, PoolTimedOut, Tls, WorkerCrashed};
        let refusal = match &error {
            PoolTimedOut | PoolClosed | Io(_) | Tls(_) | WorkerCrashed => Refusal::Unavailable,
            Database(refusal) => meaning(refusal.as_ref()),
            _ => Refusal::Other,
        };
        match refusal {
            Refusal::Unavailable => Self::Unavailable(error),
            Refusal::Contended => Self::Contended(error),
            Refusal::Unique(index) => Self::Unique { index },
            Refusal::Other => Self::Other(error),
        }
    }
}

fn meaning(refusal: &dyn sqlx::error::DatabaseError) -> Refusal {
    if let Some(error) = refusal.try_downcast_ref::<SqliteError>() {
        sqlite::refusal(error)
    } else if let Some(error) = refusal.try_downcast_ref::<MySqlDatabaseError>() {
        mysql::refusal(error.number(), error.message())
    } else if let Some(error) = refusal.try_downcast_ref::<PgDatabaseError>() {
        postgres::refusal(error.code(), error.constraint())
    } else {
        Refusal::Other
    }
}

/// Whether it was the last that the server said on its connection.
pub(super) fn ends_connection(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    if let Some(error) = refusal.try_downcast_ref::<MySqlDatabaseError>() {
        mysql::ends_connection(error.number())
    } else if let Some(error) = refusal.try_downcast_ref::<PgDatabaseError>() {
        postgres::ends_connection(error.severity())
    } else {
        false
    }
}

impl Problem for DatabaseError {
    fn problem(&self) -> &'static ProblemType {
        match self {
            Self::Unavailable(_) | Self::Contended(_) => &UNAVAILABLE,
            Self::Unique { .. } | Self::Other(_) => &INTERNAL,
        }
    }
}

/// The database could not be opened: the message says why, and what to do. Never with a password.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The URL is none of ours.
    #[error(
        "database.url (SERVERTREE_DATABASE__URL) is not understood: it must begin with sqlite://, mysql:// or postgres://, such \
         as mysql://servertree:PASSWORD@db.example.org:3306/servertree"
    )]
    Url,
    /// The URL begins well, but goes on badly.
    #[error("{key} is not understood: {fault}. It must be like {example}")]
    Malformed {
        /// The setting.
        key: &'static str,
        /// What is wrong.
        fault: String,
        /// How it could be.
        example: &'static str,
    },
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
    /// Nobody answers there.
    #[error(
        "the database server {place} cannot be reached: {source}. Check that it runs, and host, port and TLS in {key}"
    )]
    Unreachable {
        /// The setting.
        key: &'static str,
        /// Host and port.
        place: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The server does not let us in.
    #[error("the database server {place} refuses: {reason}. {remedy}")]
    Refused {
        /// Host and port.
        place: String,
        /// What it says.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// The engine has a known fault, or lacks what is needed.
    #[error("{found} is too old: it can lose data, or lacks what is needed; {needed} or later is")]
    TooOld {
        /// The engine and version at hand.
        found: String,
        /// The first version that will do.
        needed: &'static str,
    },
    /// Not every text could be kept.
    #[error(
        "the database at {place} keeps texts as {encoding}, which lacks most letters. Create it anew, with ENCODING 'UTF8'"
    )]
    Encoding {
        /// Host, port and database.
        place: String,
        /// The encoding it has.
        encoding: String,
    },
}
