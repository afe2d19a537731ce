//! Sealing a value once, for every disk and every cache it will lie on.
//!
//! XChaCha20-Poly1305 under the scope key. The associated data names mesh, environment, scope, service, key name,
//! version, key generation and format, so a record copied to another address, version or mesh does not open.

use super::binding::Binding;
use super::envelope;
use super::error::CryptoError;
use super::plaintext::Plaintext;
use super::scope_key::ScopeKey;
use crate::model::identity::MeshId;
use crate::model::number::{Generation, Version};
use crate::model::record::SealedValue;
use crate::model::secret::ScopedSecret;
use crate::model::time::Entropy;

/// Names the use and, by its last word, the format of the sealed bytes; another format gets another label.
const LABEL: &str = "aurora record 1";

const WHAT: &str = "the record";

/// Seals a value for one version of one secret in one scope.
///
/// # Errors
/// [`CryptoError::Entropy`] without randomness, [`CryptoError::SealFailed`] for a value beyond the cipher.
pub fn seal(
    key: &ScopeKey,
    generation: Generation,
    mesh: &MeshId,
    at: &ScopedSecret,
    version: Version,
    value: &Plaintext,
    entropy: &dyn Entropy,
) -> Result<SealedValue, CryptoError> {
    let bound = associated_data(mesh, at, version, generation);
    let (nonce, ciphertext) = envelope::seal(key.as_bytes(), &bound, value.expose(), WHAT, entropy)?;
    Ok(SealedValue { generation, nonce, ciphertext })
}

/// Opens a value at the address and version it was sealed for.
///
/// # Errors
/// [`CryptoError::OpenFailed`] for any other key, address, version, generation or mesh, or a changed byte.
pub fn open(
    key: &ScopeKey,
    mesh: &MeshId,
    at: &ScopedSecret,
    version: Version,
    sealed: &SealedValue,
) -> Result<Plaintext, CryptoError> {
    let bound = associated_data(mesh, at, version, sealed.generation);
    envelope::open(key.as_bytes(), &bound, sealed.nonce, &sealed.ciphertext, WHAT)
}

/// Whether a sealed record holds this value. What does not open holds nothing that could be compared.
#[must_use]
pub fn holds(
    key: &ScopeKey,
    mesh: &MeshId,
    at: &ScopedSecret,
    version: Version,
    sealed: &SealedValue,
    value: &Plaintext,
) -> bool {
    open(key, mesh, at, version, sealed).is_ok_and(|opened| opened.equals(value))
}

fn associated_data(mesh: &MeshId, at: &ScopedSecret, version: Version, generation: Generation) -> Vec<u8> {
    #[cfg(feature = "seeded_bugs")]
    let version = if crate::model::seeded::bug(15) { Version::FIRST } else { version };
    Binding::new(LABEL, mesh)
        .scope(at.secret.environment.as_str(), &at.scope)
        .field(at.secret.name.service.as_str().as_bytes())
        .field(at.secret.name.key.as_str().as_bytes())
        .version(version)
        .generation(generation)
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, MESH, NoEntropy, at};
    use super::*;
    use crate::model::hex::hex;

    fn key() -> ScopeKey {
        ScopeKey::generate(&CountingEntropy::from(0)).expect("key")
    }

    fn version(number: u64) -> Version {
        Version::new(number).expect("positive")
    }

    fn sealed(at: &ScopedSecret) -> SealedValue {
        let value = Plaintext::new(b"sk-test-value".to_vec());
        seal(&key(), Generation::FIRST, &MESH, at, version(3), &value, &CountingEntropy::from(0x80)).expect("sealed")
    }

    #[test]
    fn the_associated_data_has_these_bytes_for_ever() {
        let place = at("prod", "openai/api_key", "company:acme");
        let bound = associated_data(&MESH, &place, version(3), Generation::FIRST);
        assert_eq!(
            hex(&bound),
            concat!(
                "0000000f6175726f7261207265636f7264203100000010a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a500",
                "00000470726f6400000007636f6d70616e790000000461636d65000000066f70656e616900000007",
                "6170695f6b65790000000800000000000000030000000400000001"
            )
        );
    }

    #[test]
    fn a_sealed_value_has_these_bytes_for_ever() {
        let value = sealed(&at("prod", "openai/api_key", "company:acme"));
        assert_eq!(hex(&value.nonce), "808182838485868788898a8b8c8d8e8f9091929394959697");
        assert_eq!(hex(&value.ciphertext), "3185742d82e737476a794f8e2adb980c1d0ac9bf1f0aedf529faaa060e");
    }

    #[test]
    fn a_record_opens_where_it_was_sealed() {
        let place = at("prod", "openai/api_key", "global");
        let opened = open(&key(), &MESH, &place, version(3), &sealed(&place)).expect("opened");
        assert_eq!(opened.expose(), b"sk-test-value");
    }

    #[test]
    fn a_record_opens_nowhere_else() {
        let place = at("prod", "openai/api_key", "company:acme");
        let value = sealed(&place);
        let elsewhere = [
            at("dev", "openai/api_key", "company:acme"),
            at("prod", "openai2/api_key", "company:acme"),
            at("prod", "openai/api_key2", "company:acme"),
            at("prod", "openai/api_key", "node:acme"),
            at("prod", "openai/api_key", "company:acme2"),
            at("prod", "openai/api_key", "global"),
        ];
        let refused = Err(CryptoError::OpenFailed { what: WHAT });
        for other in elsewhere {
            let opened = open(&key(), &MESH, &other, version(3), &value).map(drop);
            assert_eq!(opened, refused, "{other}");
        }
        assert_eq!(open(&key(), &MESH, &place, version(4), &value).map(drop), refused);
        assert_eq!(open(&key(), &MeshId([0; 16]), &place, version(3), &value).map(drop), refused);
        let regenerated = SealedValue { generation: Generation::FIRST.next(), ..value.clone() };
        assert_eq!(open(&key(), &MESH, &place, version(3), &regenerated).map(drop), refused);
        let other_key = ScopeKey::generate(&CountingEntropy::from(9)).expect("key");
        assert_eq!(open(&other_key, &MESH, &place, version(3), &value).map(drop), refused);
    }

    #[test]
    fn damaged_and_empty_ciphertexts_are_refused() {
        let place = at("prod", "openai/api_key", "global");
        let value = sealed(&place);
        for length in 0..value.ciphertext.len() {
            let cut = SealedValue { ciphertext: value.ciphertext[..length].to_vec(), ..value.clone() };
            assert!(open(&key(), &MESH, &place, version(3), &cut).is_err(), "length {length}");
        }
    }

    #[test]
    fn an_empty_value_can_be_sealed_and_no_value_without_randomness() {
        let place = at("prod", "openai/api_key", "global");
        let nothing = Plaintext::new(Vec::new());
        let entropy = CountingEntropy::from(1);
        let value = seal(&key(), Generation::FIRST, &MESH, &place, version(1), &nothing, &entropy).expect("sealed");
        assert!(open(&key(), &MESH, &place, version(1), &value).expect("opened").is_empty());
        let refused = seal(&key(), Generation::FIRST, &MESH, &place, version(1), &nothing, &NoEntropy);
        assert!(matches!(refused, Err(CryptoError::Entropy(_))));
    }
}
