//! The heartbeats the lead has not answered yet: a beacon counts from when its heartbeat was sent.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::model::time::Moment;

/// Heartbeats out of turn wait when so many are unanswered. A local caller who asks for confirmation in a loop would
/// otherwise push the older ones out of memory as fast as their beacons come, and the cache would never be vouched for.
const ASKED_MAX: usize = 32;

/// More than the lead can leave unanswered before it counts as silent: those out of turn, and one a second.
const REMEMBERED_MAX: usize = 64;

/// Of one session.
#[derive(Debug, Default)]
pub(super) struct Unanswered(Mutex<Sent>);

#[derive(Debug, Default)]
struct Sent {
    newest: u64,
    waiting: VecDeque<(u64, Moment)>,
}

impl Unanswered {
    /// Whether a heartbeat may be sent out of turn.
    pub(super) fn has_room(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).waiting.len() < ASKED_MAX
    }

    /// Remembers a heartbeat sent at `now`, and gives the stamp to send it with.
    pub(super) fn sent(&self, now: Moment) -> u64 {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.newest += 1;
        let stamp = sent.newest;
        sent.waiting.push_back((stamp, now));
        if sent.waiting.len() > REMEMBERED_MAX {
            sent.waiting.pop_front();
        }
        stamp
    }

    /// When the heartbeat with this stamp was sent. A stamp that was never sent, or answered before, vouches for nothing.
    pub(super) fn answered(&self, stamp: u64) -> Option<Moment> {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = sent.waiting.iter().position(|(waiting, _)| *waiting == stamp)?;
        sent.waiting.drain(..=at).next_back().map(|(_, asked)| asked)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::time::BootTime;

    fn at(seconds: u64) -> Moment {
        Moment { boot: BootTime(Duration::from_secs(seconds)), ..Moment::default() }
    }

    #[test]
    fn a_beacon_counts_from_its_heartbeat_and_only_once() {
        let unanswered = Unanswered::default();
        let (first, second) = (unanswered.sent(at(1)), unanswered.sent(at(2)));
        assert_eq!(unanswered.answered(second), Some(at(2)));
        assert_eq!(unanswered.answered(second), None, "answered before");
        assert_eq!(unanswered.answered(first), None, "overtaken");
        assert_eq!(unanswered.answered(99), None, "never sent");
    }

    /// The lead is 50 heartbeats away and somebody asks for confirmation as fast as he can.
    #[test]
    fn a_caller_who_asks_in_a_loop_does_not_keep_the_lead_from_vouching() {
        let unanswered = Unanswered::default();
        let (mut on_their_way, mut vouched) = (VecDeque::new(), 0);
        for moment in 0..1000 {
            on_their_way.push_back(unanswered.has_room().then(|| unanswered.sent(at(moment))));
            if on_their_way.len() > 2 * REMEMBERED_MAX
                && let Some(stamp) = on_their_way.pop_front().flatten()
            {
                assert!(unanswered.answered(stamp).is_some(), "forgotten at {moment}");
                vouched += 1;
            }
        }
        assert!(vouched > 100, "{vouched}");
    }

    #[test]
    fn a_lead_that_answers_nothing_costs_no_memory() {
        let unanswered = Unanswered::default();
        for moment in 0..1000 {
            unanswered.sent(at(moment));
        }
        assert_eq!(unanswered.0.lock().expect("not poisoned").waiting.len(), REMEMBERED_MAX);
        assert!(!unanswered.has_room());
    }
}
