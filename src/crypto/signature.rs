//! Signatures that outlive a connection: ECDSA on P-256 with SHA-256 (FIPS 186-5), as X.509 writes them.
//!
//! Keys are made and used where identities are (`transport`); here is what anybody can check with a public key alone.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use super::digest::sha256;
use crate::model::identity::KeyPin;

/// What stands before the point in the public key of a P-256 key (RFC 5480, DER): the same for every such key.
pub(super) const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Signs with a key that never leaves its place.
pub trait Signer: Send + Sync {
    /// The public key: `SubjectPublicKeyInfo`, DER.
    fn public_key(&self) -> Vec<u8>;

    /// The signature over a message: DER of ECDSA on P-256 with SHA-256; none when the library has no randomness.
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>>;
}

/// Whether a signature over a message was made with the private half of this key. A key of another kind signs nothing.
#[must_use]
pub fn is_signed(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Some(point) = public_key.strip_prefix(SPKI_PREFIX.as_slice()) else { return false };
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature).is_ok()
}

/// What a key is known by: SHA-256 of its `SubjectPublicKeyInfo`.
#[must_use]
pub fn pin(public_key: &[u8]) -> KeyPin {
    KeyPin(sha256(public_key))
}
