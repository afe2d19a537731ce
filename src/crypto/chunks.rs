//! A long text sealed piece by piece, so that it is written and read as it comes: the STREAM construction (Hoang, Reyhanitabar,
//! Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015), as age uses it.
//!
//! Each piece is sealed with XChaCha20-Poly1305 under a key of this text alone, which is why nonces may be counted: 15 zero
//! bytes, the number of the piece (8, big endian), and 1 for the last one. So a piece that is left out, moved, doubled or
//! cut off does not open, and neither does what is put after the end.

use std::fmt;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroize;

use super::envelope::{NONCE_BYTES, TAG_BYTES};
use super::error::CryptoError;
use super::locked::{KEY_BYTES, LockedKey};
use super::plaintext::Plaintext;
use super::root::RootKey;
use crate::model::identity::MeshId;
use crate::model::time::Entropy;

/// Plaintext in one piece; only the last may have less.
pub const CHUNK_BYTES: usize = 64 << 10;

/// A sealed piece at most.
pub const SEALED_CHUNK_BYTES_MAX: usize = CHUNK_BYTES + TAG_BYTES;

const WHAT: &str = "a piece of the snapshot";
const KEY: &str = "the key of the snapshot";

/// What the root key wraps it under.
const LABEL: &str = "snapshot content key 1";

/// The key of one long text, in locked memory.
pub struct ContentKey(LockedKey);

impl ContentKey {
    /// A fresh one.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::NoMemory`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        LockedKey::generate(entropy).map(Self)
    }

    /// The key that [`Self::wrap`] wrapped.
    ///
    /// # Errors
    /// [`CryptoError::OpenFailed`] for another root key or mesh, or a changed byte.
    pub fn unwrap(root: &RootKey, mesh: &MeshId, wrapped: &[u8]) -> Result<Self, CryptoError> {
        Self::from_slice(root.unwrap(mesh, LABEL, wrapped)?.expose())
    }

    /// This key, wrapped by the root key.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`].
    pub fn wrap(&self, root: &RootKey, mesh: &MeshId, entropy: &dyn Entropy) -> Result<Vec<u8>, CryptoError> {
        root.wrap(mesh, LABEL, &Plaintext::new(self.0.as_bytes().to_vec()), entropy)
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Result<Self, CryptoError> {
        LockedKey::from_slice(bytes, KEY).map(Self)
    }

    pub(super) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ContentKey(redacted)")
    }
}

/// Whether a piece is the end of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Another follows.
    Inner,
    /// None follows.
    Last,
}

/// Seals, or opens, the pieces of one text in their order.
pub struct Chunks {
    cipher: XChaCha20Poly1305,
    bound: [u8; 32],
    number: u64,
    ended: bool,
}

