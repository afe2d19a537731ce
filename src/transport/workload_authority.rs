//! A node's authority over the programs that run on it: it signs their X.509 identities (X509-SVID, SPIFFE), and nothing else.
//!
//! It is no authority of the mesh and is not signed by one. A node that is broken into can speak for its own programs alone:
//! peers trust the root of the mesh and no other, so whatever this key signs, a lead's name included, they refuse.
//!
//! The key is made when the node starts, and is never written down. Programs take the bundle from the same stream as their
//! certificates, so they follow a restart; and a key that is on no disk cannot be taken from one.

use std::fmt;
use std::time::Duration;

use rcgen::string::Ia5String;
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose, PublicKeyData, SanType};
use rustls::pki_types::CertificateDer;

use super::authority::{AUTHORITY_LIFETIME, parameters};
use super::certificate::Validity;
use super::error::TransportError;
use super::node_key::{NodeKey, failed};
use crate::crypto::plaintext::Plaintext;
use crate::model::identity::MeshId;
use crate::model::name::NodeName;
use crate::model::time::Timestamp;

/// How long an identity is valid. Its program holds a stream on which the next one comes after half of that; one that lost
/// the right to it is refused everywhere soon.
const IDENTITY_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The authority of one node. Its trust domain is `<node>.<mesh id>`.
#[derive(Debug)]
pub struct WorkloadAuthority {
    key: NodeKey,
    certificate: Vec<u8>,
    domain: String,
}

/// An identity of a program, with the key that proves it.
pub struct WorkloadIdentity {
    /// `spiffe://<trust domain>/<path>`.
    pub id: String,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Its private key: PKCS#8, DER.
    pub key: Plaintext,
    /// The moment to come for the next one: half of its life is over then.
    pub renew_at: Timestamp,
}

impl fmt::Debug for WorkloadIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WorkloadIdentity({})", self.id)
    }
}

impl WorkloadAuthority {
    /// A new authority for the programs of this node.
    ///
    /// # Errors
    /// [`TransportError::Certificate`].
    pub fn generate(node: &NodeName, mesh: &MeshId, now: Timestamp) -> Result<Self, TransportError> {
        let (key, domain) = (NodeKey::generate()?, format!("{node}.{mesh}"));
        let spki = key.pair().subject_public_key_info();
        let mut parameters = parameters(&format!("Programs of {node}"), &spki, now, AUTHORITY_LIFETIME)?;
        // X509-SVID, 3.1: a signing certificate names its trust domain, and nothing below it.
        parameters.subject_alt_names = vec![uri(&format!("spiffe://{domain}"))?];
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate =
            parameters.self_signed(key.pair()).map_err(|source| failed("workload authority certificate", source))?;
        Ok(Self { key, certificate: certificate.der().to_vec(), domain })
    }

    /// What programs check the identities of others with: the authority's certificate, DER.
    #[must_use]
    pub fn bundle(&self) -> &[u8] {
        &self.certificate
    }

    /// The SPIFFE id of the trust domain: `spiffe://<node>.<mesh id>`.
    #[must_use]
    pub fn trust_domain_id(&self) -> String {
        format!("spiffe://{}", self.domain)
    }

    /// An identity for one program, with a key made for it. `path` is that of its SPIFFE id, without a slash before it: `unit/backend.service`.
    ///
    /// # Errors
    /// [`TransportError::Certificate`].
    pub fn issue(&self, path: &str, now: Timestamp) -> Result<WorkloadIdentity, TransportError> {
        let id = format!("spiffe://{}/{path}", self.domain);
        let (certificate, key) = self.sign(&id, now)?;
        let validity = Validity::of_certificate(&certificate);
        let renew_at = validity.ok_or(TransportError::Unfit { what: "an identity of a program" })?.half_life();
        Ok(WorkloadIdentity { id, certificate, key, renew_at })
    }

    fn sign(&self, id: &str, now: Timestamp) -> Result<(Vec<u8>, Plaintext), TransportError> {
        let key = NodeKey::generate()?;
        let spki = key.pair().subject_public_key_info();
        let mut parameters = parameters("Aurora Mesh workload", &spki, now, IDENTITY_LIFETIME)?;
        parameters.subject_alt_names = vec![uri(id)?];
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        let authority = CertificateDer::from(self.certificate.as_slice());
        let issuer = Issuer::from_ca_cert_der(&authority, self.key.pair())
            .map_err(|source| failed("workload authority certificate", source))?;
        let certificate =
            parameters.signed_by(key.pair(), &issuer).map_err(|source| failed("workload certificate", source))?;
        Ok((certificate.der().to_vec(), key.to_plaintext()))
    }
}

