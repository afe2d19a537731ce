//! The root supervisor: starts the parts of a node and applies the restart table when one ends.
//!
//! It decides nothing itself: `restart` says what is to be done, `Roles` says how a part is started.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::error::StartError;
use super::restart::{Part, Remedy, Restarts};
use super::roles::{Roles, Started};
use crate::model::event::Event;
use crate::model::time::{Clock, Entropy};

/// A stopping node gets this long for its farewell. Its parts need no time to end: what they were about is on disk already.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Binding a port and starting a handful of actors takes milliseconds.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the supervisor may take to read a message: it starts parts meanwhile, each in milliseconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks the actors of a node whether they read their messages.
pub struct Pulse {
    actor: ActorRef<Message>,
}

impl Pulse {
    /// Asks the supervisor, and gives what tells when the one writer has read its own; `None` if the supervisor does not
    /// answer, or supervises nothing.
    pub async fn ask(&self) -> Option<oneshot::Receiver<()>> {
        let (reply, answer) = oneshot::channel();
        self.actor.cast(Message::Ask(reply)).ok()?;
        tokio::time::timeout(ANSWER_TIMEOUT, answer).await.ok()?.ok()
    }
}

/// A running node, seen from the daemon.
pub struct NodeHandle {
    actor: ActorRef<Message>,
    ended: JoinHandle<()>,
    unfit: watch::Receiver<Option<String>>,
}

impl NodeHandle {
    /// Starts the supervisor, with nothing to supervise yet.
    ///
    /// # Errors
    /// When the actor cannot start.
    pub async fn start(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, StartError> {
        let (tell_unfit, unfit) = watch::channel(None);
        let arguments = Arguments { clock, entropy, tell_unfit };
        let (actor, ended) = Actor::spawn(None, Node, arguments).await.map_err(StartError::from_any)?;
        Ok(Self { actor, ended, unfit })
    }

    /// The supervisor, for a part that must exist before the others can be described.
    #[must_use]
    pub fn supervisor(&self) -> ActorCell {
        self.actor.get_cell()
    }

    /// Starts all parts.
    ///
    /// # Errors
    /// When one cannot start.
    pub async fn run(&self, roles: Roles) -> Result<Started, StartError> {
        let (reply, started) = oneshot::channel();
        self.actor.cast(Message::Run(Box::new(roles), reply)).map_err(StartError::from_any)?;
        let started = tokio::time::timeout(START_TIMEOUT, started).await.map_err(StartError::from_any)?;
        started.map_err(StartError::from_any)?.map_err(StartError)
    }

    /// What asks the actors whether they read their messages.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        Pulse { actor: self.actor.clone() }
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
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    tell_unfit: watch::Sender<Option<String>>,
}

struct Node;

enum Message {
    Run(Box<Roles>, oneshot::Sender<Result<Started, ActorProcessingErr>>),
    Restart(Part),
    Ask(oneshot::Sender<oneshot::Receiver<()>>),
}

struct State {
    roles: Option<Roles>,
    parts: HashMap<ActorId, Part>,
    restarts: HashMap<&'static str, Restarts>,
    with: Arguments,
}

impl Actor for Node {
    type Msg = Message;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(&self, _: ActorRef<Message>, with: Arguments) -> Result<State, ActorProcessingErr> {
        Ok(State { roles: None, parts: HashMap::new(), restarts: HashMap::new(), with })
    }

    /// The other nodes hear of it first. All other parts are ended wherever they are, right after this.
    async fn post_stop(&self, myself: ActorRef<Message>, state: &mut State) -> Result<(), ActorProcessingErr> {
        let is_peers = |part: &ActorCell| state.parts.get(&part.get_id()) == Some(&Part::Peers);
        if let Some(peers) = myself.get_children().into_iter().find(is_peers) {
            // Bounded by itself; one that ended meanwhile has nobody to tell.
            drop(peers.stop_and_wait(Some("the node is stopping".to_owned()), None).await);
        }
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Run(roles, reply) => {
                let outcome = state.run(*roles, myself.get_cell()).await;
                // A daemon that gave up waiting stops this actor.
                drop(reply.send(outcome));
            }
            Message::Restart(part) => state.restart(part, &myself).await,
            // Whoever gave up waiting asks again.
            Message::Ask(reply) => drop(state.roles.as_ref().map(|roles| reply.send(roles.ask_writer()))),
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
            SupervisionEvent::ActorTerminated(cell, _, reason) => {
                (cell, reason.unwrap_or_else(|| "it ended".to_owned()))
            }
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
    async fn run(&mut self, roles: Roles, myself: ActorCell) -> Result<Started, ActorProcessingErr> {
        let mut address = None;
        let discovery = roles.discovers().then_some(Part::Discovery);
        for part in roles.parts().iter().copied().chain(discovery) {
            let started = roles.start(part, myself.clone()).await?;
            self.parts.insert(started.cell.get_id(), part);
            address = address.or(started.address);
        }
        self.roles = Some(roles);
        Ok(Started { address })
    }

    async fn restart(&mut self, part: Part, myself: &ActorRef<Message>) {
        let Some(roles) = &self.roles else { return };
        match roles.start(part, myself.get_cell()).await {
            Ok(started) => drop(self.parts.insert(started.cell.get_id(), part)),
            Err(error) => self.ended(part, &error.to_string(), myself),
        }
    }

    fn ended(&mut self, part: Part, reason: &str, myself: &ActorRef<Message>) {
        let mut random = [0_u8; 8];
        // Jitter is a courtesy to the peer: without random bytes there is none.
        let _ = self.with.entropy.fill(&mut random);
        let restarts = self.restarts.entry(part.name()).or_default();
        match restarts.ended(part, self.with.clock.now().boot, u64::from_le_bytes(random)) {
            Remedy::RestartAfter(pause) => {
                tracing::warn!(part = part.name(), reason, "a part of the node ended and is started again");
                if let Some(roles) = &self.roles {
                    // The reason may name what only the log may.
                    let detail = "it ended and is started again; the log says why".to_owned();
                    roles.tell(Event::SystemError { part: part.name(), detail });
                }
                drop(myself.send_after(pause, move || Message::Restart(part)));
            }
            Remedy::StopNode => {
                tracing::error!(part = part.name(), reason, "the node is unfit and stops");
                self.with.tell_unfit.send_replace(Some(format!("{}: {reason}", part.name())));
            }
        }
    }
}
