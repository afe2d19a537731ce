//! What opens the root key at start: a key file, a passphrase, or shares of a key that nobody has whole.

use std::fmt;

use super::binding::Binding;
use super::envelope;
use super::error::CryptoError;
use super::locked::{KEY_BYTES, LockedKey};
use super::passphrase::PassphraseParameters;
use super::plaintext::Plaintext;
use super::root::RootKey;
use crate::model::identity::MeshId;
use crate::model::time::Entropy;

const LABEL: &str = "aurora root key 1";
const ROOT: &str = "the wrapped root key";
const KEY_FILE: &str = "the key file";

/// What the unseal source gave, in locked memory. Wraps the root key and nothing else.
pub struct UnsealKey(LockedKey);

impl UnsealKey {
    /// A key that is kept nowhere: to be split into shares.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::NoMemory`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        LockedKey::generate(entropy).map(Self)
    }

    /// The text of a new key file: 64 hexadecimal digits and a newline.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::NoMemory`].
    pub fn generate_key_file(entropy: &dyn Entropy) -> Result<Plaintext, CryptoError> {
        let key = LockedKey::generate(entropy)?;
        let mut text = Vec::with_capacity(2 * KEY_BYTES + 1);
        for byte in key.as_bytes() {
            text.extend([byte >> 4, byte & 0x0f].map(hex_digit));
        }
        text.push(b'\n');
        Ok(Plaintext::new(text))
    }

    /// Reads a key file. One newline at the end may be missing; nothing else may differ.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] without a word about what was found instead; [`CryptoError::NoMemory`].
    pub fn from_key_file(text: &Plaintext) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: KEY_FILE };
        let digits = text.expose();
        let digits = digits.strip_suffix(b"\n").unwrap_or(digits);
        if digits.len() != 2 * KEY_BYTES {
            return Err(malformed);
        }
        let mut key = LockedKey::zeroed()?;
        for (byte, pair) in key.as_mut().iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return Err(malformed) };
            let (Some(high), Some(low)) = (hex_value(*high), hex_value(*low)) else { return Err(malformed) };
            *byte = high << 4 | low;
        }
        Ok(Self(key))
    }

    /// Derives the key from a passphrase. Takes the memory and the time the parameters name: not for an async thread.
    ///
    /// # Errors
    /// [`CryptoError::EmptyPassphrase`], or [`CryptoError::NoMemory`] when that memory cannot be had.
    pub fn from_passphrase(passphrase: &Plaintext, parameters: &PassphraseParameters) -> Result<Self, CryptoError> {
        if passphrase.is_empty() {
            return Err(CryptoError::EmptyPassphrase);
        }
        let mut key = LockedKey::zeroed()?;
        parameters.derive(passphrase, key.as_mut())?;
        Ok(Self(key))
    }

    /// The key that shares were combined to.
    pub(super) fn from_bytes(bytes: &Plaintext) -> Result<Self, CryptoError> {
        LockedKey::from_slice(bytes.expose(), "the unseal key").map(Self)
    }

    /// The key itself, to be split.
    pub(super) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.as_bytes()
    }

    /// Wraps the root key for the store.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::SealFailed`].
    pub fn wrap_root(&self, mesh: &MeshId, root: &RootKey, entropy: &dyn Entropy) -> Result<Vec<u8>, CryptoError> {
        envelope::wrap(self.0.as_bytes(), &bound(mesh), root.as_bytes(), ROOT, entropy)
    }

    /// Opens the root key.
    ///
    /// # Errors
    /// [`CryptoError::UnsealMismatch`] when this is not the key it was wrapped with; [`CryptoError::Malformed`] or
    /// [`CryptoError::UnknownFormat`] when the bytes are not a wrapped key at all.
    pub fn unwrap_root(&self, mesh: &MeshId, wrapped: &[u8]) -> Result<RootKey, CryptoError> {
        let opened = envelope::unwrap(self.0.as_bytes(), &bound(mesh), wrapped, ROOT).map_err(|error| {
            if error == (CryptoError::OpenFailed { what: ROOT }) { CryptoError::UnsealMismatch } else { error }
        })?;
        RootKey::from_plaintext(&opened)
    }
}

