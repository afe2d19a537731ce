//! The root supervisor: starts the parts of a node and applies the restart table when one ends.
//!
//! It decides nothing itself: `restart` says what is to be done, `Roles` says how a part is started.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::restart::{Part, Remedy, Restarts};
use super::roles::{Roles, Started};
use crate::model::time::{Clock, Entropy};

/// The children of a stopping node get this long; what they were about is on disk already.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A running node, seen from the daemon.
pub struct NodeHandle {
    actor: ActorRef<Message>,
    ended: JoinHandle<()>,
    unfit: watch::Receiver<Option<String>>,
}

impl NodeHandle {
    /// Starts all parts.
    ///
    /// # Errors
    /// When one cannot start; those that did are stopped again.
    pub async fn start(
        roles: Roles,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(Self, Started), ActorProcessingErr> {
        let (tell_unfit, unfit) = watch::channel(None);
        let (tell_started, started) = tokio::sync::oneshot::channel();
        let arguments = Arguments { roles, clock, entropy, tell_unfit, tell_started };
        let (actor, ended) = Actor::spawn(None, Node, arguments).await?;
        let started = started.await?;
        Ok((Self { actor, ended, unfit }, started))
    }

    /// Returns when the node has become unfit, with the reason; never while it is well.
    pub async fn unfit(&mut self) -> String {
        match self.unfit.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "the supervisor is gone".to_owned(),
        }
    }

    /// Stops all parts.
    pub async fn stop(self) {
        self.actor.stop(Some("the node is stopping".to_owned()));
        if tokio::time::timeout(STOP_TIMEOUT, self.ended).await.is_err() {
            tracing::warn!("some part of the node did not stop in time");
        }
    }
}

struct Arguments {
    roles: Roles,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    tell_unfit: watch::Sender<Option<String>>,
    tell_started: tokio::sync::oneshot::Sender<Started>,
}

struct Node;

enum Message {
    Restart(Part),
}

struct State {
    roles: Roles,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    parts: HashMap<ActorId, Part>,
    restarts: HashMap<&'static str, Restarts>,
    tell_unfit: watch::Sender<Option<String>>,
}

impl Actor for Node {
    type Msg = Message;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(&self, myself: ActorRef<Message>, with: Arguments) -> Result<State, ActorProcessingErr> {
        let mut parts = HashMap::new();
        let (started, cells) = with.roles.start_all(myself.get_cell()).await?;
        for (part, cell) in cells {
            parts.insert(cell.get_id(), part);
        }
        // The daemon may have given up waiting; then it drops its handle and the node stops.
        drop(with.tell_started.send(started));
        let Arguments { roles, clock, entropy, tell_unfit, .. } = with;
        Ok(State { roles, clock, entropy, parts, restarts: HashMap::new(), tell_unfit })
    }

    async fn handle(&self, myself: ActorRef<Message>, message: Message, state: &mut State) -> Result<(), ActorProcessingErr> {
        let Message::Restart(part) = message;
        match state.roles.start(part, myself.get_cell()).await {
            Ok(cell) => drop(state.parts.insert(cell.get_id(), part)),
            Err(error) => state.ended(part, &error.to_string(), &myself),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Message>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let (cell, reason): (ActorCell, String) = match event {
            SupervisionEvent::ActorTerminated(cell, _, reason) => (cell, reason.unwrap_or_else(|| "it ended".to_owned())),
            SupervisionEvent::ActorFailed(cell, error) => (cell, error.to_string()),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        if let Some(part) = state.parts.remove(&cell.get_id()) {
            state.ended(part, &reason, &myself);
        }
        Ok(())
    }
}

impl State {
    fn ended(&mut self, part: Part, reason: &str, myself: &ActorRef<Message>) {
        let mut random = [0_u8; 8];
        // Jitter is a courtesy to the peer: without random bytes there is none.
        drop(self.entropy.fill(&mut random));
        let restarts = self.restarts.entry(part.name()).or_default();
        match restarts.ended(part, self.clock.now().boot, u64::from_le_bytes(random)) {
            Remedy::RestartAfter(pause) => {
                tracing::warn!(part = part.name(), reason, "a part of the node ended and is started again");
                drop(myself.send_after(pause, move || Message::Restart(part)));
            }
            Remedy::StopNode => {
                tracing::error!(part = part.name(), reason, "the node is unfit and stops");
                self.tell_unfit.send_replace(Some(format!("{}: {reason}", part.name())));
            }
        }
    }
}
