//! The credentials socket while it answers: first as a sealed node if it is one, then from the vault.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::{Desk, Source, attend};
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
    stop: CancellationToken,
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
        self.stop.cancel();
        self.running.await
    }

    fn start(socket: UnixListener, source: Source, names: Names, gate: Gate) -> Self {
        let Names { mapped: names, entropy } = names;
        let source = watch::Sender::new(source);
        let desk = Arc::new(Desk { source, names, entropy, patience: Patience::default() });
        let stop = CancellationToken::new();
        let running = tokio::spawn(serve(socket, Arc::clone(&desk), gate, stop.clone()));
        Self { desk, stop, running }
    }
}

async fn serve(socket: UnixListener, desk: Arc<Desk>, gate: Gate, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let attend = {
        let stop = stop.clone();
        move |stream, known| attend(stream, known, Arc::clone(&desk), stop.clone())
    };
    gate.accept_everybody(socket, Door::Credentials, &tasks, &stop, attend).await;
    tasks.close();
    tasks.wait().await;
}
