//! The `secret` actor of the lead: the one writer. Supervised by `node`; when it dies the node stops, because what the
//! store holds is then unknown until it is opened again.
//!
//! Group commit: while one batch is being written, everything that arrives is planned on top of it and becomes the next
//! batch. A reply goes out only after the batch is on disk and the new view is published.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef};
use tokio::sync::{Semaphore, oneshot};

use super::board::{Board, Held, LeadBoard};
use super::change::{Change, Committed};
use super::draft::{Draft, LeadState, Sealer};
use super::error::{CommitError, StartError};
use super::next_batch::{Next, Replies, Ticket, answer};
use crate::model::article::Article;
use crate::model::time::Clock;
use crate::policy::rulebook::Rulebook;
use crate::store::error::StoreError;
use crate::store::handle::Store;

/// Changes that may wait: beyond it the caller is told to come back, so the mailbox stays bounded.
const WAITING_MAX: usize = 1024;

/// Most changes in one transaction: bounds the time to the first answer of a batch.
const BATCH_MAX: usize = 256;

/// A disk that takes longer than this has failed for every practical purpose.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(20);

/// The same for a change of very many secrets.
const LARGE_COMMIT_TIMEOUT: Duration = Duration::from_secs(600);

/// How callers reach the actor.
#[derive(Debug, Clone)]
pub struct LeadSecrets {
    actor: ActorRef<Message>,
    gate: Arc<Semaphore>,
    lead_board: Arc<LeadBoard>,
}

/// What the actor works with.
pub struct LeadSecretsArguments {
    /// The state the store holds.
    pub state: LeadState,
    /// Where it is written.
    pub store: Store,
    /// What sealing needs.
    pub sealer: Arc<Sealer>,
    /// Where reads are answered from.
    pub board: Arc<Board>,
    /// Where sessions are fed from.
    pub lead_board: Arc<LeadBoard>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl LeadSecrets {
    /// Starts the actor under `supervisor`.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub async fn start(arguments: LeadSecretsArguments, supervisor: ActorCell) -> Result<Self, StartError> {
        let lead_board = Arc::clone(&arguments.lead_board);
        let (actor, _) =
            Actor::spawn_linked(None, SecretActor, arguments, supervisor).await.map_err(StartError::from_any)?;
        Ok(Self { actor, gate: Arc::new(Semaphore::new(WAITING_MAX)), lead_board })
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

    /// Commits one change; answers when it is on disk and readable here.
    ///
    /// # Errors
    /// [`CommitError`]. After `TimedOut` or `Stopped` the change may have been made: read before trying again.
    pub async fn commit(&self, change: Change, audit_seq: u64) -> Result<Committed, CommitError> {
        self.ask(change, audit_seq, Message::Commit).await
    }

    /// What a change would come to, if it were made now. Nothing is written.
    ///
    /// # Errors
    /// [`CommitError`], as the change itself would meet it.
    pub async fn preview(&self, change: Change) -> Result<Committed, CommitError> {
        self.ask(change, 0, Message::Preview).await
    }

    async fn ask(
        &self,
        change: Change,
        audit_seq: u64,
        message: impl FnOnce(Box<Ticket>) -> Message,
    ) -> Result<Committed, CommitError> {
        if let Some(reign) = self.lead_board.ended_by.borrow().as_deref() {
            return Err(CommitError::NotLead(reign.lead.clone()));
        }
        let permit = Arc::clone(&self.gate).try_acquire_owned().map_err(|_| CommitError::Overloaded)?;
        let (reply, answer) = oneshot::channel();
        let patience = if change.is_large() { LARGE_COMMIT_TIMEOUT } else { COMMIT_TIMEOUT };
        let ticket = Box::new(Ticket { change, audit_seq, reply, permit });
        self.actor.cast(message(ticket)).map_err(|_| CommitError::Stopped)?;
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(CommitError::Stopped),
            Err(_) => Err(CommitError::TimedOut),
        }
    }
}

#[derive(Debug)]
enum Message {
    Commit(Box<Ticket>),
    Preview(Box<Ticket>),
    Written(Result<(), StoreError>),
    Ask(oneshot::Sender<()>),
}

struct SecretActor;

struct State {
    committed: LeadState,
    waiting: VecDeque<Ticket>,
    /// On top of the batch that is being written, or of the committed state if none is.
    next: Option<Next>,
    in_flight: Option<InFlight>,
    with: With,
}

/// What stays the same. The state the actor started with is not among it: keys that were rotated away must not live on.
struct With {
    store: Store,
    sealer: Arc<Sealer>,
    board: Arc<Board>,
    lead_board: Arc<LeadBoard>,
    clock: Arc<dyn Clock>,
}

struct InFlight {
    state: LeadState,
    replies: Replies,
}

impl Actor for SecretActor {
    type Msg = Message;
    type State = State;
    type Arguments = LeadSecretsArguments;

