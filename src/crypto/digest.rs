//! SHA-256, and comparison that does not tell where two texts part.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// SHA-256 (FIPS 180-4).
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 of bytes that come piece by piece.
#[derive(Debug, Default)]
pub struct Digesting(Sha256);

impl Digesting {
    /// Some bytes more.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all of them.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Whether both are the same, in a time that depends on their lengths only.
#[must_use]
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hex::hex;

    /// The vector is the one-block message of FIPS 180-2, appendix B.1.
    #[test]
    fn sha256_gives_the_published_vector() {
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn pieces_have_the_digest_of_the_whole() {
        let mut digesting = Digesting::default();
        ["a", "", "bc"].iter().for_each(|piece| digesting.update(piece.as_bytes()));
        assert_eq!(digesting.finish(), sha256(b"abc"));
    }

    #[test]
    fn only_equal_bytes_are_equal() {
        assert!(equal(b"token", b"token"));
        assert!(!equal(b"token", b"tokem"));
        assert!(!equal(b"token", b"toke"));
    }
}
