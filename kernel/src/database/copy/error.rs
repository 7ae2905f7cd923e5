//! Why a database could not be copied.

use thiserror::Error;

use super::Fingerprint;
use crate::database::{DatabaseError, MigrationError};
use crate::problem::chain;

/// Why a database could not be copied: what is wrong, and what to do.
#[derive(Debug, Error)]
pub enum CopyError {
    /// One of the two cannot be used, or is not available.
    #[error("copying stopped: {}. Mend the cause and run the same command again: it goes on where it was", chain(.0))]
    Database(#[from] DatabaseError),
    /// The target could not be migrated.
    #[error("the database to copy into: {0}")]
    Migration(#[from] MigrationError),
    /// The source has no tables of ours.
    #[error(
        "there is nothing to copy: the database to copy from was never migrated, or is none of ServerTree"
    )]
    Nothing,
    /// The source is half a copy itself.
    #[error(
        "the database to copy from is itself an unfinished copy. Finish it first, by the same `servertree database copy` that began \
         it"
    )]
    UnfinishedSource,
    /// The program does not know what is in the source.
    #[error(
        "the database to copy from has tables of the context '{owner}', which this program does not have. Copy with the program that \
         has all contexts"
    )]
    UnknownOwner {
        /// Whose they are.
        owner: String,
    },
    /// The source is older than the program.
    #[error(
        "the database to copy from lacks migration {version} of '{owner}'. Start this version on it once, or run `servertree migrate`"
    )]
    Older {
        /// Whose it is.
        owner: String,
        /// Its number.
        version: i64,
    },
    /// The two do not have the same migrations, and never will by this program.
    #[error(
        "of '{owner}', the databases to copy from and into do not have the same migrations: one is of a later version of ServerTree, or \
         of other contexts. Copy with the version that the source was run with, into an empty database"
    )]
    Histories {
        /// Whose they are.
        owner: String,
    },
    /// Tables are not the same, though their migrations are.
    #[error(
        "the table {table} is not the same in both databases: {difference}. Somebody has changed it by hand; change it back"
    )]
    Different {
        /// The table.
        table: String,
        /// In what.
        difference: String,
    },
    /// The target is in use.
    #[error(
        "the table {table} of the database to copy into is not as migrations made it: a copy goes into an empty database. Create \
         one, or drop what is in it if nobody needs it"
    )]
    NotEmpty {
        /// The table.
        table: String,
    },
    /// The target has half a copy of something else.
    #[error(
        "the database to copy into has an unfinished copy, of another database or of this one before it was written to (by {table}). \
         Run the command again with --restart: it throws that copy away and begins anew"
    )]
    OtherCopy {
        /// The first table that differs.
        table: String,
    },
    /// The source has rows that cannot be read.
    #[error("a row of {table}, {after}, cannot be read: {}. Mend it there first", chain(.source))]
    Unreadable {
        /// The table.
        table: String,
        /// Where it is.
        after: String,
        /// Why.
        source: DatabaseError,
    },
    /// The target cannot have a value.
    #[error(
        "the table {table} has a row that the other engine does not take: in the row {key}, {column} {fault}. Mend it there first"
    )]
    Value {
        /// The table.
        table: String,
        /// The key of the row.
        key: String,
        /// The column.
        column: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The target refused rows.
    #[error("rows of {table}, {rows}, were not taken: {}. Mend them in the source, then run the command again", chain(.source))]
    Refused {
        /// The table.
        table: String,
        /// The keys of the first and the last of them.
        rows: String,
        /// Why.
        source: DatabaseError,
    },
    /// What came out is not what went in.
    #[error(
        "the table {table} did not come out as it was: it has {} rows with the checksum {found}, and should have {} with {expected}. \
         Somebody has written to the target. Run the command again with --restart: it throws this copy away and begins anew",
        found.rows, expected.rows
    )]
    Mismatch {
        /// The table.
        table: String,
        /// What the source has.
        expected: Fingerprint,
        /// What the target has.
        found: Fingerprint,
    },
    /// The source was written to.
    #[error(
        "the table {table} of the database to copy from was written to meanwhile. Stop the service that does, then run the command again \
         with --restart"
    )]
    Changed {
        /// The table.
        table: String,
    },
}
