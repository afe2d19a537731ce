//! How a passphrase becomes a key: Argon2id (RFC 9106), at a cost that is stored and bounded on both sides.

use argon2::{Algorithm, Argon2, Params, Version};

use super::error::CryptoError;
use super::locked::KEY_BYTES;
use super::plaintext::Plaintext;
use crate::model::time::Entropy;

const PARAMETERS: &str = "the passphrase parameters";

/// Bytes of salt: what RFC 9106, section 3.1 recommends.
const SALT_BYTES: usize = 16;

/// The first byte of encoded parameters: Argon2id, version 0x13.
const PARAMETERS_FORMAT: u8 = 1;

/// Memory a new passphrase costs: 64 MiB, about 0.1 s, and what RFC 9106, section 4 recommends for small machines.
const MEMORY_KIB: u32 = 64 * 1024;

/// Passes a new passphrase costs, from the same recommendation. It has four lanes; ours has one, because the library
/// computes them one after another and a searcher would not.
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

    /// What guessing costs: memory in KiB, and passes over it.
    #[must_use]
    pub fn cost(&self) -> (u32, u32) {
        (self.memory_kib, self.passes)
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

    /// Fills the key. Takes the memory and the time the parameters name.
    ///
    /// # Errors
    /// [`CryptoError::NoMemory`] when the memory cannot be had; [`CryptoError::Malformed`] for a cost or a passphrase the
    /// algorithm does not take, of which the bounds leave none but a passphrase of gigabytes.
    pub(super) fn derive(&self, passphrase: &Plaintext, key: &mut [u8; KEY_BYTES]) -> Result<(), CryptoError> {
        let cause = |error| {
            if matches!(error, argon2::Error::OutOfMemory) {
                CryptoError::NoMemory
            } else {
                CryptoError::Malformed { what: PARAMETERS }
            }
        };
        let cost = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_BYTES)).map_err(cause)?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, cost)
            .hash_password_into(passphrase.expose(), &self.salt, key)
            .map_err(cause)
    }
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

#[cfg(test)]
mod tests {
    use super::super::test_support::CountingEntropy;
    use super::*;
    use crate::model::hex::hex;

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
        let mut key = [0; KEY_BYTES];
        parameters.derive(&Plaintext::new(b"correct horse".to_vec()), &mut key).expect("derived");
        assert_eq!(hex(&key), "814eaae124a49f221c6b800f6758b752d3f4fee1fee1cbdf75263e17930347f4");
    }
}
