//! When the files of a journal are seen to: pure decisions over what the clocks say.

use std::time::Duration;

use crate::model::time::{BootTime, Moment};

/// How often closed files are looked for. A file is closed seldom, and nobody waits for its packing.
pub const PACK_EVERY: Duration = Duration::from_secs(60);

/// How often files whose time is over are looked for.
const RETIRE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long both clocks have to agree before anything is removed by the word of the wall clock.
const STEADY_AFTER: Duration = Duration::from_secs(60 * 60);

/// How far apart the clocks may come in the meantime: more than one is corrected without a jump.
const DRIFT_MAX: Duration = Duration::from_secs(60);

/// When files were looked through last, and since when the wall clock can be believed.
#[derive(Debug, Clone, Copy)]
pub struct Calendar {
    steady_since: Moment,
    retired: Option<Moment>,
}

impl Calendar {
    /// Of a node that starts now.
    #[must_use]
    pub fn new(now: Moment) -> Self {
        Self { steady_since: now, retired: None }
    }

    /// Whether files whose time is over are to be removed now: once a day, and not before the wall clock has gone for an
    /// hour as the clock that cannot be set. A clock that jumps a year ahead must not remove a year of lines at once.
    pub fn retires_now(&mut self, now: Moment) -> bool {
        let gone = now.boot.since(self.steady_since.boot);
        let by_the_wall = now.wall.0.saturating_sub(self.steady_since.wall.0);
        let by_the_wall = u64::try_from(by_the_wall).map(Duration::from_millis);
        let agree = by_the_wall.is_ok_and(|wall| wall.abs_diff(gone) <= DRIFT_MAX);
        if !agree || now.boot_id != self.steady_since.boot_id {
            self.steady_since = now;
            return false;
        }
        let is_due = |retired: Moment| now.boot.since(retired.boot) >= RETIRE_EVERY;
        let due = gone >= STEADY_AFTER && self.retired.is_none_or(is_due);
        if due {
            self.retired = Some(now);
            // Hours of drift are not held against a clock that is corrected all the time.
            self.steady_since = before(now, STEADY_AFTER);
        }
        due
    }
}

/// The same instant on both clocks, a while ago.
fn before(now: Moment, ago: Duration) -> Moment {
    let boot = BootTime(now.boot.0.saturating_sub(ago));
    Moment { wall: now.wall.minus(ago), boot, ..now }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    /// So many seconds after the start on each clock.
    fn at(wall: i64, boot: u64) -> Moment {
        let wall = Timestamp(1_795_248_000_000 + wall * 1000);
        Moment { wall, boot: BootTime(Duration::from_secs(10_000 + boot)), ..Moment::default() }
    }

    #[test]
    fn files_are_removed_an_hour_after_the_start_and_once_a_day_from_then_on() {
        let mut calendar = Calendar::new(at(0, 0));
        assert!(!calendar.retires_now(at(3599, 3599)));
        assert!(calendar.retires_now(at(3600, 3600)));
        assert!(!calendar.retires_now(at(3660, 3660)));
        assert!(!calendar.retires_now(at(3600 + 86_399, 3600 + 86_399)));
        assert!(calendar.retires_now(at(3600 + 86_400, 3600 + 86_400)));
    }

    #[test]
    fn a_clock_that_jumps_removes_nothing_until_it_has_gone_on_from_there_for_an_hour() {
        const YEAR: i64 = 365 * 86_400;
        for jump in [YEAR, -YEAR, 3600, -61] {
            let mut calendar = Calendar::new(at(0, 0));
            assert!(!calendar.retires_now(at(3600 + jump, 3600)), "{jump}");
            assert!(!calendar.retires_now(at(7199 + jump, 7199)), "{jump}");
            assert!(calendar.retires_now(at(7200 + jump, 7200)), "{jump}");
        }
    }
}
