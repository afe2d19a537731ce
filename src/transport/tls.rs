//! TLS settings of the three kinds of handshake: member to lead, lead to member, joiner to lead.
//!
//! TLS 1.3 only, one key exchange, no resumption on either side, no early data, no server name on the wire.

use std::sync::Arc;

use quinn::crypto::rustls::{NoInitialCipherSuite, QuicClientConfig, QuicServerConfig};
use rustls::client::{ClientConfig, Resumption, WantsClientCert};
use rustls::server::{NoServerSessionStorage, ServerConfig, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ConfigBuilder, RootCertStore};

use super::clock::MeshTime;
use super::credentials::Credentials;
use super::error::TransportError;
use super::limits;
use super::provider;
use super::spiffe::PeerIdentity;
use super::verify::{Anchor, LeadVerifier, MemberVerifier};
use crate::model::identity::{KeyPin, MeshId};
use crate::model::time::Clock;

/// ALPN of members.
pub(super) const MEMBER_PROTOCOL: &[u8] = b"aurora/1";

/// ALPN of joiners.
pub(super) const JOIN_PROTOCOL: &[u8] = b"aurora-join/1";

/// Whom the lead lets in: asked in the handshake, before the first byte of a stream, at every connection.
pub trait Admission: Send + Sync + 'static {
    /// Whether the node, with exactly this key, is a member now. Must not block.
    fn admits(&self, identity: &PeerIdentity, pin: &KeyPin) -> bool;
}

/// The mesh a node belongs to, and the only authority it trusts.
#[derive(Debug, Clone)]
pub struct Trust {
    /// The mesh.
    pub mesh: MeshId,
    /// The authority's certificate, DER.
    pub authority: Vec<u8>,
}

impl Trust {
    fn roots(&self) -> Result<RootCertStore, TransportError> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone().into())?;
        Ok(roots)
    }
}

/// How a lead answers members and joiners.
#[derive(Clone)]
pub struct LeadTls(pub(super) quinn::ServerConfig);

impl LeadTls {
    /// # Errors
    /// [`TransportError::Tls`] for an authority certificate that is none.
    pub fn new(
        trust: &Trust,
        credentials: &Credentials,
        admission: Arc<dyn Admission>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TransportError> {
        let provider = provider::mesh();
        let chain = WebPkiClientVerifier::builder_with_provider(Arc::new(trust.roots()?), provider.clone())
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let mut tls = ServerConfig::builder_with_details(provider, Arc::new(MeshTime(clock.clone())))
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(Arc::new(MemberVerifier { mesh: trust.mesh, chain, admission }))
            .with_cert_resolver(credentials.for_server());
        tls.session_storage = Arc::new(NoServerSessionStorage {});
        tls.send_tls13_tickets = 0;
        tls.max_early_data_size = 0;
        tls.alpn_protocols = vec![MEMBER_PROTOCOL.to_vec(), JOIN_PROTOCOL.to_vec()];
        let quic = QuicServerConfig::try_from(tls).map_err(no_initial_suite)?;
        let mut server = quinn::ServerConfig::with_crypto(Arc::new(quic));
        server.transport_config(limits::transport()).time_source(Arc::new(MeshTime(clock)));
        Ok(Self(server))
    }
}

/// How a member dials a lead.
#[derive(Clone)]
pub struct MemberTls(pub(super) quinn::ClientConfig);

impl MemberTls {
    /// # Errors
    /// [`TransportError::Tls`] for an authority certificate that is none.
    pub fn new(trust: &Trust, credentials: &Credentials, clock: Arc<dyn Clock>) -> Result<Self, TransportError> {
        let anchor = Anchor::Mesh { id: trust.mesh, roots: trust.roots()? };
        let tls = client(anchor, clock)?.with_client_cert_resolver(credentials.for_client());
        Ok(Self(dialling(tls, MEMBER_PROTOCOL)?))
    }
}

/// How a joiner dials a lead: it knows only the hash of the authority's key, from its token.
#[derive(Clone)]
pub struct JoinTls(pub(super) quinn::ClientConfig);

impl JoinTls {
    /// # Errors
    /// [`TransportError::Tls`] when the library refuses the settings.
    pub fn new(authority: KeyPin, clock: Arc<dyn Clock>) -> Result<Self, TransportError> {
        let tls = client(Anchor::Pin(authority), clock)?.with_no_client_auth();
        Ok(Self(dialling(tls, JOIN_PROTOCOL)?))
    }
}

fn client(
    anchor: Anchor,
    clock: Arc<dyn Clock>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TransportError> {
    let provider = provider::mesh();
    let algorithms = provider.signature_verification_algorithms;
    Ok(ClientConfig::builder_with_details(provider, Arc::new(MeshTime(clock)))
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(LeadVerifier { anchor, algorithms })))
}

fn dialling(mut tls: ClientConfig, protocol: &[u8]) -> Result<quinn::ClientConfig, TransportError> {
    tls.resumption = Resumption::disabled();
    tls.enable_early_data = false;
    tls.enable_sni = false;
    tls.alpn_protocols = vec![protocol.to_vec()];
    let quic = QuicClientConfig::try_from(tls).map_err(no_initial_suite)?;
    let mut client = quinn::ClientConfig::new(Arc::new(quic));
    client.transport_config(limits::transport());
    Ok(client)
}

fn no_initial_suite(error: NoInitialCipherSuite) -> TransportError {
    TransportError::Tls(rustls::Error::General(error.to_string()))
}
