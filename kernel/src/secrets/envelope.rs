//! The envelope around a secret, byte by byte:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the version of this format: 1 |
//! | 24 | nonce of the wrapping |
//! | 48 | the data key, encrypted with the master key |
//! | 24 | nonce of the payload |
//! | n + 16 | the secret in UTF-8, encrypted with the data key |
//!
//! Both are XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), whose nonces are long enough to be random. The payload is
//! bound to table, row and field, the wrapping to these and the id of the master key: an envelope in another place, or
//! under the name of another key, does not open.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::key::Key;
use super::{Sealed, SecretColumn, SecretsError};
use crate::domain::Secret;

const VERSION: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;
const DATA_KEY: usize = 32;
const WRAPPING: usize = NONCE + DATA_KEY + TAG;

/// What an envelope is bound to.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) column: SecretColumn,
    pub(super) row: Uuid,
}

/// What does not open.
pub(super) struct Damaged;

/// Encrypts a secret with a new data key, and that with `master`.
pub(super) fn seal(master: &Key, place: Place, secret: &Secret) -> Result<Sealed, SecretsError> {
    let mut data_key = Zeroizing::new([0; DATA_KEY]);
    getrandom::fill(data_key.as_mut_slice()).map_err(SecretsError::Random)?;
    let mut bytes = vec![VERSION];
    bytes.extend(encrypt(master.bytes(), &place.wrapping_data(master), data_key.as_slice())?);
    bytes.extend(encrypt(&data_key, &place.payload_data(), secret.expose().as_bytes())?);
    Ok(Sealed { key: master.id().clone(), bytes })
}

/// Decrypts a secret. `master` is the key that the envelope names.
pub(super) fn open(master: &Key, place: Place, bytes: &[u8]) -> Result<Secret, Damaged> {
    let (wrapping, payload) = split(bytes)?;
    let data_key = unwrap(master, place, wrapping)?;
    let secret = decrypt(&data_key, &place.payload_data(), payload)?;
    let text = std::str::from_utf8(&secret).map_err(|_| Damaged)?;
    Secret::parse(text.to_owned()).map_err(|_| Damaged)
}

/// The same envelope with its data key wrapped with `new` instead of `old`. The secret itself stays encrypted.
pub(super) fn rewrap(old: &Key, new: &Key, place: Place, bytes: &[u8]) -> Result<Vec<u8>, RewrapError> {
    let (wrapping, payload) = split(bytes)?;
    let data_key = unwrap(old, place, wrapping)?;
    let mut rewrapped = Vec::with_capacity(bytes.len());
    rewrapped.push(VERSION);
    rewrapped.extend(encrypt(new.bytes(), &place.wrapping_data(new), data_key.as_slice())?);
    rewrapped.extend_from_slice(payload);
    Ok(rewrapped)
}

/// Why an envelope was not wrapped again.
pub(super) enum RewrapError {
    /// It does not open.
    Damaged,
    /// It could not be sealed.
    Seal(SecretsError),
}

impl From<Damaged> for RewrapError {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

impl From<SecretsError> for RewrapError {
    fn from(error: SecretsError) -> Self {
        Self::Seal(error)
    }
}

impl Place {
    /// The parts are told apart by the NUL between them, which no name has; the row has a fixed length.
    fn payload_data(self) -> Vec<u8> {
        let SecretColumn { table, field } = self.column;
        [b"servertree.secret\0", table.as_bytes(), b"\0", field.as_bytes(), b"\0", self.row.as_bytes()]
            .concat()
    }

    fn wrapping_data(self, master: &Key) -> Vec<u8> {
        [self.payload_data().as_slice(), master.id().as_str().as_bytes()].concat()
    }
}

fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Damaged> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => rest.split_at_checked(WRAPPING).ok_or(Damaged),
        _ => Err(Damaged),
    }
}

fn unwrap(master: &Key, place: Place, wrapping: &[u8]) -> Result<Zeroizing<[u8; DATA_KEY]>, Damaged> {
    let data_key = decrypt(master.bytes(), &place.wrapping_data(master), wrapping)?;
    data_key.as_slice().try_into().map(Zeroizing::new).map_err(|_| Damaged)
}

