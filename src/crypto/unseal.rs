//! What opens the root key at start: a key file, or a passphrase through Argon2id (RFC 9106).

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};

use super::binding::Binding;
use super::envelope;
use super::error::CryptoError;
use super::locked::{KEY_BYTES, LockedKey};
use super::plaintext::Plaintext;
use super::root::RootKey;
use crate::model::identity::MeshId;
use crate::model::time::Entropy;

const LABEL: &str = "aurora root key 1";
const ROOT: &str = "the wrapped root key";
const KEY_FILE: &str = "the key file";
const PARAMETERS: &str = "the passphrase parameters";

/// Bytes of salt: what RFC 9106, section 3.1 recommends.
const SALT_BYTES: usize = 16;

/// The first byte of encoded parameters: Argon2id, version 0x13.
const PARAMETERS_FORMAT: u8 = 1;

/// Memory a new passphrase costs: 64 MiB, about 0.1 s, and what RFC 9106, section 4 recommends for small machines.
const MEMORY_KIB: u32 = 64 * 1024;

/// Passes a new passphrase costs, from the same recommendation.
const PASSES: u32 = 3;

/// Least memory accepted: below the 19 MiB that OWASP asks for, a stolen file would be cheap to search.
const MEMORY_KIB_LEAST: u32 = 19 * 1024;

/// Most memory accepted: whoever edits the stored parameters must not make the node ask for terabytes.
const MEMORY_KIB_MOST: u32 = 1024 * 1024;

/// Most passes accepted, for the same reason: at the most memory this is seconds, not days.
const PASSES_MOST: u32 = 16;

/// Most lanes accepted; they cost no extra memory, and more than this is no setting of ours.
const LANES_MOST: u32 = 8;

/// The public inputs of a passphrase derivation. Stored beside what the passphrase opens; bounded on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassphraseParameters {
    salt: [u8; SALT_BYTES],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl PassphraseParameters {
    /// A fresh salt at today's cost.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        let mut salt = [0_u8; SALT_BYTES];
        entropy.fill(&mut salt)?;
        Ok(Self { salt, memory_kib: MEMORY_KIB, passes: PASSES, lanes: 1 })
    }

    /// Format byte, salt, memory in KiB, passes, lanes; the numbers as u32, big endian.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![PARAMETERS_FORMAT];
        bytes.extend_from_slice(&self.salt);
        for number in [self.memory_kib, self.passes, self.lanes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    /// Reads what [`PassphraseParameters::encode`] wrote.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`], [`CryptoError::UnknownFormat`], and [`CryptoError::PassphraseParameters`] for a cost
    /// this build will not pay or would be ashamed of.
    pub fn decode(bytes: &[u8]) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: PARAMETERS };
        let (&format, rest) = bytes.split_first().ok_or(malformed.clone())?;
        if format != PARAMETERS_FORMAT {
            return Err(CryptoError::UnknownFormat { what: PARAMETERS, found: format });
        }
        let (&salt, rest) = rest.split_first_chunk::<SALT_BYTES>().ok_or(malformed.clone())?;
        let (memory_kib, rest) = number(rest).ok_or(malformed.clone())?;
        let (passes, rest) = number(rest).ok_or(malformed.clone())?;
        let (lanes, rest) = number(rest).ok_or(malformed.clone())?;
        if !rest.is_empty() {
            return Err(malformed);
        }
        check("memory_kib", memory_kib, MEMORY_KIB_LEAST, MEMORY_KIB_MOST)?;
        check("passes", passes, 1, PASSES_MOST)?;
        check("lanes", lanes, 1, LANES_MOST)?;
        Ok(Self { salt, memory_kib, passes, lanes })
    }
}

/// What the unseal source gave, in locked memory. Wraps the root key and nothing else.
pub struct UnsealKey(LockedKey);

impl UnsealKey {
    /// The text of a new key file: 64 hexadecimal digits and a newline.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::NoMemory`].
    pub fn generate_key_file(entropy: &dyn Entropy) -> Result<Plaintext, CryptoError> {
        let key = LockedKey::generate(entropy)?;
        let mut text = Vec::with_capacity(2 * KEY_BYTES + 1);
        for byte in key.as_bytes() {
            text.extend([byte >> 4, byte & 0x0f].map(hex_digit));
        }
        text.push(b'\n');
        Ok(Plaintext::new(text))
    }

