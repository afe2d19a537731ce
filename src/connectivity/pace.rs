//! How long to wait: with some chance in it, so that a thousand nodes do not ask at once.

use std::time::Duration;

use crate::model::connectivity::Verdict;

/// The first pause after a failure; each further one is twice as long.
const BACKOFF_FIRST: Duration = Duration::from_secs(30);

/// A refused key does not heal by itself: in the end it is asked about four times a day.
const BACKOFF_REJECTED_MAX: Duration = Duration::from_secs(6 * 60 * 60);

/// For each node that may have seen the same change, this much more time to spread over.
const SPREAD_PER_NODE: Duration = Duration::from_millis(5);

/// However many nodes there are, a change is looked into within this.
const SPREAD_MAX: Duration = Duration::from_secs(15);

/// A source of numbers that are uniformly drawn.
pub(super) type Draw<'draw> = &'draw mut dyn FnMut() -> u64;

/// From nine to eleven tenths of it.
pub(super) fn jittered(duration: Duration, draw: Draw<'_>) -> Duration {
    duration.mul_f64(0.9).saturating_add(up_to(duration.mul_f64(0.2), draw))
}

/// How soon a change is looked into: all nodes learn of it at once.
pub(super) fn spread(nodes: usize, draw: Draw<'_>) -> Duration {
    up_to(SPREAD_PER_NODE.saturating_mul(u32::try_from(nodes).unwrap_or(u32::MAX)).min(SPREAD_MAX), draw)
}

/// The pause after so many failures in a row, at least one, of which the last was this. None: nothing was answered.
pub(super) fn backoff(failures: u32, last: Option<Verdict>, check_every: Duration) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1).min(31)).unwrap_or(u32::MAX);
    let longest = if last == Some(Verdict::Rejected) { BACKOFF_REJECTED_MAX.max(check_every) } else { check_every };
    BACKOFF_FIRST.saturating_mul(doubled).min(longest)
}

fn up_to(longest: Duration, draw: Draw<'_>) -> Duration {
    let longest_ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX - 1).min(u64::MAX - 1);
    Duration::from_millis(draw() % (longest_ms + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_strays_by_a_tenth_at_most() {
        let minute = Duration::from_secs(60);
        assert_eq!(jittered(minute, &mut || 0), Duration::from_secs(54));
        assert_eq!(jittered(minute, &mut || 12_000), Duration::from_secs(66));
        assert_eq!(jittered(minute, &mut || 12_001), Duration::from_secs(54));
    }

    #[test]
    fn a_change_is_looked_into_at_once_by_few_and_within_seconds_by_many() {
        assert_eq!(spread(3, &mut || 15), Duration::from_millis(15));
        assert_eq!(spread(3, &mut || 16), Duration::ZERO);
        assert_eq!(spread(usize::MAX, &mut || 15_000), Duration::from_secs(15));
        assert_eq!(spread(0, &mut || 7), Duration::ZERO);
    }

    #[test]
    fn pauses_double_up_to_the_interval_and_for_a_refused_key_to_six_hours() {
        let quarter = Duration::from_secs(900);
        let pauses = |verdict| [1, 2, 3, 6, 40].map(|failures| backoff(failures, verdict, quarter).as_secs());
        assert_eq!(pauses(Some(Verdict::Fault)), [30, 60, 120, 900, 900]);
        assert_eq!(pauses(None), [30, 60, 120, 900, 900]);
        assert_eq!(pauses(Some(Verdict::Rejected)), [30, 60, 120, 960, 21_600]);
    }
}
