//! Saves the lead by the calendar, and tells people when nothing vouches for it any more. Supervised by `node`; when it dies
//! it is started again, for ever: nobody waits for it.
//!
//! Every deed is a line of the journal: an intent before, and what came of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ractor::ActorProcessingErr;

use super::board::Board;
use super::snapshot_desk::{FRESH_FOR, Saved, SnapshotDesk};
use super::snapshot_error::{SnapshotFailure, whole};
use super::throne::Throne;
use crate::audit::entry::{Entry, INTENT, Ruling};
use crate::model::event::Event;
use crate::model::time::{BootTime, Moment, Timestamp};
use crate::snapshot::mark::Mark;
use crate::snapshot::name::SnapshotName;

/// How often it is looked whether something is due. The calendar counts hours.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What failed is tried again after this, or at its own time if that is sooner.
const RETRY_AFTER: Duration = Duration::from_secs(600);

/// What is written of each deed.
const SAVE: &str = "backup.save";
const RETIRED: &str = "backup.retired";
const STALE: &str = "backup.stale";

/// The work.
pub struct SnapshotKeeper {
    desk: Arc<SnapshotDesk>,
    board: Arc<Board>,
    /// A lead whose reign is over has nothing that is worth saving: what it saved would stand beside the snapshots of the
    /// present lead, and push older ones of its own out.
    throne: Arc<Throne>,
    /// Since when this lead is one: until a first snapshot is due, none is missing.
    since: Timestamp,
    calendar: Mutex<Calendar>,
}

/// When it was tried last, by a clock that does not jump.
#[derive(Debug, Clone, Copy, Default)]
struct Calendar {
    saved: Option<BootTime>,
    failed: Option<BootTime>,
}

impl Calendar {
    /// Whether it is time, given how long ago the newest snapshot was taken by the wall clock; `None` if there is none, or
    /// if it lies in the future.
    fn is_due(&self, now: BootTime, every: Duration, newest: impl FnOnce() -> Option<Duration>) -> bool {
        if self.failed.is_some_and(|at| now.since(at) < RETRY_AFTER.min(every)) {
            return false;
        }
        match self.saved {
            Some(at) => now.since(at) >= every,
            None => newest().is_none_or(|age| age >= every),
        }
    }
}

impl SnapshotKeeper {
    /// The work of a lead that is one since then.
    #[must_use]
    pub fn new(desk: Arc<SnapshotDesk>, board: Arc<Board>, throne: Arc<Throne>, since: Timestamp) -> Self {
        Self { desk, board, throne, since, calendar: Mutex::default() }
    }

