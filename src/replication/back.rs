//! What it takes to bring secrets back to what they were at a revision: pure. The change log says what was changed since and
//! how each secret stood before its first change; the versions that are kept say what it held.
//!
//! What goes back is the value, with its fields. What is said about a secret besides has no versions, and stays.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::change::ChangeKind;
use crate::model::log::{LogEntry, LogSubject};
use crate::model::number::{Revision, Version};
use crate::model::record::{Record, RecordBody};
use crate::model::secret::ScopedSecret;
use crate::model::time::Timestamp;

/// The first change of a secret that anybody could see, after the revision to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstChange {
    /// What was done.
    pub change: ChangeKind,
    /// The version that was current after it.
    pub version: Version,
    /// When.
    pub at: Timestamp,
    /// Whether the log tells of a change of the secret before it.
    pub was_known: bool,
}

/// What is to be done to one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Back {
    /// This version becomes a new one.
    To(Box<Record>),
    /// It goes, for it was not there.
    Gone,
    /// What was deleted is current again.
    Undeleted,
}

/// Why a secret cannot go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stuck {
    /// The version it had is not kept any more.
    #[error("the version it had then is not kept any more")]
    Trimmed,
    /// The value it had was destroyed.
    #[error("the value it had then was destroyed")]
    Destroyed,
}

/// The log does not reach back so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the change log begins after revision {oldest}")]
pub struct LogTooShort {
    /// The earliest revision it can go back to.
    pub oldest: Revision,
}

/// What was changed after a revision, by secret. `here` is where the lead stands.
///
/// # Errors
/// [`LogTooShort`].
pub fn changed_since<'log>(
    log: impl Iterator<Item = &'log LogEntry>,
    to: Revision,
    here: Revision,
) -> Result<BTreeMap<ScopedSecret, FirstChange>, LogTooShort> {
    let (mut changed, mut known, mut oldest) = (BTreeMap::new(), BTreeSet::new(), None);
    for entry in log {
        oldest = oldest.or(Some(Revision(entry.revision.get().saturating_sub(1))));
        match &entry.subject {
            LogSubject::Secret { change: ChangeKind::Resealed, .. }
            | LogSubject::Node(_)
            | LogSubject::ScopeKey(_)
            | LogSubject::Article(_) => {}
            LogSubject::Secret { at, .. } if entry.revision <= to => {
                known.insert(at);
            }
            LogSubject::Secret { at, change, version } => {
                let was_known = known.contains(at);
                let first = FirstChange { change: *change, version: *version, at: entry.at, was_known };
                changed.entry(at.clone()).or_insert(first);
            }
        }
    }
    let oldest = oldest.unwrap_or(here);
    if to < oldest { Err(LogTooShort { oldest }) } else { Ok(changed) }
}

/// What brings a secret back to before this change, with the versions that are kept of it, newest first. `None` if it is as it
/// was.
///
/// # Errors
/// [`Stuck`].
pub fn back(first: &FirstChange, kept: &[Record]) -> Result<Option<Back>, Stuck> {
    let Some(current) = kept.first() else { return Ok(None) };
    match first.change {
        ChangeKind::Stored => before_version(first, current, kept),
        ChangeKind::Declared => Ok(gone(current)),
        // Of what was destroyed it may have been older versions only.
        ChangeKind::Described | ChangeKind::Deleted | ChangeKind::Destroyed => live(first.version, current, kept),
        ChangeKind::Undeleted => Ok(gone(current)),
        // Sealing anew changes nothing that anyone can see, and is no first change.
        ChangeKind::Resealed => Ok(None),
    }
}

/// Before a value was stored there was the version before it, or nothing.
fn before_version(first: &FirstChange, current: &Record, kept: &[Record]) -> Result<Option<Back>, Stuck> {
    let earlier = kept.iter().find(|record| record.version < first.version);
    let Some(earlier) = earlier else {
        // A secret that is older than this change had a version before it, which is kept no more.
        let was_there = first.was_known || current.created_at < first.at;
        return if was_there { Err(Stuck::Trimmed) } else { Ok(gone(current)) };
    };
    match earlier.body {
        RecordBody::Sealed(_) => live(earlier.version, current, kept),
        RecordBody::Deleted { .. } | RecordBody::Unset => Ok(gone(current)),
        RecordBody::Destroyed => Err(Stuck::Destroyed),
    }
}

/// This version was current, and its value could be read.
fn live(version: Version, current: &Record, kept: &[Record]) -> Result<Option<Back>, Stuck> {
    if current.version == version {
        return match current.body {
            RecordBody::Sealed(_) => Ok(None),
            RecordBody::Deleted { kept: Some(_) } => Ok(Some(Back::Undeleted)),
            RecordBody::Deleted { kept: None } | RecordBody::Destroyed => Err(Stuck::Destroyed),
            RecordBody::Unset => Ok(None),
        };
    }
    let record = kept.iter().find(|record| record.version == version).ok_or(Stuck::Trimmed)?;
    if record.kept().is_none() {
        return Err(Stuck::Destroyed);
    }
    Ok(Some(Back::To(Box::new(record.clone()))))
}

