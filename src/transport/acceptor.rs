//! The lead's door: handshakes run beside each other, bounded, and only finished ones come out.
//!
//! Nothing is computed for an address that is not validated once many handshakes are open. One that is waits for its turn,
//! for a client that is not answered asks again only after 1, 3 and 7 seconds; beyond the bound of those, too, nothing is
//! done, and that brings it back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use quinn::Connection;
use quinn::crypto::rustls::HandshakeData;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::close::CloseCode;
use super::connection::PeerConnection;
use super::error::{Refusal, TransportError};
use super::join::JoinConnection;
use super::limits::HANDSHAKE_TIMEOUT;
use super::tls::{JOIN_PROTOCOL, MEMBER_PROTOCOL};

/// Most handshakes at a time. One costs half a millisecond of processor time, so this is an eighth of a second of work.
/// Fewer where they are tested: a crowd that does not find a place must not take half a minute.
const HANDSHAKES_MAX: usize = if cfg!(test) { 96 } else { 256 };

/// Validated dials that wait for a handshake: a few datagrams each.
const QUEUE_MAX: usize = 1024;

/// From this many on a client must first prove that it is where it says.
const RETRY_FROM: usize = 64;

/// Finished connections that wait to be taken; beyond it they hold their place among the handshakes.
const WAITING_MAX: usize = 64;

/// Most strangers at a time. One more closes the oldest, so that holding connections open keeps nobody out.
const JOINERS_MAX: usize = 16;

/// A finished handshake.
#[derive(Debug)]
pub enum Incoming {
    /// A member that the roster admits.
    Member(PeerConnection),
    /// Somebody with, perhaps, a token.
    Join(JoinConnection),
}

/// Takes connections. Dropping it ends the accepting, not the connections taken: later ones get no answer.
#[derive(Debug)]
pub struct Acceptor {
    endpoint: quinn::Endpoint,
    finished: mpsc::Receiver<Incoming>,
    task: JoinHandle<()>,
}

impl Acceptor {
    pub(super) fn start(endpoint: quinn::Endpoint) -> Self {
        let (deliveries, finished) = mpsc::channel(WAITING_MAX);
        Self { endpoint: endpoint.clone(), finished, task: tokio::spawn(run(endpoint, deliveries)) }
    }

    /// The next connection. Safe to cancel.
    ///
    /// # Errors
    /// [`TransportError::Stopped`] once the endpoint is closed.
    pub async fn accept(&mut self) -> Result<Incoming, TransportError> {
        self.finished.recv().await.ok_or(TransportError::Stopped)
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        self.task.abort();
        self.endpoint.set_server_config(None);
    }
}

async fn run(endpoint: quinn::Endpoint, deliveries: mpsc::Sender<Incoming>) {
    let permits = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let mut door = Handshakes { deliveries, joiners: Arc::default(), running: JoinSet::new() };
    let mut queue = VecDeque::new();
    loop {
        tokio::select! {
            biased;
            Ok(permit) = permits.clone().acquire_owned(), if !queue.is_empty() => {
                // Whoever waited until its own patience must be over is not there any more.
                let here = |(until, _): &(Instant, _)| *until > Instant::now();
                if let Some((until, incoming)) = queue.pop_front().filter(here) {
                    door.begin(incoming, until, permit);
                }
            }
            incoming = endpoint.accept() => {
                let Some(incoming) = incoming else { return };
                let open = HANDSHAKES_MAX.saturating_sub(permits.available_permits());
                if open >= RETRY_FROM && !incoming.remote_address_validated() && incoming.may_retry() {
                    drop(incoming.retry());
                } else if queue.len() < QUEUE_MAX {
                    queue.push_back((Instant::now() + HANDSHAKE_TIMEOUT, incoming));
                } else {
                    incoming.ignore();
                }
            }
        }
    }
}

/// Those that run.
struct Handshakes {
    deliveries: mpsc::Sender<Incoming>,
    joiners: Arc<Joiners>,
    running: JoinSet<()>,
}

impl Handshakes {
    fn begin(&mut self, incoming: quinn::Incoming, until: Instant, permit: OwnedSemaphorePermit) {
        while self.running.try_join_next().is_some() {}
        let (deliveries, joiners) = (self.deliveries.clone(), Arc::clone(&self.joiners));
        self.running.spawn(async move {
            let _permit = permit;
            let address = incoming.remote_address();
            let outcome = timeout_at(until, shake_hands(incoming, &joiners)).await;
            match outcome.unwrap_or(Err(TransportError::TimedOut { what: "the handshake" })) {
                // An error means that nobody accepts any more; the connection is dropped, which closes it.
                Ok(finished) => drop(deliveries.send(finished).await),
                Err(error) => debug!(%address, %error, "a handshake failed"),
            }
        });
    }
}

async fn shake_hands(incoming: quinn::Incoming, joiners: &Joiners) -> Result<Incoming, TransportError> {
    let connection = incoming.accept()?.await?;
    let shaken = connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok());
    match shaken.and_then(|data| data.protocol).as_deref() {
        Some(MEMBER_PROTOCOL) => Ok(Incoming::Member(PeerConnection::authenticated(connection)?)),
        Some(JOIN_PROTOCOL) => {
            joiners.admit(connection.clone());
            Ok(Incoming::Join(JoinConnection::new(connection)))
        }
        Some(_) | None => {
            connection.close(CloseCode::ProtocolViolation.variable_integer(), b"");
            Err(TransportError::WeRefusedPeer { refusal: Refusal::NoCommonProtocol })
        }
    }
}

/// The strangers of the moment, oldest first.
#[derive(Default)]
struct Joiners(Mutex<VecDeque<Connection>>);

impl Joiners {
    fn admit(&self, connection: Connection) {
        let mut present = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        present.retain(|known| known.close_reason().is_none());
        if present.len() >= JOINERS_MAX
            && let Some(oldest) = present.pop_front()
        {
            oldest.close(CloseCode::Busy.variable_integer(), b"");
        }
        present.push_back(connection);
    }
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::Endpoint;
    use super::super::node_key::NodeKey;
    use super::super::testing::{Mesh, answer_once, first_reply, loopback};
    use super::*;

    /// A crowd passes the threshold beyond which addresses are validated first, and is more than there are places, so that
    /// some wait. Some are not heard where the system grants small buffers and the processors are busy: they dial again, as
    /// followers do.
    #[tokio::test]
    async fn a_crowd_that_returns_at_once_gets_in() {
        const CROWD: usize = 2 * RETRY_FROM;
        let mut mesh = Mesh::start();
        let tls = mesh.follower(&NodeKey::generate().expect("key"));
        let (endpoint, address) = (Endpoint::dialling(loopback()).expect("binds"), mesh.address());
        let mut dials = JoinSet::new();
        for _ in 0..CROWD {
            let (endpoint, tls) = (endpoint.clone(), tls.clone());
            dials.spawn(async move { while first_reply(&endpoint, address, &tls).await.is_err() {} });
        }
        let answering = async {
            loop {
                tokio::spawn(answer_once(mesh.member().await));
            }
        };
        tokio::select! {
            everybody = dials.join_all() => assert_eq!(everybody.len(), CROWD),
            () = answering => unreachable!("it goes on"),
        }
    }
}
