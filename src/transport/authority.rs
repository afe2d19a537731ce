//! The mesh's certificate authority: the one key whose signature makes a node a member.
//!
//! From a signing request it takes the public key and nothing else; who the key belongs to is the lead's decision.

use std::time::Duration;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType,
    SerialNumber,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};
use time::OffsetDateTime;

use super::certificate;
use super::error::TransportError;
use super::node_key::{NodeKey, failed};
use super::spiffe::PeerIdentity;
use crate::crypto::digest::sha256;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::signature::Signer;
use crate::model::identity::{KeyPin, MeshId};
use crate::model::time::Timestamp;

/// How long a node's certificate is valid: short, so that a ban that was not heard of ends by itself.
pub const NODE_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the authority's own certificate is valid. Nodes trust its key by pin, so this only has to be long.
pub(super) const AUTHORITY_LIFETIME: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);

/// Certificates are valid this long before they are made, so that a node whose clock is a little behind accepts them.
const BACKDATE: Duration = Duration::from_secs(5 * 60);

/// An uncompressed point on P-256.
const P256_POINT_BYTES: usize = 65;

/// The authority's key and certificate.
#[derive(Debug)]
pub struct Authority {
    key: NodeKey,
    certificate: Vec<u8>,
}

impl Authority {
    /// A new authority for a new mesh. It may sign nodes, but no further authorities (path length 0).
    ///
    /// # Errors
    /// [`TransportError::Certificate`].
    pub fn generate(mesh: &MeshId, now: Timestamp) -> Result<Self, TransportError> {
        let key = NodeKey::generate()?;
        let spki = key.pair().subject_public_key_info();
        let mut parameters = parameters(&format!("Aurora Mesh {mesh}"), &spki, now, AUTHORITY_LIFETIME)?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate =
            parameters.self_signed(key.pair()).map_err(|source| failed("authority certificate", source))?;
        let certificate = certificate.der().to_vec();
        Ok(Self { key, certificate })
    }

    /// The authority from where it was kept.
    ///
    /// # Errors
    /// [`TransportError::Unfit`] when key and certificate do not belong together, [`TransportError::Certificate`] when the
    /// key is none.
    pub fn from_parts(key: &Plaintext, certificate: Vec<u8>) -> Result<Self, TransportError> {
        let key = NodeKey::from_plaintext(key)?;
        if certificate::pin(&certificate) != Some(key.pin()) {
            return Err(TransportError::Unfit { what: "the authority's key and certificate do not belong together" });
        }
        Ok(Self { key, certificate })
    }

    /// The private key as PKCS#8, DER; to be sealed at once.
    #[must_use]
    pub fn key(&self) -> Plaintext {
        self.key.to_plaintext()
    }

    /// The certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// What join tokens pin.
    #[must_use]
    pub fn pin(&self) -> KeyPin {
        self.key.pin()
    }

    /// A certificate (DER) for the key in `csr`, naming `identity`. Names, usages and constraints that the request asks
    /// for are not looked at.
    ///
    /// # Errors
    /// [`TransportError::Certificate`] when the request is none or its signature does not prove possession of the key;
    /// [`TransportError::Unfit`] for a key that is not on P-256.
    pub fn issue(
        &self,
        csr: &[u8],
        identity: &PeerIdentity,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Vec<u8>, TransportError> {
        let public_key = requested_key(csr)?;
        let uri = Ia5String::try_from(identity.to_string()).map_err(|source| failed("identity", source))?;
        let spki = public_key.subject_public_key_info();
        let mut parameters = parameters(identity.node.as_str(), &spki, now, lifetime)?;
        parameters.subject_alt_names = vec![SanType::URI(uri)];
        #[cfg(feature = "seeded_bugs")]
        if crate::model::seeded::bug(10)
            && let Some(asked) = asked_names(csr)
        {
            parameters.subject_alt_names = asked;
        }
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        let authority = CertificateDer::from(self.certificate.as_slice());
        let issuer = Issuer::from_ca_cert_der(&authority, self.key.pair())
            .map_err(|source| failed("authority certificate", source))?;
        let certificate =
            parameters.signed_by(&public_key, &issuer).map_err(|source| failed("node certificate", source))?;
        Ok(certificate.der().to_vec())
    }

    /// The pin of the key in a signing request, whose signature is checked.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn requested_pin(csr: &[u8]) -> Result<KeyPin, TransportError> {
        Ok(KeyPin(sha256(&requested_key(csr)?.subject_public_key_info())))
    }
}

/// Signs statements that are no certificates: they begin with words, where a certificate begins with a DER sequence.
impl Signer for Authority {
    fn public_key(&self) -> Vec<u8> {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.key.sign(message)
    }
}

/// A seeded bug: the names that the request asks for.
#[cfg(feature = "seeded_bugs")]
fn asked_names(csr: &[u8]) -> Option<Vec<SanType>> {
    let asked = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr)).ok()?;
    Some(asked.params.subject_alt_names).filter(|names| !names.is_empty())
}

fn requested_key(csr: &[u8]) -> Result<rcgen::PublicKey, TransportError> {
    let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr))
        .map_err(|source| failed("signing request", source))?;
    let key = request.public_key;
    let on_p256 = key.algorithm() == &PKCS_ECDSA_P256_SHA256 && key.der_bytes().len() == P256_POINT_BYTES;
    if on_p256 { Ok(key) } else { Err(TransportError::Unfit { what: "the signing request's key is not on P-256" }) }
}

