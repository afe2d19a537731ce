//! What a node remembers of changes, to tell it to whoever watches: never a value, and never more than a bounded number.
//!
//! A lead has its log. A follower hears of changes as records, several changes of one secret folded into its newest state
//! when it was slow; it remembers what it accepted here.

use std::ops::Bound;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use crate::model::change::ChangeKind;
use crate::model::number::{Revision, Version};
use crate::model::record::{Record, RecordBody};
use crate::model::secret::ScopedSecret;
use crate::model::time::Timestamp;

/// Changes a follower remembers one by one: an hour of a lively mesh, in about one megabyte. Of what came before, it
/// remembers the newest state of each secret.
const REMEMBERED_MAX: usize = 4096;

/// One change of a secret, as watchers are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which secret, in which scope.
    pub at: ScopedSecret,
    /// What was done to it.
    pub change: ChangeKind,
    /// The version that was current after it.
    pub version: Version,
    /// Its place in the history.
    pub revision: Revision,
    /// When the lead made it.
    pub made_at: Timestamp,
}

impl Told {
    /// The last change of a record, which came at this revision.
    pub(super) fn of(record: &Record, revision: Revision) -> Self {
        Self {
            at: record.at.clone(),
            change: visible(record),
            version: record.version,
            revision,
            made_at: record.updated_at,
        }
    }
}

/// The changes a follower accepted since `from`, each as it came.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    from: Revision,
    changes: RedBlackTreeMapSync<(Revision, u64), Arc<Told>>,
}

impl History {
    /// Nothing is remembered of what came before.
    pub(super) fn from(revision: Revision) -> Self {
        Self { from: revision, changes: RedBlackTreeMapSync::default() }
    }

    /// Every change after this revision is remembered.
    pub(super) fn begins(&self) -> Revision {
        self.from
    }

    /// The changes after a revision, oldest first.
    pub(super) fn since(&self, revision: Revision) -> impl Iterator<Item = &Arc<Told>> {
        let after = (Bound::Excluded((revision, u64::MAX)), Bound::Unbounded);
        self.changes.range(after).map(|(_, told)| told)
    }

    /// Remembers the change that wrote this record.
    pub(super) fn note(&mut self, record: &Record) {
        self.changes.insert_mut((record.revision, record.secret_id), Arc::new(Told::of(record, record.revision)));
        while self.changes.size() > REMEMBERED_MAX {
            let Some(oldest) = self.changes.first().map(|(key, _)| *key) else { break };
            self.changes.remove_mut(&oldest);
            self.from = oldest.0;
        }
    }
}

/// The record as a follower keeps it, given what it held before.
///
/// A value that was only sealed anew did not change: it keeps the change and the revision it was held with, so that nobody
/// is told of it, also after a restart. And a new version says that it was stored, whatever was done to it after that
/// before this follower heard of it: who waits for the next value must not wait in vain.
#[must_use]
pub fn as_kept(held: Option<&Record>, mut record: Record) -> Record {
    record.change = match held {
        Some(held) if held.version != record.version && record.sealed().is_some() => ChangeKind::Stored,
        Some(held) if is_only_resealed(held, &record) => {
            record.revision = held.revision;
            held.change
        }
        Some(held) if record.change == ChangeKind::Resealed && record.sealed().is_some() => match held.sealed() {
            Some(_) => ChangeKind::Described,
            None => ChangeKind::Undeleted,
        },
        Some(_) | None => visible(&record),
    };
    record
}

/// Whether nothing about a secret changed between these two records but its seal. That leaves the time of its last change.
pub(super) fn is_only_resealed(before: &Record, after: &Record) -> bool {
    after.change == ChangeKind::Resealed
        && before.version == after.version
        && before.updated_at == after.updated_at
        && std::mem::discriminant(&before.body) == std::mem::discriminant(&after.body)
        && (&before.metadata, &before.options, &before.fields) == (&after.metadata, &after.options, &after.fields)
}

/// What the record's last change looks like to whoever cannot see seals.
fn visible(record: &Record) -> ChangeKind {
    match (record.change, &record.body) {
        (ChangeKind::Resealed, RecordBody::Sealed(_)) => ChangeKind::Stored,
        (ChangeKind::Resealed, RecordBody::Deleted { .. }) => ChangeKind::Deleted,
        (ChangeKind::Resealed, RecordBody::Destroyed) => ChangeKind::Destroyed,
        (ChangeKind::Resealed, RecordBody::Unset) => ChangeKind::Declared,
        (change, _) => change,
    }
}
