//! How a scope key reaches one node: HPKE (RFC 9180), DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305.
//!
//! Mode Auth: the sender is the mesh's own key, whose public half each node pinned when it joined. So a key that opens
//! came from the lead, and a cache that was tampered with on disk does not open.

use std::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, X25519HkdfSha256};
use hpke::{Deserializable, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal_with_rng};
use x25519_dalek::{PublicKey, StaticSecret};

use super::binding::Binding;
use super::draw::Draw;
use super::error::CryptoError;
use super::locked::LockedKey;
use super::plaintext::Plaintext;
use super::scope_key::{SCOPE_KEY, ScopeKey};
use crate::model::identity::{MeshId, SealingPublicKey};
use crate::model::name::NodeName;
use crate::model::number::Generation;
use crate::model::record::SealedScopeKey;
use crate::model::secret::KeyScope;
use crate::model::time::Entropy;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type RecipientKey = <X25519HkdfSha256 as Kem>::PublicKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

/// Names the use and the format of the sealed bytes.
const LABEL: &str = "aurora sealed scope key 1";

/// The first byte of what is sealed: the suite above, encapsulated key, ciphertext, tag.
const SEALED_FORMAT: u8 = 1;

/// Bytes of an encapsulated X25519 key (RFC 9180, section 7.1).
const ENCAPPED_BYTES: usize = 32;

/// An X25519 secret in locked memory, wiped on drop: a node's, or the mesh's own.
pub struct SealingKey {
    secret: LockedKey,
    public: SealingPublicKey,
}

impl SealingKey {
    /// A fresh key pair.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::NoMemory`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        LockedKey::generate(entropy).map(Self::from_locked)
    }

    /// The key pair of a stored secret, once it was unwrapped.
    ///
    /// # Errors
    /// [`CryptoError::WrongLength`] or [`CryptoError::NoMemory`].
    pub fn from_plaintext(secret: &Plaintext) -> Result<Self, CryptoError> {
        LockedKey::from_slice(secret.expose(), "the sealing key").map(Self::from_locked)
    }

    /// The secret, to be wrapped and stored.
    #[must_use]
    pub fn to_plaintext(&self) -> Plaintext {
        Plaintext::new(self.secret.as_bytes().to_vec())
    }

    /// The public half: what others seal to, or know the sender by.
    #[must_use]
    pub fn public(&self) -> SealingPublicKey {
        self.public
    }

    fn from_locked(secret: LockedKey) -> Self {
        let public = PublicKey::from(&StaticSecret::from(*secret.as_bytes()));
        Self { secret, public: SealingPublicKey(public.to_bytes()) }
    }

    /// The secret as the HPKE library wants it: clamped, and wiped when dropped.
    fn private(&self) -> Result<PrivateKey, CryptoError> {
        PrivateKey::from_bytes(self.secret.as_bytes()).map_err(|_| CryptoError::Malformed { what: "the sealing key" })
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SealingKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Seals a scope key to one node.
///
/// # Errors
/// [`CryptoError::Entropy`], or [`CryptoError::SealFailed`] when the recipient's key is of low order, hence no key.
#[expect(clippy::too_many_arguments, reason = "each is a part of what the sealed key is bound to")]
pub fn seal_scope_key(
    sender: &SealingKey,
    to: &SealingPublicKey,
    mesh: &MeshId,
    node: &NodeName,
    at: &KeyScope,
    generation: Generation,
    key: &ScopeKey,
    entropy: &dyn Entropy,
) -> Result<SealedScopeKey, CryptoError> {
    let failed = |_| CryptoError::SealFailed { what: SCOPE_KEY };
    let mode = OpModeS::<X25519HkdfSha256>::Auth((sender.private()?, public(&sender.public)?));
    let mut random = Draw::from(entropy);
    let result = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &mode,
        &public(to)?,
        &info(mesh, node, at, generation),
        key.as_bytes(),
        b"",
        &mut random,
    );
    // Asked first: what was made without randomness must not leave, whatever the library says of it.
    random.finish()?;
    let (encapped, ciphertext) = result.map_err(failed)?;
    let mut sealed = vec![SEALED_FORMAT];
    sealed.extend_from_slice(&encapped.to_bytes());
    sealed.extend_from_slice(&ciphertext);
    Ok(SealedScopeKey { at: at.clone(), generation, sealed, made_at: None })
}

/// Opens a scope key that was sealed to this node by that sender.
///
/// # Errors
/// [`CryptoError::OpenFailed`] for another recipient, sender, mesh, node, scope or generation, or a changed byte;
/// [`CryptoError::Malformed`] or [`CryptoError::UnknownFormat`] for bytes of another shape.
pub fn open_scope_key(
    recipient: &SealingKey,
    from: &SealingPublicKey,
    mesh: &MeshId,
    node: &NodeName,
    sealed: &SealedScopeKey,
) -> Result<ScopeKey, CryptoError> {
    let malformed = CryptoError::Malformed { what: SCOPE_KEY };
    let (&format, rest) = sealed.sealed.split_first().ok_or(malformed.clone())?;
    if format != SEALED_FORMAT {
        return Err(CryptoError::UnknownFormat { what: SCOPE_KEY, found: format });
    }
    let (encapped, ciphertext) = rest.split_first_chunk::<ENCAPPED_BYTES>().ok_or(malformed.clone())?;
    let encapped = EncappedKey::from_bytes(encapped).map_err(|_| malformed)?;
    let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Auth(public(from)?),
        &recipient.private()?,
        &encapped,
        &info(mesh, node, &sealed.at, sealed.generation),
        ciphertext,
        b"",
    )
    .map_err(|_| CryptoError::OpenFailed { what: SCOPE_KEY })?;
    ScopeKey::from_plaintext(&Plaintext::new(opened))
}

