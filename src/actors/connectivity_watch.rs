//! One run of the connectivity of a node: makes the checks when they are due, and publishes what they came to. On a lead it
//! also keeps the matrix to the rows of members.
//!
//! It owns the schedule and the checks that are being made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorProcessingErr;
use tokio::task::{JoinError, JoinSet};

use super::checker::Checker;
use super::connectivity::Connectivity;
use crate::connectivity::budget;
use crate::connectivity::intake::{Reporter, still_believed};
use crate::connectivity::matrix::Matrix;
use crate::connectivity::schedule::{Schedule, Task};
use crate::connectivity::subject::Subject;
use crate::model::api_check::{Elsewhere, KeyCheck, PathCheck};
use crate::model::name::{NodeName, ServiceName};
use crate::model::number::Revision;
use crate::model::time::{BootTime, Moment};
use crate::replication::view::LeadView;

/// The clock may be moved, and the machine may sleep: so the time is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Without news, the row is looked at this often: monitors that do not count any more leave it, and until when this node
/// kept up its checks goes on.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Changes of the records within this are looked at together.
const REWATCH_PAUSE: Duration = Duration::from_millis(100);

/// Looking at the records may take so many times as long as the pause after it, and no more of a processor.
const REWATCH_SHARE: u32 = 20;

/// A check that was made.
enum Made {
    Path(ServiceName, PathCheck),
    Key(Box<Subject>, Box<KeyCheck>),
}

/// One run of the work.
pub(super) struct Watch<'node> {
    of: &'node Connectivity,
    schedule: Schedule,
    checker: Option<Arc<dyn Checker>>,
    running: JoinSet<Made>,
    /// When the records are looked at again, if they changed, and when that may be at the earliest.
    rewatch: Option<BootTime>,
    rested: BootTime,
    /// When the row is published again without news.
    upkeep: BootTime,
    /// Up to which change of the roster the matrix of a lead was kept to its members.
    kept_to: Revision,
}

/// What the work waits for.
enum Event {
    Records,
    Door,
    Failures(BTreeSet<ServiceName>),
    Calls(BTreeMap<ServiceName, u32>),
    Made(Result<Made, JoinError>),
    Time,
}

impl<'node> Watch<'node> {
    pub(super) fn new(of: &'node Connectivity) -> Self {
        Self {
            of,
            schedule: Schedule::new(of.spent.last()),
            checker: None,
            running: JoinSet::new(),
            rewatch: Some(BootTime::default()),
            rested: BootTime::default(),
            upkeep: BootTime::default(),
            kept_to: Revision(0),
        }
    }

    pub(super) async fn run(mut self) -> Result<(), ActorProcessingErr> {
        let (mut records, mut door) = (self.of.records(), self.of.checker.subscribe());
        door.mark_changed();
        loop {
            let now = self.of.with.clock.now();
            if self.rewatch.is_some_and(|at| at <= now.boot) {
                self.look_again(&now).await?;
            }
            self.begin_due();
            if self.upkeep <= now.boot {
                self.publish(&now).await;
            }
            let patience = self.patience(now.boot);
            let event = tokio::select! {
                moved = records.changed() => moved.map(|()| Event::Records).map_err(|_| "the node is stopping")?,
                set = door.changed() => set.map(|()| Event::Door).map_err(|_| "the node is stopping")?,
                failures = self.of.with.board.connectivity.failures() => Event::Failures(failures),
                calls = self.of.with.board.connectivity.calls() => Event::Calls(calls),
                Some(made) = self.running.join_next() => Event::Made(made),
                () = tokio::time::sleep(patience) => Event::Time,
            };
            match event {
                Event::Records => self.rewatch = Some(self.rested),
                Event::Door => {
                    self.checker = door.borrow_and_update().clone().filter(|_| self.of.with.probe);
                    self.rewatch = Some(self.rested);
                }
                Event::Failures(services) => {
                    let now = self.of.with.clock.now();
                    services.iter().for_each(|service| self.schedule.failure(service, &now));
                }
                Event::Calls(calls) => self.count(&calls),
                Event::Made(made) => self.made(made),
                Event::Time => {}
            }
        }
    }

    /// Until something is to be done, if nothing happens before.
    fn patience(&self, now: BootTime) -> Duration {
        /// What is overdue but cannot be begun must not keep a processor busy.
        const PATIENCE_MIN: Duration = Duration::from_millis(5);
        let next = self.checker.as_ref().and_then(|_| self.schedule.next());
        let at = [Some(self.upkeep), self.rewatch, next].into_iter().flatten().min();
        at.map_or(LOOK_EVERY, |at| at.since(now)).clamp(PATIENCE_MIN, LOOK_EVERY)
    }

