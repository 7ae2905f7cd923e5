//! Keys: 32 random bytes with a name and a purpose.
//!
//! As a text, in a file or in the environment, a key is `stkey1.<purpose>.<id>.<the bytes in unpadded base64url>`.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::domain::Timestamp;

const FORMAT: &str = "stkey1";

/// What a key is for. A key serves one purpose only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// Wraps the data keys of secrets. Can be rotated.
    Master,
    /// Goes into keyed hashes (HMAC-SHA-256). Is not rotated: what was hashed cannot be hashed again.
    Pepper,
    /// Signs access tokens (Ed25519): its bytes are the seed. Can be rotated.
    Token,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Master, Self::Pepper, Self::Token];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Pepper => "pepper",
            Self::Token => "token",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Purpose {
    type Err = KeyFormatError;

    fn from_str(name: &str) -> Result<Self, KeyFormatError> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name).ok_or(KeyFormatError::Purpose)
    }
}

/// The name of a key: 1 to 64 of `a-z 0-9 -`. It is no secret.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct KeyId(String);

impl KeyId {
    /// The id, if it keeps the rules.
    pub fn parse(text: &str) -> Result<Self, KeyFormatError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let sound = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
        if sound { Ok(Self(text.to_owned())) } else { Err(KeyFormatError::Id) }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key. It is wiped from memory when dropped, and `Debug` shows its id alone.
#[derive(Clone)]
pub struct Key {
    purpose: Purpose,
    id: KeyId,
    bytes: Zeroizing<[u8; 32]>,
}

/// A text is no key. The text is not shown: it may be nearly one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum KeyFormatError {
    /// Not four parts, or of another format.
    #[error(
        "is no key: it must be like stkey1.master.<id>.<43 characters>, as `servertree keys generate` makes them"
    )]
    Shape,
    /// An unknown purpose.
    #[error("has an unknown purpose: it must be master, pepper or token")]
    Purpose,
    /// A bad id.
    #[error("has an id that is not 1 to 64 of a-z, 0-9 and '-'")]
    Id,
    /// Bytes that are not 32.
    #[error("has no 32 bytes in base64url, without padding, at its end")]
    Bytes,
}

impl Key {
    pub(super) fn new(purpose: Purpose, id: KeyId, bytes: [u8; 32]) -> Self {
        Self { purpose, id, bytes: Zeroizing::new(bytes) }
    }

    /// A new key. Its id has the day and 32 random bits: enough to tell keys of a day apart.
    pub fn generate(purpose: Purpose, now: Timestamp) -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice())?;
        let mut number = [0; 4];
        getrandom::fill(&mut number)?;
        let day: String = now.to_string().chars().take(10).filter(char::is_ascii_digit).collect();
        let id = KeyId(format!("{purpose}-{day}-{:08x}", u32::from_be_bytes(number)));
        Ok(Self::new(purpose, id, *bytes))
    }

    /// Reads the text of a key.
    pub fn parse(text: &str) -> Result<Self, KeyFormatError> {
        let parts: Vec<&str> = text.trim().split('.').collect();
        let [FORMAT, purpose, id, encoded] = parts.as_slice() else { return Err(KeyFormatError::Shape) };
        let decoded = URL_SAFE_NO_PAD.decode(encoded).map(Zeroizing::new);
        let bytes = decoded.ok().and_then(|bytes| bytes.as_slice().try_into().ok());
        Ok(Self::new(purpose.parse()?, KeyId::parse(id)?, bytes.ok_or(KeyFormatError::Bytes)?))
    }

    /// The text of the key: a secret.
    pub fn expose(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.bytes.as_slice()));
        Zeroizing::new(format!("{FORMAT}.{}.{}.{}", self.purpose, self.id, *bytes))
    }

    /// Whether a text is meant as a key, rather than as the name of a file.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(FORMAT)
    }

    /// Its name.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// What it is for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Tells, without giving it away, whether a key is the one it was: HMAC-SHA-256 over purpose and id.
    pub(super) fn check_value(&self) -> [u8; 32] {
        self.authenticate("key check", format!("{}.{}", self.purpose, self.id).as_bytes())
    }

    /// HMAC-SHA-256 with this key, of `data` for this use: of no use for another one.
    pub(super) fn authenticate(&self, usage: &'static str, data: &[u8]) -> [u8; 32] {
        // A key that is shorter than a block of the hash is filled up with zeros (RFC 2104).
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(self.bytes.as_slice());
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        mac.update(usage.as_bytes());
        mac.update(b"\0");
        mac.update(data);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_key_is_read_back() {
        let now = Timestamp::from_micros(1_769_853_600_000_000);
        let key = Key::generate(Purpose::Pepper, now).unwrap();
        assert!(key.id().as_str().starts_with("pepper-20260131-"), "{key:?}");
        let read = Key::parse(&format!("{}\n", *key.expose())).unwrap();
        assert_eq!((read.id(), read.purpose(), read.bytes()), (key.id(), key.purpose(), key.bytes()));
        assert!(!format!("{key:?}").contains(key.expose().rsplit('.').next().unwrap()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let bytes = "A".repeat(43);
        for (text, error) in [
            (String::new(), KeyFormatError::Shape),
            (format!("stkey2.master.a.{bytes}"), KeyFormatError::Shape),
            (format!("stkey1.master.{bytes}"), KeyFormatError::Shape),
            (format!("stkey1.door.a.{bytes}"), KeyFormatError::Purpose),
            (format!("stkey1.master.A.{bytes}"), KeyFormatError::Id),
            (format!("stkey1.master..{bytes}"), KeyFormatError::Id),
            (format!("stkey1.master.a.{bytes}A"), KeyFormatError::Bytes),
            ("stkey1.master.a.!".to_owned(), KeyFormatError::Bytes),
        ] {
            assert_eq!(Key::parse(&text).unwrap_err(), error, "{text}");
        }
    }

    proptest::proptest! {
        /// Whatever the text, it is a key that is written as it was read, or it is refused.
        #[test]
        fn any_text_is_a_key_or_is_refused(
            text in r"(stkey1\.(master|pepper|token|door)\.[a-zA-Z0-9-]{0,8}\.[A-Za-z0-9_=-]{42,44}|\PC{0,64})",
        ) {
            if let Ok(key) = Key::parse(&text) {
                let written = key.expose();
                proptest::prop_assert_eq!(written.as_str(), text.trim());
            }
        }
    }

    #[test]
    fn a_check_value_tells_keys_apart() {
        let key = |byte| Key::new(Purpose::Master, KeyId::parse("a").unwrap(), [byte; 32]);
        assert_eq!(key(1).check_value(), key(1).check_value());
        assert_ne!(key(1).check_value(), key(2).check_value());
        assert_ne!(key(1).authenticate("one", b"x"), key(1).authenticate("other", b"x"));
    }
}
