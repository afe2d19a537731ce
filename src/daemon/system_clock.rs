//! The clocks of this machine: the only place where time is read.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::model::time::{BootId, BootTime, Clock, Moment, Timestamp};

/// Where Linux names the current boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Wall clock, `CLOCK_BOOTTIME`, and the boot they belong to.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    boot_id: BootId,
}

impl SystemClock {
    /// Reads which boot this is.
    ///
    /// # Errors
    /// When the kernel does not say: ages across a restart could then not be told apart.
    pub fn new() -> io::Result<Self> {
        let text = std::fs::read_to_string(BOOT_ID)?;
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        let number = u128::from_str_radix(&digits, 16).map_err(io::Error::other)?;
        Ok(Self { boot_id: BootId(number.to_be_bytes()) })
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the seam through which time enters")]
    fn now(&self) -> Moment {
        let wall = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        let boot = clock_gettime(ClockId::Boottime);
        #[cfg(feature = "seeded_bugs")]
        let boot = if crate::model::seeded::bug(5) { clock_gettime(ClockId::Monotonic) } else { boot };
        let seconds = u64::try_from(boot.tv_sec).unwrap_or(0);
        let nanos = u32::try_from(boot.tv_nsec).unwrap_or(0);
        Moment { wall: Timestamp(wall), boot: BootTime(Duration::new(seconds, nanos)), boot_id: self.boot_id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_go_forward_and_name_their_boot() {
        let clock = SystemClock::new().expect("a Linux kernel");
        let (first, second) = (clock.now(), clock.now());
        assert!(second.boot >= first.boot);
        assert_eq!(first.boot_id, second.boot_id);
        assert_ne!(first.boot_id, BootId::default());
        assert!(first.wall > Timestamp(1_700_000_000_000));
    }

    /// `/proc/uptime` counts suspend, in a time namespace too: there a clock that does not count it is found at once
    /// (`unshare --time --boottime 1000000`).
    #[test]
    fn the_boot_clock_is_the_one_that_counts_through_suspend() {
        let text = std::fs::read_to_string("/proc/uptime").expect("a Linux kernel");
        let up: f64 = text.split(' ').next().expect("a number").parse().expect("a number");
        let read = SystemClock::new().expect("a Linux kernel").now().boot.0.as_secs_f64();
        assert!((read - up).abs() < 60.0, "{read} s instead of {up} s");
    }
}
