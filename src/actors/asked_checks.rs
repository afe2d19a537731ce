//! What came of checks that people asked for, by the value that was checked: whoever asks how a credential stands is told of
//! the last check, whoever wanted it. Kept in memory, on the node that was asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::api_check::KeyCheck;
use crate::model::number::Version;

/// Most values that are remembered; beyond it the one that was checked longest ago is forgotten.
const CHECKS_MAX: usize = 4_096;

/// The last check of each value, by the serial number of the (secret, scope) and the version.
#[derive(Debug, Default)]
pub struct AskedChecks {
    checks: Mutex<BTreeMap<(u64, Version), KeyCheck>>,
}

impl AskedChecks {
    /// This came of a check. One that names no value, or came to nothing, is not remembered.
    pub fn note(&self, check: KeyCheck) {
        let (Some(key), Some(_), Some(_)) = (&check.key, check.verdict, check.checked_at) else { return };
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.insert((key.secret_id, key.version), check);
        if checks.len() > CHECKS_MAX
            && let Some(oldest) = checks.iter().min_by_key(|(_, check)| check.checked_at).map(|(value, _)| *value)
        {
            checks.remove(&oldest);
        }
    }

    /// The last check of a value.
    #[must_use]
    pub fn of(&self, secret_id: u64, version: Version) -> Option<KeyCheck> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).get(&(secret_id, version)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_check::KeyMark;
    use crate::model::connectivity::Verdict;
    use crate::model::secret::{Scope, SecretName};
    use crate::model::time::Timestamp;

    fn check(secret_id: u64, at: i64) -> KeyCheck {
        let secret = SecretName::parse("openai/api_key").expect("name");
        KeyCheck {
            company: None,
            key: Some(KeyMark { secret, scope: Scope::Global, secret_id, version: Version::FIRST }),
            verdict: Some(Verdict::Accepted),
            detail: String::new(),
            response_time: None,
            checked_at: Some(Timestamp(at)),
            expires: None,
        }
    }

    #[test]
    fn the_last_check_of_a_value_is_remembered_and_no_other_value_has_it() {
        let asked = AskedChecks::default();
        asked.note(check(1, 5));
        asked.note(KeyCheck { verdict: Some(Verdict::Rejected), ..check(1, 6) });
        asked.note(KeyCheck { verdict: None, ..check(1, 7) });
        asked.note(KeyCheck { key: None, ..check(2, 7) });
        assert_eq!(asked.of(1, Version::FIRST).and_then(|check| check.verdict), Some(Verdict::Rejected));
        assert_eq!((asked.of(1, Version::FIRST.next()), asked.of(2, Version::FIRST)), (None, None));
    }

    #[test]
    fn what_was_checked_longest_ago_makes_room() {
        let asked = AskedChecks::default();
        let most = u64::try_from(CHECKS_MAX).expect("small");
        (0..=most).for_each(|number| asked.note(check(number, i64::try_from(number).expect("small"))));
        assert_eq!(asked.of(0, Version::FIRST), None);
        assert!(asked.of(1, Version::FIRST).is_some() && asked.of(most, Version::FIRST).is_some());
    }
}
