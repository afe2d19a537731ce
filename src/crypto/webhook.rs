//! The key of a webhook: made here, shown once, and used to sign what is sent (Standard Webhooks 1.0, symmetric `v1`).
//!
//! The text is `whsec_` and base64 of the key; the code is HMAC-SHA256 over `id.timestamp.body` under the bytes of the key.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::CryptoError;
use super::plaintext::Plaintext;
use super::written::written;
use crate::model::time::Entropy;

const PREFIX: &str = "whsec_";
const WHAT: &str = "the signing secret of a webhook";

/// What the standard allows a key to have.
const KEY_BYTES_MIN: usize = 24;
const KEY_BYTES_MAX: usize = 64;

/// A new key: 256 bits, as long as the code it makes.
const KEY_BYTES_NEW: usize = 32;

/// Longest text that is read: 64 bytes in base64 with their padding, and the prefix.
const TEXT_BYTES_MAX: usize = PREFIX.len() + 88;

/// The key of a webhook. Wiped on drop.
pub struct WebhookKey(Plaintext);

impl WebhookKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES_NEW]);
        entropy.fill(bytes.as_mut_slice())?;
        Ok(Self(Plaintext::new(bytes.to_vec())))
    }

    /// Reads a text that was shown; white space around it is forgiven, since it is pasted.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] for what is not `whsec_` and 24 to 64 bytes in base64.
    pub fn parse(text: &Plaintext) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed { what: WHAT };
        let text = text.expose().trim_ascii();
        let body = text.strip_prefix(PREFIX.as_bytes()).filter(|_| text.len() <= TEXT_BYTES_MAX);
        let body = body.ok_or_else(malformed)?;
        let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(body.len())]);
        let length = STANDARD.decode_slice(body, &mut bytes).map_err(|_| malformed())?;
        let key = bytes.get(..length).filter(|key| (KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&key.len()));
        key.map(|key| Self(Plaintext::new(key.to_vec()))).ok_or_else(malformed)
    }

    /// The text to hand over: `whsec_` and base64. It is the secret.
    #[must_use]
    pub fn text(&self) -> Plaintext {
        let mut encoded = Zeroizing::new(vec![0; base64::encoded_len(self.0.len(), true).unwrap_or_default()]);
        let length = STANDARD.encode_slice(self.0.expose(), &mut encoded).unwrap_or_default();
        let text = written::<std::io::Error>(|to| {
            to.write_all(PREFIX.as_bytes())?;
            to.write_all(encoded.get(..length).unwrap_or_default())
        });
        // Memory takes whatever is written to it.
        text.unwrap_or_else(|_| Plaintext::new(Vec::new()))
    }

    /// The code of one message, as the header `webhook-signature` has it: `v1,` and base64.
    ///
    /// # Errors
    /// None that a key of this type can cause.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Result<String, CryptoError> {
        let mut over =
            Hmac::<Sha256>::new_from_slice(self.0.expose()).map_err(|_| CryptoError::Malformed { what: WHAT })?;
        over.update(format!("{id}.{timestamp}.").as_bytes());
        over.update(body);
        Ok(format!("v1,{}", STANDARD.encode(over.finalize().into_bytes())))
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, NoEntropy};
    use super::*;

    fn parse(text: &str) -> Result<WebhookKey, CryptoError> {
        WebhookKey::parse(&Plaintext::new(text.as_bytes().to_vec()))
    }

    /// The vector that the libraries of the standard are tested with.
    #[test]
    fn a_code_is_that_of_the_published_vector() {
        let key = parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("24 bytes");
        let code = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(code.as_deref(), Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn a_key_reads_back_from_its_text_and_prints_nothing() {
        let key = WebhookKey::generate(&CountingEntropy::from(7)).expect("a key");
        let text = key.text();
        assert!(text.expose().starts_with(b"whsec_") && text.len() == PREFIX.len() + 44);
        let again = WebhookKey::parse(&text).expect("read");
        assert_eq!(again.sign("a", 1, b"b"), key.sign("a", 1, b"b"));
        assert_ne!(again.sign("a", 1, b"b"), key.sign("a", 2, b"b"));
        assert_eq!(format!("{key:?}"), "WebhookKey(redacted)");
        assert!(WebhookKey::generate(&NoEntropy).is_err());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        assert!(parse(&of(24)).is_ok() && parse(&of(64)).is_ok() && parse(&format!(" {}\n", of(32))).is_ok());
        for text in ["", "whsec_", "whsec_!!!!", "sk-test", &of(23), &of(65), &of(32).replace("whsec_", "whsk_")] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
