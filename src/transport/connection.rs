//! A connection to an authenticated member. One cannot be made without an identity that a certificate has proved.

use std::net::SocketAddr;
use std::time::Duration;

use quinn::Connection;
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;

use super::certificate;
use super::close::CloseCode;
use super::error::{Refusal, TransportError};
use super::spiffe::PeerIdentity;
use super::stream::{FrameReceiver, FrameSender};
use crate::model::identity::KeyPin;
use crate::wire::open::{Open, Opening, StreamKind};

/// How long the peer may take to permit a stream, or to name one it opened: several round trips.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection whose other end is a known node; clones share it. It closes when the last clone and stream are dropped.
#[derive(Debug, Clone)]
pub struct PeerConnection {
    connection: Connection,
    identity: PeerIdentity,
    pin: KeyPin,
}

impl PeerConnection {
    /// Takes over a finished handshake. Without a certificate the connection is closed.
    pub(super) fn authenticated(connection: Connection) -> Result<Self, TransportError> {
        let Some((identity, pin)) = identity_of(&connection) else {
            connection.close(CloseCode::CertificateRequired.variable_integer(), b"");
            return Err(TransportError::WeRefusedPeer { refusal: Refusal::NoCertificate });
        };
        Ok(Self { connection, identity, pin })
    }

    /// Who the peer is, by its certificate.
    #[must_use]
    pub fn identity(&self) -> &PeerIdentity {
        &self.identity
    }

    /// The peer's key.
    #[must_use]
    pub fn pin(&self) -> &KeyPin {
        &self.pin
    }

    /// Where the peer is now; it may move.
    #[must_use]
    pub fn remote_address(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    /// Tells this connection from every other of this process while it lives.
    #[must_use]
    pub fn id(&self) -> usize {
        self.connection.stable_id()
    }

    /// Opens a stream and names it.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`] when the peer permits no more streams, else why the connection ended.
    pub async fn open_stream(&self, kind: StreamKind) -> Result<(FrameSender, FrameReceiver), TransportError> {
        let opened = timeout(OPEN_TIMEOUT, self.connection.open_bi()).await;
        let (sender, receiver) =
            opened.map_err(|_| TransportError::TimedOut { what: "a stream was not permitted" })??;
        let mut sender = FrameSender::new(sender);
        sender.send(&Opening::from(Open { kind })).await?;
        Ok((sender, FrameReceiver::new(receiver)))
    }

    /// The next stream the peer opened, with the name it gave. Waits for ever for one. Not safe to cancel: a stream that
    /// was opened but not yet named would be lost.
    ///
    /// # Errors
    /// Why the connection ended, or what the peer sent instead of a name.
    pub async fn accept_stream(&self) -> Result<(StreamKind, FrameSender, FrameReceiver), TransportError> {
        let (sender, receiver) = self.connection.accept_bi().await?;
        let mut receiver = FrameReceiver::new(receiver);
        let opening = timeout(OPEN_TIMEOUT, receiver.expect::<Opening>()).await;
        let Opening::Open(Open { kind }) =
            opening.map_err(|_| TransportError::TimedOut { what: "a stream was not named" })??;
        Ok((kind, FrameSender::new(sender), receiver))
    }

    /// Closes at once: what is on its way is lost. The text is for people and must hold nothing secret.
    pub fn close(&self, code: CloseCode, text: &str) {
        self.connection.close(code.variable_integer(), text.as_bytes());
    }

    /// Waits until the connection is over, and says why.
    pub async fn closed(&self) -> TransportError {
        self.connection.closed().await.into()
    }
}

/// What the verified leaf says. The handshake has judged it; this only reads it again.
pub(super) fn identity_of(connection: &Connection) -> Option<(PeerIdentity, KeyPin)> {
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    let leaf = chain.first()?;
    Some((PeerIdentity::of_certificate(leaf)?, certificate::pin(leaf)?))
}
