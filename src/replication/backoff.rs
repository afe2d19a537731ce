//! How long to wait before trying again: exponential, fully jittered, so that a thousand followers do not return as one.

use std::time::Duration;

/// The first pause is drawn from up to this much: a lead that only restarted is found again at once.
const FIRST: Duration = Duration::from_millis(200);

/// The longest pause is drawn from up to this much: a lead that comes back is found within seconds.
const LONGEST: Duration = Duration::from_secs(5);

/// Counts failed attempts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after one more failure; `random` is any number, uniformly drawn.
    pub fn failed(&mut self, random: u64) -> Duration {
        let ceiling = FIRST.saturating_mul(1_u32.checked_shl(self.failures.min(16)).unwrap_or(u32::MAX)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let ceiling_ms = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX).max(1);
        Duration::from_millis(1 + random % ceiling_ms)
    }

    /// A session ended after this long. One that lasted starts over; one that ended at once was no success: a node that
    /// refuses what the lead sends, or fights over its name with its own copy, would come back ten times a second.
    pub fn ended(&mut self, lasted: Duration) {
        if lasted >= LONGEST {
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_ceiling_and_start_over_after_a_session_that_lasted() {
        let mut backoff = Backoff::default();
        let mut longest = Duration::ZERO;
        for failure in 0..100 {
            let pause = backoff.failed(u64::MAX - failure);
            assert!(pause <= LONGEST && pause > Duration::ZERO);
            longest = longest.max(pause);
        }
        assert!(longest > LONGEST / 2);
        backoff.ended(LONGEST);
        assert!(backoff.failed(u64::MAX) <= FIRST);
    }

    #[test]
    fn sessions_that_end_at_once_do_not_shorten_the_pause() {
        let mut backoff = Backoff::default();
        let mut longest = Duration::ZERO;
        for session in 0..100 {
            backoff.ended(Duration::from_millis(20));
            longest = longest.max(backoff.failed(u64::MAX - session));
        }
        assert!(longest > LONGEST / 2, "{longest:?}");
    }
}
