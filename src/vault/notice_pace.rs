//! How many messages one caller may send to channels: people read them, and stop to when there are too many. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::model::time::BootTime;

/// Messages of one caller in [`WINDOW`].
pub const MESSAGES_MAX: u32 = 30;

/// The time over which messages are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Callers that are remembered; beyond that, nobody new is let through.
const CALLERS_MAX: usize = 1000;

/// Who sent when.
#[derive(Debug, Default)]
pub struct NoticePace {
    sent: BTreeMap<String, VecDeque<BootTime>>,
}

impl NoticePace {
    /// Counts a message of this caller.
    ///
    /// # Errors
    /// The seconds until there is room.
    pub(super) fn take(&mut self, who: &str, now: BootTime) -> Result<(), u32> {
        self.sent.retain(|_, times| {
            while times.front().is_some_and(|at| now.since(*at) >= WINDOW) {
                times.pop_front();
            }
            !times.is_empty()
        });
        let is_known = self.sent.contains_key(who);
        if !is_known && self.sent.len() >= CALLERS_MAX {
            return Err(seconds(WINDOW));
        }
        let times = self.sent.entry(who.to_owned()).or_default();
        if u32::try_from(times.len()).unwrap_or(u32::MAX) >= MESSAGES_MAX {
            let left = times.front().map_or(WINDOW, |at| WINDOW.saturating_sub(now.since(*at)));
            return Err(seconds(left));
        }
        times.push_back(now);
        Ok(())
    }
}

fn seconds(left: Duration) -> u32 {
    u32::try_from(left.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_that_sends_too_much_waits_and_another_does_not() {
        let (mut pace, at) = (NoticePace::default(), |seconds| BootTime(Duration::from_secs(seconds)));
        (0..MESSAGES_MAX).for_each(|_| assert_eq!(pace.take("agent:a", at(10)), Ok(())));
        assert_eq!(pace.take("agent:a", at(30)), Err(41));
        assert_eq!(pace.take("agent:b", at(30)), Ok(()));
        assert_eq!(pace.take("agent:a", at(70)), Ok(()));
        assert_eq!(pace.sent.len(), 2);
    }
}
