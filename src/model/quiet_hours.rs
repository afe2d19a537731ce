//! Quiet hours: when a channel is not to be disturbed, by the clock of whoever reads it.

use std::time::Duration;

use super::time::Timestamp;

const DAY_MINUTES: i64 = 24 * 60;
const MINUTE_MS: i64 = 60_000;

/// From one time of the day to another, in a zone that is a fixed time away from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from_minute: u16,
    to_minute: u16,
    offset_minutes: i16,
}

impl QuietHours {
    /// Reads `22:00-07:00` and an offset such as `+02:00`; without one, UTC. Hours that begin when they end are none.
    #[must_use]
    pub fn parse(hours: &str, utc_offset: Option<&str>) -> Option<Self> {
        let (from, to) = hours.split_once('-')?;
        let (from_minute, to_minute) = (minute(from.trim())?, minute(to.trim())?);
        let offset_minutes = utc_offset.map_or(Some(0), offset)?;
        (from_minute != to_minute).then_some(Self { from_minute, to_minute, offset_minutes })
    }

    /// When it is quiet at `now`: the end of it.
    #[must_use]
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let (from, to) = (i64::from(self.from_minute), i64::from(self.to_minute));
        let local_ms = now.0.saturating_add(i64::from(self.offset_minutes).saturating_mul(MINUTE_MS));
        let day_ms = DAY_MINUTES.saturating_mul(MINUTE_MS);
        let in_day = local_ms.rem_euclid(day_ms);
        let minute = in_day.div_euclid(MINUTE_MS);
        let is_quiet = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
        let left = to.saturating_mul(MINUTE_MS).saturating_sub(in_day).rem_euclid(day_ms);
        is_quiet.then(|| now.plus(Duration::from_millis(u64::try_from(left).unwrap_or_default())))
    }

    /// The offset of the zone from UTC, in minutes.
    #[must_use]
    pub fn offset_minutes(&self) -> i16 {
        self.offset_minutes
    }
}

/// `22:00-07:00`.
impl std::fmt::Display for QuietHours {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let clock = |minute: u16| (minute / 60, minute % 60);
        let ((from_hour, from_minute), (to_hour, to_minute)) = (clock(self.from_minute), clock(self.to_minute));
        write!(formatter, "{from_hour:02}:{from_minute:02}-{to_hour:02}:{to_minute:02}")
    }
}

/// The offset as `+02:00`.
#[must_use]
pub fn offset_text(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `HH:MM`, to the minute of the day.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then(|| hours.saturating_mul(60).saturating_add(minutes))
}

/// `+02:00`, in minutes; at most 14 hours, which is the furthest any zone is.
fn offset(text: &str) -> Option<i16> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let minutes = i16::try_from(minute(rest)?).ok()?;
    (minutes <= 14 * 60).then(|| minutes.saturating_mul(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(&format!("2026-11-21T{text}Z")).expect(text)
    }

    #[test]
    fn a_night_goes_over_midnight_by_the_clock_of_the_reader() {
        let night = QuietHours::parse("22:00-07:00", Some("+02:00")).expect("hours");
        assert_eq!(night.until(at("19:59:59")), None);
        let morning = Timestamp::parse("2026-11-22T05:00:00Z");
        assert_eq!(night.until(at("20:00:00")), morning);
        assert_eq!(night.until(at("23:30:10.500")), morning);
        assert_eq!(night.until(at("04:59:59")), Some(at("05:00:00")));
        assert_eq!(night.until(at("05:00:00")), None);
    }

    #[test]
    fn a_pause_within_a_day_ends_the_same_day() {
        let noon = QuietHours::parse("12:00-13:30", None).expect("hours");
        assert_eq!(noon.until(at("12:00:00")), Some(at("13:30:00")));
        assert_eq!(noon.until(at("13:30:00")), None);
        assert_eq!(noon.until(at("11:59:59.999")), None);
    }

    #[test]
    fn what_is_no_time_of_the_day_is_refused() {
        for (hours, zone) in [
            ("22:00", None),
            ("22:00-22:00", None),
            ("24:00-07:00", None),
            ("22:60-07:00", None),
            ("2:00-07:00", None),
            ("+2:00-07:00", None),
            ("22:00-07:00", Some("02:00")),
            ("22:00-07:00", Some("+15:00")),
            ("22:00-07:00", Some("CET")),
        ] {
            assert_eq!(QuietHours::parse(hours, zone), None, "{hours} {zone:?}");
        }
        let read = QuietHours::parse("22:00-07:30", Some("-03:30")).expect("hours");
        assert_eq!((read.to_string().as_str(), offset_text(read.offset_minutes()).as_str()), ("22:00-07:30", "-03:30"));
    }
}
