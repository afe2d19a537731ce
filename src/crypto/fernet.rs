//! Opens Fernet tokens (<https://github.com/fernet/spec>), so that values another tool encrypted can be imported.
//!
//! Layout of a token before base64url: version byte 0x80, seconds since 1970 (8), initialisation vector (16),
//! AES-128-CBC ciphertext with PKCS#7 padding, HMAC-SHA256 over all before it (32). The HMAC is checked, in constant
//! time, before anything is deciphered.
//!
//! What it deliberately does not do: make tokens, or judge their age. A value that is imported may be old, and the
//! clock that stamped it may have been wrong.

use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_PAD_INDIFFERENT;
use zeroize::Zeroizing;

use super::error::CryptoError;
use super::locked::{KEY_BYTES, LockedKey};
use super::plaintext::Plaintext;

const KEY_FILE: &str = "the Fernet key file";
const TOKEN: &str = "the Fernet token";

/// The only version there is.
const VERSION: u8 = 0x80;

/// The first half of the key signs, the second enciphers.
const HALF_BYTES: usize = KEY_BYTES / 2;

const TIMESTAMP_BYTES: usize = 8;
const BLOCK_BYTES: usize = 16;
const HMAC_BYTES: usize = 32;

/// Both halves of a Fernet key, in locked memory.
#[derive(Debug)]
pub struct FernetKey(LockedKey);

impl FernetKey {
    /// Reads a key file: 32 bytes in base64url, with or without padding. White space around them is forgiven.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] without a word about what was found instead; [`CryptoError::NoMemory`].
    pub fn from_key_file(text: &Plaintext) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: KEY_FILE };
        let bytes = decoded(text).ok_or(malformed.clone())?;
        if bytes.len() != KEY_BYTES {
            return Err(malformed);
        }
        LockedKey::from_slice(bytes.expose(), KEY_FILE).map(Self)
    }

    /// Opens a token, however old it is.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] for what is no token; [`CryptoError::OpenFailed`] for one of another key, or one that
    /// was changed: which of the two it is, nobody can tell.
    pub fn open(&self, token: &Plaintext) -> Result<Plaintext, CryptoError> {
        let malformed = || CryptoError::Malformed { what: TOKEN };
        let bytes = decoded(token).ok_or_else(malformed)?;
        let (signed, signature) = bytes.expose().split_last_chunk::<HMAC_BYTES>().ok_or_else(malformed)?;
        let after_version = signed.strip_prefix(&[VERSION]).ok_or_else(malformed)?;
        let (_, after_time) = after_version.split_first_chunk::<TIMESTAMP_BYTES>().ok_or_else(malformed)?;
        let (vector, ciphertext) = after_time.split_first_chunk::<BLOCK_BYTES>().ok_or_else(malformed)?;
        if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK_BYTES) {
            return Err(malformed());
        }
        let (signing, enciphering) = self.0.as_bytes().split_at(HALF_BYTES);
        let failed = |_| CryptoError::OpenFailed { what: TOKEN };
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, signing), signed, signature).map_err(failed)?;
        deciphered(enciphering, vector, ciphertext).map_err(failed)
    }
}

/// AES-128-CBC with PKCS#7, in one buffer that is wiped whatever comes of it.
fn deciphered(
    key: &[u8],
    vector: &[u8; BLOCK_BYTES],
    ciphertext: &[u8],
) -> Result<Plaintext, aws_lc_rs::error::Unspecified> {
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, key)?)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let opened = key.decrypt(&mut buffer, DecryptionContext::Iv128(FixedLength::from(vector)))?;
    Ok(Plaintext::new(opened.to_vec()))
}

