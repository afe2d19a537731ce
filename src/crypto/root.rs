//! The root key: wraps everything else a node keeps secret on its own disk.

use std::fmt;

use super::binding::Binding;
use super::envelope;
use super::error::CryptoError;
use super::locked::{KEY_BYTES, LockedKey};
use super::plaintext::Plaintext;
use super::scope_key::{SCOPE_KEY, ScopeKey};
use crate::model::identity::MeshId;
use crate::model::number::Generation;
use crate::model::record::SealedScopeKey;
use crate::model::secret::KeyScope;
use crate::model::time::Entropy;

const BLOB_LABEL: &str = "aurora wrapped blob 1";
const SCOPE_KEY_LABEL: &str = "aurora wrapped scope key 1";
const BLOB: &str = "the wrapped key";

/// 256 bits in locked memory, wiped on drop. Rotating it re-wraps keys only, never values.
pub struct RootKey(LockedKey);

impl RootKey {
    /// A fresh root key.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::NoMemory`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        LockedKey::generate(entropy).map(Self)
    }

    /// The root key that an unseal key opened.
    pub(super) fn from_plaintext(bytes: &Plaintext) -> Result<Self, CryptoError> {
        LockedKey::from_slice(bytes.expose(), "the root key").map(Self)
    }

    /// The key itself, to be wrapped by an unseal key.
    pub(super) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.as_bytes()
    }

    /// Wraps key material. It opens only in this mesh and under this label, which names its place in the store.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::SealFailed`].
    pub fn wrap(
        &self,
        mesh: &MeshId,
        label: &str,
        secret: &Plaintext,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, CryptoError> {
        envelope::wrap(self.as_bytes(), &blob_bound(mesh, label), secret.expose(), BLOB, entropy)
    }

    /// Opens what [`RootKey::wrap`] made.
    ///
    /// # Errors
    /// [`CryptoError::OpenFailed`] for another key, mesh or label; [`CryptoError::Malformed`] or
    /// [`CryptoError::UnknownFormat`] for bytes of another shape.
    pub fn unwrap(&self, mesh: &MeshId, label: &str, wrapped: &[u8]) -> Result<Plaintext, CryptoError> {
        envelope::unwrap(self.as_bytes(), &blob_bound(mesh, label), wrapped, BLOB)
    }

    /// Wraps a scope key for the lead's own store.
    ///
    /// # Errors
    /// As [`RootKey::wrap`].
    pub fn wrap_scope_key(
        &self,
        mesh: &MeshId,
        at: &KeyScope,
        generation: Generation,
        key: &ScopeKey,
        entropy: &dyn Entropy,
    ) -> Result<SealedScopeKey, CryptoError> {
        let bound = scope_key_bound(mesh, at, generation);
        let sealed = envelope::wrap(self.as_bytes(), &bound, key.as_bytes(), SCOPE_KEY, entropy)?;
        Ok(SealedScopeKey { at: at.clone(), generation, sealed, made_at: None })
    }

    /// Opens what [`RootKey::wrap_scope_key`] made.
    ///
    /// # Errors
    /// As [`RootKey::unwrap`], and [`CryptoError::WrongLength`].
    pub fn unwrap_scope_key(&self, mesh: &MeshId, wrapped: &SealedScopeKey) -> Result<ScopeKey, CryptoError> {
        let bound = scope_key_bound(mesh, &wrapped.at, wrapped.generation);
        ScopeKey::from_plaintext(&envelope::unwrap(self.as_bytes(), &bound, &wrapped.sealed, SCOPE_KEY)?)
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RootKey(redacted)")
    }
}

fn blob_bound(mesh: &MeshId, label: &str) -> Vec<u8> {
    Binding::new(BLOB_LABEL, mesh).field(label.as_bytes()).into_bytes()
}

fn scope_key_bound(mesh: &MeshId, at: &KeyScope, generation: Generation) -> Vec<u8> {
    Binding::new(SCOPE_KEY_LABEL, mesh).key_scope(at).generation(generation).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, MESH, at};
    use super::*;
    use crate::model::hex::hex;

    fn root() -> RootKey {
        RootKey::generate(&CountingEntropy::from(0)).expect("key")
    }

    #[test]
    fn a_wrapped_blob_has_these_bytes_for_ever_and_opens() {
        let secret = Plaintext::new(b"identity".to_vec());
        let wrapped = root().wrap(&MESH, "identity", &secret, &CountingEntropy::from(0x80)).expect("wrapped");
        assert_eq!(
            hex(&wrapped),
            concat!(
                "01808182838485868788898a8b8c8d8e8f90919293949596972b8a3c3793fd3713d2f8989b9182f4",
                "2af231257095dbb42f"
            )
        );
        assert_eq!(root().unwrap(&MESH, "identity", &wrapped).expect("opened").expose(), b"identity");
    }

    #[test]
    fn a_blob_under_another_label_mesh_or_key_is_refused() {
        let secret = Plaintext::new(b"identity".to_vec());
        let wrapped = root().wrap(&MESH, "identity", &secret, &CountingEntropy::from(0)).expect("wrapped");
        let refused = CryptoError::OpenFailed { what: BLOB };
        assert_eq!(root().unwrap(&MESH, "authority", &wrapped).expect_err("label"), refused);
        assert_eq!(root().unwrap(&MeshId([0; 16]), "identity", &wrapped).expect_err("mesh"), refused);
        let other = RootKey::generate(&CountingEntropy::from(1)).expect("key");
        assert_eq!(other.unwrap(&MESH, "identity", &wrapped).expect_err("key"), refused);
        let unknown = CryptoError::UnknownFormat { what: BLOB, found: 9 };
        assert_eq!(root().unwrap(&MESH, "identity", &[9, 0, 0]).expect_err("format"), unknown);
        assert_eq!(root().unwrap(&MESH, "identity", &[]).expect_err("empty"), CryptoError::Malformed { what: BLOB });
    }

    #[test]
    fn a_scope_key_opens_for_its_own_scope_and_generation_only() {
        let scope = at("prod", "openai/api_key", "company:acme").key_scope();
        let key = ScopeKey::generate(&CountingEntropy::from(7)).expect("key");
        let entropy = CountingEntropy::from(0x80);
        let wrapped = root().wrap_scope_key(&MESH, &scope, Generation::FIRST, &key, &entropy).expect("wrapped");
        let opened = root().unwrap_scope_key(&MESH, &wrapped).expect("opened");
        assert_eq!(opened.as_bytes(), key.as_bytes());
        let moved = SealedScopeKey { at: at("dev", "a/b", "company:acme").key_scope(), ..wrapped.clone() };
        let refused = CryptoError::OpenFailed { what: SCOPE_KEY };
        assert_eq!(root().unwrap_scope_key(&MESH, &moved).expect_err("moved"), refused);
        let newer = SealedScopeKey { generation: Generation::FIRST.next(), ..wrapped };
        assert_eq!(root().unwrap_scope_key(&MESH, &newer).expect_err("generation"), refused);
    }
}