    /// Reads a key file. One newline at the end may be missing; nothing else may differ.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] without a word about what was found instead; [`CryptoError::NoMemory`].
    pub fn from_key_file(text: &Plaintext) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: KEY_FILE };
        let digits = text.expose();
        let digits = digits.strip_suffix(b"\n").unwrap_or(digits);
        if digits.len() != 2 * KEY_BYTES {
            return Err(malformed);
        }
        let mut key = LockedKey::zeroed()?;
        for (byte, pair) in key.as_mut().iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return Err(malformed) };
            let (Some(high), Some(low)) = (hex_value(*high), hex_value(*low)) else { return Err(malformed) };
            *byte = high << 4 | low;
        }
        Ok(Self(key))
    }

    /// Derives the key from a passphrase. Takes the memory and the time the parameters name: not for an async thread.
    ///
    /// # Errors
    /// [`CryptoError::EmptyPassphrase`], [`CryptoError::NoMemory`], [`CryptoError::Malformed`].
    pub fn from_passphrase(passphrase: &Plaintext, parameters: &PassphraseParameters) -> Result<Self, CryptoError> {
        if passphrase.is_empty() {
            return Err(CryptoError::EmptyPassphrase);
        }
        let malformed = |_| CryptoError::Malformed { what: PARAMETERS };
        let cost = Params::new(parameters.memory_kib, parameters.passes, parameters.lanes, Some(KEY_BYTES))
            .map_err(malformed)?;
        let mut key = LockedKey::zeroed()?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, cost)
            .hash_password_into(passphrase.expose(), &parameters.salt, key.as_mut())
            .map_err(malformed)?;
        Ok(Self(key))
    }

    /// Wraps the root key for the store.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::SealFailed`].
    pub fn wrap_root(&self, mesh: &MeshId, root: &RootKey, entropy: &dyn Entropy) -> Result<Vec<u8>, CryptoError> {
        envelope::wrap(self.0.as_bytes(), &bound(mesh), root.as_bytes(), ROOT, entropy)
    }

    /// Opens the root key.
    ///
    /// # Errors
    /// [`CryptoError::UnsealMismatch`] when this is not the key it was wrapped with; [`CryptoError::Malformed`] or
    /// [`CryptoError::UnknownFormat`] when the bytes are not a wrapped key at all.
    pub fn unwrap_root(&self, mesh: &MeshId, wrapped: &[u8]) -> Result<RootKey, CryptoError> {
        let opened = envelope::unwrap(self.0.as_bytes(), &bound(mesh), wrapped, ROOT).map_err(|error| {
            if error == (CryptoError::OpenFailed { what: ROOT }) { CryptoError::UnsealMismatch } else { error }
        })?;
        RootKey::from_plaintext(&opened)
    }
}

impl fmt::Debug for UnsealKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UnsealKey(redacted)")
    }
}

fn bound(mesh: &MeshId) -> Vec<u8> {
    Binding::new(LABEL, mesh).into_bytes()
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), rest))
}

fn check(parameter: &'static str, found: u32, least: u32, most: u32) -> Result<(), CryptoError> {
    if (least..=most).contains(&found) {
        Ok(())
    } else {
        Err(CryptoError::PassphraseParameters { parameter, found, least, most })
    }
}

fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + (nibble - 10) }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, MESH, NoEntropy, hex};
    use super::*;

    fn root() -> RootKey {
        RootKey::generate(&CountingEntropy::from(5)).expect("key")
    }

    fn file_key(first: u8) -> UnsealKey {
        let text = UnsealKey::generate_key_file(&CountingEntropy::from(first)).expect("text");
        UnsealKey::from_key_file(&text).expect("key")
    }

    #[test]
    fn a_key_file_is_64_digits_and_a_newline() {
        let text = UnsealKey::generate_key_file(&CountingEntropy::from(0xf0)).expect("text");
        let expected = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f\n";
        assert_eq!(text.expose(), expected.as_bytes());
        let key = UnsealKey::from_key_file(&text).expect("key");
        assert_eq!(key.0.as_bytes()[15..17], [0xff, 0x00]);
        assert!(UnsealKey::from_key_file(&Plaintext::new(expected.trim_end().into())).is_ok());
    }

    #[test]
    fn any_other_key_file_is_refused() {
        let good = "ab".repeat(32);
        for text in ["", "\n", &good[1..], &good.to_uppercase(), &format!(" {good}"), &format!("{good}\n\n")] {
            let refused = UnsealKey::from_key_file(&Plaintext::new(text.into())).expect_err(text);
            assert_eq!(refused, CryptoError::Malformed { what: KEY_FILE });
        }
        assert!(matches!(UnsealKey::generate_key_file(&NoEntropy), Err(CryptoError::Entropy(_))));
    }

    #[test]
    fn the_root_key_opens_with_its_own_key_file_only() {
        let wrapped = file_key(0).wrap_root(&MESH, &root(), &CountingEntropy::from(0x80)).expect("wrapped");
        assert_eq!(
            hex(&wrapped),
            concat!(
                "01808182838485868788898a8b8c8d8e8f909192939495969747e85e51ee9e486611162ceb5eaf0b",
                "c56c874bc99ae1a1e5fd7475fa96f03f551b904e373f46978e63dfc6944a1dc626"
            )
        );
        let opened = file_key(0).unwrap_root(&MESH, &wrapped).expect("opened");
        assert_eq!(opened.as_bytes(), root().as_bytes());
        let refused = file_key(1).unwrap_root(&MESH, &wrapped).expect_err("other key");
        assert_eq!(refused, CryptoError::UnsealMismatch);
        assert_eq!(file_key(0).unwrap_root(&MESH, &[]).expect_err("empty"), CryptoError::Malformed { what: ROOT });
    }

    #[test]
    fn the_root_key_opens_with_its_own_passphrase_only() {
        let parameters = PassphraseParameters::generate(&CountingEntropy::from(0)).expect("parameters");
        let derive = |text: &str| UnsealKey::from_passphrase(&Plaintext::new(text.into()), &parameters);
        let key = derive("correct horse").expect("key");
        let wrapped = key.wrap_root(&MESH, &root(), &CountingEntropy::from(0)).expect("wrapped");
        assert!(derive("correct horse").expect("key").unwrap_root(&MESH, &wrapped).is_ok());
        let refused = derive("Correct horse").expect("key").unwrap_root(&MESH, &wrapped).expect_err("other");
        assert_eq!(refused, CryptoError::UnsealMismatch);
        assert_eq!(derive("").expect_err("empty"), CryptoError::EmptyPassphrase);
    }

    #[test]
    fn parameters_have_these_bytes_for_ever_and_read_back() {
        let parameters = PassphraseParameters::generate(&CountingEntropy::from(0)).expect("parameters");
        let bytes = parameters.encode();
        assert_eq!(hex(&bytes), "01000102030405060708090a0b0c0d0e0f000100000000000300000001");
        assert_eq!(PassphraseParameters::decode(&bytes), Ok(parameters));
    }

    #[test]
    fn edited_parameters_cannot_cost_terabytes_or_nothing() {
        let parameters = PassphraseParameters::generate(&CountingEntropy::from(0)).expect("parameters");
        let edited = |change: fn(&mut PassphraseParameters)| {
            let mut edited = parameters.clone();
            change(&mut edited);
            PassphraseParameters::decode(&edited.encode())
        };
        let refused = CryptoError::PassphraseParameters {
            parameter: "memory_kib",
            found: u32::MAX,
            least: MEMORY_KIB_LEAST,
            most: MEMORY_KIB_MOST,
        };
        assert_eq!(edited(|it| it.memory_kib = u32::MAX), Err(refused));
        assert!(edited(|it| it.memory_kib = 8).is_err());
        assert!(edited(|it| it.passes = 0).is_err());
        assert!(edited(|it| it.passes = 17).is_err());
        assert!(edited(|it| it.lanes = 0).is_err());
        assert!(edited(|it| it.lanes = 9).is_err());
    }

    #[test]
    fn parameters_of_another_shape_are_refused() {
        let bytes = PassphraseParameters::generate(&CountingEntropy::from(0)).expect("parameters").encode();
        for length in 0..bytes.len() {
            let refused = PassphraseParameters::decode(&bytes[..length]).expect_err("cut");
            assert_eq!(refused, CryptoError::Malformed { what: PARAMETERS }, "length {length}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(PassphraseParameters::decode(&longer), Err(CryptoError::Malformed { what: PARAMETERS }));
        let unknown = CryptoError::UnknownFormat { what: PARAMETERS, found: 2 };
        assert_eq!(PassphraseParameters::decode(&[2]), Err(unknown));
    }

    /// Whoever set a passphrase must be able to open the store with every later build.
    #[test]
    fn a_passphrase_gives_this_key_for_ever() {
        let parameters = PassphraseParameters { salt: [1; SALT_BYTES], memory_kib: 19_456, passes: 2, lanes: 1 };
        let key = UnsealKey::from_passphrase(&Plaintext::new(b"correct horse".to_vec()), &parameters).expect("key");
        assert_eq!(hex(key.0.as_bytes()), "814eaae124a49f221c6b800f6758b752d3f4fee1fee1cbdf75263e17930347f4");
    }
}
