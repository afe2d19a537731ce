//! Signing keys of agents: made here, shown once, and used to check what an agent signed.
//!
//! The key of the code is the *text* that was shown, as bytes: whoever signs needs no decoder.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::armour::{self, Unreadable};
use super::error::CryptoError;
use super::locked::{KEY_BYTES, LockedKey};
use super::plaintext::Plaintext;
use crate::model::time::Entropy;

const PREFIX: &str = "aurora-sign-";
const WHAT: &str = "the signing key";

/// Longest text that is read: base62 costs the square of its length.
const TEXT_BYTES_MAX: usize = 128;

/// The signing key of an agent: 256 bits in locked memory, wiped on drop.
pub struct SigningKey(LockedKey);

impl SigningKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::NoMemory`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        LockedKey::generate(entropy).map(Self)
    }

    /// Reads a text that was shown. White space around it is forgiven, since it is pasted.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] for what is no signing key, or lost or changed a character;
    /// [`CryptoError::NoMemory`].
    pub fn parse(text: &Plaintext) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: WHAT };
        let text = std::str::from_utf8(text.expose()).map_err(|_| malformed.clone())?;
        let body = armour::read(PREFIX, text, TEXT_BYTES_MAX).map_err(|unreadable| match unreadable {
            Unreadable::Foreign | Unreadable::Damaged => malformed,
        })?;
        LockedKey::from_slice(body.expose(), WHAT).map(Self)
    }

    /// The text to hand over: `aurora-sign-` and base62. It is the secret.
    #[must_use]
    pub fn text(&self) -> Plaintext {
        armour::write(PREFIX, self.0.as_bytes())
    }

    /// HMAC-SHA256 (RFC 2104) of a text under this key.
    ///
    /// # Errors
    /// None that a key of this type can cause.
    pub fn sign(&self, text: &[u8]) -> Result<[u8; 32], CryptoError> {
        Ok(self.over(text)?.finalize().into_bytes().into())
    }

    /// Whether a code is that of a text under this key, in a time that tells nothing of where they differ.
    #[must_use]
    pub fn fits(&self, text: &[u8], mac: &[u8; 32]) -> bool {
        self.over(text).is_ok_and(|over| over.verify_slice(mac).is_ok())
    }

    fn over(&self, text: &[u8]) -> Result<Hmac<Sha256>, CryptoError> {
        let mut over =
            Hmac::<Sha256>::new_from_slice(self.text().expose()).map_err(|_| CryptoError::Malformed { what: WHAT })?;
        over.update(text);
        Ok(over)
    }

    /// The key itself, to be wrapped.
    pub(super) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.as_bytes()
    }

    /// The key that was wrapped.
    pub(super) fn from_slice(bytes: &[u8]) -> Result<Self, CryptoError> {
        LockedKey::from_slice(bytes, WHAT).map(Self)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, NoEntropy};
    use super::*;
    use crate::model::hex::hex;

    fn key(first: u8) -> SigningKey {
        SigningKey::generate(&CountingEntropy::from(first)).expect("key")
    }

    /// Checked with: `printf 'a command' | openssl dgst -sha256 -hmac "$TEXT"`.
    #[test]
    fn the_key_of_the_code_is_the_text_that_was_shown() {
        let text = String::from_utf8(key(0).text().expose().to_vec()).expect("ascii");
        assert_eq!(text, "aurora-sign-0Gp5uvDxgLTOpvmZxMbHDMkmqwsB6acXk71hwVCsCdgwyoj");
        assert_eq!(
            hex(&key(0).sign(b"a command").expect("signed")),
            "660b894b7ddf31addb32598f62b6abe4b063cb603f60504abf7d2fb098848f73"
        );
    }

    #[test]
    fn a_code_fits_its_text_and_key_and_nothing_else() {
        let mac = key(0).sign(b"a command").expect("signed");
        assert!(key(0).fits(b"a command", &mac));
        assert!(!key(0).fits(b"another command", &mac));
        assert!(!key(1).fits(b"a command", &mac));
        assert!(!key(0).fits(b"a command", &[0; 32]));
    }

    #[test]
    fn a_key_reads_back_from_its_text_and_prints_nothing() {
        let read = SigningKey::parse(&key(7).text()).expect("read");
        assert_eq!(read.as_bytes(), key(7).as_bytes());
        assert_eq!(format!("{read:?}"), "SigningKey(redacted)");
        for text in ["", "aurora-sign-", "aurora-join-abc", "aurora-sign-0000"] {
            assert!(SigningKey::parse(&Plaintext::new(text.as_bytes().to_vec())).is_err(), "{text}");
        }
        assert!(SigningKey::generate(&NoEntropy).is_err());
    }
}
