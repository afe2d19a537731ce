//! The credentials socket while it answers: first as a sealed node if it is one, then from the vault.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::{Desk, Source, attend, refuse};
use super::give::Patience;
use crate::callers::gate::Gate;
use crate::config::node_config::CredentialName;
use crate::model::caller::Door;
use crate::model::reference::Reference;
use crate::model::time::Entropy;
use crate::vault::parts::Vault;
use crate::vault::sealed::SealedDoor;

/// A socket that answers systemd. It is closed by [`Reception::close`] alone.
pub struct Reception {
    desk: Arc<Desk>,
    running: JoinHandle<()>,
}

/// What credentials are called here, and where random bytes come from.
pub struct Names {
    /// `[credentials]` of `node.toml`.
    pub mapped: BTreeMap<CredentialName, Reference>,
    /// Draws request ids.
    pub entropy: Arc<dyn Entropy>,
}

impl Reception {
    /// Answers from this vault.
    #[must_use]
    pub fn open(socket: UnixListener, vault: Vault, names: Names, gate: Gate) -> Self {
        Self::start(socket, Source::Open(vault), names, gate)
    }

    /// Refuses everything, because the node is sealed.
    #[must_use]
    pub fn sealed(socket: UnixListener, door: SealedDoor, names: Names, gate: Gate) -> Self {
        Self::start(socket, Source::Sealed(door), names, gate)
    }

    /// From here on this vault answers.
    pub fn admit(&self, vault: Vault) {
        self.desk.source.send_replace(Source::Open(vault));
    }

    /// Finishes what is under way, for at most 5 s, and removes the socket.
    ///
    /// # Errors
    /// When answering had ended before, by a fault of ours.
    pub async fn close(self) -> Result<(), JoinError> {
        self.desk.stop.cancel();
        self.running.await
    }

    fn start(socket: UnixListener, source: Source, names: Names, gate: Gate) -> Self {
        let Names { mapped: names, entropy } = names;
        let source = watch::Sender::new(source);
        let stop = CancellationToken::new();
        let desk = Arc::new(Desk { source, names, entropy, patience: Patience::default(), stop: stop.clone() });
        let gate = refusing(gate, desk.patience, stop);
        let running = tokio::spawn(serve(socket, Arc::clone(&desk), gate));
        Self { desk, running }
    }
}

async fn serve(socket: UnixListener, desk: Arc<Desk>, gate: Gate) {
    let (tasks, stop) = (TaskTracker::new(), desk.stop.clone());
    let attend = move |stream, peer, seat| attend(stream, peer, seat, Arc::clone(&desk));
    gate.accept(socket, Door::Credentials, &tasks, &stop, attend).await;
    tasks.close();
    tasks.wait().await;
}

/// A gate that refuses whoever nobody can attend to: systemd would take a connection that is merely closed, for want of a
/// descriptor to look at its process with, for an empty value.
fn refusing(gate: Gate, patience: Patience, stop: CancellationToken) -> Gate {
    gate.with_farewell(move |stream| {
        let stop = stop.clone();
        async move { refuse(stream, patience, &stop).await }
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use tokio::io::AsyncReadExt;
    use tokio::net::UnixStream;

    use super::super::give::VALUE_BYTES_MAX;
    use super::*;
    use crate::callers::attest::{Credentials, Kernel, Linux, Witness};
    use crate::callers::seats::Limits;

    /// A kernel that has no descriptors left to say who connected with.
    struct Exhausted;

    impl Kernel for Exhausted {
        fn credentials(&self, stream: &UnixStream) -> io::Result<Credentials> {
            Linux.credentials(stream)
        }

        fn pidfd(&self, _stream: &UnixStream) -> io::Result<Option<OwnedFd>> {
            Err(io::ErrorKind::OutOfMemory.into())
        }
    }

    /// systemd starts the unit with whatever came, also with nothing.
    #[tokio::test]
    async fn whoever_cannot_be_known_is_refused_and_not_merely_cut_off() {
        let home = tempfile::tempdir().expect("directory");
        let nowhere = Arc::new(Witness::new(Box::new(Linux), home.path()));
        let exhausted = Arc::new(Witness::new(Box::new(Exhausted), Path::new("/proc")));
        for (name, witness) in [("kernel", exhausted), ("process", nowhere)] {
            let path = home.path().join(name);
            let listener = UnixListener::bind(&path).expect("bound");
            let stop = CancellationToken::new();
            let gate = refusing(Gate::new(witness, Limits::default()), Patience::default(), stop.clone());
            let tasks = TaskTracker::new();
            let attend = |_, _, _| async { unreachable!("nobody knows who it is") };
            let mut client = UnixStream::connect(&path).await.expect("connected");
            let mut came = Vec::new();
            tokio::select! {
                () = gate.accept(listener, Door::Credentials, &tasks, &stop, attend) => {}
                read = client.read_to_end(&mut came) => drop(read.expect("read")),
            }
            assert!(came.len() > VALUE_BYTES_MAX, "{name}: {} bytes", came.len());
        }
    }
}
