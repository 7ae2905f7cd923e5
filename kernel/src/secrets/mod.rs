//! Secrets at rest: envelope encryption, so that a stolen database is of no use without the keys, and a change of the keys
//! need not touch what they protect.
//!
//! Each secret is encrypted with a data key of its own, and that with the active master key (`envelope.rs` has the format).
//! A table keeps a secret in two columns, `<field>_key` and `<field>_sealed`; its context names them in its manifest as a
//! [`SecretColumn`], which is how [`Rotation`] finds what to wrap again. The keys themselves come from a [`KeySource`]; the
//! database knows their ids and a check value of each, never the keys.
//!
//! Among them are those that sign access tokens. Whoever makes a token gets a [`TokenSigner`], whoever checks one a
//! [`TokenVerifyingKey`]: the private key stays in here.

mod envelope;
mod key;
mod key_error;
mod key_store;
mod keyring;
mod rotation;
mod source;
mod token;
mod token_keys;
mod token_rotation;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shaku::Interface;
use thiserror::Error;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use key::{Key, KeyFormatError, KeyId, Purpose};
pub use key_error::KeyError;
pub use key_store::KeyState;
pub use keyring::{KeyListing, Keyring};
pub use rotation::{Progress, Rotated, Rotation};
pub use source::{KeySource, KeySourceError};
pub use token::{TokenPublicKey, TokenSigner, TokenVerifyingKey};
pub use token_rotation::RotatedTokenKey;

use crate::database::DatabaseError;
use crate::domain::Secret;
use crate::problem::{INTERNAL, Problem, ProblemType, UNAVAILABLE};
use crate::uow::WriteUow;

/// Where a table keeps a secret: in the columns `<field>_key` and `<field>_sealed` of the row with this `id`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SecretColumn {
    /// The table. It has a unique column `id`.
    pub table: &'static str,
    /// What is secret there.
    pub field: &'static str,
}

/// A secret as a table keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// The master key that its data key is wrapped with.
    pub key: KeyId,
    /// The wrapped data key and the ciphertext.
    pub bytes: Vec<u8>,
}

/// Seals secrets, and opens them again; signs access tokens, and verifies them.
#[async_trait]
pub trait Secrets: Interface {
    /// Encrypts a secret for its place, with the key that is active as this unit of work sees it: none is sealed with a
    /// key that a rotation has left behind.
    async fn seal(
        &self,
        column: SecretColumn,
        row: Uuid,
        secret: &Secret,
        uow: &mut WriteUow,
    ) -> Result<Sealed, SecretsError>;

    /// Decrypts a secret at its place. What was changed, cut off, or moved from another place is an error, never another
    /// secret.
    async fn open(&self, column: SecretColumn, row: Uuid, sealed: &Sealed) -> Result<Secret, SecretsError>;

    /// A hash that only whoever has the pepper can make: HMAC-SHA-256, apart for each use.
    fn keyed_hash(&self, usage: &'static str, data: &[u8]) -> Result<[u8; 32], SecretsError>;

    /// A text that nobody can guess: the prefix, and 256 random bits in base64url.
    fn random_token(&self, prefix: &str) -> Result<Secret, SecretsError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(SecretsError::Random)?;
        let text = format!("{prefix}{}", *Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())));
        Secret::parse(text).map_err(|_| SecretsError::TooLong)
    }

    /// Signs with the token key that is active as this unit of work sees it.
    async fn token_signer(&self, uow: &mut WriteUow) -> Result<TokenSigner, SecretsError>;

    /// What a token that names this key is verified with; none if what the key signs does not count, or there is no such
    /// token key. Known keys are answered from memory. For one that is not known the database is looked at again, at most
    /// once a second, however many ask for whatever keys: they wait for that.
    async fn token_verifier(&self, key: &KeyId) -> Result<Option<TokenVerifyingKey>, SecretsError>;

    /// The public halves of the keys whose signatures count, as they were a second ago at most.
    async fn token_keys(&self) -> Result<Vec<TokenPublicKey>, SecretsError>;
}

/// A secret could not be sealed or opened, or a token not be signed or verified. What is wrong is for the log: it names places and keys, never secrets.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// What is stored is no secret that was sealed for this place with this key.
    #[error(
        "the {field} of {table} {row} cannot be decrypted with key '{key}': it was changed, cut off or moved"
    )]
    Damaged {
        /// The table.
        table: &'static str,
        /// What is secret there.
        field: &'static str,
        /// The row.
        row: Uuid,
        /// The key that it names.
        key: KeyId,
    },
    /// A key that no source has.
    #[error(
        "key '{0}' is not at hand: look for it in a backup of the keys, and put it where secrets.keys says"
    )]
    UnknownKey(KeyId),
    /// The active key is not at hand: a rotation made it, and this process has not got it yet.
    #[error(
        "the active key '{0}' is not at hand: put it where secrets.keys says, and start this process anew"
    )]
    ActiveKeyMissing(KeyId),
    /// A token key that counts is not at hand: a rotation made it, and this process has not got it yet.
    #[error(
        "tokens are signed with the key '{0}', which is not at hand: put it where secrets.keys says, and start this process \
         anew"
    )]
    TokenKeyMissing(KeyId),
    /// What somebody else asked the database at the same time came to nothing.
    #[error("the token keys could not be looked up")]
    NotLookedUp,
    /// No key is active: the keyring was not opened.
    #[error("no key is active")]
    NoActiveKey,
    /// The keys could not be read.
    #[error(transparent)]
    Source(#[from] KeySourceError),
    /// The database could not say which key is active.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// More than the cipher takes: 256 GiB.
    #[error("the secret is too long to be encrypted")]
    TooLong,
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

impl Problem for SecretsError {
    fn problem(&self) -> &'static ProblemType {
        match self {
            Self::Database(error) => error.problem(),
            Self::Source(_) | Self::ActiveKeyMissing(_) | Self::TokenKeyMissing(_) | Self::NotLookedUp => {
                &UNAVAILABLE
            }
            _ => &INTERNAL,
        }
    }
}