fn uri(text: &str) -> Result<SanType, TransportError> {
    Ia5String::try_from(text).map(SanType::URI).map_err(|source| failed("identity", source))
}

#[cfg(test)]
mod tests {
    use super::super::credentials::Credentials;
    use super::super::endpoint::Endpoint;
    use super::super::spiffe::PeerIdentity;
    use super::super::testing::{MESH, Mesh, NOW, first_reply, identity, loopback, soon, trust};
    use super::super::tls::{Admission, Admittance, LeadTls, MemberTls};
    use super::*;
    use crate::model::identity::{KeyPin, Role};
    use std::sync::Arc;
    use x509_parser::extensions::GeneralName;
    use x509_parser::prelude::{FromDer, X509Certificate};

    fn authority() -> WorkloadAuthority {
        WorkloadAuthority::generate(&NodeName::parse("vengeance").expect("name"), &MESH, NOW).expect("authority")
    }

    fn uris(der: &[u8]) -> Vec<String> {
        let (_, certificate) = X509Certificate::from_der(der).expect("certificate");
        let names = certificate.subject_alternative_name().expect("readable").expect("there");
        let uri = |name: &GeneralName<'_>| {
            let GeneralName::URI(uri) = name else { panic!("{name:?}") };
            (*uri).to_owned()
        };
        names.value.general_names.iter().map(uri).collect()
    }

    #[test]
    fn an_identity_has_one_name_no_right_to_sign_others_and_a_key_of_its_own() {
        let authority = authority();
        let domain = format!("spiffe://vengeance.{MESH}");
        assert_eq!((authority.trust_domain_id(), uris(authority.bundle())), (domain.clone(), vec![domain.clone()]));
        let [first, second] = [0, 1].map(|_| authority.issue("unit/backend.service", NOW).expect("issued"));
        assert_eq!(uris(&first.certificate), [format!("{domain}/unit/backend.service")]);
        assert!(!first.key.equals(&second.key));
        let (_, leaf) = X509Certificate::from_der(&first.certificate).expect("certificate");
        let (_, root) = X509Certificate::from_der(authority.bundle()).expect("certificate");
        assert!(!leaf.is_ca() && root.is_ca() && leaf.issuer() == root.subject());
        let usage = leaf.key_usage().expect("readable").expect("there").value;
        assert!(usage.digital_signature() && !usage.key_cert_sign() && !usage.crl_sign());
        assert_eq!(Validity::of_certificate(&first.certificate).expect("validity").until, NOW.plus(IDENTITY_LIFETIME));
        assert!(first.renew_at > NOW && first.renew_at < NOW.plus(IDENTITY_LIFETIME));
        assert_eq!(format!("{first:?}"), format!("WorkloadIdentity({domain}/unit/backend.service)"));
    }

    struct Everybody;

    impl Admission for Everybody {
        fn judge(&self, _: &PeerIdentity, _: &KeyPin) -> Admittance {
            Admittance::Member
        }
    }

    /// What the authority of a node's programs signs with the name of a member, and the key to it.
    fn forged(role: Role, name: &str) -> Credentials {
        let workloads = authority();
        let (leaf, key) =
            workloads.sign(&identity(role, name).to_string(), NOW).expect("it signs whatever it is given");
        assert_eq!(PeerIdentity::of_certificate(&leaf), Some(identity(role, name)));
        let key = NodeKey::from_plaintext(&key).expect("a key");
        Credentials::new(&[leaf, workloads.bundle().to_vec()], &key).expect("belong together")
    }

    #[tokio::test]
    async fn no_member_of_the_mesh_believes_what_it_signs_not_even_with_the_name_of_the_lead() {
        let mesh = Mesh::start();
        let endpoint = Endpoint::dialling(loopback()).expect("binds");
        let clock = Arc::new(mesh.clock.clone());
        for (role, name) in [(Role::Follower, "vengeance"), (Role::Lead, "aurora")] {
            let tls = MemberTls::new(&trust(&mesh.authority), &forged(role, name), clock.clone()).expect("settings");
            let refused = soon(first_reply(&endpoint, mesh.address(), &tls)).await;
            assert!(refused.is_err(), "{role} {name} was let in: {refused:?}");
        }
        // And the other way round: a listener that shows such a certificate is no lead to a follower.
        let tls = LeadTls::new(&trust(&mesh.authority), &forged(Role::Lead, "aurora"), Arc::new(Everybody), clock);
        let (impostor, _acceptor) = Endpoint::listening(loopback(), tls.expect("settings")).expect("binds");
        let follower = mesh.follower(&NodeKey::generate().expect("key"));
        let address = impostor.local_address().expect("bound");
        let refused = soon(first_reply(&endpoint, address, &follower)).await;
        assert!(refused.is_err(), "{refused:?}");
    }
}