impl fmt::Debug for UnsealKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UnsealKey(redacted)")
    }
}

fn bound(mesh: &MeshId) -> Vec<u8> {
    Binding::new(LABEL, mesh).into_bytes()
}

fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + (nibble - 10) }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, MESH, NoEntropy};
    use super::*;
    use crate::model::hex::hex;

    fn root() -> RootKey {
        RootKey::generate(&CountingEntropy::from(5)).expect("key")
    }

    fn file_key(first: u8) -> UnsealKey {
        let text = UnsealKey::generate_key_file(&CountingEntropy::from(first)).expect("text");
        UnsealKey::from_key_file(&text).expect("key")
    }

    #[test]
    fn a_key_file_is_64_digits_and_a_newline() {
        let text = UnsealKey::generate_key_file(&CountingEntropy::from(0xf0)).expect("text");
        let expected = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f\n";
        assert_eq!(text.expose(), expected.as_bytes());
        let key = UnsealKey::from_key_file(&text).expect("key");
        assert_eq!(key.0.as_bytes()[15..17], [0xff, 0x00]);
        assert!(UnsealKey::from_key_file(&Plaintext::new(expected.trim_end().into())).is_ok());
    }

    #[test]
    fn any_other_key_file_is_refused() {
        let good = "ab".repeat(32);
        for text in ["", "\n", &good[1..], &good.to_uppercase(), &format!(" {good}"), &format!("{good}\n\n")] {
            let refused = UnsealKey::from_key_file(&Plaintext::new(text.into())).expect_err(text);
            assert_eq!(refused, CryptoError::Malformed { what: KEY_FILE });
        }
        assert!(matches!(UnsealKey::generate_key_file(&NoEntropy), Err(CryptoError::Entropy(_))));
    }

    #[test]
    fn the_root_key_opens_with_its_own_key_file_only() {
        let wrapped = file_key(0).wrap_root(&MESH, &root(), &CountingEntropy::from(0x80)).expect("wrapped");
        assert_eq!(
            hex(&wrapped),
            concat!(
                "01808182838485868788898a8b8c8d8e8f909192939495969747e85e51ee9e486611162ceb5eaf0b",
                "c56c874bc99ae1a1e5fd7475fa96f03f551b904e373f46978e63dfc6944a1dc626"
            )
        );
        let opened = file_key(0).unwrap_root(&MESH, &wrapped).expect("opened");
        assert_eq!(opened.as_bytes(), root().as_bytes());
        let refused = file_key(1).unwrap_root(&MESH, &wrapped).expect_err("other key");
        assert_eq!(refused, CryptoError::UnsealMismatch);
        assert_eq!(file_key(0).unwrap_root(&MESH, &[]).expect_err("empty"), CryptoError::Malformed { what: ROOT });
    }

    #[test]
    fn the_root_key_opens_with_its_own_passphrase_only() {
        let parameters = PassphraseParameters::generate(&CountingEntropy::from(0)).expect("parameters");
        let derive = |text: &str| UnsealKey::from_passphrase(&Plaintext::new(text.into()), &parameters);
        let key = derive("correct horse").expect("key");
        let wrapped = key.wrap_root(&MESH, &root(), &CountingEntropy::from(0)).expect("wrapped");
        assert!(derive("correct horse").expect("key").unwrap_root(&MESH, &wrapped).is_ok());
        let refused = derive("Correct horse").expect("key").unwrap_root(&MESH, &wrapped).expect_err("other");
        assert_eq!(refused, CryptoError::UnsealMismatch);
        assert_eq!(derive("").expect_err("empty"), CryptoError::EmptyPassphrase);
    }
}
