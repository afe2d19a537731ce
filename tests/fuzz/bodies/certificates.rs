//! Certificates of peers, which are looked at before anybody is known: a name is either exactly ours or none.

use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::signature::is_signed;
use aurora_mesh::model::identity::KeyPin;
use aurora_mesh::transport::certificate::{Validity, pin};
use aurora_mesh::transport::node_key::NodeKey;
use aurora_mesh::transport::spiffe::PeerIdentity;

/// Reads the bytes as a certificate, as a key, and as a public key with a signature.
pub fn run(data: &[u8]) {
    let read: Option<KeyPin> = pin(data);
    if let Some(identity) = PeerIdentity::of_certificate(data) {
        assert!(read.is_some(), "an identity without a key");
        assert_eq!(PeerIdentity::parse(&identity.to_string()), Some(identity));
    }
    if let Some(validity) = Validity::of_certificate(data) {
        let half = validity.half_life();
        assert!(validity.until < validity.from || (validity.from <= half && half <= validity.until), "{validity:?}");
    }
    if let Ok(key) = NodeKey::from_plaintext(&Plaintext::new(data.to_vec())) {
        let _pin = key.pin();
    }
    let (key, signature) = data.split_at(data.len() / 2);
    assert!(!is_signed(key, b"aurora audit head v1\n", signature), "a signature by chance");
}
