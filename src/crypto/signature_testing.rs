//! A key that signs, for the tests of rooms that check signatures.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

use super::signature::{SPKI_PREFIX, Signer};

/// A key of nobody.
pub struct Key(EcdsaKeyPair);

impl Key {
    /// A new one.
    #[expect(clippy::new_without_default, reason = "two of them are never the same")]
    #[must_use]
    pub fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"))
    }
}

impl Signer for Key {
    fn public_key(&self) -> Vec<u8> {
        [SPKI_PREFIX.as_slice(), self.0.public_key().as_ref()].concat()
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(self.0.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec())
    }
}
