//! Who is let through a handshake. Each cause of refusal is told by its own TLS alert, which `error` reads back.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, RootCertStore, SignatureScheme,
};

use super::certificate;
use super::spiffe::PeerIdentity;
use super::tls::{Admission, Admittance};
use crate::crypto::digest::equal;
use crate::model::identity::{KeyPin, MeshId, Role};

/// What a client knows about the authority before it dials.
#[derive(Debug)]
pub(super) enum Anchor {
    /// The authority of its own mesh.
    Mesh { id: MeshId, roots: RootCertStore },
    /// The hash of the authority's key, from a join token; the certificate comes with the server's chain.
    Pin(KeyPin),
}

/// The client's side: the server must be a lead.
#[derive(Debug)]
pub(super) struct LeadVerifier {
    pub(super) anchor: Anchor,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl LeadVerifier {
    /// The authority to check the leaf against: for a joiner the certificate in the chain whose key has the pinned hash.
    fn roots(&self, chain: &[CertificateDer<'_>]) -> Result<RootCertStore, Error> {
        let pin = match &self.anchor {
            Anchor::Mesh { roots, .. } => return Ok(roots.clone()),
            Anchor::Pin(pin) => pin,
        };
        let pinned = |der: &&CertificateDer<'_>| certificate::pin(der).is_some_and(|found| equal(&found.0, &pin.0));
        let authority = chain.iter().find(pinned).ok_or(CertificateError::UnknownIssuer)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        Ok(roots)
    }
}

impl ServerCertVerifier for LeadVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let roots = self.roots(chain)?;
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(leaf)?,
            &roots,
            &[],
            now,
            self.algorithms.all,
        )?;
        let identity = PeerIdentity::of_certificate(leaf).ok_or(CertificateError::BadEncoding)?;
        match &self.anchor {
            Anchor::Mesh { id, .. } if *id != identity.mesh => return Err(CertificateError::BadEncoding.into()),
            Anchor::Mesh { .. } | Anchor::Pin(_) => {}
        }
        match identity.role {
            Role::Lead => Ok(ServerCertVerified::assertion()),
            Role::Follower => Err(CertificateError::InvalidPurpose.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The server's side: a client that shows a certificate must be an admitted member. One that shows none is let through
/// here, because joiners have none; the acceptor closes it at once unless it speaks the join protocol.
pub(super) struct MemberVerifier {
    pub(super) mesh: MeshId,
    pub(super) chain: Arc<dyn ClientCertVerifier>,
    pub(super) admission: Arc<dyn Admission>,
}

impl fmt::Debug for MemberVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemberVerifier").field("mesh", &self.mesh).finish_non_exhaustive()
    }
}

impl ClientCertVerifier for MemberVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Empty: the authority's name is nobody else's business.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(leaf, &[], now)?;
        let identity = PeerIdentity::of_certificate(leaf).filter(|identity| identity.mesh == self.mesh);
        let identity = identity.ok_or(CertificateError::BadEncoding)?;
        let pin = certificate::pin(leaf).ok_or(CertificateError::BadEncoding)?;
        match self.admission.judge(&identity, &pin) {
            Admittance::Member => Ok(verified),
            Admittance::Banned => Err(CertificateError::Revoked.into()),
            Admittance::Unknown => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
