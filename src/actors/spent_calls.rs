//! The calls a node made today, brought to its disk now and then: a budget of a day must hold across a restart. A crash may
//! lose the calls of the last minute.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::connectivity::spent::{Spent, SpentFault};
use crate::model::time::Timestamp;

/// How often they are written at most.
const KEPT_EVERY: Duration = Duration::from_secs(60);

/// The counts as they are to be written.
#[derive(Debug, Default)]
pub(super) struct SpentCalls(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    spent: Spent,
    kept_at: Option<Timestamp>,
    unkept: bool,
    /// They could not be read: what is on the disk stays.
    lost: bool,
}

impl SpentCalls {
    /// Counts as they were written before the node was started.
    pub(super) fn read(bytes: Option<&[u8]>) -> Result<Self, SpentFault> {
        let spent = bytes.map(Spent::parse).transpose()?.unwrap_or_default();
        Ok(Self(Mutex::new(Counts { spent, ..Counts::default() })))
    }

    /// Counts that could not be read, and are not written over.
    pub(super) fn lost() -> Self {
        Self(Mutex::new(Counts { lost: true, ..Counts::default() }))
    }

    /// The counts as they were last noted.
    pub(super) fn last(&self) -> Spent {
        self.counts().spent.clone()
    }

    /// These are the counts now.
    pub(super) fn note(&self, spent: &Spent) {
        let mut counts = self.counts();
        if counts.spent != *spent && !counts.lost {
            (counts.spent, counts.unkept) = (spent.clone(), true);
        }
    }

    /// What is to be written now, if it is [time](KEPT_EVERY) and anything was noted since. Counts as written.
    pub(super) fn due(&self, now: Timestamp) -> Option<Vec<u8>> {
        let mut counts = self.counts();
        // A clock that went back must not stop it.
        let waits = counts.kept_at.and_then(|at| now.since(at)).is_some_and(|since| since < KEPT_EVERY);
        if waits || !counts.unkept {
            return None;
        }
        (counts.kept_at, counts.unkept) = (Some(now), false);
        Some(counts.spent.to_bytes())
    }

    /// What is to be written before the node stops, if anything was noted since it last was.
    pub(super) fn rest(&self) -> Option<Vec<u8>> {
        let counts = self.counts();
        counts.unkept.then(|| counts.spent.to_bytes())
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(calls: u32) -> Spent {
        let bytes = Spent::default().to_bytes();
        let text = format!("{}20000 openai {calls} 0 0 0\n", String::from_utf8(bytes).expect("text"));
        Spent::parse(text.as_bytes()).expect("counts")
    }

    #[test]
    fn counts_are_written_once_a_minute_and_when_the_node_stops() {
        let calls = SpentCalls::read(Some(&spent(1).to_bytes())).expect("counts");
        calls.note(&spent(1));
        assert_eq!((calls.due(Timestamp(0)), calls.rest()), (None, None), "nothing is new");
        calls.note(&spent(2));
        assert_eq!(calls.due(Timestamp(0)), Some(spent(2).to_bytes()));
        calls.note(&spent(3));
        assert_eq!(calls.due(Timestamp(59_999)), None);
        assert_eq!(calls.rest(), Some(spent(3).to_bytes()));
        assert_eq!(calls.due(Timestamp(60_000)), Some(spent(3).to_bytes()));
        assert_eq!((calls.rest(), calls.last()), (None, spent(3)));
    }

    #[test]
    fn counts_that_cannot_be_read_are_not_taken_for_none() {
        assert!(SpentCalls::read(Some(b"torn")).is_err());
        let lost = SpentCalls::lost();
        lost.note(&spent(1));
        assert_eq!((lost.due(Timestamp(0)), lost.rest()), (None, None), "nor written over");
        assert_eq!(SpentCalls::read(None).expect("none yet").last(), Spent::default());
    }
}
