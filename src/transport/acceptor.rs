//! The lead's door: handshakes run beside each other, bounded, and only finished ones come out.
//!
//! Once many handshakes are open, an address must be proved before anything of a handshake is computed for it. Its dial then
//! waits for a place, in turn with those of other addresses: a client without an answer asks again only after 1, 3 and 7
//! seconds. That is what becomes of dials beyond the queue, which are dials of whoever has most in it.

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
use super::dial_queue::{DialQueue, Turn, surplus};
use super::error::{Refusal, TransportError};
use super::join::JoinConnection;
use super::limits::HANDSHAKE_TIMEOUT;
use super::tls::{JOIN_PROTOCOL, MEMBER_PROTOCOL};

/// How much of everything there is at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Handshakes. One costs half a millisecond of processor time, so this is an eighth of a second of work.
    pub(super) handshakes: usize,
    /// From so many handshakes on a client must first prove that it is where it says.
    pub(super) retry_from: usize,
    /// Dials that wait for a place, from one address or from many; see `limits` for what each may make us hold.
    pub(super) queue: usize,
    /// Finished connections that wait to be taken; beyond it they hold their place among the handshakes.
    pub(super) finished: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { handshakes: 256, retry_from: 64, queue: 1024, finished: 64 }
    }
}

/// Most strangers at a time. One more closes the oldest of the address that has most, so that holding connections open, or
/// making ever new ones, keeps nobody from elsewhere out.
const JOINERS_MAX: usize = 16;

/// A finished handshake.
#[derive(Debug)]
pub enum Incoming {
    /// A member that the roster admits.
    Member(PeerConnection),
    /// Somebody with, perhaps, a token.
    Join(JoinConnection),
}

/// Takes connections. Dropping it ends the accepting, not the connections taken: later ones get no answer, those that wait a refusal.
#[derive(Debug)]
pub struct Acceptor {
    endpoint: quinn::Endpoint,
    finished: mpsc::Receiver<Incoming>,
    task: JoinHandle<()>,
}

impl Acceptor {
    pub(super) fn start(endpoint: quinn::Endpoint, bounds: Bounds) -> Self {
        let (deliveries, finished) = mpsc::channel(bounds.finished);
        Self { endpoint: endpoint.clone(), finished, task: tokio::spawn(run(endpoint, deliveries, bounds)) }
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

async fn run(endpoint: quinn::Endpoint, deliveries: mpsc::Sender<Incoming>, bounds: Bounds) {
    let places = Arc::new(Semaphore::new(bounds.handshakes));
    let mut handshakes = Handshakes { deliveries, joiners: Arc::default(), running: JoinSet::new() };
    // A client waits no longer than we do.
    let mut queue = DialQueue::new(bounds.queue, HANDSHAKE_TIMEOUT);
    loop {
        tokio::select! {
            biased;
            Ok(place) = places.clone().acquire_owned(), if !queue.is_empty() => match queue.next(Instant::now()) {
                Some(Turn::Begin(until, dial)) => handshakes.begin(dial, until, place),
                Some(Turn::Late(dial)) => dial.ignore(),
                None => {}
            },
            dial = endpoint.accept() => {
                let Some(dial) = dial else { return };
                let open = bounds.handshakes.saturating_sub(places.available_permits());
                // Asked first, because nothing is held for it: an address that is not proved takes no room from one that is.
                if open >= bounds.retry_from && !dial.remote_address_validated() && dial.may_retry() {
                    drop(dial.retry());
                } else if let Some(beyond) = queue.push(dial.remote_address().ip(), dial, Instant::now()) {
                    beyond.ignore();
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
    fn begin(&mut self, dial: quinn::Incoming, until: Instant, place: OwnedSemaphorePermit) {
        while self.running.try_join_next().is_some() {}
        let (deliveries, joiners) = (self.deliveries.clone(), Arc::clone(&self.joiners));
        self.running.spawn(async move {
            let _place = place;
            let address = dial.remote_address();
            let outcome = timeout_at(until, shake_hands(dial, &joiners)).await;
            match outcome.unwrap_or(Err(TransportError::TimedOut { what: "the handshake" })) {
                // An error means that nobody accepts any more; the connection is dropped, which closes it.
                Ok(finished) => drop(deliveries.send(finished).await),
                Err(error) => debug!(%address, %error, "a handshake failed"),
            }
        });
    }
}

async fn shake_hands(dial: quinn::Incoming, joiners: &Joiners) -> Result<Incoming, TransportError> {
    let connection = dial.accept()?.await?;
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
        present.push_back(connection);
        let addresses = present.iter().map(|known| known.remote_address().ip());
        if present.len() > JOINERS_MAX
            && let Some(surplus) = surplus(addresses).and_then(|place| present.remove(place))
        {
            surplus.close(CloseCode::Busy.variable_integer(), b"");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::Endpoint;
    use super::super::node_key::NodeKey;
    use super::super::testing::{Mesh, OnceHeard, answer_once, first_reply, loopback, soon};
    use super::*;

    /// A crowd passes the threshold beyond which addresses are validated first. Some of it are not heard where the system
    /// grants small buffers and the processors are busy: they dial again, as followers do.
    #[tokio::test]
    async fn a_crowd_that_returns_at_once_gets_in() {
        let mut mesh = Mesh::start();
        let crowd = 2 * Bounds::default().retry_from;
        let tls = mesh.follower(&NodeKey::generate().expect("key"));
        let (endpoint, address) = (Endpoint::dialling(loopback()).expect("binds"), mesh.address());
        let mut dials = JoinSet::new();
        for _ in 0..crowd {
            let (endpoint, tls) = (endpoint.clone(), tls.clone());
            dials.spawn(async move { while first_reply(&endpoint, address, &tls).await.is_err() {} });
        }
        let answering = async {
            loop {
                tokio::spawn(answer_once(mesh.member().await));
            }
        };
        tokio::select! {
            everybody = dials.join_all() => assert_eq!(everybody.len(), crowd),
            () = answering => unreachable!("it goes on"),
        }
    }

    /// Only its first hello arrives, so it was kept: without that it would come in when it asks again, or never.
    #[tokio::test]
    async fn a_dial_that_finds_no_place_has_one_as_soon_as_there_is_one() {
        let one = Bounds { handshakes: 1, finished: 1, ..Bounds::default() };
        let mut mesh = Mesh::start_within(one);
        let tls = mesh.follower(&NodeKey::generate().expect("key"));
        let (endpoint, address) = (Endpoint::dialling(loopback()).expect("binds"), mesh.address());
        // One is finished and waits to be taken, the other holds the place.
        let taken = [endpoint.connect(address, &tls).await, endpoint.connect(address, &tls).await];
        assert!(taken.iter().all(Result::is_ok));
        let mut relay = OnceHeard::before(address).await;
        let waiting = tokio::spawn({
            let (endpoint, through, tls) = (endpoint.clone(), relay.address, tls.clone());
            async move { first_reply(&endpoint, through, &tls).await }
        });
        soon(relay.asked_again.recv()).await.expect("a client without an answer");
        for _ in 0..3 {
            tokio::spawn(answer_once(mesh.member().await));
        }
        soon(waiting).await.expect("ran").expect("let in");
    }
}
