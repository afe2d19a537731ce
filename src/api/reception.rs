//! The sockets of a node while they answer, from the first connection to the last change.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::changes::Changes;
use super::connection::Patience;
use super::desk::Desk;
use super::front::{Front, Guarded};
use super::request_ids::RequestIds;
use super::routes_unseal::{self, SealedDesk};
use super::server::attend_all;
use super::stage::{Open, Stage};
use crate::callers::gate::Gate;
use crate::callers::sockets::HttpSockets;
use crate::model::time::{Clock, Entropy};
use crate::vault::parts::Vault;
use crate::vault::sealed::SealedDoor;

/// From the end of a request's header to its answer: the longest honest wait is one for the lead, which gives up sooner.
const REQUEST_PATIENCE: Duration = Duration::from_secs(30);

/// Sockets that answer. They are closed by [`Reception::close`] alone.
pub struct Reception {
    front: Arc<Front>,
    changes: Changes,
    value_bytes_max: usize,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Reception {
    /// Answers from this vault.
    #[must_use]
    pub fn open(
        sockets: HttpSockets,
        vault: Vault,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        (gate, value_bytes_max): (Gate, usize),
    ) -> Self {
        let (changes, stop) = (Changes::default(), CancellationToken::new());
        let stage = Stage::open(opened(vault, &changes, &clock, value_bytes_max, &stop));
        Self::start(sockets, stage, changes, (clock, entropy), (gate, value_bytes_max), stop)
    }

    /// Answers that the node is sealed, and lets it be unsealed.
    #[must_use]
    pub fn sealed(
        sockets: HttpSockets,
        door: SealedDoor,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        (gate, value_bytes_max): (Gate, usize),
    ) -> Self {
        let changes = Changes::default();
        let desk = SealedDesk { door, changes: changes.clone(), budget: Budget::default() };
        let stop = CancellationToken::new();
        Self::start(
            sockets,
            Stage::new(routes_unseal::build(desk)),
            changes,
            (clock, entropy),
            (gate, value_bytes_max),
            stop,
        )
    }

    /// From here on this vault answers, on the same sockets and on connections that are there.
    pub fn admit(&self, vault: Vault) {
        let open = opened(vault, &self.changes, &self.front.clock, self.value_bytes_max, &self.stop);
        self.front.stage.advance(open);
    }

    /// Where the loopback listener listens, if there is one, with the port the system chose.
    #[must_use]
    pub fn loopback(&self) -> Option<SocketAddr> {
        self.front.guarded.as_ref().map(|guarded| guarded.bound)
    }

    /// Finishes what is under way (requests for at most 5 s, then changes for as long) and removes the sockets.
    ///
    /// # Errors
    /// When answering had ended before, by a fault of ours.
    pub async fn close(self) -> Result<(), JoinError> {
        self.stop.cancel();
        self.running.await
    }

    fn start(
        sockets: HttpSockets,
        stage: Stage,
        changes: Changes,
        (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
        (gate, value_bytes_max): (Gate, usize),
        stop: CancellationToken,
    ) -> Self {
        let witness = Arc::clone(&gate.witness);
        let guarded = sockets.loopback.as_ref().map(|loopback| Guarded::new(loopback.address));
        let front = Arc::new(Front {
            stage,
            witness,
            clock,
            ids: RequestIds::new(entropy),
            patience: REQUEST_PATIENCE,
            guarded,
        });
        let attending = attend_all(sockets, Arc::clone(&front), gate, Patience::default(), stop.clone());
        let under_way = changes.clone();
        let running = tokio::spawn(async move {
            attending.await;
            under_way.end().await;
        });
        Self { front, changes, value_bytes_max, stop, running }
    }
}

fn opened(
    vault: Vault,
    changes: &Changes,
    clock: &Arc<dyn Clock>,
    value_bytes_max: usize,
    stop: &CancellationToken,
) -> Open {
    let (changes, clock, stop) = (changes.clone(), Arc::clone(clock), stop.clone());
    let desk = Desk { vault, changes, budget: Budget::default(), clock, value_bytes_max, stop };
    Open::new(desk)
}
