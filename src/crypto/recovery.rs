//! Recovery keys: whoever holds one opens the snapshots that were made for it, also when the unseal source is lost.
//!
//! HPKE (RFC 9180) in mode Base with X-Wing (draft-connolly-cfrg-xwing-kem, as HPKE names it in draft-ietf-hpke-pq),
//! HKDF-SHA256 and ChaCha20-Poly1305. X-Wing is X25519 and ML-KEM-768 together: a copy that somebody keeps for years stays
//! closed unless both are broken. What is sealed is the key of the snapshot's text and the root key of its store.
//!
//! Both texts begin with a word that says what they are and end with a checksum ([`super::armour`]).

use std::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, XWing};
use hpke::{Deserializable, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal_with_rng};

use super::armour::{self, Unreadable};
use super::binding::Binding;
use super::chunks::ContentKey;
use super::digest;
use super::draw::Draw;
use super::error::CryptoError;
use super::locked::{KEY_BYTES, LockedKey};
use super::plaintext::Plaintext;
use super::root::RootKey;
use crate::model::identity::MeshId;
use crate::model::time::Entropy;

type PrivateKey = <XWing as Kem>::PrivateKey;
type PublicKey = <XWing as Kem>::PublicKey;
type EncappedKey = <XWing as Kem>::EncappedKey;

const PUBLIC_PREFIX: &str = "aurora-recovery-";
const SECRET_PREFIX: &str = "aurora-recovery-secret-";
const PUBLIC: &str = "the recovery recipient";
const SECRET: &str = "the recovery key";
const SEALED: &str = "the snapshot's key for its recipient";

/// Names the use and the format of what is sealed.
const LABEL: &str = "aurora snapshot recipient 1";

/// The first byte of each text, and of what is sealed: X-Wing and the rest of the suite above.
const FORMAT: u8 = 1;

/// Bytes of a public key: ML-KEM-768 (1184) and X25519 (32).
const PUBLIC_BYTES: usize = 1216;

/// Bytes of an encapsulated key: ML-KEM-768 (1088) and X25519 (32).
const ENCAPPED_BYTES: usize = 1120;

/// Longest text of either: base62 needs 1.35 characters for a byte.
const TEXT_BYTES_MAX: usize = 2048;

/// What a recovery key opens.
#[derive(Debug)]
pub struct Recovered {
    /// The key of the snapshot's text.
    pub content: ContentKey,
    /// The root key of the store in it.
    pub root: RootKey,
}

/// The secret half, in locked memory: kept by people, away from the mesh.
pub struct RecoveryKey(LockedKey);

impl RecoveryKey {
    /// A fresh one.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::NoMemory`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        LockedKey::generate(entropy).map(Self)
    }

    /// Reads the text of [`Self::text`].
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] for what is no such text, or was mistyped or cut; [`CryptoError::UnknownFormat`].
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let body = read(SECRET_PREFIX, text, SECRET)?;
        LockedKey::from_slice(body.expose().get(1..).unwrap_or_default(), SECRET).map(Self)
    }

    /// The text to be kept; whoever has it opens every snapshot that was made for this key.
    #[must_use]
    pub fn text(&self) -> Plaintext {
        let body = Plaintext::new([&[FORMAT], self.0.as_bytes().as_slice()].concat());
        armour::write(SECRET_PREFIX, body.expose())
    }

    /// The public half.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`], which no key of this room gives.
    pub fn recipient(&self) -> Result<Recipient, CryptoError> {
        let bytes = XWing::sk_to_pk(&self.private()?).to_bytes();
        Recipient::from_slice(&bytes)
    }

    /// Opens what was sealed to the public half, for a snapshot of this mesh.
    ///
    /// # Errors
    /// [`CryptoError::OpenFailed`] for another key or mesh, or a changed byte; [`CryptoError::Malformed`] or
    /// [`CryptoError::UnknownFormat`] for bytes of another shape.
    pub fn open(&self, mesh: &MeshId, sealed: &[u8]) -> Result<Recovered, CryptoError> {
        let malformed = CryptoError::Malformed { what: SEALED };
        let (&format, rest) = sealed.split_first().ok_or(malformed.clone())?;
        if format != FORMAT {
            return Err(CryptoError::UnknownFormat { what: SEALED, found: format });
        }
        let (encapped, ciphertext) = rest.split_at_checked(ENCAPPED_BYTES).ok_or(malformed.clone())?;
        let encapped = EncappedKey::from_bytes(encapped).map_err(|_| malformed.clone())?;
        let (mode, private) = (OpModeR::Base, self.private()?);
        let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &mode,
            &private,
            &encapped,
            &info(mesh),
            ciphertext,
            b"",
        );
        let opened = Plaintext::new(opened.map_err(|_| CryptoError::OpenFailed { what: SEALED })?);
        let (content, root) = opened.expose().split_at_checked(KEY_BYTES).ok_or(malformed)?;
        let root = RootKey::from_plaintext(&Plaintext::new(root.to_vec()))?;
        Ok(Recovered { content: ContentKey::from_slice(content)?, root })
    }

    fn private(&self) -> Result<PrivateKey, CryptoError> {
        PrivateKey::from_bytes(self.0.as_bytes()).map_err(|_| CryptoError::Malformed { what: SECRET })
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecoveryKey(redacted)")
    }
}

