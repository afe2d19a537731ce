//! An identity key: ECDSA on P-256, made here, leaving only as [`Plaintext`] to be sealed.

use std::fmt;

use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SigningKey};
use rustls::crypto::aws_lc_rs::sign::any_ecdsa_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroize;

use super::error::TransportError;
use crate::crypto::digest::sha256;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::signature::Signer;
use crate::model::identity::KeyPin;

/// The key a node is pinned by. Its randomness comes from aws-lc, which takes no other source.
pub struct NodeKey {
    pair: KeyPair,
}

impl NodeKey {
    /// A new key.
    ///
    /// # Errors
    /// [`TransportError::Certificate`] when the library has no randomness.
    pub fn generate() -> Result<Self, TransportError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|source| failed("identity key", source))?;
        Ok(Self { pair })
    }

    /// Reads what [`Self::to_plaintext`] gave: PKCS#8, DER.
    ///
    /// # Errors
    /// [`TransportError::Certificate`] for anything else, a key of another algorithm included.
    pub fn from_plaintext(key: &Plaintext) -> Result<Self, TransportError> {
        let der = PrivatePkcs8KeyDer::from(key.expose());
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256)
            .map_err(|source| failed("identity key", source))?;
        Ok(Self { pair })
    }

    /// The key as PKCS#8, DER.
    #[must_use]
    pub fn to_plaintext(&self) -> Plaintext {
        Plaintext::new(self.pair.serialize_der())
    }

    /// SHA-256 of the public key.
    #[must_use]
    pub fn pin(&self) -> KeyPin {
        KeyPin(sha256(&self.pair.subject_public_key_info()))
    }

    /// A signing request (DER) that proves possession of the key and says nothing else: the lead decides the rest.
    ///
    /// # Errors
    /// [`TransportError::Certificate`].
    pub fn csr(&self) -> Result<Vec<u8>, TransportError> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        let request = parameters.serialize_request(&self.pair).map_err(|source| failed("signing request", source))?;
        Ok(request.der().to_vec())
    }

    pub(super) fn pair(&self) -> &KeyPair {
        &self.pair
    }

    /// The key with its certificates, as TLS wants them.
    pub(super) fn certified(&self, chain: &[Vec<u8>]) -> Result<CertifiedKey, TransportError> {
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.pair.serialized_der()));
        let certified = CertifiedKey::new(chain.iter().map(|der| der.clone().into()).collect(), any_ecdsa_type(&der)?);
        certified.keys_match()?;
        Ok(certified)
    }
}

impl Signer for NodeKey {
    fn public_key(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.pair.sign(message).ok()
    }
}

impl Drop for NodeKey {
    fn drop(&mut self) {
        self.pair.zeroize();
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "NodeKey({})", self.pin().fingerprint())
    }
}

pub(super) fn failed(what: &'static str, source: rcgen::Error) -> TransportError {
    TransportError::Certificate { what, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::signature::is_signed;

    #[test]
    fn a_key_reads_back_and_keeps_its_pin() {
        let key = NodeKey::generate().expect("key");
        let again = NodeKey::from_plaintext(&key.to_plaintext()).expect("reads back");
        assert_eq!(again.pin(), key.pin());
        assert_ne!(NodeKey::generate().expect("key").pin(), key.pin());
    }

    #[test]
    fn bytes_and_keys_of_another_kind_are_refused() {
        assert!(NodeKey::from_plaintext(&Plaintext::new(vec![])).is_err());
        let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("key");
        assert!(NodeKey::from_plaintext(&Plaintext::new(other.serialize_der())).is_err());
    }

    #[test]
    fn what_it_signs_is_known_by_its_public_key_and_by_no_other() {
        let (key, other) = (NodeKey::generate().expect("key"), NodeKey::generate().expect("key"));
        let signature = key.sign(b"a statement").expect("signed");
        assert!(is_signed(&key.public_key(), b"a statement", &signature));
        assert!(!is_signed(&other.public_key(), b"a statement", &signature));
        assert!(!is_signed(&key.public_key(), b"another statement", &signature));
        for (public_key, signature) in [(vec![], &signature), (key.public_key(), &vec![]), (vec![0; 91], &signature)] {
            assert!(!is_signed(&public_key, b"a statement", signature));
        }
    }

    #[test]
    fn it_never_prints_the_key() {
        let key = NodeKey::generate().expect("key");
        assert_eq!(format!("{key:?}"), format!("NodeKey({})", key.pin().fingerprint()));
    }
}
