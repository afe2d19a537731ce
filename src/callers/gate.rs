//! The accept loop that every local socket shares. Our own, because who connects must be known before anything is parsed,
//! and because a client that sends nothing must not hold a connection for ever.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attest::{Knock, Witness};
use super::peer::Peer;
use super::seats::{Limits, Seat, Seats};
use crate::model::caller::Door;

/// After a failed accept (no file descriptors left): long enough not to spin, short enough not to be noticed.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What is done with a connection that nobody attends to.
type Farewell = Arc<dyn Fn(UnixStream) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What all sockets of a node have in common: one witness, and seats that are counted over all of them. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    /// Knows who connected.
    pub witness: Arc<Witness>,
    /// How many may.
    pub seats: Arc<Seats>,
    /// `None`: it is closed.
    farewell: Option<Farewell>,
}

impl Gate {
    /// A gate on this machine.
    #[must_use]
    pub fn of_machine(limits: Limits) -> Self {
        Self::new(Witness::of_machine(), limits)
    }

    /// A gate with this witness.
    #[must_use]
    pub fn new(witness: Arc<Witness>, limits: Limits) -> Self {
        Self { witness, seats: Seats::new(limits), farewell: None }
    }

    /// The same gate, for peers to whom a connection that is closed without a word says something: whoever is not attended
    /// to, because it is not known who it is or its seat is needed, is sent off with this.
    #[must_use]
    pub fn with_farewell<F>(self, farewell: impl Fn(UnixStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { farewell: Some(Arc::new(move |stream| Box::pin(farewell(stream)))), ..self }
    }

    /// Accepts until `stop`, and then removes the socket. Each connection that somebody is known to have made is attended
    /// to in a task of `tasks`, which the caller waits for; one whose seat a newer connection needs is dropped. Who had
    /// connected when the socket was removed is attended to as well: to be cut off unheard may mean something to a peer.
    pub async fn accept<A, F>(
        &self,
        listener: UnixListener,
        door: Door,
        tasks: &TaskTracker,
        stop: &CancellationToken,
        attend: A,
    ) where
        A: Fn(UnixStream, Peer, Seat) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, ?door, "cannot accept a local connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            self.admit(stream, door, tasks, &attend);
        }
        remove(&listener);
        while let Some(Ok((stream, _))) = at_once(listener.accept()).await {
            self.admit(stream, door, tasks, &attend);
        }
    }

    /// Asks the kernel who connected, and has it attended to.
    fn admit<A, F>(&self, stream: UnixStream, door: Door, tasks: &TaskTracker, attend: &A)
    where
        A: Fn(UnixStream, Peer, Seat) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        match self.witness.knock(&stream, door) {
            Ok(knock) => drop(tasks.spawn(self.receive(stream, knock, attend.clone()))),
            Err(error) => {
                self.unknown(&format!("the kernel did not say who connected: {error}"));
                drop(tasks.spawn(self.clone().leave(stream)));
            }
        }
    }

    /// Gives a connection its seat, and attends to it once it is known who made it.
    fn receive<A, F>(&self, stream: UnixStream, knock: Knock, attend: A) -> impl Future<Output = ()> + Send + use<A, F>
    where
        A: Fn(UnixStream, Peer, Seat) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (gate, seat) = (self.clone(), self.seats.take(knock.uid));
        async move {
            // Whoever has to go goes at once, known or not: looking at a slow program must not gather descriptors.
            let attested = tokio::select! {
                biased;
                () = seat.evicted() => return gate.leave(stream).await,
                attested = gate.witness.attest(knock) => attested,
            };
            match attested {
                Some(peer) => Box::pin(attend(stream, peer, seat)).await,
                None => {
                    gate.unknown("the process that connected is gone, or cannot be looked at");
                    gate.leave(stream).await;
                }
            }
        }
    }

    /// Counts and logs a connection that is not answered, because nobody is known to have made it.
    fn unknown(&self, reason: &str) {
        let times = self.witness.count_unidentified();
        tracing::warn!(reason, times, "a local connection was closed without an answer");
    }

    /// Sends a connection off that nobody attends to.
    async fn leave(self, stream: UnixStream) {
        if let Some(farewell) = &self.farewell {
            farewell(stream).await;
        }
    }
}

/// What a future has to give without waiting.
async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        given = future => Some(given),
        () = std::future::ready(()) => None,
    }
}

/// Removes the socket while it still listens, so that it is surely ours and not that of a node started since.
fn remove(listener: &UnixListener) {
    let address = listener.local_addr().ok();
    if let Some(path) = address.as_ref().and_then(|address| address.as_pathname())
        && let Err(error) = std::fs::remove_file(path)
    {
        tracing::debug!(%error, "a socket could not be removed; the next start will");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A peer that takes silence for an answer must not be cut off by a stop.
    #[tokio::test]
    async fn whoever_had_connected_when_the_node_stopped_is_attended_to_and_nobody_else_can() {
        let home = tempfile::tempdir().expect("directory");
        let path = home.path().join("a.sock");
        let listener = UnixListener::bind(&path).expect("bound");
        let mut clients = Vec::new();
        for _ in 0..5 {
            clients.push(UnixStream::connect(&path).await.expect("connected"));
        }
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        stop.cancel();
        let attend = |mut stream: UnixStream, _: Peer, _: Seat| async move {
            stream.write_all(b"heard").await.expect("open");
        };
        Gate::of_machine(Limits::default()).accept(listener, Door::Credentials, &tasks, &stop, attend).await;
        tasks.close();
        tasks.wait().await;
        for mut client in clients {
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.expect("not cut off");
            assert_eq!(answer, "heard");
        }
        assert!(!path.exists());
    }
}