    /// Looks, and does what is due.
    pub(super) async fn keep_saving(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        loop {
            self.look().await?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&self) -> Result<(), SnapshotFailure> {
        if self.throne.is_over() {
            return Ok(());
        }
        let now = self.desk.parts.clock.now();
        if self.is_due(&now).await {
            self.save(&now).await?;
        }
        self.tell_if_stale().await
    }

    async fn is_due(&self, now: &Moment) -> bool {
        let section = &self.desk.parts.section;
        if !section.is_scheduled() {
            return false;
        }
        let calendar = *self.calendar();
        let newest = if calendar.saved.is_none() { self.newest().await } else { None };
        calendar.is_due(now.boot, section.every, || now.wall.since(newest?))
    }

    /// When the newest snapshot of this lead was taken: by its name, or, where none stays, by what is remembered.
    async fn newest(&self) -> Option<Timestamp> {
        if self.desk.folder().is_none() {
            return self.desk.mark().verified.map(|verified| verified.taken_at);
        }
        self.desk.newest().await.ok()?.map(|kept| kept.name.taken_at)
    }

    async fn save(&self, now: &Moment) -> Result<(), SnapshotFailure> {
        let journal = &self.desk.parts.journal;
        let line = Entry::of_node(SAVE, "by the calendar".to_owned());
        journal.append(Entry { outcome: INTENT, ..line.clone() }).await?;
        match self.desk.save().await {
            Ok(saved) => {
                self.calendar().saved = Some(now.boot);
                self.calendar().failed = None;
                journal.append(Entry { reason: Some(told(&saved).into()), ..line }).await?;
                tracing::info!(snapshot = %saved.name, bytes = saved.bytes, "the lead was saved, and the snapshot is whole");
                if let Some(reason) = saved.not_taken {
                    self.not_taken(&reason).await;
                }
                self.retire(saved.name).await
            }
            // Somebody is at it.
            Err(SnapshotFailure::Busy) => {
                journal.append(Entry { outcome: "overloaded", ..line }).await?;
                self.calendar().failed = Some(now.boot);
                Ok(())
            }
            Err(error) => {
                self.calendar().failed = Some(now.boot);
                let reason = whole(&error);
                tracing::error!(error = reason, "the lead could not be saved");
                journal
                    .append(Entry { outcome: "failed", ruling: Ruling::Allow, reason: Some(reason.into()), ..line })
                    .await?;
                Ok(())
            }
        }
    }

    /// The snapshot is here and whole; only elsewhere it is not.
    async fn not_taken(&self, reason: &str) {
        tracing::error!(reason, "the snapshot was not taken elsewhere");
        let detail = format!("a snapshot was not taken elsewhere: {reason}");
        self.board.events.tell_surely(Event::SystemError { part: "snapshots", detail }).await;
    }

    async fn retire(&self, placed: SnapshotName) -> Result<(), SnapshotFailure> {
        match self.desk.retire(placed).await {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => {
                let names: Vec<String> = gone.iter().map(ToString::to_string).collect();
                self.desk.parts.journal.append(Entry::of_node(RETIRED, names.join(", "))).await?;
            }
            Err(error) => tracing::warn!(error = whole(&error), "snapshots that are past their time are still there"),
        }
        Ok(())
    }

    /// Tells once that nothing vouches for the store, and again only after something did.
    async fn tell_if_stale(&self) -> Result<(), SnapshotFailure> {
        let mark = self.desk.mark();
        let longest = FRESH_FOR.max(self.desk.parts.section.every);
        let has_secrets = !self.board.held.load().view.is_empty();
        if !has_secrets || !is_stale(&mark, self.since, self.desk.now(), longest) {
            return Ok(());
        }
        let last = mark.verified.map(|verified| verified.taken_at);
        let since = last.map_or("no snapshot was ever found whole".to_owned(), |at| format!("the last is of {at}"));
        let next = if self.desk.parts.section.is_scheduled() {
            "the journal says why: aurora audit list --action 'backup.*'"
        } else {
            // Without a file it would be saved to the place that is not named.
            "name a directory in [snapshot] of node.toml, or run: aurora snapshot save FILE && aurora snapshot verify FILE"
        };
        let detail = format!("nothing this lead holds is in a snapshot that is known to restore: {since}; {next}");
        self.desk.parts.journal.append(Entry::of_node(STALE, detail.clone())).await?;
        tracing::error!("{detail}");
        self.board.events.tell_surely(Event::BackupStale { last, detail }).await;
        self.desk.told().await
    }

    fn calendar(&self) -> MutexGuard<'_, Calendar> {
        self.calendar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is written of a snapshot.
#[must_use]
pub fn told(saved: &Saved) -> String {
    let proof = &saved.proof;
    let not_taken = saved.not_taken.as_deref().map(|reason| format!("; not taken elsewhere: {reason}"));
    format!(
        "{}: {} bytes, {} values opened, {} older ones{}",
        saved.name,
        saved.bytes,
        proof.current,
        proof.older,
        not_taken.unwrap_or_default()
    )
}

/// Whether nobody knows of a snapshot that is new enough, and nobody was told. A snapshot from the future is one of a clock
/// that went back: that is no reason to believe that it is old.
fn is_stale(mark: &Mark, lead_since: Timestamp, now: Timestamp, longest: Duration) -> bool {
    let newest = mark.verified.map_or(lead_since, |verified| verified.taken_at);
    !mark.told && now.since(newest).is_some_and(|age| age >= longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::identity::StoreId;
    use crate::model::number::Position;
    use crate::snapshot::mark::Verified;

    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn at(hours: u32) -> BootTime {
        BootTime(HOUR * hours)
    }

    #[test]
    fn a_snapshot_is_due_when_its_time_has_passed_by_the_clock_that_does_not_jump() {
        let first = Calendar::default();
        assert!(first.is_due(at(1), DAY, || None), "there is none");
        assert!(!first.is_due(at(1), DAY, || Some(HOUR)), "an earlier process made one");
        assert!(first.is_due(at(1), DAY, || Some(DAY)));
        let saved = Calendar { saved: Some(at(1)), failed: None };
        assert!(!saved.is_due(at(24), DAY, || panic!("the wall clock is not asked")));
        assert!(saved.is_due(at(25), DAY, || panic!("the wall clock is not asked")));
    }

    #[test]
    fn what_failed_is_tried_again_after_a_while() {
        let failed = Calendar { saved: None, failed: Some(at(1)) };
        let later = |duration: Duration| BootTime(at(1).0 + duration);
        assert!(!failed.is_due(later(RETRY_AFTER - Duration::from_secs(1)), DAY, || None));
        assert!(failed.is_due(later(RETRY_AFTER), DAY, || None));
        assert!(failed.is_due(later(Duration::from_secs(60)), Duration::from_secs(60), || None));
    }

    #[test]
    fn a_lead_is_stale_after_a_day_without_a_snapshot_that_was_whole_and_is_told_of_once() {
        let now = Timestamp(1_795_248_000_000);
        let verified = |taken_at| Verified { taken_at, position: Position::default(), store: StoreId([1; 16]) };
        let mark = |age: Duration| Mark { verified: Some(verified(now.minus(age))), told: false };
        assert!(!is_stale(&mark(DAY - HOUR), Timestamp(0), now, DAY));
        assert!(is_stale(&mark(DAY), Timestamp(0), now, DAY));
        assert!(!is_stale(&mark(DAY), Timestamp(0), now, DAY * 7), "its calendar says less often");
        assert!(!is_stale(&Mark { told: true, ..mark(DAY) }, Timestamp(0), now, DAY));
        assert!(!is_stale(&Mark::default(), now.minus(HOUR), now, DAY), "a new lead");
        assert!(is_stale(&Mark::default(), now.minus(DAY), now, DAY));
        assert!(!is_stale(&Mark { verified: Some(verified(now.plus(HOUR))), told: false }, Timestamp(0), now, DAY));
    }
}