fn gone(current: &Record) -> Option<Back> {
    current.sealed().map(|_| Back::Gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::{EnvironmentName, NodeName};
    use crate::model::number::Generation;
    use crate::model::secret::{Scope, SecretAddress, SecretName};

    fn at(name: &str) -> ScopedSecret {
        let environment = EnvironmentName::parse("prod").expect("name");
        SecretAddress { environment, name: SecretName::parse(name).expect("name") }.within(Scope::Global)
    }

    fn number(version: u64) -> Version {
        Version::new(version).expect("positive")
    }

    fn record(version: u64, body: Option<RecordBody>) -> Record {
        let sample = Record::sample(at("a/b"), Generation::FIRST, vec![7]);
        Record { version: number(version), body: body.unwrap_or(sample.body), ..sample }
    }

    fn deleted() -> Option<RecordBody> {
        Some(RecordBody::Deleted { kept: record(1, None).kept().cloned() })
    }

    fn entry(revision: u64, name: &str, change: ChangeKind, version: u64) -> LogEntry {
        let subject = LogSubject::Secret { at: at(name), change, version: number(version) };
        LogEntry { revision: Revision(revision), at: Timestamp(0), audit_seq: 0, subject }
    }

    fn first(change: ChangeKind, version: u64) -> FirstChange {
        FirstChange { change, version: number(version), at: Timestamp(0), was_known: false }
    }

    fn to(version: u64) -> Result<Option<Back>, Stuck> {
        Ok(Some(Back::To(Box::new(record(version, None)))))
    }

    #[test]
    fn the_first_visible_change_after_the_revision_counts_for_each_secret() {
        let node = LogSubject::Node(NodeName::parse("beta").expect("name"));
        let log = [
            entry(4, "a/b", ChangeKind::Stored, 1),
            entry(5, "a/b", ChangeKind::Resealed, 1),
            entry(6, "a/b", ChangeKind::Stored, 2),
            LogEntry { subject: node, ..entry(7, "a/b", ChangeKind::Stored, 1) },
            entry(8, "a/b", ChangeKind::Deleted, 2),
            entry(9, "c/d", ChangeKind::Stored, 1),
        ];
        let changed = changed_since(log.iter(), Revision(4), Revision(9)).expect("it reaches");
        assert_eq!(changed.len(), 2);
        assert_eq!(changed[&at("a/b")], FirstChange { was_known: true, ..first(ChangeKind::Stored, 2) });
        assert_eq!(changed[&at("c/d")], first(ChangeKind::Stored, 1));
        assert!(changed_since(log.iter(), Revision(9), Revision(9)).expect("it reaches").is_empty());
        assert!(changed_since(log.iter(), Revision(3), Revision(9)).is_ok(), "before its first entry it still knows");
        let short = changed_since(log.iter(), Revision(2), Revision(9));
        assert_eq!(short, Err(LogTooShort { oldest: Revision(3) }));
        assert_eq!(changed_since([].iter(), Revision(8), Revision(9)), Err(LogTooShort { oldest: Revision(9) }));
    }

    #[test]
    fn a_value_that_was_replaced_comes_back_as_it_was() {
        let kept = [record(3, None), record(2, None), record(1, None)];
        assert_eq!(back(&first(ChangeKind::Stored, 2), &kept), to(1));
        assert_eq!(back(&first(ChangeKind::Stored, 3), &kept), to(2));
        assert_eq!(back(&first(ChangeKind::Described, 1), &kept), to(1));
        assert_eq!(back(&first(ChangeKind::Described, 3), &kept), Ok(None), "the value is what it was");
        let gone = [record(3, deleted()), record(2, None)];
        assert_eq!(back(&first(ChangeKind::Stored, 3), &gone), to(2));
        assert_eq!(back(&first(ChangeKind::Deleted, 3), &gone), Ok(Some(Back::Undeleted)));
    }

    #[test]
    fn what_was_not_there_goes_again() {
        let kept = [record(1, None)];
        assert_eq!(back(&first(ChangeKind::Stored, 1), &kept), Ok(Some(Back::Gone)));
        assert_eq!(back(&first(ChangeKind::Undeleted, 1), &kept), Ok(Some(Back::Gone)));
        assert_eq!(back(&first(ChangeKind::Stored, 1), &[record(1, deleted())]), Ok(None), "it is gone already");
        let was_deleted = [record(2, None), record(1, deleted())];
        assert_eq!(back(&first(ChangeKind::Stored, 2), &was_deleted), Ok(Some(Back::Gone)));
        let was_declared = [record(1, Some(RecordBody::Unset))];
        assert_eq!(back(&first(ChangeKind::Declared, 1), &was_declared), Ok(None));
    }

    #[test]
    fn what_is_kept_no_more_or_was_destroyed_says_so() {
        let trimmed = Record { created_at: Timestamp(-1), ..record(5, None) };
        assert_eq!(back(&first(ChangeKind::Stored, 5), &[trimmed]), Err(Stuck::Trimmed));
        let known = FirstChange { was_known: true, ..first(ChangeKind::Stored, 5) };
        assert_eq!(back(&known, &[record(5, None)]), Err(Stuck::Trimmed), "also if all was within one millisecond");
        assert_eq!(back(&first(ChangeKind::Described, 3), &[record(5, None)]), Err(Stuck::Trimmed));
        let destroyed = Some(RecordBody::Destroyed);
        let kept = [record(2, None), record(1, destroyed.clone())];
        assert_eq!(back(&first(ChangeKind::Stored, 2), &kept), Err(Stuck::Destroyed));
        assert_eq!(back(&first(ChangeKind::Destroyed, 1), &[record(1, destroyed)]), Err(Stuck::Destroyed));
        let older_only = [record(2, None), record(1, Some(RecordBody::Destroyed))];
        assert_eq!(back(&first(ChangeKind::Destroyed, 2), &older_only), Ok(None));
    }
}
