//! Which APIs work from this node: what the daemon and the door hold of it, and how its row is published. What it does, and
//! when, is in [`super::connectivity_watch`]. Supervised by `node`, which starts it again for ever: when it
//! dies, the row of this node grows old until it is back, and the counts of calls are kept outside of it.

use std::sync::Arc;

use ractor::ActorProcessingErr;
use tokio::sync::watch;

use super::board::{Board, LeadBoard};
use super::checker::Checker;
use super::connectivity_board::ConnectivityBoard;
use super::connectivity_watch::Watch;
use super::spent_calls::SpentCalls;
use crate::connectivity::own_row::own_row;
use crate::model::api_check::Cell;
use crate::model::name::NodeName;
use crate::model::number::Position;
use crate::model::time::{Clock, Entropy, Moment};
use crate::store::blob::BlobName;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;

/// What the work needs.
pub struct ConnectivityParts {
    /// This node.
    pub node: NodeName,
    /// Where its row is published.
    pub board: Arc<Board>,
    /// On a lead, who is a member.
    pub lead_board: Option<Arc<LeadBoard>>,
    /// Where the calls of today are kept.
    pub store: Store,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// For jitter.
    pub entropy: Arc<dyn Entropy>,
    /// Whether checks are made at all.
    pub probe: bool,
}

/// The connectivity of one node.
pub struct Connectivity {
    pub(super) with: ConnectivityParts,
    pub(super) checker: watch::Sender<Option<Arc<dyn Checker>>>,
    pub(super) spent: SpentCalls,
}

impl Connectivity {
    /// With the counts of calls that the store kept. Counts that cannot be read are no licence to call: no check is made
    /// then, and they stay as they are.
    #[must_use]
    pub fn new(mut with: ConnectivityParts, spent: Option<&[u8]>) -> Self {
        let spent = SpentCalls::read(spent).unwrap_or_else(|error| {
            tracing::error!(%error, "no API is checked: the store does not say how often that was done today");
            with.probe = false;
            SpentCalls::lost()
        });
        Self { with, checker: watch::Sender::new(None), spent }
    }

    /// The door is in place: checks begin.
    pub fn begin(&self, checker: Arc<dyn Checker>) {
        self.checker.send_replace(Some(checker));
    }

    /// What this node knows of all nodes.
    #[must_use]
    pub fn board(&self) -> &ConnectivityBoard {
        &self.with.board.connectivity
    }

    /// Writes the calls that were made since they were last written, before the node stops.
    pub async fn keep_last_calls(&self) {
        if let Some(bytes) = self.spent.rest() {
            self.keep(bytes).await;
        }
    }

    /// Watches until stopped.
    pub(super) async fn keep_watching(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        Watch::new(&self).run().await
    }

    pub(super) async fn keep(&self, bytes: Vec<u8>) {
        if let Err(error) = self.with.store.commit(vec![Mutation::PutBlob(BlobName::SpentCalls, bytes)]).await {
            tracing::warn!(%error, "the calls that were made to APIs today were not written");
        }
    }

    pub(super) fn draw(&self) -> u64 {
        let mut random = [0_u8; 8];
        // Jitter is a courtesy to the providers: without random bytes there is none.
        let _ = self.with.entropy.fill(&mut random);
        u64::from_le_bytes(random)
    }

    /// Told of changes of the records, and of who is a member.
    pub(super) fn records(&self) -> watch::Receiver<Position> {
        match &self.with.lead_board {
            Some(lead) => lead.moved.subscribe(),
            None => self.with.board.moved.subscribe(),
        }
    }

    /// Publishes what the checks came to. A node that was thrown out publishes nothing.
    pub(super) fn publish(&self, checked: Vec<Cell>, now: &Moment) {
        let Board { connectivity, held, banned, .. } = &*self.with.board;
        let node = &self.with.node;
        let environment = held.load().entitlement.environment.clone();
        let mut confirmed = None;
        connectivity.change_if(|matrix| {
            if banned.load().is_some() {
                return false;
            }
            let before = matrix.row(node).cloned();
            let row = own_row(before.as_deref(), checked, &environment, now.wall);
            if before.as_ref().is_some_and(|before| before.cells == row.cells && before.environment == row.environment)
            {
                confirmed = Some((node.clone(), row.confirmed_at));
                return false;
            }
            if row.cells.is_empty() {
                matrix.forget(node);
                return before.is_some();
            }
            matrix.put(node.clone(), row);
            true
        });
        connectivity.confirm(confirmed.as_slice());
    }
}
