//! One UDP socket: dials leads, and takes connections if it is a lead's.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{EndpointConfig, TokioRuntime};
use tokio::time::{Instant, sleep, timeout};

use super::acceptor::{Acceptor, Bounds};
use super::close::CloseCode;
use super::connection::{PeerConnection, identity_of};
use super::error::{Refusal, TransportError};
use super::join::JOIN_TIMEOUT;
use super::limits::HANDSHAKE_TIMEOUT;
use super::network::{MachineNetwork, Network};
use super::spiffe::PeerIdentity;
use super::stream::{FrameReceiver, FrameSender};
use super::tls::{JoinTls, LeadTls, MemberTls};
use crate::wire::join::{JoinAnswer, JoinAsk};

/// A name is needed to dial but never sent nor checked: a lead is known by its certificate. RFC 2606 keeps it from meaning
/// anything elsewhere.
const SERVER_NAME: &str = "aurora-mesh.invalid";

/// A closed connection lingers for three probe timeouts (RFC 9000 section 10.2): this covers a round trip of a second.
const LINGER_MAX: Duration = Duration::from_secs(5);

/// Between two looks at a port that is still held.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// A socket in use; clones share it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    quic: quinn::Endpoint,
}

impl Endpoint {
    /// An endpoint that only dials. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`TransportError::Bind`].
    pub fn dialling(address: SocketAddr) -> Result<Self, TransportError> {
        Self::dialling_in(&MachineNetwork, address)
    }

    /// The same, in another network than the machine's.
    ///
    /// # Errors
    /// [`TransportError::Bind`].
    pub fn dialling_in(network: &dyn Network, address: SocketAddr) -> Result<Self, TransportError> {
        Self::bind(network, address, None)
    }

    /// A lead's endpoint, with its acceptor. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`TransportError::Bind`].
    pub fn listening(address: SocketAddr, tls: LeadTls) -> Result<(Self, Acceptor), TransportError> {
        Self::listening_in(&MachineNetwork, address, tls)
    }

    /// The same, in another network than the machine's.
    ///
    /// # Errors
    /// [`TransportError::Bind`].
    pub fn listening_in(
        network: &dyn Network,
        address: SocketAddr,
        tls: LeadTls,
    ) -> Result<(Self, Acceptor), TransportError> {
        Self::listening_within(Bounds::default(), network, address, tls)
    }

    /// The same within other bounds.
    pub(super) fn listening_within(
        bounds: Bounds,
        network: &dyn Network,
        address: SocketAddr,
        tls: LeadTls,
    ) -> Result<(Self, Acceptor), TransportError> {
        let endpoint = Self::bind(network, address, Some(tls.0))?;
        let acceptor = Acceptor::start(endpoint.quic.clone(), bounds);
        Ok((endpoint, acceptor))
    }

    /// As [`Self::listening_in`], on a port that an earlier endpoint of this process had. Closed connections linger for some
    /// round trips and hold the port meanwhile, so this waits for it.
    ///
    /// # Errors
    /// [`TransportError::Bind`] when the port is not free within five seconds.
    pub async fn listening_again(
        network: &dyn Network,
        address: SocketAddr,
        tls: LeadTls,
    ) -> Result<(Self, Acceptor), TransportError> {
        let deadline = Instant::now() + LINGER_MAX;
        let mut told = false;
        loop {
            match Self::listening_in(network, address, tls.clone()) {
                Err(TransportError::Bind { source, .. })
                    if source.kind() == ErrorKind::AddrInUse && Instant::now() < deadline =>
                {
                    if !told {
                        tracing::info!(%address, "the port is still in use; waiting for it");
                        told = true;
                    }
                    sleep(LOOK_AGAIN_AFTER).await;
                }
                outcome => return outcome,
            }
        }
    }

    fn bind(
        network: &dyn Network,
        address: SocketAddr,
        server: Option<quinn::ServerConfig>,
    ) -> Result<Self, TransportError> {
        let failed = |source| TransportError::Bind { address, source };
        let (config, runtime) = (EndpointConfig::default(), Arc::new(TokioRuntime));
        let socket = network.bind(address).map_err(failed)?;
        let quic = quinn::Endpoint::new_with_abstract_socket(config, server, socket, runtime);
        Ok(Self { quic: quic.map_err(failed)? })
    }

    /// The bound address, with the port the system chose.
    ///
    /// # Errors
    /// [`TransportError::Bind`].
    pub fn local_address(&self) -> Result<SocketAddr, TransportError> {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        self.quic.local_addr().map_err(|source| TransportError::Bind { address: unknown, source })
    }

    /// Dials a lead. The lead is proved when this returns, **we are not**: in TLS 1.3 the lead judges our certificate
    /// after our handshake is over, and its refusal shows as [`TransportError::PeerRefusedUs`] where the first reply would
    /// be. A caller counts as connected once it has received a frame.
    ///
    /// # Errors
    /// [`TransportError::WeRefusedPeer`], [`TransportError::TimedOut`], [`TransportError::Unreachable`].
    pub async fn connect(&self, address: SocketAddr, tls: &MemberTls) -> Result<PeerConnection, TransportError> {
        PeerConnection::authenticated(self.dial(address, tls.0.clone(), HANDSHAKE_TIMEOUT).await?)
    }

