//! XChaCha20-Poly1305 with a random nonce: the one symmetric seal of this room, for records and for wrapped keys alike.
//!
//! A 192-bit nonce is drawn for each seal, so no counter has to survive a crash or a restore
//! (draft-irtf-cfrg-xchacha-03, section 3.1).

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroize;

use super::error::CryptoError;
use super::plaintext::Plaintext;
use crate::model::time::Entropy;

/// Bytes of a nonce.
pub(super) const NONCE_BYTES: usize = 24;

/// Bytes of the Poly1305 tag that follows the ciphertext.
pub(super) const TAG_BYTES: usize = 16;

/// The first byte of every wrapped key and blob: XChaCha20-Poly1305, nonce, ciphertext, tag.
const ENVELOPE_FORMAT: u8 = 1;

/// Seals `plaintext`; gives the nonce and the ciphertext with its tag.
///
/// # Errors
/// [`CryptoError::Entropy`] without randomness, [`CryptoError::SealFailed`] beyond the cipher's 256 GiB.
pub(super) fn seal(
    key: &[u8; 32],
    bound: &[u8],
    plaintext: &[u8],
    what: &'static str,
    entropy: &dyn Entropy,
) -> Result<([u8; NONCE_BYTES], Vec<u8>), CryptoError> {
    let mut nonce = [0_u8; NONCE_BYTES];
    entropy.fill(&mut nonce)?;
    #[cfg(feature = "seeded_bugs")]
    if crate::model::seeded::bug(16) {
        static COUNT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);
        nonce = [COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed); NONCE_BYTES];
    }
    // Room for the tag from the start: growing would leave a copy of the plaintext behind.
    let mut buffer = Vec::with_capacity(plaintext.len().saturating_add(TAG_BYTES));
    buffer.extend_from_slice(plaintext);
    let cipher = XChaCha20Poly1305::new(key.into());
    if cipher.encrypt_in_place(&XNonce::from(nonce), bound, &mut buffer).is_err() {
        buffer.zeroize();
        return Err(CryptoError::SealFailed { what });
    }
    Ok((nonce, buffer))
}

/// Opens what [`seal`] made. The tag is checked before a byte is deciphered.
///
/// # Errors
/// [`CryptoError::OpenFailed`] for another key, another binding, or a changed byte.
pub(super) fn open(
    key: &[u8; 32],
    bound: &[u8],
    nonce: [u8; NONCE_BYTES],
    ciphertext: &[u8],
    what: &'static str,
) -> Result<Plaintext, CryptoError> {
    let mut buffer = ciphertext.to_vec();
    let cipher = XChaCha20Poly1305::new(key.into());
    match cipher.decrypt_in_place(&XNonce::from(nonce), bound, &mut buffer) {
        Ok(()) => Ok(Plaintext::new(buffer)),
        Err(_) => {
            buffer.zeroize();
            Err(CryptoError::OpenFailed { what })
        }
    }
}

/// Seals into one self-contained run of bytes: format, nonce, ciphertext, tag.
///
/// # Errors
/// As [`seal`].
pub(super) fn wrap(
    key: &[u8; 32],
    bound: &[u8],
    plaintext: &[u8],
    what: &'static str,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, CryptoError> {
    let (nonce, ciphertext) = seal(key, bound, plaintext, what, entropy)?;
    let mut wrapped = Vec::with_capacity(1 + NONCE_BYTES + ciphertext.len());
    wrapped.push(ENVELOPE_FORMAT);
    wrapped.extend_from_slice(&nonce);
    wrapped.extend_from_slice(&ciphertext);
    Ok(wrapped)
}

/// Opens what [`wrap`] made.
///
/// # Errors
/// [`CryptoError::Malformed`] and [`CryptoError::UnknownFormat`] before any key is used, else as [`open`].
pub(super) fn unwrap(
    key: &[u8; 32],
    bound: &[u8],
    wrapped: &[u8],
    what: &'static str,
) -> Result<Plaintext, CryptoError> {
    let (&format, rest) = wrapped.split_first().ok_or(CryptoError::Malformed { what })?;
    if format != ENVELOPE_FORMAT {
        return Err(CryptoError::UnknownFormat { what, found: format });
    }
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(CryptoError::Malformed { what })?;
    if ciphertext.len() < TAG_BYTES {
        return Err(CryptoError::Malformed { what });
    }
    open(key, bound, *nonce, ciphertext, what)
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, NoEntropy};
    use super::*;
    use crate::model::hex::hex;

    const KEY: [u8; 32] = [7; 32];

    /// The published vector of draft-irtf-cfrg-xchacha-03, appendix A.3.1, shortened to its tag.
    #[test]
    fn the_cipher_gives_the_published_tag() {
        let key: [u8; 32] = std::array::from_fn(|index| 0x80 + u8::try_from(index).expect("below 32"));
        let nonce = CountingEntropy::from(0x40);
        let bound = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                     sunscreen would be it.";
        let (_, ciphertext) = seal(&key, &bound, text, "a test", &nonce).expect("sealed");
        assert_eq!(hex(&ciphertext[..16]), "bd6d179d3e83d43b9576579493c0e939");
        assert_eq!(hex(&ciphertext[text.len()..]), "c0875924c1c7987947deafd8780acf49");
    }

    #[test]
    fn a_wrapped_text_comes_back_and_differs_each_time() {
        let entropy = CountingEntropy::from(0);
        let first = wrap(&KEY, b"here", b"value", "a test", &entropy).expect("wrapped");
        let second = wrap(&KEY, b"here", b"value", "a test", &entropy).expect("wrapped");
        assert_ne!(first, second);
        assert_eq!(unwrap(&KEY, b"here", &first, "a test").expect("opened").expose(), b"value");
    }

    #[test]
    fn every_changed_byte_is_refused() {
        let wrapped = wrap(&KEY, b"here", b"value", "a test", &CountingEntropy::from(0)).expect("wrapped");
        for index in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[index] ^= 1;
            assert!(unwrap(&KEY, b"here", &changed, "a test").is_err(), "byte {index}");
        }
        for length in 0..wrapped.len() {
            assert!(unwrap(&KEY, b"here", &wrapped[..length], "a test").is_err(), "length {length}");
        }
    }

    #[test]
    fn another_place_or_key_is_refused() {
        let wrapped = wrap(&KEY, b"here", b"value", "a test", &CountingEntropy::from(0)).expect("wrapped");
        let refused = CryptoError::OpenFailed { what: "a test" };
        assert_eq!(unwrap(&KEY, b"there", &wrapped, "a test").expect_err("elsewhere"), refused);
        assert_eq!(unwrap(&[8; 32], b"here", &wrapped, "a test").expect_err("other key"), refused);
    }

    #[test]
    fn without_randomness_nothing_is_sealed() {
        let refused = wrap(&KEY, b"here", b"value", "a test", &NoEntropy).expect_err("no randomness");
        assert!(matches!(refused, CryptoError::Entropy(_)));
    }
}
