//! Time as the mesh needs it: a wall clock for people and certificates, and a clock that counts through suspend for ages.

use std::fmt;
use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z on the wall clock. May jump; never used for an age within one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads RFC 3339.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_millisecond()))
    }

    /// Reads a date, a time and a zone with blanks between them, as GitHub writes them: `2026-12-31 08:00:00 UTC`, or
    /// `+0100` instead of `UTC`.
    #[must_use]
    pub fn parse_spaced(text: &str) -> Option<Self> {
        let with_zone = text.strip_suffix(" UTC").map(|time| format!("{time} +0000"));
        let with_zone = with_zone.as_deref().unwrap_or(text);
        let parsed = jiff::fmt::strtime::parse("%Y-%m-%d %H:%M:%S %z", with_zone).ok()?;
        parsed.to_timestamp().ok().map(|at| Self(at.as_millisecond()))
    }

    /// Later by `duration`; saturates.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This much earlier; saturates.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; `None` if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        u64::try_from(self.0.checked_sub(earlier.0)?).ok().map(Duration::from_millis)
    }

    /// The year and the month of it in UTC, such as 2026 and 11; `None` outside the years 0 to 9999.
    #[must_use]
    pub fn month(self) -> Option<(u16, u8)> {
        let at = jiff::Timestamp::from_millisecond(self.0).ok()?;
        let date = jiff::tz::Offset::UTC.to_datetime(at);
        Some((u16::try_from(date.year()).ok()?, u8::try_from(date.month()).ok()?))
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-21T08:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) if formatter.width().is_none() => write!(formatter, "{at:.3}"),
            Ok(at) => formatter.pad(&format!("{at:.3}")),
            Err(_) => formatter.pad("out of range"),
        }
    }
}

/// Names one boot of one machine; ages across two boots cannot use the boot clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BootId(pub [u8; 16]);

/// Time since boot, suspend included (`CLOCK_BOOTTIME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BootTime(pub Duration);

impl BootTime {
    /// How long after `earlier` this is; zero if it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// One reading of all clocks, passed to every decision that needs "now".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// The wall clock.
    pub wall: Timestamp,
    /// The clock that counts through suspend.
    pub boot: BootTime,
    /// Which boot `boot` counts from.
    pub boot_id: BootId,
}

/// The one seam through which time enters. Nothing else reads a clock.
pub trait Clock: Send + Sync + 'static {
    /// All clocks at this instant.
    fn now(&self) -> Moment;
}

/// The one seam through which randomness enters.
pub trait Entropy: Send + Sync + 'static {
    /// Fills the buffer with bytes nobody can predict.
    ///
    /// # Errors
    /// When the operating system has none to give.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyUnavailable>;
}

/// The random source of the operating system failed; nothing may be sealed or issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct EntropyUnavailable;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_prints_rfc_3339_and_reads_it_back() {
        let at = Timestamp(1_795_248_000_123);
        assert_eq!(at.to_string(), "2026-11-21T08:00:00.123Z");
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
        assert_eq!(at.month(), Some((2026, 11)));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn a_time_with_blanks_is_read_with_its_zone() {
        let at = Timestamp::parse("2026-12-31T08:00:00Z");
        assert!(at.is_some());
        assert_eq!(Timestamp::parse_spaced("2026-12-31 08:00:00 UTC"), at);
        assert_eq!(Timestamp::parse_spaced("2026-12-31 09:00:00 +0100"), at);
        for text in ["2026-12-31 08:00:00", "2026-12-31", "08:00:00 UTC", "never", "", "2026-13-31 08:00:00 UTC"] {
            assert_eq!(Timestamp::parse_spaced(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_clock_that_went_back_gives_no_age() {
        assert_eq!(Timestamp(5).since(Timestamp(6)), None);
        assert_eq!(BootTime(Duration::from_secs(1)).since(BootTime(Duration::from_secs(2))), Duration::ZERO);
    }
}
