//! The `secret` actor of a follower: applies what the lead sends and keeps the freshness of the cache. Supervised by
//! `node`; when it dies the node stops.
//!
//! A change is on disk before it is served, so that a restart never serves an older version than was served before.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::error::{ApplyError, StartError};
use super::follower_cache::{Cache, CacheParts};
use crate::model::number::Position;
use crate::model::record::SealedScopeKey;
use crate::model::time::{Moment, Timestamp};
use crate::replication::acceptance::Incoming;
use crate::replication::rules_acceptance;

/// The lead sends no faster than this is applied; the bound only guards against a session that does not wait.
const WAITING_MAX: usize = 64;

/// A disk that takes longer than this has failed for every practical purpose.
const APPLY_TIMEOUT: Duration = Duration::from_secs(60);

/// How the session reaches the actor.
#[derive(Debug, Clone)]
pub struct FollowerSecrets {
    actor: ActorRef<Message>,
    gate: Arc<Semaphore>,
}

impl FollowerSecrets {
    /// Starts the actor under `supervisor`.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub async fn start(arguments: CacheParts, supervisor: ActorCell) -> Result<Self, StartError> {
        let (actor, _) =
            Actor::spawn_linked(None, SecretActor, arguments, supervisor).await.map_err(StartError::from_any)?;
        Ok(Self { actor, gate: Arc::new(Semaphore::new(WAITING_MAX)) })
    }

    /// The actor itself, for the supervisor's table.
    pub(super) fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }

    /// Sends a message of no effect, and gives what tells when it was read. Whoever asks again waits for the answer first.
    pub(super) fn ask_whether_it_reads(&self) -> oneshot::Receiver<()> {
        let (reply, answer) = oneshot::channel();
        // A stopped actor drops the message, and whoever waits is told.
        drop(self.actor.cast(Message::Ask(reply)));
        answer
    }

    /// A new session begins: gives the positions to follow records and rules from, and forgets what the last one left half
    /// done.
    pub(super) async fn begin(&self) -> Result<(Position, Option<Position>), ApplyError> {
        self.ask(Message::Begin).await
    }

    /// Applies one message; answers with the position that is now durable.
    pub(super) async fn incoming(&self, incoming: Incoming) -> Result<Position, ApplyError> {
        self.ask(|ask| Message::Incoming(Box::new(incoming), ask)).await
    }

    /// Keeps and opens scope keys.
    pub(super) async fn scope_keys(&self, keys: Vec<SealedScopeKey>) -> Result<Position, ApplyError> {
        self.ask(|ask| Message::ScopeKeys(keys, ask)).await
    }

    /// The lead answered a heartbeat that was sent at `asked`.
    pub(super) async fn beacon(&self, asked: Moment, position: Position) -> Result<Position, ApplyError> {
        self.ask(|ask| Message::Beacon(asked, position, ask)).await
    }

    /// The lead has banned this node: takes everything it held out of memory and file.
    pub(super) async fn forget(&self, told_at: Timestamp) -> Result<Position, ApplyError> {
        self.ask(|ask| Message::Forget(told_at, ask)).await
    }

    /// Takes in rules; answers with the position they came to once all of them are durable and in force.
    pub(super) async fn rules(&self, incoming: rules_acceptance::Incoming) -> Result<Option<Position>, ApplyError> {
        self.ask(|ask| Message::Rules(Box::new(incoming), ask)).await
    }

    async fn ask<T>(&self, message: impl FnOnce(Ask<T>) -> Message) -> Result<T, ApplyError> {
        let permit = Arc::clone(&self.gate).acquire_owned().await.map_err(|_| ApplyError::Stopped)?;
        let (reply, answer) = oneshot::channel();
        self.actor.cast(message(Ask { reply, _permit: permit })).map_err(|_| ApplyError::Stopped)?;
        match tokio::time::timeout(APPLY_TIMEOUT, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(ApplyError::Stopped),
        }
    }
}

#[derive(Debug)]
enum Message {
    Begin(Ask<(Position, Option<Position>)>),
    Incoming(Box<Incoming>, Ask<Position>),
    Rules(Box<rules_acceptance::Incoming>, Ask<Option<Position>>),
    ScopeKeys(Vec<SealedScopeKey>, Ask<Position>),
    Beacon(Moment, Position, Ask<Position>),
    Forget(Timestamp, Ask<Position>),
    Ask(oneshot::Sender<()>),
}

#[derive(Debug)]
struct Ask<T> {
    reply: oneshot::Sender<Result<T, ApplyError>>,
    _permit: OwnedSemaphorePermit,
}

impl<T> Ask<T> {
    /// Answers. The store refusing a change concerns the session; the store failing concerns the node.
    fn answer(self, outcome: Result<T, ApplyError>) -> Result<(), ActorProcessingErr> {
        let fatal = outcome.as_ref().err().and_then(ApplyError::fatal);
        drop(self.reply.send(outcome));
        fatal.map_or(Ok(()), Err)
    }
}

struct SecretActor;

impl Actor for SecretActor {
    type Msg = Message;
    type State = Cache;
    type Arguments = CacheParts;

    async fn pre_start(&self, _: ActorRef<Message>, with: CacheParts) -> Result<Cache, ActorProcessingErr> {
        Ok(Cache::new(with))
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        cache: &mut Cache,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Begin(ask) => ask.answer(cache.begin().await),
            Message::Ask(reply) => {
                let _gone = reply.send(());
                Ok(())
            }
            Message::Incoming(incoming, ask) => ask.answer(cache.incoming(*incoming).await),
            Message::Rules(incoming, ask) => ask.answer(cache.rules(*incoming).await),
            Message::ScopeKeys(keys, ask) => ask.answer(cache.scope_keys(keys)),
            Message::Forget(told_at, ask) => ask.answer(cache.forget(told_at).await),
            Message::Beacon(asked, position, ask) => ask.answer(cache.beacon(asked, position).await),
        }
    }
}
