//! How many strangers are heard: a bucket of questions, so that nobody without a token can fill the journal's disk.

use std::time::Duration;

use crate::model::time::BootTime;

/// A whole rack that joins at once is heard at once.
const BURST: u64 = 64;

/// Afterwards one more each so long: a few lines a second in the journal, whatever arrives.
const ONE_EACH: Duration = Duration::from_millis(200);

/// What becomes of one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hearing {
    /// It is heard; so many were not since the last that was.
    Heard {
        /// How many.
        unheard: u64,
    },
    /// It is not.
    Unheard,
}

/// The bucket. Pure: time comes in as an argument.
#[derive(Debug)]
pub struct JoinRate {
    left: u64,
    filled: BootTime,
    unheard: u64,
}

impl JoinRate {
    /// A full bucket.
    #[must_use]
    pub fn new(now: BootTime) -> Self {
        Self { left: BURST, filled: now, unheard: 0 }
    }

    /// One more question.
    pub(super) fn ask(&mut self, now: BootTime) -> Hearing {
        let earned = now.since(self.filled).as_millis() / ONE_EACH.as_millis();
        if earned > 0 {
            self.left = self.left.saturating_add(u64::try_from(earned).unwrap_or(u64::MAX)).min(BURST);
            self.filled = now;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Hearing::Heard { unheard: std::mem::take(&mut self.unheard) }
            }
            None => {
                self.unheard = self.unheard.saturating_add(1);
                Hearing::Unheard
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_to_a_trickle_and_what_was_not_heard_is_counted() {
        let start = BootTime(Duration::from_secs(100));
        let mut rate = JoinRate::new(start);
        let heard = (0..1000).filter(|_| matches!(rate.ask(start), Hearing::Heard { .. })).count();
        assert_eq!(u64::try_from(heard).expect("few"), BURST);
        let later = BootTime(start.0 + ONE_EACH);
        assert_eq!(rate.ask(later), Hearing::Heard { unheard: 1000 - BURST });
        assert_eq!(rate.ask(later), Hearing::Unheard);
        let much_later = BootTime(start.0 + Duration::from_secs(3600));
        let heard = (0..1000).filter(|_| matches!(rate.ask(much_later), Hearing::Heard { .. })).count();
        assert_eq!(u64::try_from(heard).expect("few"), BURST, "an idle hour saves up no more than one burst");
    }
}
