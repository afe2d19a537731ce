//! Tells what happens to credentials and APIs: those that expire soon, those that are due to be rotated, those that a
//! provider refuses, and APIs that work better or worse than before. On the lead, which knows all of it. Supervised by
//! `node`; when it dies it is started again, for ever: nobody waits for it.
//!
//! Telling is a line of the journal and one of the log. What was told is kept in the store, so that it is told once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ractor::ActorProcessingErr;

use super::board::Board;
use crate::audit::entry::Entry;
use crate::audit::error::AuditError;
use crate::audit::journal::Journal;
use crate::connectivity::expiring::{Expiring, Said, days_left, expiring};
use crate::connectivity::matrix::Matrix;
use crate::connectivity::summary::summary;
use crate::connectivity::told::{KeyId, Told};
use crate::model::api_check::cut;
use crate::model::connectivity::{ApiState, Verdict};
use crate::model::event::Event;
use crate::model::record::Record;
use crate::model::time::{BootTime, Clock, Timestamp};
use crate::store::blob::BlobName;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;

/// How often the reports are looked at: often enough for people, and seldom enough for two hundred nodes that all report.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often they are looked at when none has come.
const UNMOVED_EVERY: Duration = Duration::from_secs(10);

/// How often the credentials are looked through. The thresholds are days.
const REMIND_EVERY: Duration = Duration::from_secs(3600);

/// After a start, before what the nodes report is believed to be all of it.
const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// How far ahead anybody is reminded: the first threshold.
const AHEAD: Duration = Duration::from_secs(30 * 86_400);

/// What the work needs.
pub struct Reminders {
    board: Arc<Board>,
    journal: Journal,
    store: Store,
    clock: Arc<dyn Clock>,
    started: BootTime,
    told: Mutex<Told>,
}

/// Why something could not be told, or kept.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Journal(#[from] AuditError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Reminders {
    /// The work of a lead that told this much before it was started.
    #[must_use]
    pub fn new(board: Arc<Board>, journal: Journal, store: Store, clock: Arc<dyn Clock>, told: Told) -> Self {
        let started = clock.now().boot;
        Self { board, journal, store, clock, started, told: Mutex::new(told) }
    }

    /// Looks, and tells what is new.
    pub(super) async fn keep_telling(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        let mut moved = self.board.connectivity.moved();
        let mut reminded: Option<Timestamp> = None;
        let mut looked: Option<BootTime> = None;
        loop {
            let now = self.clock.now();
            let mut told = self.told();
            let mut events = Vec::new();
            // A clock that went back must not stop it.
            let is_time = |at: Timestamp| now.wall.since(at).is_none_or(|since| since >= REMIND_EVERY);
            if reminded.is_none_or(is_time) {
                events.extend(self.reminders(&mut told, now.wall));
                reminded = Some(now.wall);
            }
            // Also without any news: a report grows old by itself, and what came too soon is told later.
            let is_old = |at: BootTime| now.boot.since(at) >= UNMOVED_EVERY;
            if moved.has_changed()? || looked.is_none_or(is_old) {
                moved.mark_unchanged();
                looked = Some(now.boot);
                let is_settled = now.boot.since(self.started) >= SETTLED_AFTER;
                events.extend(self.news(&mut told, now.wall, is_settled));
            }
            self.tell(events, told).await?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Credentials that come to their end.
    fn reminders(&self, told: &mut Told, now: Timestamp) -> Vec<Event> {
        let (held, matrix) = (self.board.held.load_full(), self.board.connectivity.matrix());
        let is_current = |record: &Arc<Record>| (record.secret_id, record.version);
        let current: BTreeSet<KeyId> = held.view.after(None).map(is_current).collect();
        told.retain(|key| current.contains(key));
        let said = Said::in_rows(matrix.rows().map(|(_, row)| row));
        let found = expiring(held.view.after(None).cloned(), &said, now, AHEAD);
        found.into_iter().flat_map(|found| remind(told, &found, now)).collect()
    }

    /// Keys that are refused, and APIs that do better or worse.
    fn news(&self, told: &mut Told, now: Timestamp, is_settled: bool) -> Vec<Event> {
        let matrix = self.board.connectivity.matrix();
        let mut events = rejections(told, &matrix);
        if is_settled {
            for report in summary(matrix.rows(), now) {
                if let Some(before) = told.is_state(&report.service, report.overall, now) {
                    let (service, state, diagnosis) = (report.service, report.overall, report.diagnosis);
                    events.push(Event::ApiStatus { service, before, state, diagnosis });
                }
            }
        }
        events
    }

    /// Tells, and keeps what was told. What could not be told is still to be told.
    async fn tell(&self, events: Vec<Event>, told: Told) -> Result<(), Untold> {
        for event in &events {
            self.journal.append(line(event)).await?;
            match event {
                Event::ApiStatus { state: ApiState::Healthy, .. } => {
                    tracing::info!(event = event.name(), "{}", event.told());
                }
                Event::ApiStatus { .. } => tracing::warn!(event = event.name(), "{}", event.told()),
                Event::CredentialExpiring { .. } | Event::RotationDue { .. } | Event::CredentialInvalid { .. } => {
                    tracing::warn!(event = event.name(), "a credential: {}", event.told());
                }
            }
        }
        let is_news = *self.lock() != told;
        if is_news {
            let bytes = told.to_bytes();
            *self.lock() = told;
            self.store.commit(vec![Mutation::PutBlob(BlobName::Told, bytes)]).await?;
        }
        Ok(())
    }

    fn told(&self) -> Told {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be told about one credential.
fn remind(told: &mut Told, found: &Expiring<Arc<Record>>, now: Timestamp) -> Vec<Event> {
    let record = &found.record;
    let (key, at, version) = ((record.secret_id, record.version), &record.at, record.version);
    let mut events = Vec::new();
    if let Some(expires) = found.expires {
        let days_left = days_left(expires, now);
        if told.is_expiring(key, days_left) {
            events.push(Event::CredentialExpiring { at: at.clone(), version, expires, days_left });
        }
    }
    if let Some(due_at) = found.rotation_due
        && told.is_due(key)
    {
        events.push(Event::RotationDue { at: at.clone(), version, due_at });
    }
    events
}

/// The keys that are believed to be refused.
fn rejections(told: &mut Told, matrix: &Matrix) -> Vec<Event> {
    let (mut accepted, mut rejected) = (BTreeSet::new(), BTreeSet::new());
    let mut events = Vec::new();
    for (node, row) in matrix.rows() {
        for check in row.cells.values().flat_map(|cell| &cell.keys) {
            let Some((key, verdict)) = check.key.as_ref().zip(check.verdict) else { continue };
            let id = (key.secret_id, key.version);
            if verdict == Verdict::Accepted {
                accepted.insert(id);
            }
            if verdict == Verdict::Rejected {
                rejected.insert(id);
                if told.is_rejected(id) {
                    let (node, environment) = (node.clone(), row.environment.clone());
                    let (key, detail) = (key.clone(), check.detail.clone());
                    events.push(Event::CredentialInvalid { node, environment, key, detail });
                }
            }
        }
    }
    // A key that is refused on one node and taken on another is refused.
    accepted.difference(&rejected).for_each(|id| told.is_accepted(*id));
    events
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
