//! The lives of credentials, from what is stored and what the checks found out.

use std::collections::BTreeMap;

use super::expiring::{Found, Lifetime};
use super::matrix::Row;
use crate::model::change::ChangeKind;
use crate::model::number::Version;
use crate::model::record::{Record, RecordState};
use crate::model::secret::ScopedSecret;
use crate::model::time::Timestamp;

/// What checks found out about the ends of credentials, by serial number and version. A node may say what numbers it likes:
/// so each stands with the place it was said of, which is one that the node may hold something in.
#[derive(Debug, Default)]
pub struct Ends(BTreeMap<(u64, Version), Vec<(ScopedSecret, Found)>>);

impl Ends {
    /// What the checks in these rows were told last.
    pub fn in_rows<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut ends = Self::default();
        let cells = rows.into_iter().flat_map(|row| row.cells.values().map(move |cell| (row, cell)));
        for (row, check) in cells.flat_map(|(row, cell)| cell.keys.iter().map(move |check| (row, check))) {
            let (Some(key), Some(expiry), Some(at)) = (&check.key, check.expires, check.checked_at) else { continue };
            let found = Found { expiry, at };
            let places = ends.0.entry((key.secret_id, key.version)).or_default();
            let place = key.in_environment(&row.environment);
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, known)) if known.at >= at => {}
                Some((_, known)) => *known = found,
                None => places.push((place, found)),
            }
        }
        ends
    }

    /// The life of the current version of a secret; none if it has no value, for then nothing ends.
    #[must_use]
    pub fn lifetime(&self, record: &Record) -> Option<Lifetime> {
        (record.state() == RecordState::Live).then(|| Lifetime {
            secret: record.at.secret.name.clone(),
            scope: record.at.scope.clone(),
            secret_id: record.secret_id,
            version: record.version,
            made_at: made_at(record),
            expires_at: record.options.expires_at,
            found: self.found(record),
            rotation_reminder_days: record.options.rotation_reminder_days,
        })
    }

    fn found(&self, record: &Record) -> Option<Found> {
        let places = self.0.get(&(record.secret_id, record.version))?;
        places.iter().find(|(place, _)| *place == record.at).map(|(_, found)| *found)
    }
}

/// When the current value was stored, as far as a record tells.
///
/// A description, and a deletion that was taken back, write the record anew, and with it the time: a record keeps no other.
/// The first value of a secret is as old as the secret, or younger if that was declared without one, so a rotation of it is
/// told of in time or early. Of a later value that was described since, only the description is dated: its rotation is told
/// of later by as much as lies between. Sealing anew leaves the time.
fn made_at(record: &Record) -> Timestamp {
    if record.version == Version::FIRST && record.change != ChangeKind::Stored {
        record.created_at
    } else {
        record.updated_at
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cell, environment, key_of, row};
    use super::*;
    use crate::model::api_check::{Cell, ExpirySource, KeyExpiry};
    use crate::model::connectivity::Verdict;
    use crate::model::number::Generation;
    use crate::model::secret::{Scope, SecretAddress, SecretName};

    fn told(at: &str, scope: &str, expires: i64, checked: i64) -> Row {
        let mut check = key_of("github/token", scope, Verdict::Accepted);
        check.expires = Some(KeyExpiry { at: Timestamp(expires), source: ExpirySource::Header });
        check.checked_at = Some(Timestamp(checked));
        row(at, [Cell { keys: vec![check], ..cell("github") }])
    }

    fn end_of(record: &Record, rows: &[Row]) -> Option<(i64, i64)> {
        let found = Ends::in_rows(rows).lifetime(record).expect("has a value").found?;
        Some((found.expiry.at.0, found.at.0))
    }

    fn record() -> Record {
        let name = SecretName::parse("github/token").expect("name");
        let secret = SecretAddress { environment: environment("prod"), name };
        Record { secret_id: 1, ..Record::sample(secret.within(Scope::Global), Generation::FIRST, Vec::new()) }
    }

    /// Whoever describes a key after 89 days was reminded of its rotation 90 days later.
    #[test]
    fn describing_the_first_value_of_a_secret_does_not_make_it_younger() {
        let name = SecretName::parse("github/token").expect("name");
        let at = SecretAddress { environment: environment("prod"), name }.within(Scope::Global);
        let stored = Record { updated_at: Timestamp(9), ..Record::sample(at, Generation::FIRST, vec![1]) };
        let made = |record: &Record| Ends::default().lifetime(record).expect("a value").made_at;
        assert_eq!(made(&stored), Timestamp(9), "it was declared before it had a value");
        let described = Record { change: ChangeKind::Described, ..stored.clone() };
        assert_eq!(made(&described), Timestamp(0));
        let second = Record { version: Version::FIRST.next(), ..described };
        assert_eq!(made(&second), Timestamp(9), "all that is known of it");
    }

    #[test]
    fn of_several_checks_of_one_version_the_last_counts() {
        let rows = [(5_000, 10), (9_000, 20), (7_000, 15)].map(|(at, checked)| told("prod", "global", at, checked));
        assert_eq!(end_of(&record(), &rows), Some((9_000, 20)));
    }

    #[test]
    fn what_is_said_of_the_number_of_a_secret_under_another_name_or_environment_is_not_its_end() {
        let true_end = told("prod", "global", 9_000, 20);
        let lies = [told("dev", "global", 1, 30), told("prod", "company:acme", 1, 30)];
        assert_eq!(end_of(&record(), &lies), None);
        assert_eq!(end_of(&record(), &[lies.as_slice(), &[true_end]].concat()), Some((9_000, 20)));
    }
}