/// The public half: snapshots are made for it. No secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(Vec<u8>);

impl Recipient {
    /// Reads the text of [`Self::text`].
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] for what is no such text, or was mistyped or cut; [`CryptoError::UnknownFormat`].
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let body = read(PUBLIC_PREFIX, text, PUBLIC)?;
        Self::from_slice(body.expose().get(1..).unwrap_or_default())
    }

    /// The text that is written into configurations.
    #[must_use]
    pub fn text(&self) -> String {
        let body = [&[FORMAT], self.0.as_slice()].concat();
        String::from_utf8_lossy(armour::write(PUBLIC_PREFIX, &body).expose()).into_owned()
    }

    /// A short name for it: the first eight bytes of the SHA-256 of the key.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = digest::sha256(&self.0);
        [a, b, c, d, e, f, g, h]
    }

    /// Seals the keys of a snapshot of this mesh to whoever holds the secret half.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`], or [`CryptoError::SealFailed`].
    pub fn seal(
        &self,
        mesh: &MeshId,
        content: &ContentKey,
        root: &RootKey,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, CryptoError> {
        let public = PublicKey::from_bytes(&self.0).map_err(|_| CryptoError::Malformed { what: PUBLIC })?;
        let keys = Plaintext::new([content.as_bytes().as_slice(), root.as_bytes()].concat());
        let mut random = Draw::from(entropy);
        let sealed = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeS::Base,
            &public,
            &info(mesh),
            keys.expose(),
            b"",
            &mut random,
        );
        random.finish()?;
        let (encapped, ciphertext) = sealed.map_err(|_| CryptoError::SealFailed { what: SEALED })?;
        Ok([&[FORMAT], encapped.to_bytes().as_slice(), &ciphertext].concat())
    }

    fn from_slice(bytes: &[u8]) -> Result<Self, CryptoError> {
        if bytes.len() != PUBLIC_BYTES {
            return Err(CryptoError::WrongLength { what: PUBLIC, found: bytes.len(), wanted: PUBLIC_BYTES });
        }
        PublicKey::from_bytes(bytes).map_err(|_| CryptoError::Malformed { what: PUBLIC })?;
        Ok(Self(bytes.to_vec()))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Recipient").field(&self.fingerprint()).finish()
    }
}

/// The body of a text, with the format byte it must have.
fn read(prefix: &str, text: &str, what: &'static str) -> Result<Plaintext, CryptoError> {
    let malformed = |unreadable| match unreadable {
        Unreadable::Foreign | Unreadable::Damaged => CryptoError::Malformed { what },
    };
    let body = armour::read(prefix, text, TEXT_BYTES_MAX).map_err(malformed)?;
    match body.expose().first() {
        Some(&FORMAT) => Ok(body),
        Some(&found) => Err(CryptoError::UnknownFormat { what, found }),
        None => Err(CryptoError::Malformed { what }),
    }
}

