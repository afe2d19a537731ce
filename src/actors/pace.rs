//! How fast somebody may make a node write: a bucket, so that a follower in an enemy's hands cannot fill the lead's journal,
//! its history or somebody's telephone, nor whoever may do nothing the journal of a node. Pure.

use std::time::Duration;

use crate::model::time::BootTime;

/// What a bucket holds, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// So many may come at once.
    pub burst: u64,
    /// Afterwards one more each so long.
    pub one_each: Duration,
}

/// The bucket of one of them.
#[derive(Debug)]
pub struct Pace {
    measure: Measure,
    left: u64,
    filled: BootTime,
    refused: u64,
}

impl Pace {
    /// A full bucket.
    #[must_use]
    pub fn new(measure: Measure, now: BootTime) -> Self {
        Self { measure, left: measure.burst, filled: now, refused: 0 }
    }

    /// Whether it has been full again for as long as nobody took any of it.
    #[must_use]
    pub fn is_idle(&self, now: BootTime) -> bool {
        let missing = self.measure.burst.saturating_sub(self.left);
        let full_after = self.measure.one_each.checked_mul(u32::try_from(missing).unwrap_or(u32::MAX));
        full_after.is_some_and(|full_after| now.since(self.filled) >= full_after)
    }

    /// How many were refused since the last that was taken.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes one; how many were refused since the last that was taken. `None` when there is none to take.
    pub fn take(&mut self, now: BootTime) -> Option<u64> {
        let earned = now.since(self.filled).as_millis().checked_div(self.measure.one_each.as_millis()).unwrap_or(0);
        if earned > 0 {
            let earned = u64::try_from(earned).unwrap_or(u64::MAX);
            self.left = self.left.saturating_add(earned).min(self.measure.burst);
            // What is left over of the time counts for the next; a full bucket has no use for it.
            let spent = self.measure.one_each.saturating_mul(u32::try_from(earned).unwrap_or(u32::MAX));
            let is_full = self.left == self.measure.burst;
            self.filled = if is_full { now } else { BootTime(self.filled.0.saturating_add(spent)) };
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Some(std::mem::take(&mut self.refused))
            }
            None => {
                self.refused = self.refused.saturating_add(1);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_refused_is_taken_again_in_time_and_told_how_often() {
        let at = |seconds| BootTime(Duration::from_secs(seconds));
        let mut pace = Pace::new(Measure { burst: 2, one_each: Duration::from_secs(10) }, at(0));
        let taken = [0, 0, 0, 9, 15, 16, 20].map(|seconds| pace.take(at(seconds)));
        assert_eq!(taken, [Some(0), Some(0), None, None, Some(2), None, Some(1)], "one every 10 s, whenever it asks");
        assert_eq!([1000, 1000, 1000].map(|seconds| pace.take(at(seconds))), [Some(0), Some(0), None]);
    }
}
