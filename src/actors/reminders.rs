//! Tells what happens to credentials and APIs: those that expire soon, those that are due to be rotated, those that a
//! provider refuses, and APIs that work better or worse than before. On the lead, which knows all of it. Supervised by
//! `node`; when it dies it is started again, for ever: nobody waits for it.
//!
//! Telling is a line of the journal and one of the log. What was told is kept in the store, so that it is told once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ractor::ActorProcessingErr;

use super::board::Board;
use crate::audit::entry::Entry;
use crate::audit::error::AuditError;
use crate::audit::journal::Journal;
use crate::connectivity::expiring::{Due, Lifetime, Reminder, reminders};
use crate::connectivity::lifetimes::Ends;
use crate::connectivity::matrix::Matrix;
use crate::connectivity::news::{KeyId, News};
use crate::connectivity::summary::summary;
use crate::connectivity::told::Told;
use crate::model::api_check::{KeyExpiry, cut};
use crate::model::connectivity::{ApiState, Verdict};
use crate::model::event::Event;
use crate::model::record::Record;
use crate::model::time::{BootTime, Clock, Moment, Timestamp};
use crate::replication::view::View;
use crate::store::blob::BlobName;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;

/// How often the reports are looked at: often enough for people, and seldom enough for two hundred nodes that all report.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often they are looked at when none has come: a report grows old by itself, and what came too soon is told later.
const UNMOVED_EVERY: Duration = Duration::from_secs(10);

/// How often the credentials are looked through. The thresholds are days.
const REMIND_EVERY: Duration = Duration::from_secs(3600);

/// After a start, before what the nodes report is believed to be all of it.
const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// What the work needs.
pub struct Reminders {
    board: Arc<Board>,
    journal: Journal,
    store: Store,
    clock: Arc<dyn Clock>,
    started: BootTime,
    known: Mutex<Known>,
}

/// What was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Of credentials that come to their end.
    pub told: Told,
    /// Of APIs, and of keys that are refused.
    pub news: News,
}

/// Why something could not be told, or kept.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Journal(#[from] AuditError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// When it was looked last.
#[derive(Debug, Clone, Copy, Default)]
struct Looked {
    at_credentials: Option<Timestamp>,
    at_reports: Option<BootTime>,
}

impl Looked {
    fn credentials_are_due(&self, now: &Moment) -> bool {
        // A clock that went back must not stop it.
        let is_due = |at: Timestamp| now.wall.since(at).is_none_or(|since| since >= REMIND_EVERY);
        self.at_credentials.is_none_or(is_due)
    }

    fn reports_are_due(&self, now: &Moment) -> bool {
        self.at_reports.is_none_or(|at| now.boot.since(at) >= UNMOVED_EVERY)
    }
}

impl Reminders {
    /// The work of a lead that told this much before it was started.
    #[must_use]
    pub fn new(board: Arc<Board>, journal: Journal, store: Store, clock: Arc<dyn Clock>, known: Known) -> Self {
        let started = clock.now().boot;
        Self { board, journal, store, clock, started, known: Mutex::new(known) }
    }

