//! Why a database could not be migrated.

use sqlx::migrate::MigrateError;
use thiserror::Error;

use crate::database::DatabaseError;

/// Migrating failed: the message says why, and what to do.
#[derive(Debug, Error)]
pub enum MigrationError {
    /// The database has migrations that this program does not know.
    #[error(
        "the database has migration {version} of '{owner}', which this version of ServerTree does not know: it was \
         migrated by a later one. Run that one, or restore a backup from before"
    )]
    Newer {
        /// Whose it is.
        owner: &'static str,
        /// Its number.
        version: i64,
    },
    /// A migration that was carried out reads differently now.
    #[error(
        "migration {version} of '{owner}' was carried out in another wording than this program has. Migrations are \
         never edited: run the version of ServerTree that belongs to this database, or add a new migration"
    )]
    Edited {
        /// Whose it is.
        owner: &'static str,
        /// Its number.
        version: i64,
    },
    /// There are migrations, but not for this engine.
    #[error("'{owner}' has no migrations for {engine}: it cannot run on it")]
    NotFor {
        /// Whose are missing.
        owner: &'static str,
        /// The engine in use.
        engine: &'static str,
    },
    /// A file is not named `NNNN_name.sql`.
    #[error("the migration file '{0}' is not named NNNN_name.sql")]
    FileName(String),
    /// The engine refused, and rolled everything back.
    #[error("migrating '{owner}' failed: {source}. Nothing was changed")]
    Refused {
        /// Whose migrations were under way.
        owner: &'static str,
        /// Why.
        source: MigrateError,
    },
    /// The engine refused, and keeps what was done before.
    #[error(
        "migrating '{owner}' failed: {source}. MariaDB and MySQL cannot roll back changes of tables: what was done before stays. \
         Mend the cause, then run `servertree migrate --resume`"
    )]
    Stopped {
        /// Whose migrations were under way.
        owner: &'static str,
        /// Why.
        source: MigrateError,
    },
    /// One was begun, and nobody knows how far it came.
    #[error(
        "migration {version} of '{owner}' was begun and did not end: MariaDB and MySQL keep what was done of it. Look into the log \
         of whoever began it and mend the cause; then run `servertree migrate --resume`, which carries it out again from its \
         beginning"
    )]
    HalfDone {
        /// Whose it is.
        owner: &'static str,
        /// Its number.
        version: i64,
    },
    /// Texts would be compared by other rules than ours.
    #[error(
        "the column {column} has the collation {collation}, by which texts that differ are equal or sort otherwise. Give it back \
         {expected}: nothing is unique any more that should be"
    )]
    Collation {
        /// Table and column.
        column: String,
        /// What it has.
        collation: String,
        /// What it should have.
        expected: &'static str,
    },
    /// Not all of it is there yet.
    #[error(
        "the database is an unfinished copy of another one. Finish it by the same `servertree database copy` that began it, or go on \
         with the database that it is a copy of"
    )]
    UnfinishedCopy,
    /// The database cannot be used.
    #[error("migrating failed: {}. If another program holds the database, try again when it is done", crate::problem::chain(.0))]
    Database(#[from] DatabaseError),
}

impl From<sqlx::Error> for MigrationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}
