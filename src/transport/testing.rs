//! What the tests of this room share: a mesh of one lead and followers over loopback, under a clock that stands still.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::version::TLS13;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::acceptor::{Acceptor, Bounds, Incoming};
use super::authority::{Authority, NODE_LIFETIME};
use super::clock::MeshTime;
use super::connection::PeerConnection;
use super::credentials::Credentials;
use super::endpoint::Endpoint;
use super::error::TransportError;
use super::network::MachineNetwork;
use super::node_key::NodeKey;
use super::spiffe::PeerIdentity;
use super::tls::{Admission, Admittance, LeadTls, MemberTls, Trust};
use super::verify::{Anchor, LeadVerifier};
use crate::model::identity::{KeyPin, MeshId, Role};
use crate::model::name::NodeName;
use crate::model::time::{Clock, Moment, Timestamp};
use crate::wire::control::{Beacon, FromFollower, FromLead, Heartbeat};
use crate::wire::open::StreamKind;

pub(super) const NOW: Timestamp = Timestamp(1_795_248_000_000);
pub(super) const MESH: MeshId = MeshId([7; 16]);
pub(super) const HEARTBEAT: Heartbeat =
    Heartbeat { stamp: 1, revision: 2, cache_entries: 3, load_milli: 4, uptime_ms: 5 };
pub(super) const BEACON: Beacon = Beacon { stamp: 1, epoch: 1, revision: 2, lead_time_ms: NOW.0 };

/// A clock that is set by hand.
#[derive(Clone)]
pub(super) struct SetClock(pub(super) Arc<AtomicI64>);

impl Clock for SetClock {
    fn now(&self) -> Moment {
        Moment { wall: Timestamp(self.0.load(Ordering::SeqCst)), ..Moment::default() }
    }
}

/// Admits everybody, one key, or nobody.
pub(super) struct Gate {
    pub(super) open: AtomicBool,
    pub(super) bans: AtomicBool,
    pub(super) only: Option<KeyPin>,
}

impl Admission for Gate {
    fn judge(&self, _: &PeerIdentity, pin: &KeyPin) -> Admittance {
        if self.bans.load(Ordering::SeqCst) {
            return Admittance::Banned;
        }
        let admits = self.open.load(Ordering::SeqCst) && self.only.is_none_or(|only| only == *pin);
        if admits { Admittance::Member } else { Admittance::Unknown }
    }
}

/// One authority and one lead that listens.
pub(super) struct Mesh {
    pub(super) authority: Authority,
    pub(super) clock: SetClock,
    pub(super) gate: Arc<Gate>,
    pub(super) tls: LeadTls,
    pub(super) endpoint: Endpoint,
    pub(super) acceptor: Acceptor,
}

impl Mesh {
    pub(super) fn start() -> Self {
        Self::start_as(Role::Lead, None)
    }

    /// A lead that has no more of everything than this.
    pub(super) fn start_within(bounds: Bounds) -> Self {
        Self::started(bounds, Role::Lead, None)
    }

    /// A listener whose certificate has this role, admitting only this key.
    pub(super) fn start_as(role: Role, only: Option<KeyPin>) -> Self {
        Self::started(Bounds::default(), role, only)
    }

    fn started(bounds: Bounds, role: Role, only: Option<KeyPin>) -> Self {
        let authority = Authority::generate(&MESH, NOW).expect("authority");
        let clock = SetClock(Arc::new(AtomicI64::new(NOW.0)));
        let gate = Arc::new(Gate { open: AtomicBool::new(true), bans: AtomicBool::new(false), only });
        let credentials = credentials(&authority, &identity(role, "aurora"), &NodeKey::generate().expect("key"));
        let clock_of_lead = Arc::new(clock.clone());
        let tls = LeadTls::new(&trust(&authority), &credentials, gate.clone(), clock_of_lead).expect("settings");
        let listening = Endpoint::listening_within(bounds, &MachineNetwork, loopback(), tls.clone());
        let (endpoint, acceptor) = listening.expect("binds");
        Self { authority, clock, gate, tls, endpoint, acceptor }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.endpoint.local_address().expect("bound")
    }

    /// How a follower with this key dials.
    pub(super) fn follower(&self, key: &NodeKey) -> MemberTls {
        let credentials = credentials(&self.authority, &identity(Role::Follower, "vengeance"), key);
        MemberTls::new(&trust(&self.authority), &credentials, Arc::new(self.clock.clone())).expect("settings")
    }

