//! Times as a person says them: `3 m ago`, `in 2 h`. One unit, rounded down.

use std::time::Duration;

use crate::model::time::Timestamp;

/// `0 s`, `59 s`, `3 m`, `5 h`, `12 d`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "m"),
        3_600..86_400 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{count} {unit}")
}

/// The same of a number of seconds.
pub(super) fn span_of_seconds(seconds: u64) -> String {
    span(Duration::from_secs(seconds))
}

/// A span in milliseconds, as the API gives it, as `3 m ago`.
pub(super) fn ago(milliseconds: u64) -> String {
    format!("{} ago", span(Duration::from_millis(milliseconds)))
}

/// A time in RFC 3339, seen from another: `3 m ago` or `in 3 m`. What is no time is shown as it came.
pub(super) fn seen_from(now: &str, time: &str) -> String {
    let (Some(now), Some(at)) = (Timestamp::parse(now), Timestamp::parse(time)) else { return time.to_owned() };
    match (now.since(at), at.since(now)) {
        (Some(past), _) => format!("{} ago", span(past)),
        (None, Some(ahead)) => format!("in {}", span(ahead)),
        (None, None) => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_largest_whole_unit() {
        let seconds = |seconds| span(Duration::from_secs(seconds));
        assert_eq!([seconds(0), seconds(59), seconds(60), seconds(3_599)], ["0 s", "59 s", "1 m", "59 m"]);
        assert_eq!([seconds(3_600), seconds(86_399), seconds(86_400)], ["1 h", "23 h", "1 d"]);
        let now = "2026-11-21T08:00:00Z";
        assert_eq!(seen_from(now, "2026-11-21T07:57:00.000Z"), "3 m ago");
        assert_eq!(seen_from(now, "2026-11-21T10:00:00Z"), "in 2 h");
        assert_eq!(seen_from(now, "later"), "later");
    }
}
