//! Certificates that the authority of a mesh would never make, made with its stolen key.

use aurora_mesh::model::identity::MeshId;
use aurora_mesh::transport::node_key::NodeKey;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair, SanType, SerialNumber};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::support::forge::{Forge, Papers};

/// The URI of a node.
pub fn uri(mesh: MeshId, role: &str, name: &str) -> SanType {
    SanType::URI(format!("spiffe://{mesh}/{role}/{name}").try_into().expect("ASCII"))
}

/// The same key again.
pub fn again(key: &NodeKey) -> NodeKey {
    NodeKey::from_plaintext(&key.to_plaintext()).expect("the same")
}

/// A key as the library of certificates has it.
pub fn pair(key: &NodeKey) -> KeyPair {
    let der = PrivatePkcs8KeyDer::from(key.to_plaintext().expose().to_vec());
    KeyPair::try_from(&der).expect("the same")
}

/// A certificate for this key, called this in its subject, with these alternative names and nothing else about it.
pub fn shaped(forge: &Forge, key: &NodeKey, common_name: &str, names: Vec<SanType>) -> Papers {
    let authority = CertificateDer::from(forge.authority.certificate_der().to_vec());
    let der = PrivatePkcs8KeyDer::from(forge.authority.key().expose().to_vec());
    let issuer = Issuer::from_ca_cert_der(&authority, KeyPair::try_from(&der).expect("a key")).expect("an authority");
    let leaf = parameters(common_name, names).signed_by(&pair(key), &issuer).expect("issued");
    Papers { chain: vec![leaf.der().to_vec(), authority.to_vec()], key: again(key) }
}

/// A certificate for this key by a node, which is no authority.
pub fn by_a_node(node: &Papers, key: &NodeKey, common_name: &str, names: Vec<SanType>) -> Papers {
    let certificate = CertificateDer::from(node.chain[0].clone());
    let issuer = Issuer::from_ca_cert_der(&certificate, pair(&node.key)).expect("a certificate");
    let leaf = parameters(common_name, names).signed_by(&pair(key), &issuer).expect("issued");
    Papers { chain: [&[leaf.der().to_vec()][..], &node.chain].concat(), key: again(key) }
}

/// A signing request that asks for more than a key.
pub fn greedy_request(key: &NodeKey, common_name: &str, names: Vec<SanType>) -> Vec<u8> {
    let mut parameters = parameters(common_name, names);
    parameters.serial_number = None;
    parameters.serialize_request(&pair(key)).expect("a request").der().to_vec()
}

fn parameters(common_name: &str, names: Vec<SanType>) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters.subject_alt_names = names;
    parameters.serial_number = Some(SerialNumber::from(vec![1, 2, 3, 4]));
    parameters
}
