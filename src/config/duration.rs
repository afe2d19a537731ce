//! Durations as people write them: `30s`, `5m`, `24h`, `30d`, and `250ms` where a second is too coarse.

use std::time::Duration;

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write a whole number and a unit, like 250ms, 30s, 5m, 24h or 30d")]
pub struct DurationError(pub String);

/// The units, largest first, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a whole number and one unit.
///
/// # Errors
/// [`DurationError`] for a missing or unknown unit, a sign, a fraction, or a number past what 64 bits of milliseconds hold.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let refused = || DurationError(text.chars().take(40).collect());
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| refused())?;
    let (_, length) = UNITS.into_iter().find(|&(name, _)| name == unit).ok_or_else(refused)?;
    number.checked_mul(length).map(Duration::from_millis).ok_or_else(refused)
}

/// Writes the duration in the largest unit that holds it exactly; below a millisecond it is cut.
#[must_use]
pub fn print(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let exact = UNITS.into_iter().find(|&(_, length)| millis != 0 && millis.is_multiple_of(length));
    match exact {
        Some((unit, length)) => format!("{}{unit}", millis / length),
        None => "0s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_back_as_it_prints() {
        for text in ["0s", "250ms", "30s", "90s", "5m", "24h", "30d", "1500ms"] {
            let duration = parse(text).expect(text);
            assert_eq!(parse(&print(duration)), Ok(duration), "{text}");
        }
        assert_eq!(print(Duration::from_secs(3600)), "1h");
        assert_eq!(print(Duration::from_secs(90)), "90s");
        assert_eq!(parse("24h"), Ok(Duration::from_secs(86_400)));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in ["", "5", "s", "-5s", "+5s", "1.5h", "5 m", "5M", "1h30m", "5w", "99999999999999999999s", "٣s"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert_eq!(parse(&format!("{}d", u64::MAX)), Err(DurationError(format!("{}d", u64::MAX))));
    }
}