fn public(key: &SealingPublicKey) -> Result<RecipientKey, CryptoError> {
    RecipientKey::from_bytes(&key.0).map_err(|_| CryptoError::Malformed { what: "the public sealing key" })
}

fn info(mesh: &MeshId, node: &NodeName, at: &KeyScope, generation: Generation) -> Vec<u8> {
    Binding::new(LABEL, mesh).field(node.as_str().as_bytes()).key_scope(at).generation(generation).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, MESH, NoEntropy, at, node};
    use super::*;
    use crate::model::hex::hex;

    const OPEN_FAILED: CryptoError = CryptoError::OpenFailed { what: SCOPE_KEY };

    struct Parties {
        mesh_key: SealingKey,
        node_key: SealingKey,
        scope: KeyScope,
        key: ScopeKey,
    }

    fn parties() -> Parties {
        Parties {
            mesh_key: SealingKey::generate(&CountingEntropy::from(0)).expect("key"),
            node_key: SealingKey::generate(&CountingEntropy::from(0x40)).expect("key"),
            scope: at("prod", "openai/api_key", "company:acme").key_scope(),
            key: ScopeKey::generate(&CountingEntropy::from(0x80)).expect("key"),
        }
    }

    fn seal(it: &Parties, entropy: &dyn Entropy) -> Result<SealedScopeKey, CryptoError> {
        let (to, name) = (it.node_key.public(), node("vengeance"));
        seal_scope_key(&it.mesh_key, &to, &MESH, &name, &it.scope, Generation::FIRST, &it.key, entropy)
    }

    fn refused(recipient: &SealingKey, from: &SealingKey, name: &str, sealed: &SealedScopeKey) -> CryptoError {
        open_scope_key(recipient, &from.public(), &MESH, &node(name), sealed).expect_err("must not open")
    }

    #[test]
    fn a_sealed_scope_key_has_these_bytes_for_ever_and_opens() {
        let it = parties();
        let sealed = seal(&it, &CountingEntropy::from(0xc0)).expect("sealed");
        assert_eq!(
            hex(&sealed.sealed),
            concat!(
                "010a4244187e020c1b51d51502593322001217c1db3bc91bf837491c9b71807605a5954b8e3c1ed6",
                "320cf6b05bfcdc1ceb7b2b3e208a65bef3f7afc7f55bacd5d9c3b3fecdf7f8c1548ff6c913b4efc5",
                "4b"
            )
        );
        let opened = open_scope_key(&it.node_key, &it.mesh_key.public(), &MESH, &node("vengeance"), &sealed);
        assert_eq!(opened.expect("opened").as_bytes(), it.key.as_bytes());
    }

    #[test]
    fn it_opens_for_no_other_recipient_sender_node_scope_or_generation() {
        let it = parties();
        let sealed = seal(&it, &CountingEntropy::from(0xc0)).expect("sealed");
        let other = SealingKey::generate(&CountingEntropy::from(9)).expect("key");
        assert_eq!(refused(&other, &it.mesh_key, "vengeance", &sealed), OPEN_FAILED);
        assert_eq!(refused(&it.node_key, &other, "vengeance", &sealed), OPEN_FAILED);
        assert_eq!(refused(&it.node_key, &it.mesh_key, "runpod-tx", &sealed), OPEN_FAILED);
        let moved = SealedScopeKey { at: at("prod", "a/b", "global").key_scope(), ..sealed.clone() };
        assert_eq!(refused(&it.node_key, &it.mesh_key, "vengeance", &moved), OPEN_FAILED);
        let newer = SealedScopeKey { generation: Generation::FIRST.next(), ..sealed };
        assert_eq!(refused(&it.node_key, &it.mesh_key, "vengeance", &newer), OPEN_FAILED);
    }

    #[test]
    fn changed_and_cut_bytes_are_refused() {
        let it = parties();
        let sealed = seal(&it, &CountingEntropy::from(0xc0)).expect("sealed");
        for index in [0, 1, 32, 33, sealed.sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed.sealed[index] ^= 1;
            refused(&it.node_key, &it.mesh_key, "vengeance", &changed);
        }
        for length in [0, 1, 32, 33, sealed.sealed.len() - 1] {
            let cut = SealedScopeKey { sealed: sealed.sealed[..length].to_vec(), ..sealed.clone() };
            refused(&it.node_key, &it.mesh_key, "vengeance", &cut);
        }
    }

    #[test]
    fn nothing_is_sealed_without_randomness_or_to_a_key_of_low_order() {
        let it = parties();
        assert!(matches!(seal(&it, &NoEntropy), Err(CryptoError::Entropy(_))));
        let zero = SealingPublicKey([0; 32]);
        let (name, entropy) = (node("vengeance"), CountingEntropy::from(1));
        let sealed = seal_scope_key(&it.mesh_key, &zero, &MESH, &name, &it.scope, Generation::FIRST, &it.key, &entropy);
        assert_eq!(sealed, Err(CryptoError::SealFailed { what: SCOPE_KEY }));
    }

    #[test]
    fn a_stored_key_gives_the_same_public_half() {
        let key = parties().node_key;
        let again = SealingKey::from_plaintext(&key.to_plaintext()).expect("key");
        assert_eq!(again.public(), key.public());
        assert!(!format!("{key:?}").contains("secret"));
        assert!(matches!(
            SealingKey::from_plaintext(&Plaintext::new(vec![1; 33])),
            Err(CryptoError::WrongLength { found: 33, .. })
        ));
    }
}