    /// Asks a lead to let us in. The question is sent only after the lead has proved the pinned authority. The answer
    /// comes with who gave it, by its certificate: mesh and lead are to be taken from there, not from the answer's text.
    ///
    /// # Errors
    /// As [`Self::connect`]; a refusal by the lead is an answer, not an error.
    pub async fn join(
        &self,
        address: SocketAddr,
        tls: &JoinTls,
        ask: &JoinAsk,
    ) -> Result<(PeerIdentity, JoinAnswer), TransportError> {
        let connection = self.dial(address, tls.0.clone(), HANDSHAKE_TIMEOUT).await?;
        let refused = TransportError::WeRefusedPeer { refusal: Refusal::NoCertificate };
        let (lead, _) = identity_of(&connection).ok_or(refused)?;
        let asked = timeout(JOIN_TIMEOUT, async {
            let (sender, receiver) = connection.open_bi().await?;
            let mut sender = FrameSender::new(sender);
            sender.send(ask).await?;
            sender.finish();
            FrameReceiver::new(receiver).expect::<JoinAnswer>().await
        });
        let answer = asked.await.unwrap_or(Err(TransportError::TimedOut { what: "the lead does not answer" }));
        connection.close(CloseCode::Done.variable_integer(), b"");
        Ok((lead, answer?))
    }

    async fn dial(
        &self,
        address: SocketAddr,
        tls: quinn::ClientConfig,
        patience: Duration,
    ) -> Result<quinn::Connection, TransportError> {
        let connecting = self
            .quic
            .connect_with(tls, address, SERVER_NAME)
            .map_err(|source| TransportError::Unreachable { address, source })?;
        match timeout(patience, connecting).await {
            Ok(connection) => Ok(connection?),
            Err(_) => Err(TransportError::TimedOut { what: "the handshake" }),
        }
    }

    /// Closes every connection and accepts no more.
    pub fn close(&self, code: CloseCode, text: &str) {
        self.quic.close(code.variable_integer(), text.as_bytes());
    }

    /// Waits until the peers have been told of the closing, or had the time for it.
    pub async fn wait_idle(&self) {
        self.quic.wait_idle().await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::node_key::NodeKey;
    use super::super::testing::{Mesh, loopback, soon};
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_silent_is_given_up() {
        let silent = std::net::UdpSocket::bind(loopback()).expect("binds");
        let mesh = Mesh::start();
        let tls = mesh.follower(&NodeKey::generate().expect("key"));
        let endpoint = Endpoint::dialling(loopback()).expect("binds");
        let dialling = endpoint.dial(silent.local_addr().expect("bound"), tls.0, Duration::from_millis(50));
        let error = soon(dialling).await.expect_err("silence");
        assert!(matches!(error, TransportError::TimedOut { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn an_address_without_a_port_cannot_be_dialled() {
        let mesh = Mesh::start();
        let tls = mesh.follower(&NodeKey::generate().expect("key"));
        let endpoint = Endpoint::dialling(loopback()).expect("binds");
        let error = soon(endpoint.connect(loopback(), &tls)).await.expect_err("port 0");
        assert!(matches!(error, TransportError::Unreachable { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn two_endpoints_cannot_share_an_address() {
        let mesh = Mesh::start();
        let refusal = Endpoint::dialling(mesh.address()).expect_err("taken");
        assert!(matches!(refusal, TransportError::Bind { address, .. } if address == mesh.address()), "{refusal:?}");
    }

    /// A lead whose endpoint failed was to take its port again, found it held by connections that lingered, and gave up.
    #[tokio::test]
    async fn the_port_of_a_closed_endpoint_is_taken_again_as_soon_as_it_is_free() {
        let mut mesh = Mesh::start();
        let tls = mesh.follower(&NodeKey::generate().expect("key"));
        let dialling = Endpoint::dialling(loopback()).expect("binds");
        let follower = soon(dialling.connect(mesh.address(), &tls)).await.expect("connects");
        let member = mesh.member().await;
        let (address, again) = (mesh.address(), mesh.tls.clone());
        mesh.endpoint.close(CloseCode::ShuttingDown, "test");
        let Mesh { endpoint, acceptor, .. } = mesh;
        drop((endpoint, acceptor, member));
        let held = Endpoint::listening(address, again.clone());
        assert!(held.is_err(), "else this test shows nothing");
        let (taken, _acceptor) =
            soon(Endpoint::listening_again(&MachineNetwork, address, again)).await.expect("binds in time");
        assert_eq!(taken.local_address().expect("bound"), address);
        drop(follower);
    }

    /// A network that notes where somebody binds.
    struct Noted(std::sync::Mutex<Vec<SocketAddr>>);

    impl Network for Noted {
        fn bind(&self, address: SocketAddr) -> std::io::Result<Arc<dyn quinn::AsyncUdpSocket>> {
            self.0.lock().expect("not poisoned").push(address);
            MachineNetwork.bind(address)
        }
    }

    #[tokio::test]
    async fn an_endpoint_takes_its_socket_from_the_network_it_is_in() {
        let network = Noted(std::sync::Mutex::default());
        let endpoint = Endpoint::dialling_in(&network, loopback()).expect("starts");
        assert_eq!(*network.0.lock().expect("not poisoned"), [loopback()]);
        assert_ne!(endpoint.local_address().expect("bound").port(), 0);
        endpoint.close(CloseCode::Done, "test is over");
        soon(endpoint.wait_idle()).await;
    }
}
