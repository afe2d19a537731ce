//! Durations as people type them: `30s`, `5m`, `24h`, `30d`.

use std::time::Duration;

/// Reads one number and one unit.
///
/// # Errors
/// A sentence that says how to write it.
pub(super) fn parse(text: &str) -> Result<Duration, &'static str> {
    const WANTED: &str = "write a whole number and s, m, h or d, such as 30s, 5m, 24h or 30d";
    let (count, seconds_per_unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => return Err(WANTED),
    };
    if !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(WANTED);
    }
    let count: u64 = count.parse().map_err(|_| WANTED)?;
    count.checked_mul(seconds_per_unit).map(Duration::from_secs).ok_or("that is longer than can be counted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_and_one_unit_are_read_and_nothing_else() {
        assert_eq!(parse("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse("24h"), Ok(Duration::from_secs(86_400)));
        assert_eq!(parse("30d"), Ok(Duration::from_secs(2_592_000)));
        for text in ["", "s", "5", "5 m", "-5m", "+5m", "1.5h", "5é", "5w", "99999999999999999999d", "1h30m"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
