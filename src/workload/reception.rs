//! The socket of workloads while it answers.

use std::sync::{Arc, OnceLock};

use tokio::net::UnixListener;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::activity::Places;
use super::connection::{Patience, attend};
use super::front::Front;
use crate::callers::gate::Gate;
use crate::model::caller::Door;
use crate::model::time::{Clock, Entropy};
use crate::vault::parts::Vault;

/// A socket that answers. It is closed by [`Reception::close`] alone.
pub struct Reception {
    front: Arc<Front>,
    running: JoinHandle<()>,
}

impl Reception {
    /// Answers from this vault.
    #[must_use]
    pub fn open(
        listener: UnixListener,
        vault: Vault,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        gate: Gate,
    ) -> Self {
        Self::start(listener, OnceLock::from(vault), clock, entropy, gate)
    }

    /// Answers that the node is sealed (`UNAVAILABLE`), until [`Reception::admit`].
    #[must_use]
    pub fn sealed(listener: UnixListener, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, gate: Gate) -> Self {
        Self::start(listener, OnceLock::new(), clock, entropy, gate)
    }

    /// From here on this vault answers, also on connections that are there. Only the first call counts.
    pub fn admit(&self, vault: Vault) {
        drop(self.front.vault.set(vault));
    }

    /// Ends every stream (`UNAVAILABLE`) and removes the socket.
    ///
    /// # Errors
    /// When answering had ended before, by a fault of ours.
    pub async fn close(self) -> Result<(), JoinError> {
        self.front.stop.cancel();
        self.running.await
    }

    fn start(
        listener: UnixListener,
        vault: OnceLock<Vault>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        gate: Gate,
    ) -> Self {
        let (stop, places) = (CancellationToken::new(), Places::default());
        let witness = Arc::clone(&gate.witness);
        let front = Arc::new(Front { vault, witness, clock, entropy, places, stop });
        let running = tokio::spawn(run(listener, Arc::clone(&front), gate, Patience::default()));
        Self { front, running }
    }
}

async fn run(listener: UnixListener, front: Arc<Front>, gate: Gate, patience: Patience) {
    let (tasks, stop) = (TaskTracker::new(), front.stop.clone());
    let of_streams = tasks.clone();
    let attend =
        move |stream, peer, seat| attend(stream, peer, seat, Arc::clone(&front), (patience, of_streams.clone()));
    gate.accept(listener, Door::Workload, &tasks, &stop, attend).await;
    tasks.close();
    tasks.wait().await;
}