fn info(mesh: &MeshId) -> Vec<u8> {
    Binding::new(LABEL, mesh).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, MESH, NoEntropy};
    use super::*;
    use crate::model::hex::hex;

    fn key(first: u8) -> RecoveryKey {
        RecoveryKey::generate(&CountingEntropy::from(first)).expect("key")
    }

    fn content() -> ContentKey {
        ContentKey::generate(&CountingEntropy::from(0x40)).expect("key")
    }

    fn root() -> RootKey {
        RootKey::generate(&CountingEntropy::from(0x80)).expect("key")
    }

    fn sealed() -> Vec<u8> {
        let recipient = key(1).recipient().expect("recipient");
        recipient.seal(&MESH, &content(), &root(), &CountingEntropy::from(0xc0)).expect("sealed")
    }

    #[test]
    fn what_is_sealed_has_these_bytes_for_ever_and_opens_with_its_key_in_its_mesh() {
        let sealed = sealed();
        assert_eq!(sealed.len(), 1 + ENCAPPED_BYTES + 2 * KEY_BYTES + 16);
        assert_eq!(hex(&digest::sha256(&sealed)), GOLDEN);
        let opened = key(1).open(&MESH, &sealed).expect("opened");
        assert_eq!(opened.content.as_bytes(), content().as_bytes());
        assert_eq!(opened.root.as_bytes(), root().as_bytes());
        let refused = CryptoError::OpenFailed { what: SEALED };
        assert_eq!(key(2).open(&MESH, &sealed).expect_err("another key"), refused);
        assert_eq!(key(1).open(&MeshId([0; 16]), &sealed).expect_err("another mesh"), refused);
    }

    const GOLDEN: &str = "f4d9f935bce9b4f2d0350dc3756398ccd6146eb7307b3c2336ef2f836a23b6de";

    #[test]
    fn changed_and_cut_bytes_are_refused() {
        let sealed = sealed();
        for at in [0, 1, 600, 1100, ENCAPPED_BYTES, ENCAPPED_BYTES + 1, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key(1).open(&MESH, &changed).is_err(), "byte {at}");
            assert!(key(1).open(&MESH, &sealed[..at]).is_err(), "length {at}");
        }
    }

    #[test]
    fn both_texts_read_back_and_a_mistyped_one_does_not() {
        let recipient = key(1).recipient().expect("recipient");
        let text = recipient.text();
        assert!(text.starts_with("aurora-recovery-") && text.len() < TEXT_BYTES_MAX);
        assert_eq!(Recipient::parse(&format!(" {text}\n")).expect("read"), recipient);
        let secret = String::from_utf8(key(1).text().expose().to_vec()).expect("ascii");
        assert!(secret.starts_with("aurora-recovery-secret-"));
        assert_eq!(RecoveryKey::parse(&secret).expect("read").recipient().expect("recipient"), recipient);
        assert!(Recipient::parse(&secret).is_err(), "a secret is never taken for a recipient");
        assert!(RecoveryKey::parse(&text).is_err());
        for wrong in [&text[..text.len() - 1], &text.replacen("aurora", "Aurora", 1), "aurora-recovery-", ""] {
            assert!(Recipient::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(format!("{:?}", key(1)), "RecoveryKey(redacted)");
    }

    #[test]
    fn without_randomness_nothing_is_sealed() {
        let recipient = key(1).recipient().expect("recipient");
        let refused = recipient.seal(&MESH, &content(), &root(), &NoEntropy);
        assert!(matches!(refused, Err(CryptoError::Entropy(_))));
        assert!(matches!(RecoveryKey::generate(&NoEntropy), Err(CryptoError::Entropy(_))));
    }
}
