//! The `events` part of a node: takes what is told at the hub and what comes of the [sources](super::event_sources), and keeps
//! it. Supervised by `node`; when it dies it is started again, for ever, and goes on where it was: what is told meanwhile
//! waits, and what has no place to wait is counted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorProcessingErr;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::board::{Board, LeadBoard};
use super::event_hub::Waiting;
use super::event_log::EventLog;
use super::event_posts::EventPosts;
use super::event_sources::EventSources;
use super::event_unused::keep_looking;
use crate::model::event::Event;
use crate::model::number::Position;
use crate::model::time::Clock;
use crate::store::error::StoreError;

/// Most events that are kept in one write.
const GROUP_MAX: usize = 256;

/// From a change until it is looked what is new. Whatever comes meanwhile is kept in the same write: an event of its own for
/// each change costs a node that takes many of them more than the changes do.
const TOGETHER: Duration = Duration::from_millis(25);

/// How often it is looked whether a node was lost or a rule changed of which nobody tells.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often what is too old is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// What the work needs.
pub struct EventKeeper {
    log: EventLog,
    posts: Arc<EventPosts>,
    board: Arc<Board>,
    lead_board: Option<Arc<LeadBoard>>,
    /// Of a lead: where its journal is.
    audit_dir: Option<PathBuf>,
    clock: Arc<dyn Clock>,
}

/// The queue, which is given back however the work ends.
struct Taken<'board> {
    board: &'board Board,
    queue: Option<mpsc::Receiver<Waiting>>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            self.board.events.give_back(queue);
        }
    }
}

impl EventKeeper {
    /// The work of a node; of a lead with what only a lead publishes, and the directory of its journal.
    #[must_use]
    pub fn new(
        (log, posts): (EventLog, Arc<EventPosts>),
        board: Arc<Board>,
        lead: Option<(Arc<LeadBoard>, PathBuf)>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (lead_board, audit_dir) = lead.unzip();
        Self { log, posts, board, lead_board, audit_dir, clock }
    }

    /// The history.
    #[must_use]
    pub fn log(&self) -> &EventLog {
        &self.log
    }

    /// Tells an event of the node itself.
    pub(super) fn tell(&self, event: Event) {
        self.board.events.tell(event);
    }

    /// Notes that the node starts, and how everything stands: before anything can change, so that whatever does is news.
    ///
    /// # Errors
    /// [`StoreError`]: the file of events cannot be read or written.
    pub async fn begin(&self) -> Result<(), StoreError> {
        let detail = format!("the node starts, version {}", env!("CARGO_PKG_VERSION"));
        self.log.keep(&[Event::SystemMaintenance { detail }], Vec::new()).await?;
        self.sources().await?.look().await
    }

    async fn sources(&self) -> Result<EventSources, StoreError> {
        let (log, board, lead) = (self.log.clone(), Arc::clone(&self.board), self.lead_board.clone());
        EventSources::open(log, board, lead, Arc::clone(&self.clock)).await
    }

    /// Keeps, and does not end by itself.
    ///
    /// Its three works are polled side by side, always: each waits for the turn of another to write the history, and a turn that
    /// nobody polled would never end.
    pub(super) async fn keep_going(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        let (telling, sending) = (self.keep_telling(), self.posts.keep_sending(&self.board));
        tokio::try_join!(telling, sending, self.look_for_unused()).map(drop)
    }