impl Chunks {
    /// The first piece comes next. Every piece is bound to this digest of what stands before the text.
    #[must_use]
    pub fn new(key: &ContentKey, bound: [u8; 32]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.as_bytes().into()), bound, number: 0, ended: false }
    }

    /// Seals the next piece.
    ///
    /// # Errors
    /// [`CryptoError::SealFailed`] after the last one, or for one that is too long.
    pub fn seal(&mut self, piece: &[u8], place: Place) -> Result<Vec<u8>, CryptoError> {
        let failed = CryptoError::SealFailed { what: WHAT };
        let nonce = self.nonce(place).filter(|_| piece.len() <= CHUNK_BYTES).ok_or(failed.clone())?;
        let mut buffer = Vec::with_capacity(piece.len().saturating_add(TAG_BYTES));
        buffer.extend_from_slice(piece);
        if self.cipher.encrypt_in_place(&nonce, &self.bound, &mut buffer).is_err() {
            buffer.zeroize();
            return Err(failed);
        }
        Ok(buffer)
    }

    /// Opens the next piece.
    ///
    /// # Errors
    /// [`CryptoError::OpenFailed`] for any other piece than the one that comes next, and after the last one.
    pub fn open(&mut self, sealed: &[u8], place: Place) -> Result<Plaintext, CryptoError> {
        let failed = CryptoError::OpenFailed { what: WHAT };
        let nonce = self.nonce(place).ok_or(failed.clone())?;
        let mut buffer = sealed.to_vec();
        let opened = self.cipher.decrypt_in_place(&nonce, &self.bound, &mut buffer);
        let buffer = Plaintext::new(buffer);
        opened.map_or(Err(failed), |()| Ok(buffer))
    }

    /// The nonce of the next piece; none after the last.
    fn nonce(&mut self, place: Place) -> Option<XNonce> {
        if self.ended {
            return None;
        }
        let mut nonce = [0_u8; NONCE_BYTES];
        let (_, rest) = nonce.split_at_mut(NONCE_BYTES - 9);
        let (number, last) = rest.split_at_mut(8);
        number.copy_from_slice(&self.number.to_be_bytes());
        last.fill(u8::from(place == Place::Last));
        self.ended = place == Place::Last;
        self.number = self.number.checked_add(1)?;
        Some(XNonce::from(nonce))
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Chunks").field("number", &self.number).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, MESH, NoEntropy};
    use super::*;
    use crate::model::hex::hex;

    fn key() -> ContentKey {
        ContentKey::generate(&CountingEntropy::from(0)).expect("key")
    }

    fn root(first: u8) -> RootKey {
        RootKey::generate(&CountingEntropy::from(first)).expect("key")
    }

    fn sealed(pieces: &[&[u8]]) -> Vec<(Vec<u8>, Place)> {
        let mut chunks = Chunks::new(&key(), [7; 32]);
        let place = |at| if at + 1 == pieces.len() { Place::Last } else { Place::Inner };
        let seal = |(at, piece): (usize, &&[u8])| (chunks.seal(piece, place(at)).expect("sealed"), place(at));
        pieces.iter().enumerate().map(seal).collect()
    }

    fn opened(pieces: &[(Vec<u8>, Place)]) -> Result<Vec<u8>, CryptoError> {
        let mut chunks = Chunks::new(&key(), [7; 32]);
        let mut text = Vec::new();
        for (piece, place) in pieces {
            text.extend_from_slice(chunks.open(piece, *place)?.expose());
        }
        Ok(text)
    }

    #[test]
    fn the_pieces_have_these_bytes_for_ever_and_open_in_their_order() {
        let pieces = sealed(&[b"first", b"second"]);
        assert_eq!(hex(&pieces[0].0), GOLDEN[0]);
        assert_eq!(hex(&pieces[1].0), GOLDEN[1]);
        assert_eq!(opened(&pieces).expect("opened"), b"firstsecond");
        assert_eq!(opened(&sealed(&[b""])).expect("an empty text is one last piece"), b"");
    }

    /// Made by another implementation of the cipher.
    const GOLDEN: [&str; 2] =
        ["f36ffeb498c3860b3fafdba483261e7399091a73f0", "7b734a973ea57b61d6ca941c236b0a0bf057133ac4bd"];

    #[test]
    fn a_piece_that_is_left_out_moved_doubled_changed_or_added_does_not_open() {
        let pieces = sealed(&[b"first", b"second", b"third"]);
        let refused = |pieces: &[(Vec<u8>, Place)]| {
            assert_eq!(opened(pieces), Err(CryptoError::OpenFailed { what: WHAT }));
        };
        let [first, second, third] = pieces.as_slice() else { panic!("three") };
        refused(&[second.clone(), third.clone()]);
        refused(&[first.clone(), third.clone()]);
        refused(&[second.clone(), first.clone(), third.clone()]);
        refused(&[first.clone(), first.clone(), second.clone(), third.clone()]);
        refused(&[first.clone(), (second.0.clone(), Place::Last)]);
        refused(&[first.clone(), second.clone(), (third.0.clone(), Place::Inner)]);
        refused(&[&pieces[..], std::slice::from_ref(third)].concat());
        for at in 0..second.0.len() {
            let mut changed = second.0.clone();
            changed[at] ^= 1;
            refused(&[first.clone(), (changed, Place::Inner)]);
        }
        refused(&[(Vec::new(), Place::Inner)]);
        let mut elsewhere = Chunks::new(&key(), [8; 32]);
        assert!(elsewhere.open(&first.0, Place::Inner).is_err(), "bound to another beginning");
    }

    #[test]
    fn nothing_is_sealed_after_the_end_nor_in_too_long_a_piece() {
        let mut chunks = Chunks::new(&key(), [7; 32]);
        assert!(chunks.seal(&vec![0; CHUNK_BYTES + 1], Place::Inner).is_err());
        let mut chunks = Chunks::new(&key(), [7; 32]);
        chunks.seal(b"", Place::Last).expect("sealed");
        assert!(chunks.seal(b"", Place::Last).is_err());
    }

    #[test]
    fn a_content_key_opens_with_its_root_key_and_in_its_mesh_only() {
        let wrapped = key().wrap(&root(1), &MESH, &CountingEntropy::from(9)).expect("wrapped");
        assert_eq!(ContentKey::unwrap(&root(1), &MESH, &wrapped).expect("opened").as_bytes(), key().as_bytes());
        assert!(ContentKey::unwrap(&root(2), &MESH, &wrapped).is_err());
        assert!(ContentKey::unwrap(&root(1), &MeshId([0; 16]), &wrapped).is_err());
        assert!(matches!(ContentKey::generate(&NoEntropy), Err(CryptoError::Entropy(_))));
        assert_eq!(format!("{:?}", key()), "ContentKey(redacted)");
    }
}