/// What both kinds of certificate share. The serial number is a hash of key and time: no two certificates of one authority
/// have the same one.
pub(super) fn parameters(
    common_name: &str,
    public_key: &[u8],
    now: Timestamp,
    lifetime: Duration,
) -> Result<CertificateParams, TransportError> {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, common_name);
    let mut serial = sha256(&[public_key, &now.0.to_be_bytes()].concat())[..16].to_vec();
    // A serial number is a positive integer of at most 20 bytes (RFC 5280 section 4.1.2.2).
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    let backdate = i64::try_from(BACKDATE.as_millis()).unwrap_or_default();
    let mut parameters = CertificateParams::default();
    parameters.not_before = date(Timestamp(now.0.saturating_sub(backdate)))?;
    parameters.not_after = date(now.plus(lifetime))?;
    parameters.serial_number = Some(SerialNumber::from(serial));
    parameters.distinguished_name = distinguished_name;
    Ok(parameters)
}

fn date(at: Timestamp) -> Result<OffsetDateTime, TransportError> {
    OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1000))
        .map_err(|_| TransportError::Unfit { what: "the clock is outside what a certificate can hold" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::identity::Role;
    use crate::model::name::NodeName;
    use crate::transport::certificate::Validity;
    use x509_parser::prelude::{FromDer, X509Certificate};

    const NOW: Timestamp = Timestamp(1_795_248_000_000);
    const MESH: MeshId = MeshId([7; 16]);

    fn identity() -> PeerIdentity {
        PeerIdentity { mesh: MESH, role: Role::Follower, node: NodeName::parse("vengeance").expect("name") }
    }

    #[test]
    fn a_certificate_names_the_node_and_the_key_and_ends_after_its_lifetime() {
        let authority = Authority::generate(&MESH, NOW).expect("authority");
        let key = NodeKey::generate().expect("key");
        let leaf = authority.issue(&key.csr().expect("csr"), &identity(), NOW, NODE_LIFETIME).expect("leaf");
        assert_eq!(PeerIdentity::of_certificate(&leaf), Some(identity()));
        assert_eq!(certificate::pin(&leaf), Some(key.pin()));
        let validity = Validity::of_certificate(&leaf).expect("validity");
        assert_eq!(validity.until, NOW.plus(NODE_LIFETIME));
        assert_eq!(validity.from.plus(BACKDATE), NOW);
        assert!(validity.half_life() > NOW && validity.half_life() < validity.until);
        let later =
            authority.issue(&key.csr().expect("csr"), &identity(), NOW.plus(BACKDATE), NODE_LIFETIME).expect("leaf");
        let serial = |der: &[u8]| X509Certificate::from_der(der).expect("certificate").1.raw_serial().to_vec();
        assert_ne!(serial(&leaf), serial(&later));
    }

    #[test]
    fn what_a_signing_request_asks_for_is_ignored() {
        let authority = Authority::generate(&MESH, NOW).expect("authority");
        let key = NodeKey::generate().expect("key");
        let lead = format!("spiffe://{MESH}/lead/aurora");
        let mut greedy = CertificateParams::new(vec!["aurora.example".to_owned()]).expect("parameters");
        greedy.subject_alt_names.push(SanType::URI(Ia5String::try_from(lead).expect("ascii")));
        greedy.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        greedy.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let csr = greedy.serialize_request(key.pair()).expect("csr");
        let leaf = authority.issue(csr.der(), &identity(), NOW, NODE_LIFETIME).expect("leaf");
        assert_eq!(PeerIdentity::of_certificate(&leaf), Some(identity()));
        let (_, parsed) = X509Certificate::from_der(&leaf).expect("certificate");
        assert!(!parsed.is_ca());
        assert!(!parsed.key_usage().expect("usage").expect("present").value.key_cert_sign());
    }

    #[test]
    fn a_request_that_proves_no_possession_or_another_curve_is_refused() {
        let authority = Authority::generate(&MESH, NOW).expect("authority");
        let issue = |csr: &[u8]| authority.issue(csr, &identity(), NOW, NODE_LIFETIME);
        let mut forged = NodeKey::generate().expect("key").csr().expect("csr");
        *forged.last_mut().expect("bytes") ^= 1;
        assert!(matches!(issue(&forged), Err(TransportError::Certificate { what: "signing request", .. })));
        assert!(issue(&[]).is_err());
        for algorithm in [&rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
            let pair = rcgen::KeyPair::generate_for(algorithm).expect("key");
            let csr = CertificateParams::default().serialize_request(&pair).expect("csr");
            assert!(matches!(issue(csr.der()), Err(TransportError::Unfit { .. })));
        }
    }

    #[test]
    fn an_authority_comes_back_from_its_parts_and_not_from_anothers() {
        let authority = Authority::generate(&MESH, NOW).expect("authority");
        let other = Authority::generate(&MESH, NOW).expect("authority");
        let again = Authority::from_parts(&authority.key(), authority.certificate_der().to_vec()).expect("its parts");
        assert_eq!(again.pin(), authority.pin());
        assert_eq!(certificate::pin(authority.certificate_der()), Some(authority.pin()));
        let mixed = Authority::from_parts(&authority.key(), other.certificate_der().to_vec());
        assert!(matches!(mixed, Err(TransportError::Unfit { .. })));
    }

    #[test]
    fn the_pin_of_a_request_is_the_pin_of_its_key() {
        let key = NodeKey::generate().expect("key");
        assert_eq!(Authority::requested_pin(&key.csr().expect("csr")).expect("pin"), key.pin());
        assert!(Authority::requested_pin(&[0x30]).is_err());
    }
}
