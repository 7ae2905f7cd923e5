//! What keeps keys from being used.

use thiserror::Error;

use super::key::{KeyId, Purpose};
use super::source::KeySourceError;
use crate::database::DatabaseError;

/// The keys at hand are not those that the database needs: the message says which, and what to do.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A key that secrets are protected with is not there.
    #[error(
        "the database needs the {purpose} key '{id}', and {source_description} does not have it. Restore it from the \
         backup of the keys (docs/operations.md), or name where it is with secrets.keys (SERVERTREE_SECRETS__KEYS); \
         without it what it protects cannot be read, so no other is made"
    )]
    Missing {
        /// Its id.
        id: String,
        /// What it is for.
        purpose: String,
        /// Where it was looked for.
        source_description: String,
    },
    /// A key of this id is there, but another one.
    #[error(
        "the key '{id}' of {source_description} is not the one that the database was used with: it has the same id, but \
         other bytes. Restore the right one from the backup of the keys (docs/operations.md)"
    )]
    Other {
        /// Its id.
        id: String,
        /// Where it came from.
        source_description: String,
    },
    /// The configuration gives keys, but none for this purpose.
    #[error(
        "secrets.keys gives no {purpose} key, and the database has none yet and needs one. `servertree keys generate \
         {purpose}` makes one to add to it"
    )]
    NotGiven {
        /// What it is for.
        purpose: Purpose,
    },
    /// The first key that the configuration gives is in use already.
    #[error(
        "the first {purpose} key of secrets.keys, '{id}', is the active one already. Put a new one before it \
         (`servertree keys generate {purpose}`), restart every process that uses this database, then rotate"
    )]
    NoNewKey {
        /// What it is for.
        purpose: Purpose,
        /// The id of the active one.
        id: KeyId,
    },
    /// The first token key that the configuration gives has signed before.
    #[error(
        "the first token key of secrets.keys, '{id}', was the active one before, and does not become it again. Put a new one \
         before it (`servertree keys generate token`), restart every process that uses this database, then rotate"
    )]
    UsedBefore {
        /// Its id.
        id: KeyId,
    },
    /// Another rotation went on while this one stood still.
    #[error(
        "another rotation has made another key the active one meanwhile: this one ends here. `servertree keys list` shows \
         where the keys stand; if one is retiring, rotate again"
    )]
    Overtaken,
    /// The keys cannot be read or kept.
    #[error(transparent)]
    Source(#[from] KeySourceError),
    /// The database cannot be read or written.
    #[error("the keys that the database needs cannot be looked up: {}", crate::problem::chain(.0))]
    Database(#[from] DatabaseError),
    /// No random bytes for a new key.
    #[error("no random bytes for a new key: {0}")]
    Random(getrandom::Error),
}