/// The nonce, then the ciphertext.
fn encrypt(key: &[u8; DATA_KEY], aad: &[u8], msg: &[u8]) -> Result<Vec<u8>, SecretsError> {
    let mut nonce = XNonce::default();
    getrandom::fill(&mut nonce).map_err(SecretsError::Random)?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let ciphertext = cipher.encrypt(&nonce, Payload { msg, aad }).map_err(|_| SecretsError::TooLong)?;
    Ok([nonce.as_slice(), &ciphertext].concat())
}

fn decrypt(key: &[u8; DATA_KEY], aad: &[u8], encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, Damaged> {
    let (nonce, msg) = encrypted.split_first_chunk::<NONCE>().ok_or(Damaged)?;
    let cipher = XChaCha20Poly1305::new(key.into());
    cipher.decrypt(nonce.into(), Payload { msg, aad }).map(Zeroizing::new).map_err(|_| Damaged)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secrets::{KeyId, Purpose};

    const PLACE: Place =
        Place { column: SecretColumn { table: "server_credentials", field: "password" }, row: Uuid::nil() };

    fn key(id: &str) -> Key {
        Key::new(Purpose::Master, KeyId::parse(id).unwrap(), [7; 32])
    }

    fn sealed(text: &str) -> Vec<u8> {
        seal(&key("a"), PLACE, &Secret::parse(text.to_owned()).unwrap()).ok().unwrap().bytes
    }

    fn opens(master: &Key, place: Place, bytes: &[u8]) -> Option<String> {
        open(master, place, bytes).ok().map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn opens_only_where_it_was_sealed() {
        let bytes = sealed("hunter2");
        assert_eq!(opens(&key("a"), PLACE, &bytes).unwrap(), "hunter2");
        let other = |column: SecretColumn, row| Place { column, row };
        let column = PLACE.column;
        for place in [
            other(column, Uuid::max()),
            other(SecretColumn { table: "servers", ..column }, PLACE.row),
            other(SecretColumn { field: "token", ..column }, PLACE.row),
        ] {
            assert_eq!(opens(&key("a"), place, &bytes), None);
        }
        // The same key by another name, and another key by the same.
        assert_eq!(opens(&key("b"), PLACE, &bytes), None);
        let other_key = Key::new(Purpose::Master, KeyId::parse("a").unwrap(), [8; 32]);
        assert_eq!(opens(&other_key, PLACE, &bytes), None);
    }

    #[test]
    fn is_never_sealed_twice_the_same_way() {
        assert_ne!(sealed("hunter2"), sealed("hunter2"));
    }

    #[test]
    fn wrapped_again_it_opens_with_the_new_key_alone() {
        let (old, new) = (key("a"), Key::new(Purpose::Master, KeyId::parse("b").unwrap(), [9; 32]));
        let bytes = sealed("hunter2");
        let rewrapped = rewrap(&old, &new, PLACE, &bytes).ok().unwrap();
        assert_eq!(opens(&new, PLACE, &rewrapped).unwrap(), "hunter2");
        assert_eq!(opens(&old, PLACE, &rewrapped), None);
        assert!(matches!(rewrap(&old, &new, PLACE, &rewrapped), Err(RewrapError::Damaged)));
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "\\PC{1,64}") {
            prop_assert_eq!(opens(&key("a"), PLACE, &sealed(&text)), Some(text));
        }

        /// Whatever byte is changed, wherever it is cut off.
        #[test]
        fn what_was_changed_does_not_open(text in "[a-z]{1,16}", at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
            let bytes = sealed(&text);
            let at = at.index(bytes.len());
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            prop_assert_eq!(opens(&key("a"), PLACE, &changed), None);
            prop_assert_eq!(opens(&key("a"), PLACE, &bytes[..at]), None);
        }

        #[test]
        fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            prop_assert_eq!(opens(&key("a"), PLACE, &bytes), None);
        }
    }
}