    /// Keeps what is told at the hub, and what the sources tell.
    async fn keep_telling(&self) -> Result<(), ActorProcessingErr> {
        let queue = self.board.events.take().ok_or("somebody else keeps events already")?;
        let mut taken = Taken { board: &self.board, queue: Some(queue) };
        let mut sources = self.sources().await?;
        let mut moved = self.moved();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut forgets = tokio::time::interval(FORGET_EVERY);
        forgets.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let queue = taken.queue.as_mut().ok_or("the queue is there")?;
        let mut due = None;
        loop {
            tokio::select! {
                waiting = queue.recv() => self.keep(waiting.ok_or("the hub is gone")?, queue).await?,
                changed = moved.changed(), if due.is_none() => {
                    changed?;
                    // Where a node begins is no news: what changes after that is, and must not be taken for part of it.
                    let gathers = if sources.has_begun() { TOGETHER } else { Duration::ZERO };
                    due = Some(Instant::now() + gathers);
                }
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    due = None;
                    sources.look().await?;
                }
                _ = looks.tick() => {
                    sources.look().await?;
                    self.tell_missed().await?;
                }
                _ = forgets.tick() => {
                    self.log.forget_old().await?;
                    self.posts.forget_old().await?;
                }
            }
        }
    }

    async fn look_for_unused(&self) -> Result<(), ActorProcessingErr> {
        match self.audit_dir.clone() {
            Some(directory) => keep_looking(&self.log, &self.board, directory, &*self.clock).await,
            None => std::future::pending().await,
        }
    }

    fn moved(&self) -> watch::Receiver<Position> {
        match &self.lead_board {
            Some(lead) => lead.moved.subscribe(),
            None => self.board.moved.subscribe(),
        }
    }

    /// Keeps one with those that wait behind it.
    async fn keep(&self, first: Waiting, queue: &mut mpsc::Receiver<Waiting>) -> Result<(), StoreError> {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        let (events, kept): (Vec<_>, Vec<_>) = group.into_iter().map(|waiting| (waiting.event, waiting.kept)).unzip();
        self.log.keep(&events, Vec::new()).await?;
        // Whoever gave up waiting tells it again.
        for told in kept.into_iter().flatten() {
            let _gone = told.send(());
        }
        Ok(())
    }

    async fn tell_missed(&self) -> Result<(), StoreError> {
        match self.board.events.take_missed() {
            0 => Ok(()),
            missed => {
                let detail = format!("{missed} events came too fast and were not kept");
                self.log.keep(&[Event::SystemError { part: "events", detail }], Vec::new()).await.map(drop)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::audit::journal::Journal;
    use crate::audit::options::JournalOptions;
    use crate::config::node_config::Durability;
    use crate::crypto::key_ring::KeyRing;
    use crate::crypto::system_entropy::SystemEntropy;
    use crate::events::subject::Home;
    use crate::model::change::ChangeKind;
    use crate::model::company::Companies;
    use crate::model::entitlement::Entitlement;
    use crate::model::identity::Role;
    use crate::model::log::{LogEntry, LogSubject};
    use crate::model::name::{EnvironmentName, NodeName};
    use crate::model::number::Version;
    use crate::model::secret::{Scope, SecretAddress, SecretName};
    use crate::model::time::{BootId, BootTime, Moment, Timestamp};
    use crate::policy::rulebook::Rulebook;
    use crate::replication::view::{LeadView, View};
    use crate::store::ground::{Ground, Threads};
    use crate::store::rows::Rows;

    struct Standing;

    impl Clock for Standing {
        fn now(&self) -> Moment {
            Moment { wall: Timestamp(0), boot: BootTime::default(), boot_id: BootId::default() }
        }
    }

    fn environment() -> EnvironmentName {
        EnvironmentName::parse("prod").expect("a name")
    }

    async fn lead(directory: &Path) -> (Arc<EventKeeper>, Arc<LeadBoard>) {
        let node = NodeName::parse("aurora").expect("a name");
        let home = Home { node: node.clone(), environment: environment() };
        let rows = Rows::open(&Ground::machine(), &directory.join("events.redb")).await.expect("a file");
        let log = EventLog::open(rows, home, Arc::new(Standing), Arc::new(SystemEntropy)).await.expect("a log");
        let journal = Journal::to_nowhere(JournalOptions {
            directory: directory.to_owned(),
            node,
            clock: Arc::new(Standing),
            durability: Durability::Batched,
            file_bytes_max: u64::MAX,
            spool: None,
            crew: Arc::new(Threads),
        });
        let posts = EventPosts::open(log.clone(), journal.expect("a journal"), Role::Lead).await.expect("a place");
        let held = Entitlement { environment: environment(), companies: Companies::default(), globs: Vec::new() };
        let board = Board::new(View::default(), Rulebook::new([]), KeyRing::default(), held, None);
        let lead_board = Arc::new(LeadBoard::new(LeadView::default(), Arc::default(), Timestamp(0), false));
        let lead = Some((Arc::clone(&lead_board), directory.join("audit")));
        let keeper = EventKeeper::new((log, Arc::new(posts)), Arc::new(board), lead, Arc::new(Standing));
        keeper.begin().await.expect("begun");
        (Arc::new(keeper), lead_board)
    }

    /// Each change was kept in a write of its own, which a lead under load paid for with a third of its processor time, and
    /// with the turn of its disk.
    #[tokio::test]
    async fn changes_that_come_shortly_after_one_another_are_kept_together_and_every_one_is() {
        const CHANGES: u64 = 50;
        let directory = tempfile::tempdir().expect("a directory");
        let (keeper, board) = lead(directory.path()).await;
        let (log, mut moved) = (keeper.log().clone(), keeper.log().moved());
        let begun = log.last();
        let keeping = tokio::spawn(Arc::clone(&keeper).keep_going());
        let watching = tokio::spawn(async move {
            let mut writes: u128 = 0;
            while *moved.borrow_and_update() < begun + CHANGES {
                moved.changed().await.expect("the log is there");
                writes += 1;
            }
            writes
        });
        let (mut view, began) = (LeadView::default(), Instant::now());
        for _ in 0..CHANGES {
            let name = SecretName::parse("openai/api_key").expect("a name");
            let at = SecretAddress { environment: environment(), name }.within(Scope::Global);
            let subject = LogSubject::Secret { at, change: ChangeKind::Stored, version: Version::FIRST };
            let revision = view.view.position.revision.next();
            view.record_change(LogEntry { revision, at: Timestamp(0), audit_seq: 1, subject }, 1000);
            board.publish(view.clone());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let writes = tokio::time::timeout(Duration::from_secs(20), watching).await.expect("in time").expect("counted");
        // On a machine that is slow enough there is nothing to keep together.
        let most = began.elapsed().as_millis() / TOGETHER.as_millis() + 2;
        assert!(writes <= most, "{writes} writes of {most}");
        assert_eq!(log.last(), begun + CHANGES);
        keeping.abort();
    }
}
