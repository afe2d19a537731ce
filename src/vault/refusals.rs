//! How many refusals of one caller are written down one by one: whoever may do nothing could otherwise fill the journal, and
//! with it the disks of this node and of the lead, by asking. Beyond that it is told to come back later, and the next line
//! of its own says how often.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::actors::pace::{Measure, Pace};
use crate::audit::entry::{Entry, Ruling};
use crate::model::time::BootTime;

use super::error::VaultError;

/// A program that was set up wrongly is heard out; afterwards it is ten refusals a second, of some hundred bytes to a few
/// thousand each.
const OF_A_CALLER: Measure = Measure { burst: 1024, one_each: Duration::from_millis(100) };

/// Callers that are told apart; all others count as one.
const CALLERS_MAX: usize = 1024;

/// The outcome of the line that says how many were not written.
const UNWRITTEN: &str = "rate_limited";

/// The refusals of late, by caller.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<Arc<str>, Pace>>);

impl Refusals {
    /// What is to be written before this line: how many refusals of the same caller were not, if any. `caller` is what is
    /// known of it, and nothing it may choose, or it could be as many as it liked, or another.
    ///
    /// # Errors
    /// [`VaultError::RefusedTooOften`] for a refusal too many, of which no line is written. What came of a change that was
    /// announced is always written.
    pub(super) fn before(&self, line: &Entry, caller: &str, now: BootTime) -> Result<Option<Entry>, VaultError> {
        if line.ruling == Ruling::Allow || line.lasting {
            return Ok(None);
        }
        let unwritten = self.take(caller, now).ok_or(VaultError::RefusedTooOften { retry_after: 1 })?;
        Ok((unwritten > 0).then(|| told(line, unwritten)))
    }

    fn take(&self, caller: &str, now: BootTime) -> Option<u64> {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !paces.contains_key(caller) && paces.len() >= CALLERS_MAX {
            paces.retain(|caller, pace| {
                let is_idle = pace.is_idle(now);
                if is_idle && pace.refused() > 0 {
                    tracing::warn!(%caller, unwritten = pace.refused(), "refusals were not written: they came too fast");
                }
                !is_idle
            });
        }
        let caller = if paces.contains_key(caller) || paces.len() < CALLERS_MAX { caller } else { "" };
        if let Some(pace) = paces.get_mut(caller) {
            return pace.take(now);
        }
        paces.entry(caller.into()).or_insert_with(|| Pace::new(OF_A_CALLER, now)).take(now)
    }
}

fn told(line: &Entry, unwritten: u64) -> Entry {
    let reason = format!("{unwritten} refusals before this one were not written: they came too fast");
    Entry {
        secret: None,
        scope: None,
        version: None,
        freshness: None,
        latency: None,
        outcome: UNWRITTEN,
        reason: Some(reason.into()),
        ..line.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> BootTime {
        BootTime(Duration::from_millis(millis))
    }

    fn refusal() -> Entry {
        let entry = Entry::of_node("secret.read", String::new());
        Entry { principal: "user:1000 group:100".into(), ruling: Ruling::Deny, lasting: false, ..entry }
    }

    #[test]
    fn a_flood_of_refusals_is_cut_to_a_trickle_and_the_rest_is_counted() {
        let (refusals, flood) = (Refusals::default(), refusal());
        let written = (0..5_000).filter(|_| refusals.before(&flood, "user:1000", at(0)) == Ok(None)).count();
        assert_eq!(u64::try_from(written), Ok(OF_A_CALLER.burst));
        let refused = refusals.before(&flood, "user:1000", at(99));
        assert_eq!(refused, Err(VaultError::RefusedTooOften { retry_after: 1 }));
        let told = refusals.before(&flood, "user:1000", at(100)).expect("heard").expect("told");
        assert_eq!((told.outcome, told.ruling, &*told.principal), (UNWRITTEN, Ruling::Deny, "user:1000 group:100"));
        let unwritten = 5_000 - OF_A_CALLER.burst + 1;
        assert!(told.reason.expect("why").starts_with(&format!("{unwritten} refusals")));
    }

    #[test]
    fn nobody_is_kept_from_anything_by_the_refusals_of_another_nor_by_its_own() {
        let refusals = Refusals::default();
        while refusals.before(&refusal(), "user:1000", at(0)).is_ok() {}
        assert_eq!(refusals.before(&refusal(), "user:1001", at(0)), Ok(None));
        let allowed = Entry { ruling: Ruling::Allow, ..refusal() };
        assert_eq!(refusals.before(&allowed, "user:1000", at(0)), Ok(None), "what is allowed is always written");
        let outcome = Entry { lasting: true, ..refusal() };
        assert_eq!(refusals.before(&outcome, "user:1000", at(0)), Ok(None), "and what came of what was announced");
    }

    #[test]
    fn more_callers_than_are_told_apart_count_as_one_until_others_have_been_quiet() {
        let refusals = Refusals::default();
        let ask = |number: usize, now: BootTime| refusals.before(&refusal(), &format!("agent:a{number}"), now);
        for number in 0..CALLERS_MAX {
            assert_eq!(ask(number, at(0)), Ok(None));
        }
        let many = (0..5_000).filter(|number| ask(CALLERS_MAX + number, at(0)).is_ok()).count();
        assert_eq!(u64::try_from(many), Ok(OF_A_CALLER.burst));
        assert!(ask(CALLERS_MAX, at(100_000)).is_ok());
        assert!(refusals.0.lock().expect("not poisoned").len() < CALLERS_MAX);
    }
}
