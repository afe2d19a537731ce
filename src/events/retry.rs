//! When something that was not delivered is tried again, and when it is given up.
//!
//! Pure: the times are handed in. Attempts are spread out so that a receiver that was down for a while is not run over when
//! it is back, and so that one that stays down costs little.

use std::time::Duration;

use crate::model::time::Timestamp;

/// How long an event is tried to be delivered, from when it happened.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Most that a receiver may ask to be left alone for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// From one attempt to the next; the last is repeated.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(25),
    Duration::from_secs(270),
    Duration::from_secs(600),
    Duration::from_secs(2700),
    Duration::from_secs(3600),
    Duration::from_secs(7200),
    Duration::from_secs(14_400),
    Duration::from_secs(14_400),
];

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken: an answer of 2xx.
    Taken,
    /// It was not, and may be another time.
    NotTaken {
        /// Why, in words that hold nothing of a credential.
        why: String,
        /// How long the receiver asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The receiver is gone and says so (410), so nothing more is sent.
    Gone,
}

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it was delivered.
    Done,
    /// It is tried again then.
    At(Timestamp),
    /// It goes to the dead letters.
    GiveUp,
    /// It goes to the dead letters, and its subscription is disabled.
    Disable,
}

/// What follows an attempt, the `attempts`-th, at `now`, at what happened at `born`; `jitter` is any number, uniformly
/// drawn: a pause is up to a tenth longer for it.
#[must_use]
pub fn next(outcome: &Outcome, attempts: u32, born: Timestamp, now: Timestamp, jitter: u64) -> Next {
    let (Outcome::NotTaken { retry_after, .. }, until) = (outcome, born.plus(GIVE_UP_AFTER)) else {
        return if *outcome == Outcome::Taken { Next::Done } else { Next::Disable };
    };
    if now >= until {
        return Next::GiveUp;
    }
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES.len().saturating_sub(1));
    let pause = PAUSES.get(index).copied().unwrap_or(RETRY_AFTER_MAX);
    let asked = retry_after.map_or(Duration::ZERO, |asked| asked.min(RETRY_AFTER_MAX));
    let tenth = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).saturating_div(10).max(1);
    let pause = pause.max(asked).saturating_add(Duration::from_millis(jitter.checked_rem(tenth).unwrap_or_default()));
    // The last attempt is at the very end, not half a pause before it.
    Next::At(now.plus(pause).min(until))
}

/// The pause a receiver asks for in `Retry-After` (RFC 9110, 10.2.3), with these codes alone; only whole seconds are read.
#[must_use]
pub fn asked_pause(status: u16, retry_after: Option<&str>) -> Option<Duration> {
    let heeded = matches!(status, 429 | 502 | 503 | 504);
    let seconds = retry_after.filter(|_| heeded)?.trim();
    let is_number = !seconds.is_empty() && seconds.len() <= 9 && seconds.bytes().all(|byte| byte.is_ascii_digit());
    seconds.parse().ok().filter(|_| is_number).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_taken(retry_after: Option<u64>) -> Outcome {
        Outcome::NotTaken { why: "500".to_owned(), retry_after: retry_after.map(Duration::from_secs) }
    }

    #[test]
    fn attempts_spread_out_over_a_day_and_then_end() {
        let (born, mut now, mut at) = (Timestamp(0), Timestamp(0), vec![0]);
        for attempt in 1.. {
            match next(&not_taken(None), attempt, born, now, 0) {
                Next::At(then) => now = then,
                Next::GiveUp => break,
                ended @ (Next::Done | Next::Disable) => panic!("{ended:?}"),
            }
            at.push(now.0 / 1000);
        }
        assert_eq!(at, [0, 5, 30, 300, 900, 3600, 7200, 14_400, 28_800, 43_200, 57_600, 72_000, 86_400]);
    }

    #[test]
    fn jitter_makes_a_pause_up_to_a_tenth_longer() {
        for jitter in [0, 1, 499, 500, u64::MAX] {
            let Next::At(at) = next(&not_taken(None), 1, Timestamp(0), Timestamp(0), jitter) else { panic!("again") };
            assert!((5000..5500).contains(&at.0), "{at}");
        }
    }

    #[test]
    fn a_receiver_is_left_alone_for_as_long_as_it_asks_but_not_for_ever() {
        let at = |asked, attempt| next(&not_taken(Some(asked)), attempt, Timestamp(0), Timestamp(0), 0);
        assert_eq!(at(120, 1), Next::At(Timestamp(120_000)));
        assert_eq!(at(1, 3), Next::At(Timestamp(270_000)), "never sooner than without");
        assert_eq!(at(999_999, 1), Next::At(Timestamp(3_600_000)));
        assert_eq!(asked_pause(503, Some("7")), Some(Duration::from_secs(7)));
        assert_eq!(asked_pause(429, Some(" 7 ")), Some(Duration::from_secs(7)));
        assert_eq!(asked_pause(500, Some("7")), None);
        for text in ["", "-1", "+1", "1.5", "Fri, 31 Dec 1999 23:59:59 GMT", "9999999999"] {
            assert_eq!(asked_pause(503, Some(text)), None, "{text}");
        }
    }

    #[test]
    fn what_is_taken_is_done_and_what_is_gone_is_not_tried_again() {
        let at = |outcome: &Outcome| next(outcome, 1, Timestamp(0), Timestamp(5), 0);
        assert_eq!((at(&Outcome::Taken), at(&Outcome::Gone)), (Next::Done, Next::Disable));
    }
}
