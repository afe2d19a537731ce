//! Who a certificate says a node is: one SPIFFE URI (`spiffe://<mesh>/lead/<name>` or `/follower/<name>`) as its only
//! subject alternative name. The subject, and every other name, carries no authority.

use std::fmt;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::model::identity::{MeshId, Role};
use crate::model::name::NodeName;

/// The identity in a node's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerIdentity {
    /// The mesh.
    pub mesh: MeshId,
    /// What the node is in it.
    pub role: Role,
    /// What it is called.
    pub node: NodeName,
}

impl PeerIdentity {
    /// Reads the URI; only the exact text that [`fmt::Display`] prints is accepted.
    #[must_use]
    pub fn parse(uri: &str) -> Option<Self> {
        let mut parts = uri.strip_prefix("spiffe://")?.split('/');
        let mesh = MeshId::parse(parts.next()?)?;
        let role = Role::parse(parts.next()?)?;
        let node = NodeName::parse(parts.next()?).ok()?;
        let identity = Self { mesh, role, node };
        (parts.next().is_none() && identity.to_string() == uri).then_some(identity)
    }

    /// Reads a certificate; `None` unless it has exactly one subject alternative name and that is one of ours. The
    /// signature is not judged here.
    #[must_use]
    pub fn of_certificate(certificate: &[u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(certificate).ok()?;
        #[cfg(feature = "seeded_bugs")]
        if crate::model::seeded::bug(11) && certificate.subject_alternative_name().ok()?.is_none() {
            let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
            return Some(Self { mesh: MeshId([0; 16]), role: Role::Follower, node: NodeName::parse(name).ok()? });
        }
        let names = certificate.subject_alternative_name().ok()??;
        match names.value.general_names.as_slice() {
            [GeneralName::URI(uri)] if rest.is_empty() => Self::parse(uri),
            _ => None,
        }
    }
}

impl fmt::Display for PeerIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "spiffe://{}/{}/{}", self.mesh, self.role, self.node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_reads_back_as_it_prints() {
        for role in [Role::Lead, Role::Follower] {
            let node = NodeName::parse("vengeance").expect("name");
            let identity = PeerIdentity { mesh: MeshId([0xab; 16]), role, node };
            assert_eq!(PeerIdentity::parse(&identity.to_string()), Some(identity));
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let mesh = "ab".repeat(16);
        for path in [
            "lead/../lead",
            "lead",
            "lead/",
            "lead/a/",
            "lead/a/b",
            "lead//a",
            "/lead/a",
            "lead/%61",
            "Lead/a",
            "lead/A",
            "lead/a?x",
            "lead/a#x",
            "admin/a",
            "lead/lead",
            "",
        ] {
            assert_eq!(PeerIdentity::parse(&format!("spiffe://{mesh}/{path}")), None, "{path:?}");
        }
        for uri in
            [format!("SPIFFE://{mesh}/lead/a"), format!("https://{mesh}/lead/a"), "spiffe://ab/lead/a".to_owned()]
        {
            assert_eq!(PeerIdentity::parse(&uri), None, "{uri:?}");
        }
    }

    /// A common name is for people: what has no alternative name is nobody, whatever it is called.
    #[test]
    fn a_certificate_with_a_common_name_alone_has_no_identity() {
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "vengeance");
        let key = rcgen::KeyPair::generate().expect("key");
        let certificate = parameters.self_signed(&key).expect("certificate");
        assert_eq!(PeerIdentity::of_certificate(certificate.der()), None);
    }

    #[test]
    fn bytes_that_are_no_certificate_have_no_identity() {
        assert_eq!(PeerIdentity::of_certificate(&[]), None);
        assert_eq!(PeerIdentity::of_certificate(&[0x30, 0x82, 0xff, 0xff]), None);
    }
}
