//! The text of an API key: `mj_agent_`, 43 characters of base62 for 32 random bytes, and 6 for a CRC32 of all before it.
//!
//! Both parts have a fixed width, so every key is as long as every other. The checksum tells a mistyped key from one that
//! nobody knows, before anything is looked up; it is no protection. A key is recognised by the SHA-256 of its text: with
//! 256 random bits behind it, a slow hash would protect nothing.

use zeroize::Zeroizing;

use super::digest;
use super::error::CryptoError;
use super::plaintext::Plaintext;
use crate::model::api_key::ApiKeyHash;
use crate::model::time::Entropy;

/// What every key begins with: it tells people, and scanners of leaked texts, what they have found.
pub const PREFIX: &str = "mj_agent_";

/// Length of every key, in bytes.
pub const TEXT_BYTES: usize = PREFIX.len() + SECRET_DIGITS + CHECKSUM_DIGITS;

/// Characters after the prefix that are shown: enough to tell two keys apart, and 232 bits are left to guess.
const HINT_DIGITS: usize = 4;

const SECRET_BYTES: usize = 32;

/// 62^43 is more than 2^256.
const SECRET_DIGITS: usize = 43;

/// 62^6 is more than 2^32.
const CHECKSUM_DIGITS: usize = 6;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const API_KEY: &str = "the API key";

/// A text that has the form of an API key.
#[derive(Debug)]
pub struct ApiKeyText(Plaintext);

impl ApiKeyText {
    /// A fresh key.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        let mut secret = Zeroizing::new([0_u8; SECRET_BYTES]);
        entropy.fill(&mut *secret)?;
        let mut text = Vec::with_capacity(TEXT_BYTES);
        text.extend_from_slice(PREFIX.as_bytes());
        text.extend_from_slice(&*base62::<SECRET_DIGITS>(&mut *secret));
        let checksum = checksum_of(&text);
        text.extend_from_slice(&checksum);
        Ok(Self(Plaintext::new(text)))
    }

    /// Reads a key: length, prefix, alphabet and checksum. Nothing around it is forgiven.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] for what is no key, [`CryptoError::DamagedApiKey`] for one that lost or changed a character.
    pub fn parse(text: Plaintext) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: API_KEY };
        let bytes = text.expose();
        let digits = bytes.strip_prefix(PREFIX.as_bytes()).ok_or(malformed.clone())?;
        if !digits.iter().all(u8::is_ascii_alphanumeric) {
            return Err(malformed);
        }
        // A key that was cut is a key all the same: whoever pasted it is helped most by that word.
        let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_DIGITS>().ok_or(malformed)?;
        if bytes.len() == TEXT_BYTES && digest::equal(&checksum_of(body), checksum) {
            Ok(Self(text))
        } else {
            Err(CryptoError::DamagedApiKey)
        }
    }

    /// By which the mesh recognises it.
    #[must_use]
    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash(digest::sha256(self.0.expose()))
    }

    /// Its prefix and four characters: by which people recognise it.
    #[must_use]
    pub fn hint(&self) -> String {
        let shown = self.0.expose().iter().take(PREFIX.len() + HINT_DIGITS);
        shown.map(|&byte| char::from(byte)).collect()
    }

    /// The key itself.
    #[must_use]
    pub fn plaintext(&self) -> &Plaintext {
        &self.0
    }

    /// The key itself, handed over.
    #[must_use]
    pub fn into_plaintext(self) -> Plaintext {
        self.0
    }
}

fn checksum_of(body: &[u8]) -> [u8; CHECKSUM_DIGITS] {
    *base62::<CHECKSUM_DIGITS>(&mut crc32fast::hash(body).to_be_bytes())
}

/// A number, highest byte first, in as many digits as there is room for. What is left of the number is zero.
fn base62<const DIGITS: usize>(number: &mut [u8]) -> Zeroizing<[u8; DIGITS]> {
    let mut digits = Zeroizing::new([0_u8; DIGITS]);
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u16;
        for byte in number.iter_mut() {
            let part = rest << 8 | u16::from(*byte);
            // Below 256, because the rest is below 62.
            *byte = (part / 62).to_le_bytes()[0];
            rest = part % 62;
        }
        *digit = ALPHABET.get(usize::from(rest)).copied().unwrap_or(b'0');
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, NoEntropy};
    use super::*;
    use crate::model::hex::hex;

    fn generated() -> ApiKeyText {
        ApiKeyText::generate(&CountingEntropy::from(1)).expect("a key")
    }

    fn text(key: &ApiKeyText) -> String {
        String::from_utf8(key.plaintext().expose().to_vec()).expect("ascii")
    }

    fn parsed(text: &str) -> Result<ApiKeyText, CryptoError> {
        ApiKeyText::parse(Plaintext::new(text.as_bytes().to_vec()))
    }

    #[test]
    fn a_key_has_this_text_for_ever() {
        let key = generated();
        assert_eq!(text(&key), "mj_agent_0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno3qTWPP");
        assert_eq!(key.hint(), "mj_agent_0Eoh");
        assert_eq!(hex(&key.hash().0), "32014a447113ac5f4dbeac6fda90325875bf80c0ea019a3c859ee557589ce39d");
    }

    #[test]
    fn every_key_is_as_long_as_every_other() {
        for byte in [0, 1, 0x7f, 0xff] {
            struct Same(u8);
            impl Entropy for Same {
                fn fill(&self, buffer: &mut [u8]) -> Result<(), crate::model::time::EntropyUnavailable> {
                    buffer.fill(self.0);
                    Ok(())
                }
            }
            let key = ApiKeyText::generate(&Same(byte)).expect("a key");
            assert_eq!(key.plaintext().len(), TEXT_BYTES);
            assert_eq!(parsed(&text(&key)).expect("its own text").hash(), key.hash());
        }
        assert_eq!(TEXT_BYTES, 58);
        assert!(ApiKeyText::generate(&NoEntropy).is_err());
    }

    #[test]
    fn a_changed_or_missing_character_is_called_damage() {
        let good = text(&generated());
        for at in PREFIX.len()..good.len() {
            for other in [b'x', b'Q'] {
                let mut changed = good.clone().into_bytes();
                if changed[at] != other {
                    changed[at] = other;
                    let refused = ApiKeyText::parse(Plaintext::new(changed)).map(drop);
                    assert_eq!(refused, Err(CryptoError::DamagedApiKey), "at {at}");
                }
            }
        }
        for damaged in [&good[..good.len() - 1], &format!("{good}0"), PREFIX] {
            assert_eq!(parsed(damaged).map(drop), Err(CryptoError::DamagedApiKey), "{damaged}");
        }
    }

    #[test]
    fn what_is_no_key_is_malformed() {
        let good = text(&generated());
        let upper = good.to_uppercase();
        let spaced = format!(" {good}");
        let ended = format!("{good}\n");
        let marked = good.replace("mj_agent_", "mj_agent-");
        let nul = format!("{}\0", &good[..good.len() - 1]);
        let foreign = format!("{}é", &good[..good.len() - 2]);
        let long = format!("mj_agent_{}", "-".repeat(10_000));
        for text in ["", "mj_", "hello", &upper, &spaced, &ended, &marked, &nul, &foreign, &long] {
            assert_eq!(parsed(text).map(drop), Err(CryptoError::Malformed { what: API_KEY }), "{text:?}");
        }
    }

    #[test]
    fn a_key_never_prints_itself() {
        assert!(!format!("{:?}", generated()).contains("0Eoh"));
    }
}
