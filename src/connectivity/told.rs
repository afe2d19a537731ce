//! Of which dates somebody has been told, so that nobody is told twice: also after a restart.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::model::number::Version;

/// Most versions it is kept of: their bytes stay well below what a row of the store takes. Dates are noted from the earliest
/// on, so those that do not fit are the farthest, and are told of when there is room.
pub const TOLD_MAX: usize = 10_000;

/// The first line of the bytes: what they are, and their version.
const TITLE: &str = "aurora-told 1";

/// What was told of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Dates {
    /// The nearest threshold of its end; zero for none.
    days_before: u8,
    rotation: bool,
}

/// What was told, by the serial number of the secret and by version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    versions: BTreeMap<(u64, u64), Dates>,
}

/// The bytes are not such a record, or not of this version. Nothing is assumed in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the reminders that were told cannot be read")]
pub struct ToldFault {
    /// Which line, from 1.
    pub line: usize,
}

impl Told {
    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`ToldFault`] names the first line that is not as it was written.
    pub fn parse(bytes: &[u8]) -> Result<Self, ToldFault> {
        let text = std::str::from_utf8(bytes).map_err(|_| ToldFault { line: 1 })?;
        let mut lines = text.lines().zip(1_usize..);
        if lines.next().is_none_or(|(title, _)| title != TITLE) {
            return Err(ToldFault { line: 1 });
        }
        let mut versions = BTreeMap::new();
        for (text, line) in lines {
            let (version, dates) = parse_line(text).ok_or(ToldFault { line })?;
            versions.insert(version, dates);
            if versions.len() > TOLD_MAX {
                return Err(ToldFault { line });
            }
        }
        Ok(Self { versions })
    }

    /// A line of title, then one for each version: the serial number of the secret, the version, the nearest threshold in
    /// days (0 for none), and whether the rotation was told of (1 or 0).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{TITLE}\n");
        for ((id, version), Dates { days_before, rotation }) in &self.versions {
            // Writing to a String cannot fail.
            let _infallible = writeln!(text, "{id} {version} {days_before} {}", u8::from(*rotation));
        }
        text.into_bytes()
    }

    /// Whether this threshold or a nearer one was told; without one, whether the rotation was.
    pub(super) fn knows(&self, secret_id: u64, version: Version, days_before: Option<u8>) -> bool {
        let dates = self.versions.get(&(secret_id, version.get())).copied().unwrap_or_default();
        match days_before {
            Some(days) => dates.days_before != 0 && dates.days_before <= days,
            None => dates.rotation,
        }
    }

    /// Notes that it was. False if there is no room.
    pub(super) fn note(&mut self, secret_id: u64, version: Version, days_before: Option<u8>) -> bool {
        let key = (secret_id, version.get());
        if self.versions.len() >= TOLD_MAX && !self.versions.contains_key(&key) {
            return false;
        }
        let dates = self.versions.entry(key).or_default();
        match days_before {
            Some(days) => dates.days_before = days,
            None => dates.rotation = true,
        }
        true
    }
}

fn parse_line(text: &str) -> Option<((u64, u64), Dates)> {
    let mut words = text.split(' ');
    let secret_id = words.next()?.parse().ok()?;
    let version = Version::new(words.next()?.parse().ok()?)?.get();
    let days_before = words.next()?.parse().ok()?;
    let rotation = match words.next()? {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    words.next().is_none().then_some(((secret_id, version), Dates { days_before, rotation }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_outlives_a_restart_in_bytes_that_do_not_change() {
        let mut told = Told::default();
        assert!(told.note(7, Version::FIRST, Some(14)));
        assert!(told.note(7, Version::FIRST, None));
        assert!(told.note(9, Version::FIRST.next(), None));
        assert_eq!(String::from_utf8_lossy(&told.to_bytes()), "aurora-told 1\n7 1 14 1\n9 2 0 1\n");
        assert_eq!(Told::parse(&told.to_bytes()), Ok(told));
    }

    #[test]
    fn a_nearer_threshold_counts_for_the_farther_ones() {
        let mut told = Told::default();
        told.note(7, Version::FIRST, Some(14));
        let known = |days| told.knows(7, Version::FIRST, Some(days));
        assert_eq!([30, 14, 7, 1].map(known), [true, true, false, false]);
        assert!(!told.knows(7, Version::FIRST, None) && !told.knows(8, Version::FIRST, Some(30)));
    }

    #[test]
    fn bytes_that_are_no_such_record_are_refused_and_not_read_as_none() {
        let refused = |text: &str| Told::parse(text.as_bytes()).expect_err(text).line;
        assert_eq!(refused(""), 1);
        assert_eq!(refused("aurora-told 2\n"), 1);
        for line in ["7 1 14", "7 0 14 1", "7 1 14 2", "7 1 14 1 1", "7 1 999 1", "x 1 14 1", ""] {
            assert_eq!(refused(&format!("aurora-told 1\n{line}\n")), 2, "{line}");
        }
    }

    #[test]
    fn it_does_not_grow_without_bound() {
        let mut told = Told::default();
        let noted = (0..20_000).filter(|id| told.note(*id, Version::FIRST, Some(30))).count();
        assert_eq!(noted, TOLD_MAX);
        assert!(told.note(0, Version::FIRST, Some(14)), "what is there may change");
        assert_eq!(Told::parse(&told.to_bytes()), Ok(told));
    }
}
