//! How much one follower may make the lead pass on. What it tells goes to every node that may know of it, so one that tells
//! without end would keep all of them busy. It is not cut off, it is read later.

use std::time::Duration;

use crate::model::time::BootTime;

/// What a cell or a key in it costs: 200 a second, three times what a node with as many as it can have tells by routine.
const COST: Duration = Duration::from_millis(5);

/// What may be told at once: all that a node can know, as it does when it comes.
const AT_ONCE: Duration = Duration::from_secs(25);

/// What one session may still tell.
#[derive(Debug, Default)]
pub struct Allowance {
    /// When all it told is paid for.
    paid: BootTime,
}

impl Allowance {
    /// So many cells and keys were told now: for how long nothing more is to be read.
    #[must_use]
    pub fn pause_after(&mut self, count: usize, now: BootTime) -> Duration {
        let cost = COST.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        self.paid = BootTime(self.paid.max(now).0.saturating_add(cost));
        self.paid.since(now).saturating_sub(AT_ONCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectivity::intake::KEYS_OF_NODE_MAX;
    use crate::model::api_check::SERVICES_MAX;

    fn at(seconds: u64) -> BootTime {
        BootTime(Duration::from_secs(seconds))
    }

    #[test]
    fn all_that_a_node_can_know_is_read_at_once_and_again_each_minute() {
        let mut allowance = Allowance::default();
        for minute in 0..10 {
            let pause = allowance.pause_after(SERVICES_MAX + KEYS_OF_NODE_MAX, at(minute * 60));
            assert_eq!(pause, Duration::ZERO);
        }
    }

    #[test]
    fn a_node_that_tells_without_end_is_read_no_faster_than_it_may_tell() {
        let (mut allowance, mut now, mut told) = (Allowance::default(), at(1), 0);
        while now < at(101) {
            told += 1_000;
            let pause = allowance.pause_after(1_000, now);
            now = BootTime(now.0 + pause);
        }
        assert!((20_000..=26_000).contains(&told), "{told}");
        assert!(allowance.pause_after(usize::MAX, now) > Duration::from_secs(1), "nor does it overflow");
    }
}
