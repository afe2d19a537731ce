//! The symmetric key of one (environment, scope, generation): what every value there is sealed with.

use std::fmt;

use super::error::CryptoError;
use super::locked::{KEY_BYTES, LockedKey};
use super::plaintext::Plaintext;
use crate::model::time::Entropy;

/// What it is called in errors.
pub(super) const SCOPE_KEY: &str = "the scope key";

/// 256 bits in locked memory, wiped on drop. It leaves this room only wrapped or sealed.
pub struct ScopeKey(LockedKey);

impl ScopeKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::NoMemory`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        LockedKey::generate(entropy).map(Self)
    }

    /// The key that was opened from its wrapping.
    pub(super) fn from_plaintext(bytes: &Plaintext) -> Result<Self, CryptoError> {
        LockedKey::from_slice(bytes.expose(), SCOPE_KEY).map(Self)
    }

    /// The key itself, for the ciphers of this room.
    pub(super) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for ScopeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ScopeKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::CountingEntropy;
    use super::*;

    #[test]
    fn a_key_never_prints_and_takes_32_bytes_only() {
        let key = ScopeKey::generate(&CountingEntropy::from(0)).expect("key");
        assert_eq!(format!("{key:?}"), "ScopeKey(redacted)");
        let short = ScopeKey::from_plaintext(&Plaintext::new(vec![1; 16])).expect_err("short");
        assert_eq!(short, CryptoError::WrongLength { what: SCOPE_KEY, found: 16, wanted: 32 });
    }
}