    async fn pre_start(&self, _: ActorRef<Message>, with: LeadSecretsArguments) -> Result<State, ActorProcessingErr> {
        let LeadSecretsArguments { state, store, sealer, board, lead_board, clock } = with;
        let with = With { store, sealer, board, lead_board, clock };
        Ok(State { committed: state, waiting: VecDeque::new(), next: None, in_flight: None, with })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Commit(ticket) => state.waiting.push_back(*ticket),
            Message::Preview(ticket) => {
                let planned = state.plan(Next::on(&state.committed), vec![*ticket]).await?;
                answer(planned.concluded(&state.with.sealer).1);
            }
            Message::Written(outcome) => state.finish(outcome)?,
            Message::Ask(reply) => drop(reply.send(())),
        }
        state.start_next(&myself).await
    }
}

/// Writes the file anew, so that what was destroyed is gone when the caller is told so. A disk without room for that is
/// no reason to stop: it is tried again with the next change and at the next start, and until then `purge_due` says so.
async fn purge(store: &Store, board: &LeadBoard) -> Result<(), StoreError> {
    let purged = store.purge().await;
    board.purge_due.store(purged.is_err(), Ordering::Relaxed);
    match purged {
        Err(error @ (StoreError::Poisoned | StoreError::Closed)) => Err(error),
        Err(error) => {
            tracing::error!(%error, "destroyed bytes are still in the store file; it is tried again with the next change");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

impl State {
    /// Plans everything that waits into the next batch, and hands that to the store unless one is being written. A batch that
    /// changes nothing is answered at once: whoever is refused, a stranger with a guessed token above all, must not cost the
    /// disk a flush.
    async fn start_next(&mut self, myself: &ActorRef<Message>) -> Result<(), ActorProcessingErr> {
        loop {
            self.plan_next().await?;
            if self.in_flight.is_some() {
                return Ok(());
            }
            let Some(next) = self.next.take() else { return Ok(()) };
            let (Draft { state, mutations, purges }, replies) = next.concluded(&self.with.sealer);
            if mutations.is_empty() {
                answer(replies);
                continue;
            }
            self.in_flight = Some(InFlight { state, replies });
            let (store, board) = (self.with.store.clone(), Arc::clone(&self.with.lead_board));
            let purges = purges || board.purge_due.load(Ordering::Relaxed);
            let myself = myself.clone();
            tokio::spawn(async move {
                let mut outcome = store.commit(mutations).await;
                if outcome.is_ok() && purges {
                    outcome = purge(&store, &board).await;
                }
                // A failed send means that the actor is gone; its callers were told by their dropped replies.
                drop(myself.cast(Message::Written(outcome)));
            });
        }
    }

    /// Plans what waits, as far as there is room for it in the next batch. What takes long to plan waits for the disk first:
    /// while it is planned nobody is answered.
    async fn plan_next(&mut self) -> Result<(), ActorProcessingErr> {
        let room = BATCH_MAX.saturating_sub(self.next.as_ref().map_or(0, Next::len));
        let is_due = |ticket: &&Ticket| self.in_flight.is_none() || !ticket.change.is_large();
        let count = self.waiting.iter().take(room).take_while(is_due).count();
        if count > 0 {
            let tickets = self.waiting.drain(..count).collect();
            let on = self.in_flight.as_ref().map_or(&self.committed, |batch| &batch.state);
            let next = self.next.take().unwrap_or_else(|| Next::on(on));
            self.next = Some(self.plan(next, tickets).await?);
        }
        Ok(())
    }

    /// Plans these changes on top of those of a batch. Sealing thousands of values takes a while, and happens on a thread of
    /// its own; the mailbox waits, and nobody else does.
    async fn plan(&self, mut next: Next, tickets: Vec<Ticket>) -> Result<Next, ActorProcessingErr> {
        let (sealer, now) = (Arc::clone(&self.with.sealer), self.with.clock.now().wall);
        let is_large = tickets.iter().any(|ticket| ticket.change.is_large());
        let planned = move || {
            next.add(tickets, &sealer, now);
            next
        };
        Ok(if is_large { tokio::task::spawn_blocking(planned).await? } else { planned() })
    }

    fn finish(&mut self, outcome: Result<(), StoreError>) -> Result<(), ActorProcessingErr> {
        let Some(batch) = self.in_flight.take() else { return Ok(()) };
        if let Err(failure) = outcome {
            let failure = Arc::new(failure);
            tracing::error!(error = %failure, "a batch could not be written; the node stops");
            for (reply, _, _) in batch.replies {
                drop(reply.send(Err(CommitError::Store(Arc::clone(&failure)))));
            }
            return Err(failure.into());
        }
        self.committed = batch.state;
        self.publish();
        answer(batch.replies);
        Ok(())
    }

    fn publish(&self) {
        let lead = &self.committed.lead;
        if lead.articles.changed_at() != self.with.lead_board.lead_view.load().articles.changed_at() {
            let articles = lead.articles.iter().map(|article| Article::clone(article));
            self.with.board.rules.store(Arc::new(Rulebook::new(articles)));
        }
        self.with.board.keys.store(Arc::clone(&self.committed.keys));
        let entitlement = self.with.board.held.load().entitlement.clone();
        self.with.board.held.store(Arc::new(Held { view: lead.view.clone(), entitlement }));
        self.with.lead_board.signing.store(Arc::clone(&self.committed.signing));
        self.with.lead_board.root_since.store(Arc::new(self.committed.root_since));
        self.with.lead_board.tokens.store(Arc::clone(&self.committed.tokens));
        self.with.lead_board.publish(lead.clone());
    }
}
