//! The two halves of a token key: one signs, the other verifies (Ed25519, RFC 8032).

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::key::{Key, KeyId};

/// Signs access tokens. It is wiped from memory when dropped, and `Debug` shows its id alone.
pub struct TokenSigner {
    id: KeyId,
    key: SigningKey,
}

impl TokenSigner {
    pub(super) fn new(key: &Key) -> Self {
        Self { id: key.id().clone(), key: SigningKey::from_bytes(key.bytes()) }
    }

    /// The key that it signs with: a token names it.
    pub fn key(&self) -> &KeyId {
        &self.id
    }

    /// The signature of a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenSigner({})", self.id)
    }
}

/// Verifies access tokens that one key signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenVerifyingKey(VerifyingKey);

impl TokenVerifyingKey {
    pub(super) fn of(key: &Key) -> Self {
        Self(SigningKey::from_bytes(key.bytes()).verifying_key())
    }

    /// Whether the key signed this message. Strictly: there is one signature of it, and no other passes for that.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }

    pub(super) fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }
}

/// The public half of a token key, for those who verify tokens themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenPublicKey {
    /// The key that tokens name.
    pub id: KeyId,
    /// The public key (RFC 8032).
    pub bytes: [u8; 32],
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secrets::Purpose;

    fn key(byte: u8) -> Key {
        Key::new(Purpose::Token, KeyId::parse("token-1").unwrap(), [byte; 32])
    }

    /// The second of the vectors in RFC 8032, section 7.1.
    #[test]
    fn it_is_the_ed25519_of_everybody() {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
        };
        let seed = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let public = bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = bytes(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        let key = Key::new(Purpose::Token, KeyId::parse("a").unwrap(), seed.try_into().unwrap());
        assert_eq!(TokenVerifyingKey::of(&key).to_bytes().as_slice(), public);
        assert_eq!(TokenSigner::new(&key).sign(&[0x72]).as_slice(), signature);
    }

    #[test]
    fn a_signer_does_not_show_its_key() {
        assert_eq!(format!("{:?}", TokenSigner::new(&key(7))), "TokenSigner(token-1)");
    }

    proptest! {
        #[test]
        fn what_is_signed_is_verified_and_nothing_else(
            message in prop::collection::vec(any::<u8>(), 1..64),
            at in any::<prop::sample::Index>(),
            flip in 1..=255_u8,
        ) {
            let signature = TokenSigner::new(&key(7)).sign(&message);
            let verifier = TokenVerifyingKey::of(&key(7));
            prop_assert!(verifier.verify(&message, &signature));
            prop_assert!(!TokenVerifyingKey::of(&key(8)).verify(&message, &signature));
            let mut altered = signature;
            altered[at.index(64)] ^= flip;
            prop_assert!(!verifier.verify(&message, &altered));
            let mut cut_off = signature;
            cut_off[at.index(63) + 1..].fill(0);
            prop_assert!(cut_off == signature || !verifier.verify(&message, &cut_off));
            let place = at.index(message.len());
            prop_assert!(!verifier.verify(&message[..place], &signature));
            let mut other = message;
            other[place] ^= flip;
            prop_assert!(!verifier.verify(&other, &signature));
        }

        #[test]
        fn any_bytes_are_no_signature(
            message in prop::collection::vec(any::<u8>(), 0..64),
            half in any::<[u8; 32]>(),
            other_half in any::<[u8; 32]>(),
        ) {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&half);
            signature[32..].copy_from_slice(&other_half);
            prop_assert!(!TokenVerifyingKey::of(&key(7)).verify(&message, &signature));
        }
    }
}
