//! The lives of credentials, from what is stored and what the checks found out.

use std::collections::BTreeMap;

use super::expiring::{Found, Lifetime};
use super::matrix::Row;
use crate::model::change::ChangeKind;
use crate::model::number::Version;
use crate::model::record::{Record, RecordState};
use crate::model::time::Timestamp;

/// What checks found out about the ends of credentials, by serial number and version.
#[derive(Debug, Default)]
pub struct Ends(BTreeMap<(u64, Version), Found>);

impl Ends {
    /// What the checks in these rows were told last.
    pub fn in_rows<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut ends = Self::default();
        let cells = rows.into_iter().flat_map(|row| row.cells.values());
        for check in cells.flat_map(|cell| &cell.keys) {
            let (Some(key), Some(expiry), Some(at)) = (&check.key, check.expires, check.checked_at) else { continue };
            let found = Found { expiry, at };
            let known = ends.0.entry((key.secret_id, key.version)).or_insert(found);
            if known.at < at {
                *known = found;
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
            found: self.0.get(&(record.secret_id, record.version)).copied(),
            rotation_reminder_days: record.options.rotation_reminder_days,
        })
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
    use std::sync::Arc;

    use super::*;
    use crate::model::api_check::{Cell, ExpirySource, KeyCheck, KeyExpiry, KeyMark};
    use crate::model::name::{EnvironmentName, ServiceName};
    use crate::model::number::Generation;
    use crate::model::secret::{Scope, SecretAddress, SecretName};

    fn row(expires: i64, checked: i64) -> Row {
        let secret = SecretName::parse("github/token").expect("name");
        let version = Version::new(3).expect("positive");
        let check = KeyCheck {
            company: None,
            key: Some(KeyMark { secret, scope: Scope::Global, secret_id: 7, version }),
            verdict: None,
            detail: String::new(),
            response_time: None,
            checked_at: Some(Timestamp(checked)),
            expires: Some(KeyExpiry { at: Timestamp(expires), source: ExpirySource::Header }),
        };
        let service = ServiceName::parse("github").expect("name");
        let cell = Cell { keys: vec![check], ..Cell::new(service.clone()) };
        let environment = EnvironmentName::parse("prod").expect("name");
        Row { environment, cells: [(service, Arc::new(cell))].into(), confirmed_at: Timestamp(0) }
    }

    /// Whoever describes a key after 89 days was reminded of its rotation 90 days later.
    #[test]
    fn describing_the_first_value_of_a_secret_does_not_make_it_younger() {
        let environment = EnvironmentName::parse("prod").expect("name");
        let name = SecretName::parse("github/token").expect("name");
        let at = SecretAddress { environment, name }.within(Scope::Global);
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
        let ends = Ends::in_rows([&row(5_000, 10), &row(9_000, 20), &row(7_000, 15)]);
        let found = ends.0[&(7, Version::new(3).expect("positive"))];
        assert_eq!((found.expiry.at, found.at), (Timestamp(9_000), Timestamp(20)));
    }
}