    /// Looks, and tells what is new.
    pub(super) async fn keep_telling(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        let mut moved = self.board.connectivity.moved();
        let mut looked = Looked::default();
        loop {
            let has_moved = moved.has_changed()?;
            let now = self.clock.now();
            if !has_moved && !looked.credentials_are_due(&now) && !looked.reports_are_due(&now) {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            moved.mark_unchanged();
            let (this, mut known) = (Arc::clone(&self), self.known().clone());
            // A million credentials are looked through on a thread that holds up nobody.
            let looking = tokio::task::spawn_blocking(move || {
                let events = this.look(&mut looked, has_moved, &mut known);
                (events, known, looked)
            });
            let (events, known, at) = looking.await?;
            looked = at;
            self.tell(events, known).await?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn look(&self, looked: &mut Looked, has_moved: bool, known: &mut Known) -> Vec<Event> {
        let now = self.clock.now();
        let mut events = Vec::new();
        if looked.credentials_are_due(&now) {
            looked.at_credentials = Some(now.wall);
            events.extend(self.reminders(known, now.wall));
        }
        if has_moved || looked.reports_are_due(&now) {
            looked.at_reports = Some(now.boot);
            let matrix = self.board.connectivity.matrix();
            events.extend(rejections(&mut known.news, &matrix, &self.board.held.load().view));
            if now.boot.since(self.started) >= SETTLED_AFTER {
                events.extend(changes(&mut known.news, &matrix, now.wall));
            }
        }
        events
    }

    /// Credentials that come to their end.
    fn reminders(&self, known: &mut Known, now: Timestamp) -> Vec<Event> {
        let (held, matrix) = (self.board.held.load_full(), self.board.connectivity.matrix());
        let id = |record: &Arc<Record>| (record.secret_id, record.version);
        let current: BTreeMap<KeyId, &Arc<Record>> = held.view.after(None).map(|record| (id(record), record)).collect();
        known.news.retain(|key| current.contains_key(key));
        let ends = Ends::in_rows(matrix.rows().map(|(_, row)| row));
        let lifetimes: Vec<Lifetime> = current.values().filter_map(|record| ends.lifetime(record)).collect();
        let (due, told) = reminders(&lifetimes, &known.told, now);
        known.told = told;
        let of = |reminder: &Reminder<'_>| {
            let lifetime = reminder.date.lifetime;
            remind(current.get(&(lifetime.secret_id, lifetime.version))?, reminder, now)
        };
        due.iter().filter_map(of).collect()
    }

    /// Tells, and keeps what was told. What could not be told is still to be told.
    async fn tell(&self, events: Vec<Event>, known: Known) -> Result<(), Untold> {
        for event in &events {
            self.journal.append(line(event)).await?;
            log(event);
            if !self.board.events.tell_surely(event.clone()).await {
                tracing::warn!(event = event.name(), "it was not kept among the events; the journal has it");
            }
        }
        let mut mutations = Vec::new();
        {
            let mut before = self.known();
            if before.told != known.told {
                mutations.push(Mutation::PutBlob(BlobName::Told, known.told.to_bytes()));
            }
            if before.news != known.news {
                mutations.push(Mutation::PutBlob(BlobName::News, known.news.to_bytes()));
            }
            *before = known;
        }
        if !mutations.is_empty() {
            self.store.commit(mutations).await?;
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be told about one credential.
fn remind(record: &Record, reminder: &Reminder<'_>, now: Timestamp) -> Option<Event> {
    let (at, version, date) = (record.at.clone(), record.version, &reminder.date);
    match date.due {
        Due::Expiry => {
            let expires = KeyExpiry { at: date.at, source: date.source? };
            Some(Event::CredentialExpiring { at, version, expires, days_left: expires.days_left(now) })
        }
        Due::Rotation => Some(Event::RotationDue { at, version, due_at: date.at }),
    }
}

/// APIs that do better or worse than was told last.
fn changes(news: &mut News, matrix: &Matrix, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    for report in summary(matrix.rows(), now) {
        if let Some(before) = news.is_state(&report.service, report.overall, now) {
            let (service, state, diagnosis) = (report.service, report.overall, report.diagnosis);
            events.push(Event::ApiStatus { service, before, state, diagnosis });
        }
    }
    events
}

/// The keys that are believed to be refused. A node is believed about a value that is there, under its own name, and that is
/// the current one: else it could have told what never was, without end, or hidden what befalls the key of somebody else.
fn rejections(news: &mut News, matrix: &Matrix, view: &View) -> Vec<Event> {
    let (mut accepted, mut rejected) = (BTreeSet::new(), BTreeSet::new());
    let mut events = Vec::new();
    for (node, row) in matrix.rows() {
        for check in row.cells.values().flat_map(|cell| &cell.keys) {
            let Some((key, verdict)) = check.key.as_ref().zip(check.verdict) else { continue };
            let id = (key.secret_id, key.version);
            let is_news = verdict == Verdict::Accepted || verdict == Verdict::Rejected;
            let record = is_news.then(|| view.get(&key.in_environment(&row.environment))).flatten();
            if record.is_none_or(|record| (record.secret_id, record.version) != id) {
                continue;
            }
            if verdict == Verdict::Accepted {
                accepted.insert(id);
            }
            if verdict == Verdict::Rejected {
                rejected.insert(id);
                if news.is_rejected(id) {
                    let (node, environment) = (node.clone(), row.environment.clone());
                    let (key, detail) = (key.clone(), check.detail.clone());
                    events.push(Event::CredentialInvalid { node, environment, key, detail });
                }
            }
        }
    }
    // A key that is refused on one node and taken on another is refused.
    accepted.difference(&rejected).for_each(|id| news.is_accepted(*id));
    events
}

fn log(event: &Event) {
    let (name, told) = (event.name(), event.told());
    if event.credential().is_some() {
        // Which one it is, the journal says: a name is for those who may read it.
        tracing::warn!(event = name, "a credential needs somebody, see aurora audit tail: {told}");
    } else if matches!(event, Event::ApiStatus { state: ApiState::Healthy, .. }) {
        tracing::info!(event = name, "{told}");
    } else {
        tracing::warn!(event = name, "{told}");
    }
}

fn line(event: &Event) -> Entry {
    let line = Entry::of_node(event.name(), cut(&event.told()).to_owned());
    match event.credential() {
        Some((at, version)) => Entry {
            secret: Some(at.secret.name),
            environment: Some(at.secret.environment),
            scope: Some(at.scope),
            version: Some(version),
            ..line
        },
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectivity::matrix::Row;
    use crate::model::api_check::{Cell, KeyCheck, KeyMark};
    use crate::model::name::{EnvironmentName, NodeName, ServiceName};
    use crate::model::number::{Generation, Position, Version};
    use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};

    fn at(name: &str) -> ScopedSecret {
        let environment = EnvironmentName::parse("prod").expect("name");
        SecretAddress { environment, name: SecretName::parse(name).expect(name) }.within(Scope::Global)
    }

    fn view() -> View {
        let record = |name, secret_id| Record { secret_id, ..Record::sample(at(name), Generation::FIRST, Vec::new()) };
        View::new(Position::default(), vec![record("openai/api_key", 1), record("stripe/secret_key", 2)])
    }

    /// What a node says of keys, which it gives such numbers.
    fn says(node: &str, keys: &[(&str, u64, u64, Verdict)]) -> Matrix {
        let check = |(name, secret_id, version, verdict): &(&str, u64, u64, Verdict)| KeyCheck {
            company: None,
            key: Some(KeyMark {
                secret: at(name).secret.name,
                scope: Scope::Global,
                secret_id: *secret_id,
                version: Version::new(*version).expect("positive"),
            }),
            verdict: Some(*verdict),
            detail: String::new(),
            response_time: None,
            checked_at: None,
            expires: None,
        };
        let service = ServiceName::parse("openai").expect("name");
        let cell = Cell { keys: keys.iter().map(check).collect(), ..Cell::new(service.clone()) };
        let cells = [(service, Arc::new(cell))].into();
        let row = Row { environment: at("a/b").secret.environment, cells, confirmed_at: Timestamp(0) };
        let mut matrix = Matrix::default();
        matrix.put(NodeName::parse(node).expect(node), row);
        matrix
    }

    #[test]
    fn only_of_a_value_that_is_there_is_it_told_that_it_is_refused() {
        let (mut news, view) = (News::default(), view());
        let lies = [
            ("openai/api_key", 2, 1, Verdict::Rejected),
            ("openai/api_key", 77, 1, Verdict::Rejected),
            ("openai/api_key", 1, 9, Verdict::Rejected),
            ("openai/other", 1, 1, Verdict::Rejected),
        ];
        assert!(rejections(&mut news, &says("mallory", &lies), &view).is_empty());
        assert_eq!(news, News::default(), "nothing is kept of what never was");
        let truth = [("stripe/secret_key", 2, 1, Verdict::Rejected)];
        assert_eq!(rejections(&mut news, &says("alpha", &truth), &view).len(), 1, "and nothing was hidden by it");
        assert!(rejections(&mut news, &says("alpha", &truth), &view).is_empty(), "it is told once");
        let accepted = [("openai/api_key", 2, 1, Verdict::Accepted)];
        let _none = rejections(&mut news, &says("mallory", &accepted), &view);
        assert!(rejections(&mut news, &says("alpha", &truth), &view).is_empty(), "a lie does not make it news again");
    }
}
