//! `[audit]`: how safely the journal is written, how large its files grow, and how long they are kept.

use super::node_config::{AuditSection, Durability};
use super::section::Section;

/// Bounds of one file: small enough that it is packed and searched in seconds, large enough that a year has not ten
/// thousand of them.
const FILE_BYTES: std::ops::RangeInclusive<usize> = 64 << 10..=4 << 30;

/// A hundred years are for ever.
const KEEP_MONTHS: std::ops::RangeInclusive<usize> = 1..=1200;

/// At least a burst of the longest lines, at most what a large disk holds.
const SPOOL_BYTES: std::ops::RangeInclusive<usize> = 1 << 20..=1 << 40;

/// Nothing, or as much as a large disk holds.
const RESERVE_BYTES: std::ops::RangeInclusive<usize> = 0..=1 << 40;

/// Reads the section.
pub(super) fn audit(mut section: Section<'_>) -> AuditSection {
    let defaults = AuditSection::default();
    let durability = section.text("durability", "write \"batched\" or \"strict\"", |text| {
        let shortened: String = text.chars().take(80).collect();
        Durability::parse(text).ok_or_else(|| format!("{shortened:?} is not a durability"))
    });
    let mut number = |key, default: u64, bounds| {
        // Every default is within its bounds, and these within 64 bits.
        let default = usize::try_from(default).unwrap_or(usize::MAX);
        u64::try_from(section.number(key, default, bounds)).unwrap_or(u64::MAX)
    };
    let file_bytes_max = number("file_bytes_max", defaults.file_bytes_max, FILE_BYTES);
    let keep_months = number("keep_months", u64::from(defaults.keep_months), KEEP_MONTHS);
    let spool_bytes_max = number("spool_bytes_max", defaults.spool_bytes_max, SPOOL_BYTES);
    let reserve_bytes = number("reserve_bytes", defaults.reserve_bytes, RESERVE_BYTES);
    section.finish();
    AuditSection {
        durability: durability.unwrap_or(defaults.durability),
        file_bytes_max,
        keep_months: u32::try_from(keep_months).unwrap_or(u32::MAX),
        spool_bytes_max,
        reserve_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::super::node_config::Defaults;
    use super::super::parse::parse;
    use super::super::paths::Paths;
    use super::*;

    fn read(lines: &str) -> Result<AuditSection, Vec<String>> {
        let text = format!("[node]\nname = \"a\"\nrole = \"follower\"\nenvironment = \"prod\"\n[audit]\n{lines}\n");
        let parsed = parse(&text, &Defaults::of_paths(Paths::system()));
        parsed.map(|config| config.audit).map_err(|problems| problems.0.into_iter().map(|it| it.key).collect())
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let section = read("").expect("valid");
        assert_eq!(section, AuditSection::default());
        assert_eq!((section.file_bytes_max, section.keep_months), (128 << 20, 13));
        assert_eq!((section.spool_bytes_max, section.reserve_bytes), (1 << 30, 1 << 30));
    }

    #[test]
    fn every_number_has_bounds() {
        let section = read("file_bytes_max = 65536\nkeep_months = 1\nspool_bytes_max = 1048576\nreserve_bytes = 0");
        let section = section.expect("valid");
        assert_eq!((section.file_bytes_max, section.keep_months), (65_536, 1));
        assert_eq!((section.spool_bytes_max, section.reserve_bytes), (1 << 20, 0));
        for (key, wrong) in [
            ("file_bytes_max", "65535"),
            ("file_bytes_max", "\"1 GiB\""),
            ("keep_months", "0"),
            ("keep_months", "-13"),
            ("keep_months", "1201"),
            ("spool_bytes_max", "0"),
            ("reserve_bytes", "9999999999999999"),
        ] {
            assert_eq!(read(&format!("{key} = {wrong}")), Err(vec![format!("audit.{key}")]), "{wrong}");
        }
    }
}