    /// The next member at the door.
    pub(super) async fn member(&mut self) -> PeerConnection {
        match soon(self.acceptor.accept()).await.expect("accepts") {
            Incoming::Member(member) => member,
            Incoming::Join(_) => panic!("a joiner where a member was expected"),
        }
    }
}

/// A client that is not ours: its own protocol name and key exchange, with a certificate or without, and with resumption.
pub(super) struct OddClient<'a> {
    pub(super) protocol: &'a [u8],
    pub(super) group: &'static dyn SupportedKxGroup,
    pub(super) credentials: Option<Credentials>,
}

impl OddClient<'_> {
    pub(super) fn dialling(self, mesh: &Mesh) -> MemberTls {
        let provider = Arc::new(CryptoProvider { kx_groups: vec![self.group], ..default_provider() });
        let algorithms = provider.signature_verification_algorithms;
        let verifier = LeadVerifier { anchor: Anchor::Pin(mesh.authority.pin()), algorithms };
        let builder = ClientConfig::builder_with_details(provider, Arc::new(MeshTime(Arc::new(mesh.clock.clone()))))
            .with_protocol_versions(&[&TLS13])
            .expect("TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut tls = match self.credentials {
            Some(credentials) => builder.with_client_cert_resolver(credentials.for_client()),
            None => builder.with_no_client_auth(),
        };
        tls.resumption = Resumption::in_memory_sessions(8);
        tls.alpn_protocols = vec![self.protocol.to_vec()];
        let quic = QuicClientConfig::try_from(tls).expect("initial suite");
        MemberTls(quinn::ClientConfig::new(Arc::new(quic)))
    }
}

pub(super) fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub(super) fn identity(role: Role, name: &str) -> PeerIdentity {
    PeerIdentity { mesh: MESH, role, node: NodeName::parse(name).expect("name") }
}

pub(super) fn trust(authority: &Authority) -> Trust {
    Trust { mesh: MESH, authority: authority.certificate_der().to_vec() }
}

pub(super) fn credentials(authority: &Authority, identity: &PeerIdentity, key: &NodeKey) -> Credentials {
    let leaf = authority.issue(&key.csr().expect("csr"), identity, NOW, NODE_LIFETIME).expect("leaf");
    Credentials::new(&[leaf, authority.certificate_der().to_vec()], key).expect("belong together")
}

/// Tests wait for nothing longer than this.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("within 20 s")
}

/// Dials and waits for the first reply: only that proves that the lead let us in.
pub(super) async fn first_reply(
    endpoint: &Endpoint,
    address: SocketAddr,
    tls: &MemberTls,
) -> Result<FromLead, TransportError> {
    let lead = endpoint.connect(address, tls).await?;
    let (mut sender, mut receiver) = lead.open_stream(StreamKind::Control).await?;
    sender.send(&FromFollower::from(HEARTBEAT)).await?;
    receiver.expect::<FromLead>().await
}

/// Answers one heartbeat on the next control stream, and stays until the follower leaves.
pub(super) async fn answer_once(member: PeerConnection) {
    let Ok((StreamKind::Control, mut sender, mut receiver)) = member.accept_stream().await else { return };
    if receiver.expect::<FromFollower>().await.is_ok() {
        drop(sender.send(&FromLead::from(BEACON)).await);
        drop(member.closed().await);
    }
}

/// A way to a lead on which a client is heard once: until the lead answers, nothing that it sends again arrives.
pub(super) struct OnceHeard {
    /// Where it begins.
    pub(super) address: SocketAddr,
    /// Tells whenever something did not arrive.
    pub(super) asked_again: mpsc::Receiver<()>,
}

impl OnceHeard {
    /// Datagrams of a hello, whose key share is for ML-KEM.
    const HELLO: usize = 2;

    pub(super) async fn before(lead: SocketAddr) -> Self {
        let socket = UdpSocket::bind(loopback()).await.expect("binds");
        let address = socket.local_addr().expect("bound");
        let (tell, asked_again) = mpsc::channel(1);
        tokio::spawn(async move {
            let (mut client, mut heard, mut answered, mut buffer) = (None, 0, false, vec![0; 1 << 16]);
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.expect("a datagram");
                if from == lead {
                    answered = true;
                    socket.send_to(&buffer[..length], client.expect("it dialled")).await.expect("sent");
                } else if answered || heard < Self::HELLO {
                    (client, heard) = (Some(from), heard + 1);
                    socket.send_to(&buffer[..length], lead).await.expect("sent");
                } else {
                    tell.try_send(()).unwrap_or_default();
                }
            }
        });
        Self { address, asked_again }
    }
}
