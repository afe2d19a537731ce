//! The `heartbeat` actor of the lead: who was heard when, and what each node has acknowledged. Supervised by `node`;
//! when it dies it is started again and learns everything anew within a second.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::board::{LeadBoard, Presence};
use crate::model::name::NodeName;
use crate::model::number::Revision;

/// Reports that may wait. Beyond it a report is dropped: the next one, a second later, says the same or more.
const WAITING_MAX: usize = 16_384;

/// How sessions reach the actor, also across its restarts.
#[derive(Debug, Clone)]
pub struct Heartbeats {
    actor: Arc<ArcSwapOption<ActorRef<Message>>>,
    gate: Arc<Semaphore>,
}

impl Default for Heartbeats {
    fn default() -> Self {
        Self::new()
    }
}

impl Heartbeats {
    /// Handles of an actor that is not started yet.
    #[must_use]
    pub fn new() -> Self {
        Self { actor: Arc::new(ArcSwapOption::empty()), gate: Arc::new(Semaphore::new(WAITING_MAX)) }
    }

    /// Starts the actor, or starts it again, under `supervisor`.
    pub(super) async fn start(
        &self,
        board: Arc<LeadBoard>,
        supervisor: ActorCell,
    ) -> Result<ActorCell, ActorProcessingErr> {
        let (actor, _) = Actor::spawn_linked(None, HeartbeatActor, board, supervisor).await?;
        let cell = actor.get_cell();
        self.actor.store(Some(Arc::new(actor)));
        Ok(cell)
    }

    /// Something was heard of a node.
    pub(super) fn report(&self, node: NodeName, report: Report) {
        let Ok(permit) = Arc::clone(&self.gate).try_acquire_owned() else { return };
        if let Some(actor) = &*self.actor.load() {
            // A report that meets a stopped actor is as good as one that was never sent: the next comes in a second.
            drop(actor.cast(Message { node, report, _permit: permit }));
        }
    }
}

/// What was heard.
#[derive(Debug)]
pub(super) enum Report {
    /// A heartbeat.
    Heartbeat(Presence),
    /// A revision is durable there.
    Acknowledged(Revision),
    /// The connection ended.
    Gone,
}

#[derive(Debug)]
struct Message {
    node: NodeName,
    report: Report,
    _permit: OwnedSemaphorePermit,
}

struct HeartbeatActor;

impl Actor for HeartbeatActor {
    type Msg = Message;
    type State = Arc<LeadBoard>;
    type Arguments = Arc<LeadBoard>;

    async fn pre_start(
        &self,
        _: ActorRef<Message>,
        board: Arc<LeadBoard>,
    ) -> Result<Arc<LeadBoard>, ActorProcessingErr> {
        Ok(board)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        board: &mut Arc<LeadBoard>,
    ) -> Result<(), ActorProcessingErr> {
        let presences = board.presence.load();
        // A name may be another machine's by now, which has acknowledged nothing of what the first one did.
        let lead_view = board.lead_view.load();
        let joined_at = lead_view.node(&message.node).map(|entry| entry.joined_at);
        let known = presences.get(&message.node).filter(|known| Some(known.heard.wall) >= joined_at).cloned();
        let next = match (message.report, known) {
            (Report::Heartbeat(presence), known) => {
                let acknowledged = presence.acknowledged.max(known.as_ref().and_then(|known| known.acknowledged));
                let promise = presence.promise.or_else(|| known.and_then(|known| known.promise));
                Some(Presence { acknowledged, promise, ..presence })
            }
            (Report::Acknowledged(revision), Some(known)) => {
                Some(Presence { acknowledged: Some(revision).max(known.acknowledged), ..known })
            }
            (Report::Gone, Some(known)) => Some(Presence { address: None, ..known }),
            (Report::Acknowledged(_) | Report::Gone, None) => None,
        };
        if let Some(presence) = next {
            board.presence.store(Arc::new(presences.insert(message.node, presence)));
        }
        Ok(())
    }
}
