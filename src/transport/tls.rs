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
    /// What the node, with exactly this role and key, is now. Must not block.
    fn judge(&self, identity: &PeerIdentity, pin: &KeyPin) -> Admittance;
}

/// What a node is to the lead whose door it knocks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admittance {
    /// A member, which is let in.
    Member,
    /// A member that was thrown out. It is told so by an alert of its own.
    Banned,
    /// Nobody.
    Unknown,
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
        limits::bound_dials(&mut server);
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use rustls::crypto::aws_lc_rs::kx_group::{X25519, X25519MLKEM768};

    use super::super::acceptor::Incoming;
    use super::super::authority::{Authority, NODE_LIFETIME};
    use super::super::close::CloseCode;
    use super::super::endpoint::Endpoint;
    use super::super::error::Refusal;
    use super::super::node_key::NodeKey;
    use super::super::testing::{
        BEACON, HEARTBEAT, MESH, Mesh, NOW, OddClient, answer_once, credentials, first_reply, identity, loopback, soon,
        trust,
    };
    use super::*;
    use crate::model::identity::Role;
    use crate::wire::control::{FromFollower, FromLead};
    use crate::wire::open::StreamKind;

    /// Dials with these settings; the listener answers whomever it lets in.
    async fn outcome(mesh: &mut Mesh, tls: &MemberTls) -> Result<FromLead, TransportError> {
        let address = mesh.address();
        let endpoint = Endpoint::dialling(loopback()).expect("binds");
        let serve = async {
            loop {
                if let Ok(Incoming::Member(member)) = mesh.acceptor.accept().await {
                    answer_once(member).await;
                }
            }
        };
        soon(async {
            tokio::select! {
                reply = first_reply(&endpoint, address, tls) => reply,
                () = serve => unreachable!("serves for ever"),
            }
        })
        .await
    }

    fn refused_us(outcome: &Result<FromLead, TransportError>, wanted: Refusal) -> bool {
        matches!(outcome, Err(TransportError::PeerRefusedUs { refusal }) if *refusal == wanted)
    }

    fn we_refused(outcome: &Result<FromLead, TransportError>, wanted: Refusal) -> bool {
        matches!(outcome, Err(TransportError::WeRefusedPeer { refusal }) if *refusal == wanted)
    }

    #[tokio::test]
    async fn a_member_and_the_lead_know_each_other_by_their_certificates() {
        let mut mesh = Mesh::start();
        let key = NodeKey::generate().expect("key");
        let tls = mesh.follower(&key);
        let endpoint = Endpoint::dialling(loopback()).expect("binds");
        let lead = soon(endpoint.connect(mesh.address(), &tls)).await.expect("the lead is proved");
        let member = mesh.member().await;
        assert_eq!(lead.identity(), &identity(Role::Lead, "aurora"));
        assert_eq!(member.identity(), &identity(Role::Follower, "vengeance"));
        assert_eq!(member.pin(), &key.pin());
        let answering = tokio::spawn(answer_once(member));
        let (mut sender, mut receiver) = lead.open_stream(StreamKind::Control).await.expect("opens");
        sender.send(&FromFollower::from(HEARTBEAT)).await.expect("sends");
        assert_eq!(soon(receiver.expect::<FromLead>()).await.expect("beacon"), FromLead::from(BEACON));
        lead.close(CloseCode::Done, "test is over");
        soon(answering).await.expect("ends");
    }

    #[tokio::test]
    async fn a_node_of_another_authority_is_refused_by_the_lead_and_refuses_it() {
        let mut mesh = Mesh::start();
        let other = Authority::generate(&MESH, NOW).expect("authority");
        let key = NodeKey::generate().expect("key");
        let foreign = credentials(&other, &identity(Role::Follower, "vengeance"), &key);
        let clock = Arc::new(mesh.clock.clone());
        let gullible = MemberTls::new(&trust(&mesh.authority), &foreign, clock.clone()).expect("settings");
        let refused = outcome(&mut mesh, &gullible).await;
        assert!(refused_us(&refused, Refusal::ForeignAuthority), "{refused:?}");
        let careful = MemberTls::new(&trust(&other), &foreign, clock).expect("settings");
        let refused = outcome(&mut mesh, &careful).await;
        assert!(we_refused(&refused, Refusal::ForeignAuthority), "{refused:?}");
    }

    #[tokio::test]
    async fn an_expired_certificate_is_refused_by_the_injected_clock() {
        let mut mesh = Mesh::start();
        let tls = mesh.follower(&NodeKey::generate().expect("key"));
        assert!(outcome(&mut mesh, &tls).await.is_ok());
        let late = NOW.plus(NODE_LIFETIME).plus(Duration::from_secs(2));
        mesh.clock.0.store(late.0, Ordering::SeqCst);
        let refused = outcome(&mut mesh, &tls).await;
        assert!(we_refused(&refused, Refusal::Expired), "{refused:?}");
        mesh.clock.0.store(NOW.0 - 3_600_000, Ordering::SeqCst);
        let refused = outcome(&mut mesh, &tls).await;
        assert!(we_refused(&refused, Refusal::Expired), "not valid yet: {refused:?}");
    }

    #[tokio::test]
    async fn a_follower_that_listens_is_not_taken_for_a_lead() {
        let mut mesh = Mesh::start_as(Role::Follower, None);
        let tls = mesh.follower(&NodeKey::generate().expect("key"));
        let refused = outcome(&mut mesh, &tls).await;
        assert!(we_refused(&refused, Refusal::WrongRole), "{refused:?}");
    }

    #[tokio::test]
    async fn a_member_with_another_key_than_the_pinned_one_is_refused() {
        let pinned = NodeKey::generate().expect("key");
        let mut mesh = Mesh::start_as(Role::Lead, Some(pinned.pin()));
        let tls = mesh.follower(&pinned);
        assert!(outcome(&mut mesh, &tls).await.is_ok());
        let tls = mesh.follower(&NodeKey::generate().expect("key"));
        let refused = outcome(&mut mesh, &tls).await;
        assert!(refused_us(&refused, Refusal::NotAdmitted), "{refused:?}");
    }

    #[tokio::test]
    async fn a_banned_member_is_told_that_it_is_one() {
        let mut mesh = Mesh::start();
        let tls = mesh.follower(&NodeKey::generate().expect("key"));
        mesh.gate.bans.store(true, Ordering::SeqCst);
        let refused = outcome(&mut mesh, &tls).await;
        assert!(refused_us(&refused, Refusal::Revoked), "{refused:?}");
    }

    /// rustls skips the client's certificate when it resumes a session. With resumption left on, a banned node that had been
    /// connected once was served again. So the client here tries to resume.
    #[tokio::test]
    async fn a_second_connection_after_a_ban_is_refused() {
        let mut mesh = Mesh::start();
        let key = NodeKey::generate().expect("key");
        let credentials = credentials(&mesh.authority, &identity(Role::Follower, "vengeance"), &key);
        let resuming = OddClient { protocol: b"aurora/1", group: X25519MLKEM768, credentials: Some(credentials) };
        for tls in [resuming.dialling(&mesh), mesh.follower(&key)] {
            mesh.gate.open.store(true, Ordering::SeqCst);
            assert!(outcome(&mut mesh, &tls).await.is_ok());
            mesh.gate.open.store(false, Ordering::SeqCst);
            for _ in 0..2 {
                let refused = outcome(&mut mesh, &tls).await;
                assert!(refused_us(&refused, Refusal::NotAdmitted), "{refused:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_member_without_a_certificate_is_refused() {
        let mut mesh = Mesh::start();
        let anonymous = OddClient { protocol: b"aurora/1", group: X25519MLKEM768, credentials: None }.dialling(&mesh);
        let refused = outcome(&mut mesh, &anonymous).await;
        assert!(refused_us(&refused, Refusal::NoCertificate), "{refused:?}");
    }

    #[tokio::test]
    async fn a_client_with_another_protocol_or_a_classical_key_exchange_is_refused() {
        let mut mesh = Mesh::start();
        let stranger = OddClient { protocol: b"h3", group: X25519MLKEM768, credentials: None }.dialling(&mesh);
        let refused = outcome(&mut mesh, &stranger).await;
        assert!(refused_us(&refused, Refusal::NoCommonProtocol), "{refused:?}");
        let classical = OddClient { protocol: b"aurora/1", group: X25519, credentials: None }.dialling(&mesh);
        let refused = outcome(&mut mesh, &classical).await;
        assert!(refused_us(&refused, Refusal::NoCommonProtocol), "{refused:?}");
    }

    #[tokio::test]
    async fn renewed_credentials_are_shown_at_the_next_handshake() {
        let (old, new) = (NodeKey::generate().expect("key"), NodeKey::generate().expect("key"));
        let mut mesh = Mesh::start_as(Role::Lead, Some(new.pin()));
        let mine = credentials(&mesh.authority, &identity(Role::Follower, "vengeance"), &old);
        let tls = MemberTls::new(&trust(&mesh.authority), &mine, Arc::new(mesh.clock.clone())).expect("settings");
        assert!(refused_us(&outcome(&mut mesh, &tls).await, Refusal::NotAdmitted));
        let csr = new.csr().expect("csr");
        let leaf =
            mesh.authority.issue(&csr, &identity(Role::Follower, "vengeance"), NOW, NODE_LIFETIME).expect("leaf");
        assert!(mine.replace(std::slice::from_ref(&leaf), &old).is_err(), "another key's certificate");
        mine.replace(&[leaf], &new).expect("belong together");
        assert!(outcome(&mut mesh, &tls).await.is_ok());
        assert_eq!(mine.validity().expect("validity").until, NOW.plus(NODE_LIFETIME));
    }

    #[tokio::test]
    async fn an_acceptor_whose_endpoint_is_closed_says_so() {
        let mut mesh = Mesh::start();
        mesh.endpoint.close(CloseCode::ShuttingDown, "test");
        assert!(matches!(soon(mesh.acceptor.accept()).await, Err(TransportError::Stopped)));
    }
}