/// Base64url, with or without padding, in memory that is wiped whatever comes of it.
fn decoded(text: &Plaintext) -> Option<Plaintext> {
    let text = text.expose().trim_ascii();
    let mut buffer = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let length = URL_SAFE_PAD_INDIFFERENT.decode_slice(text, &mut buffer).ok()?;
    buffer.get(..length).map(|bytes| Plaintext::new(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of every vector of the specification.
    const SECRET: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

    /// `generate.json` and `verify.json`: "hello", stamped 1985-10-26T01:20:00-07:00.
    const HELLO: &str =
        "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";

    const MALFORMED: CryptoError = CryptoError::Malformed { what: TOKEN };
    const UNOPENED: CryptoError = CryptoError::OpenFailed { what: TOKEN };

    fn plain(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    fn key() -> FernetKey {
        FernetKey::from_key_file(&plain(SECRET)).expect("key")
    }

    fn refusal(token: &str) -> CryptoError {
        key().open(&plain(token)).expect_err(token)
    }

    #[test]
    fn the_published_token_opens_with_and_without_padding_and_a_newline() {
        for token in [HELLO.to_owned(), HELLO.replace('=', ""), format!("  {HELLO}\n")] {
            assert_eq!(key().open(&plain(&token)).expect("opens").expose(), b"hello", "{token}");
        }
    }

    /// `invalid.json`, but for the two entries that are refused for their time alone.
    #[test]
    fn the_published_invalid_tokens_are_refused() {
        let incorrect_mac =
            "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ==";
        let too_short = "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==";
        let no_base64 =
            "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==";
        let no_whole_blocks =
            "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm";
        let padding =
            "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw==";
        let incorrect_vector =
            "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ==";
        let trailing = format!("{HELLO}trailingdata");
        let characters =
            "*gAAAAAAdwJ6wAAECAwQFBgcI!CQoLDA0ODy021?cpGVWKZ_eEwC@GM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
        let not_url_safe =
            "gAAAAAAdwJ6wAAEC/AwQFBgcICQoLDA0ODy+021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
        for token in [too_short, no_base64, no_whole_blocks, &trailing, characters, not_url_safe] {
            assert_eq!(refusal(token), MALFORMED, "{token}");
        }
        for token in [incorrect_mac, padding, incorrect_vector] {
            assert_eq!(refusal(token), UNOPENED, "{token}");
        }
    }

    /// `invalid.json`: "far-future TS" and "expired TTL" are whole tokens, of an empty text; an import takes them.
    #[test]
    fn the_time_of_a_token_does_not_count() {
        let far_future =
            "gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX9b_qXQcw==";
        let expired =
            "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==";
        for token in [far_future, expired] {
            assert_eq!(key().open(&plain(token)).expect("opens").expose(), b"");
        }
    }

    #[test]
    fn every_changed_byte_is_refused_and_no_error_says_more() {
        let whole = URL_SAFE_PAD_INDIFFERENT.decode(HELLO).expect("base64");
        for index in 0..whole.len() {
            let mut changed = whole.clone();
            changed[index] ^= 1;
            let wanted = if index == 0 { MALFORMED } else { UNOPENED };
            assert_eq!(refusal(&URL_SAFE_PAD_INDIFFERENT.encode(&changed)), wanted, "byte {index}");
        }
        for cut in 0..whole.len() {
            let error = refusal(&URL_SAFE_PAD_INDIFFERENT.encode(&whole[..cut]));
            assert!(error == MALFORMED || error == UNOPENED, "{cut} bytes: {error:?}");
        }
    }

    #[test]
    fn another_key_does_not_open_it() {
        let other = FernetKey::from_key_file(&plain(&"A".repeat(43))).expect("key");
        assert_eq!(other.open(&plain(HELLO)).expect_err("other key"), UNOPENED);
    }

    #[test]
    fn a_bad_key_file_is_refused_without_a_word_about_it() {
        for text in ["", "canary", &SECRET[..40], &format!("{SECRET}{SECRET}"), &SECRET.replace('_', "/")] {
            let error = FernetKey::from_key_file(&plain(text)).expect_err(text);
            assert_eq!(error, CryptoError::Malformed { what: KEY_FILE });
        }
        assert!(FernetKey::from_key_file(&plain(&format!("{SECRET}\n"))).is_ok());
        assert_eq!(format!("{:?}", key()), "FernetKey(redacted)");
    }
}