    /// The records changed: so may have what this node would use, and who is a member.
    async fn look_again(&mut self, now: &Moment) -> Result<(), ActorProcessingErr> {
        self.rewatch = None;
        self.keep_to_members(now);
        if let Some(checker) = self.checker.clone() {
            // Of very many records this takes a while.
            let watched = tokio::task::spawn_blocking(move || checker.watched()).await?;
            let Connectivity { with, .. } = self.of;
            let nodes = with.board.connectivity.matrix().rows().count().max(1);
            self.schedule.watch(watched, &with.clock.now(), nodes, &mut || self.of.draw());
        }
        let done = self.of.with.clock.now().boot;
        let pause = REWATCH_PAUSE.max(done.since(now.boot).saturating_mul(REWATCH_SHARE));
        self.rested = BootTime(done.0.saturating_add(pause));
        self.upkeep = BootTime::default();
        Ok(())
    }

    /// On a lead: a node that is no member has no row, and one that may hold less than it might tells less.
    fn keep_to_members(&mut self, now: &Moment) {
        let Some(lead_board) = &self.of.with.lead_board else { return };
        let kept_to = self.kept_to;
        // Both happen while nobody else writes the matrix: a session that looked at the roster before this does not write
        // after it.
        self.of.with.board.connectivity.change_if(|matrix| {
            let lead = lead_board.lead_view.load();
            self.kept_to = lead.view.position.revision;
            to_members(matrix, &lead, &self.of.with.node, kept_to, now)
        });
    }

    /// Begins the checks that are due.
    fn begin_due(&mut self) {
        let Some(checker) = &self.checker else { return };
        let Connectivity { with, spent, .. } = self.of;
        let matrix = with.board.connectivity.matrix();
        let now = with.clock.now();
        let share = |service: &ServiceName, budget: u32| {
            let all = with.lead_board.is_some().then(Elsewhere::default);
            let elsewhere = all.or_else(|| matrix.elsewhere(service))?;
            Some(budget::share(&matrix, elsewhere, service, &with.node, budget, now.wall))
        };
        let due = self.schedule.due(&now, &share, &mut || self.of.draw());
        if due.is_empty() {
            return;
        }
        spent.note(self.schedule.spent());
        for task in due {
            let checker = Arc::clone(checker);
            drop(self.running.spawn(make(checker, task)));
        }
        self.upkeep = BootTime::default();
    }

    /// Counts calls that were made because somebody asked.
    fn count(&mut self, calls: &BTreeMap<ServiceName, u32>) {
        let now = self.of.with.clock.now();
        calls.iter().for_each(|(service, calls)| self.schedule.asked(service, *calls, &now));
        self.of.spent.note(self.schedule.spent());
        self.upkeep = BootTime::default();
    }

    fn made(&mut self, made: Result<Made, JoinError>) {
        let now = self.of.with.clock.now();
        match made {
            Ok(Made::Path(service, check)) => {
                self.schedule.path_checked(&service, check, &now, &mut || self.of.draw());
            }
            Ok(Made::Key(subject, check)) => {
                self.schedule.key_checked(&subject, *check, &now, &mut || self.of.draw());
            }
            // The schedule takes what gets no answer for lost, and asks again.
            Err(error) => tracing::error!(%error, "a check of an API panicked"),
        }
        self.upkeep = BootTime::default();
    }

    async fn publish(&mut self, now: &Moment) {
        self.upkeep = BootTime(now.boot.0.saturating_add(UPKEEP_EVERY));
        self.of.publish(self.schedule.cells(), now);
        if let Some(bytes) = self.of.spent.due(now.wall) {
            self.of.keep(bytes).await;
        }
    }
}

async fn make(checker: Arc<dyn Checker>, task: Task) -> Made {
    match task {
        Task::Path(service) => {
            let check = checker.check_path(&service).await;
            Made::Path(service, check)
        }
        Task::Key(subject) => {
            let check = checker.check_key(&subject).await;
            Made::Key(Box::new(subject), Box::new(check))
        }
    }
}

/// Keeps the matrix to what is believed of members; says whether that changed anything. Entries of the roster that did not
/// change since `kept_to` were looked at before.
fn to_members(matrix: &mut Matrix, lead: &LeadView, own: &NodeName, kept_to: Revision, now: &Moment) -> bool {
    let mut changed = Vec::new();
    for (node, row) in matrix.rows().filter(|(node, _)| *node != own) {
        match lead.node(node).filter(|entry| entry.is_member()) {
            None => changed.push((node.clone(), None)),
            Some(entry) if entry.changed_at > kept_to => {
                let reporter = Reporter { node, entitlement: &entry.entitlement };
                let still = still_believed(row, reporter, now.wall);
                changed
                    .push((node.clone(), Some(still).filter(|row| row.environment == entry.entitlement.environment)));
            }
            Some(_) => {}
        }
    }
    let any = !changed.is_empty();
    for (node, row) in changed {
        match row {
            Some(row) => matrix.put(node, row),
            None => matrix.forget(&node),
        }
    }
    any
}
