//! Which versions of a secret a node could have read, and when. Where a time is not known exactly the longer one is taken:
//! what is listed too much costs a rotation, what is missing costs a breach.

use crate::model::change::ChangeKind;
use crate::model::entitlement_history::Period;
use crate::model::number::Version;
use crate::model::record::{Record, RecordBody};
use crate::model::time::Timestamp;

/// One version of one secret in one scope, as far as its time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Which.
    pub version: Version,
    /// When it was stored, where that is known.
    pub stored_at: Option<Timestamp>,
    /// When it was written last: stored, or described, or deleted.
    pub at: Timestamp,
    /// When the first version of the secret was stored.
    pub created_at: Timestamp,
    /// Whether that last writing took it away.
    pub ended: bool,
}

impl Written {
    /// What a record says; `None` of one that never had a value.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let ended = match &record.body {
            RecordBody::Sealed(_) => false,
            RecordBody::Deleted { .. } | RecordBody::Destroyed => true,
            RecordBody::Unset => return None,
        };
        let Record { version, updated_at, created_at, change, .. } = *record;
        let stored_at = (change == ChangeKind::Stored).then_some(updated_at);
        Some(Self { version, stored_at, at: updated_at, created_at, ended })
    }
}

/// When each version was given out, newest first as they come.
///
/// Where it is not known when a version was stored, it was at some time after the last writing of the one before it, and
/// before its own last.
pub fn lives(versions: &[Written]) -> impl Iterator<Item = (Version, Period)> {
    versions.iter().enumerate().map(|(index, written)| {
        let after_older = || versions.get(index + 1).map_or(written.created_at, |older| older.at.min(written.at));
        let newer = index.checked_sub(1).and_then(|newer| versions.get(newer));
        // An older version that was destroyed was given out until the newer one came.
        let until =
            newer.map(|newer| newer.stored_at.unwrap_or(newer.at)).or_else(|| written.ended.then_some(written.at));
        (written.version, Period { from: written.stored_at.unwrap_or_else(after_older), until })
    })
}

/// The time two periods have in common. That they touch is enough: neither clock is that exact.
#[must_use]
pub fn common(one: Period, other: Period) -> Option<Period> {
    let until = match (one.until, other.until) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let from = one.from.max(other.from);
    until.is_none_or(|until| from <= until).then_some(Period { from, until })
}

/// The time from the beginning of the earlier to the end of the later.
#[must_use]
pub fn span(one: Period, other: Period) -> Period {
    let until = one.until.zip(other.until).map(|(one, other)| one.max(other));
    Period { from: one.from.min(other.from), until }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: i64, until: Option<i64>) -> Period {
        Period { from: Timestamp(from), until: until.map(Timestamp) }
    }

    fn written(version: u64, at: i64, ended: bool) -> Written {
        let version = Version::new(version).expect("positive");
        Written { version, stored_at: None, at: Timestamp(at), created_at: Timestamp(5), ended }
    }

    #[test]
    fn a_version_was_given_out_no_longer_than_from_its_predecessor_to_its_successor() {
        let found: Vec<_> = lives(&[written(4, 40, false), written(3, 30, true), written(1, 10, false)])
            .map(|(version, life)| (version.get(), life))
            .collect();
        let expected = [(4, period(30, None)), (3, period(10, Some(40))), (1, period(5, Some(30)))];
        assert_eq!(found, expected);
        let exact = Written { stored_at: Some(Timestamp(35)), ..written(4, 40, false) };
        let found: Vec<_> = lives(&[exact, written(3, 30, true)]).map(|(_, life)| life).collect();
        assert_eq!(found, [period(35, None), period(5, Some(35))]);
        let deleted: Vec<_> = lives(&[written(1, 10, true)]).map(|(_, life)| life).collect();
        assert_eq!(deleted, [period(5, Some(10))]);
    }

    #[test]
    fn periods_have_in_common_what_lies_in_both() {
        assert_eq!(common(period(1, Some(5)), period(3, None)), Some(period(3, Some(5))));
        assert_eq!(common(period(1, None), period(3, None)), Some(period(3, None)));
        assert_eq!(common(period(1, Some(3)), period(3, Some(9))), Some(period(3, Some(3))));
        assert_eq!(common(period(1, Some(2)), period(3, Some(9))), None);
        assert_eq!(span(period(1, Some(2)), period(3, Some(9))), period(1, Some(9)));
        assert_eq!(span(period(4, Some(5)), period(3, None)), period(3, None));
    }
}
