//! The accept loop that every local socket shares. Our own, because who connects must be known before anything is parsed,
//! and because a client that sends nothing must not hold a connection for ever.

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

/// What sockets of a node have in common: one witness, and seats that are counted over those that share them. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    /// Knows who connected.
    pub witness: Arc<Witness>,
    /// How many may.
    pub seats: Arc<Seats>,
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
        Self { witness, seats: Seats::new(limits) }
    }

    /// The same, with as many seats of its own.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { witness: Arc::clone(&self.witness), seats: self.seats.as_many() }
    }

    /// Accepts until `stop`, and then removes the socket. Each connection that somebody is known to have made is attended
    /// to in a task of `tasks`, which the caller waits for; others, and one whose seat a newer connection needs, are closed.
    /// Who had connected when the socket was removed is attended to as well.
    pub async fn accept<A, F>(
        &self,
        listener: UnixListener,
        door: Door,
        tasks: &TaskTracker,
        stop: &CancellationToken,
        attend: A,
    ) where
        A: Fn(UnixStream, Peer, Seat) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let attend = move |stream, known: Option<(Peer, Seat)>| {
            let attended = known.map(|(peer, seat)| attend(stream, peer, seat));
            async move {
                if let Some(attended) = attended {
                    attended.await;
                }
            }
        };
        self.accept_everybody(listener, door, tasks, stop, attend).await;
    }

    /// The same for a peer to which a connection that is closed unheard means something: it is attended to whoever it is,
    /// as nobody if it is not known who made it, or if there is no seat.
    pub async fn accept_everybody<A, F>(
        &self,
        listener: UnixListener,
        door: Door,
        tasks: &TaskTracker,
        stop: &CancellationToken,
        attend: A,
    ) where
        A: Fn(UnixStream, Option<(Peer, Seat)>) -> F + Clone + Send + 'static,
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
        A: Fn(UnixStream, Option<(Peer, Seat)>) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        match self.witness.knock(&stream, door) {
            Ok(knock) => drop(tasks.spawn(self.receive(stream, knock, attend.clone()))),
            Err(error) => {
                self.turn_away(&format!("the kernel did not say who connected: {error}"));
                drop(tasks.spawn(attend(stream, None)));
            }
        }
    }

    /// Gives a connection its seat, and attends to it once it is known who made it.
    fn receive<A, F>(&self, stream: UnixStream, knock: Knock, attend: A) -> impl Future<Output = ()> + Send + use<A, F>
    where
        A: Fn(UnixStream, Option<(Peer, Seat)>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (gate, seat) = (self.clone(), self.seats.take(knock.uid));
        async move {
            // Whoever has to go goes at once, known or not: looking at a slow program must not gather descriptors.
            let attested = tokio::select! {
                biased;
                () = seat.evicted() => return Box::pin(attend(stream, None)).await,
                attested = gate.witness.attest(knock) => attested,
            };
            if attested.is_none() {
                gate.turn_away("the process that connected is gone");
            }
            Box::pin(attend(stream, attested.map(|peer| (peer, seat)))).await;
        }
    }

    /// Counts and logs a connection that gets nothing, because nobody is known to have made it.
    fn turn_away(&self, reason: &str) {
        let times = self.witness.count_unidentified();
        tracing::warn!(reason, times, "a local connection was closed without an answer");
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
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::callers::attest::{Credentials, Kernel};

    /// A kernel that has no descriptor left for the handle of a process.
    struct Exhausted;

    impl Kernel for Exhausted {
        fn credentials(&self, _: &UnixStream) -> io::Result<Credentials> {
            Ok(Credentials { uid: 0, gid: 0, pid: None })
        }

        fn pidfd(&self, _: &UnixStream) -> io::Result<Option<OwnedFd>> {
            Err(io::Error::from_raw_os_error(nix::errno::Errno::EMFILE as i32))
        }
    }

    /// A connection closed unheard was an empty credential to systemd, with which the unit started.
    #[tokio::test]
    async fn a_connection_that_nobody_is_known_to_have_made_is_answered_where_silence_means_something() {
        let home = tempfile::tempdir().expect("directory");
        let path = home.path().join("a.sock");
        let listener = UnixListener::bind(&path).expect("bound");
        let mut client = UnixStream::connect(&path).await.expect("connected");
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        stop.cancel();
        let attend = |mut stream: UnixStream, known: Option<(Peer, Seat)>| async move {
            assert!(known.is_none());
            stream.write_all(b"refused").await.expect("open");
        };
        let witness = Arc::new(Witness::new(Box::new(Exhausted), Path::new("/proc")));
        let gate = Gate::new(witness, Limits::default());
        gate.accept_everybody(listener, Door::Credentials, &tasks, &stop, attend).await;
        tasks.close();
        tasks.wait().await;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("not cut off");
        assert_eq!(answer, "refused");
    }

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
