//! Whether one value is in two places, found without comparing plaintexts outside this room and without keeping
//! anything a value could be guessed from: a digest under a random key that lives as long as one comparison.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::CryptoError;
use super::fields;
use super::plaintext::Plaintext;
use super::record;
use super::scope_key::ScopeKey;
use crate::model::fields::FieldKind;
use crate::model::identity::MeshId;
use crate::model::record::Record;
use crate::model::time::Entropy;

/// One comparison. Its digests can be told apart from each other and mean nothing to any other comparison.
pub struct Comparison {
    key: Zeroizing<[u8; 32]>,
}

/// HMAC-SHA256 (RFC 2104, FIPS 180-4) of a value. Equal for equal values of one comparison, and for no others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fingerprint(redacted)")
    }
}

impl Comparison {
    /// Draws a key that nobody ever sees.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] without randomness.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        let mut key = Zeroizing::new([0; 32]);
        entropy.fill(&mut *key)?;
        Ok(Self { key })
    }

    /// What is secret in a live record: its value, or each secret field of it. Nothing for a record without a value.
    ///
    /// # Errors
    /// [`CryptoError::OpenFailed`] when the record does not open with this key.
    pub fn fingerprints(
        &self,
        key: &ScopeKey,
        mesh: &MeshId,
        record: &Record,
    ) -> Result<Vec<Fingerprint>, CryptoError> {
        let Some(sealed) = record.sealed() else { return Ok(Vec::new()) };
        let value = record::open(key, mesh, &record.at, record.version, sealed)?;
        let secret = record.fields.iter().filter(|field| field.kind == FieldKind::Secret);
        let texts: Vec<Plaintext> = secret.filter_map(|field| fields::select(&value, &field.name).ok()).collect();
        if texts.is_empty() {
            return Ok(vec![self.fingerprint(&value)?]);
        }
        texts.iter().map(|text| self.fingerprint(text)).collect()
    }

    fn fingerprint(&self, value: &Plaintext) -> Result<Fingerprint, CryptoError> {
        let keyed = Hmac::<Sha256>::new_from_slice(&*self.key);
        let mut keyed = keyed.map_err(|_| CryptoError::Malformed { what: "the key of a comparison" })?;
        keyed.update(value.expose());
        Ok(Fingerprint(keyed.finalize().into_bytes().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, MESH, NoEntropy, at};
    use super::*;

    use crate::model::fields::{Field, Fields};

    use crate::model::name::FieldName;
    use crate::model::number::{Generation, Version};
    use crate::model::record::RecordBody;

    fn key() -> ScopeKey {
        ScopeKey::generate(&CountingEntropy::from(0)).expect("key")
    }

    fn record(environment: &str, value: &str, fields: &[(&str, FieldKind)]) -> Record {
        let (at, entropy) = (at(environment, "google/oauth", "global"), CountingEntropy::from(7));
        let value = Plaintext::new(value.as_bytes().to_vec());
        let sealed = record::seal(&key(), Generation::FIRST, &MESH, &at, Version::FIRST, &value, &entropy);
        let field =
            |(name, kind): &(&str, FieldKind)| Field { name: FieldName::parse(name).expect("name"), kind: *kind };
        Record {
            body: RecordBody::Sealed(sealed.expect("sealed")),
            fields: Fields::new(fields.iter().map(field).collect()).expect("fields").into(),
            ..Record::sample(at, Generation::FIRST, Vec::new())
        }
    }

    fn prints(comparison: &Comparison, record: &Record) -> Vec<Fingerprint> {
        comparison.fingerprints(&key(), &MESH, record).expect("opens")
    }

    #[test]
    fn equal_values_have_one_fingerprint_within_a_comparison_and_none_across_two() {
        let (first, second) = (Comparison::new(&CountingEntropy::from(1)), Comparison::new(&CountingEntropy::from(2)));
        let (first, second) = (first.expect("key"), second.expect("key"));
        let (prod, dev, other) = (record("prod", "canary", &[]), record("dev", "canary", &[]), record("dev", "x", &[]));
        assert_eq!(prints(&first, &prod), prints(&first, &dev));
        assert_ne!(prints(&first, &prod), prints(&first, &other));
        assert_ne!(prints(&first, &prod), prints(&second, &prod));
        assert_eq!(format!("{:?}", prints(&first, &prod)), "[Fingerprint(redacted)]");
    }

    #[test]
    fn of_a_value_with_fields_each_secret_one_counts_however_the_object_is_written() {
        let comparison = Comparison::new(&CountingEntropy::from(1)).expect("key");
        let fields = [("id", FieldKind::Text), ("secret", FieldKind::Secret)];
        let prod = record("prod", r#"{"id":"1","secret":"canary"}"#, &fields);
        let dev = record("dev", r#"{ "secret" : "canary", "id" : "2" }"#, &fields);
        assert_eq!(prints(&comparison, &prod), prints(&comparison, &dev));
        assert_eq!(prints(&comparison, &prod), prints(&comparison, &record("dev", "canary", &[])));
    }

    #[test]
    fn what_has_no_value_or_does_not_open_has_no_fingerprint_and_there_is_none_without_randomness() {
        let comparison = Comparison::new(&CountingEntropy::from(1)).expect("key");
        let unset = Record { body: RecordBody::Unset, ..record("dev", "x", &[]) };
        assert!(prints(&comparison, &unset).is_empty());
        let moved = Record { at: at("dev", "a/b", "global"), ..record("dev", "x", &[]) };
        assert!(comparison.fingerprints(&key(), &MESH, &moved).is_err());
        assert!(Comparison::new(&NoEntropy).is_err());
    }
}
