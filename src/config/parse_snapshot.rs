//! `[snapshot]`: how often the lead saves itself, where to, and for whom.

use std::time::Duration;

use super::duration;
use super::node_config::SnapshotSection;
use super::parse::{RIGHT_PATH, absolute, shortened};
use super::section::Section;

/// More often than this a large store would do nothing else.
const EVERY_MIN: Duration = Duration::from_secs(60);

/// Less often is no schedule.
const EVERY_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// How many files are kept.
const KEEP: std::ops::RangeInclusive<usize> = 1..=1000;

/// Most words of the command, and most bytes of each.
const WORDS_MAX: usize = 64;
const WORD_BYTES_MAX: usize = 4096;

/// As many as one snapshot is made for.
const RECIPIENTS_MAX: usize = 64;

/// What every recipient begins with, and how long it may be. Whether it is one is found out when it is used first, at start.
const RECIPIENT_PREFIX: &str = "aurora-recovery-";
const RECIPIENT_BYTES: std::ops::RangeInclusive<usize> = 64..=2048;

const RIGHT_RECIPIENTS: &str =
    "write a list of up to 64 texts aurora-recovery-…, as aurora snapshot keygen prints them";
const RIGHT_COMMAND: &str =
    "write a list of words, the program first, like [\"rclone\", \"rcat\", \"offsite:aurora/{name}\"]";

/// Reads the section.
pub(super) fn snapshot(mut section: Section<'_>) -> SnapshotSection {
    let defaults = SnapshotSection::default();
    let right = "write a duration from 60s to 30d, like \"24h\"";
    let every = section.text("every", right, |text| match duration::parse(text) {
        Ok(every) if (EVERY_MIN..=EVERY_MAX).contains(&every) => Ok(every),
        Ok(_) => Err("is out of bounds".to_owned()),
        Err(error) => Err(error.to_string()),
    });
    let directory = section.text("directory", RIGHT_PATH, absolute);
    let keep = section.number("keep", defaults.keep, KEEP);
    let command = section.texts("command", RIGHT_COMMAND, |word| {
        let is_word = !word.is_empty() && word.len() <= WORD_BYTES_MAX && !word.contains('\0');
        if is_word { Ok(()) } else { Err("is empty, or too long".to_owned()) }
    });
    if command.len() > WORDS_MAX {
        section.refuse("command", "has too many words", RIGHT_COMMAND);
    }
    let recipients = section.texts("recipients", RIGHT_RECIPIENTS, |text| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_one = text.starts_with(RECIPIENT_PREFIX) && is_plain && RECIPIENT_BYTES.contains(&text.len());
        if is_one { Ok(()) } else { Err(format!("{:?} is no recipient", shortened(text))) }
    });
    if recipients.len() > RECIPIENTS_MAX {
        section.refuse("recipients", "has too many", RIGHT_RECIPIENTS);
    }
    section.finish();
    SnapshotSection { every: every.unwrap_or(defaults.every), directory, keep, command, recipients }
}

#[cfg(test)]
mod tests {
    use super::super::node_config::Defaults;
    use super::super::parse::parse;
    use super::super::paths::Paths;
    use super::*;

    fn read(lines: &str) -> Result<SnapshotSection, Vec<String>> {
        let text = format!("[node]\nname = \"a\"\nrole = \"lead\"\nenvironment = \"prod\"\n[snapshot]\n{lines}\n");
        let parsed = parse(&text, &Defaults::of_paths(Paths::system()));
        parsed.map(|config| config.snapshot).map_err(|problems| problems.0.into_iter().map(|it| it.key).collect())
    }

    #[test]
    fn what_is_not_said_has_a_default_and_nothing_is_saved_without_a_place() {
        let section = read("").expect("valid");
        assert_eq!(section, SnapshotSection::default());
        assert_eq!((section.every, section.keep), (Duration::from_secs(86_400), 14));
        assert!(!section.is_scheduled());
        assert!(read("directory = \"/var/backups/aurora\"").expect("valid").is_scheduled());
        assert!(read("command = [\"rclone\", \"rcat\", \"offsite:{name}\"]").expect("valid").is_scheduled());
    }

    #[test]
    fn everything_has_bounds() {
        let recipient = format!("aurora-recovery-{}", "a".repeat(1700));
        let section = read(&format!("every = \"6h\"\nkeep = 1\nrecipients = [\"{recipient}\"]")).expect("valid");
        assert_eq!((section.every, section.keep, section.recipients.len()), (Duration::from_secs(21_600), 1, 1));
        for (key, wrong) in [
            ("every", "\"59s\""),
            ("every", "\"31d\""),
            ("every", "24"),
            ("directory", "\"snapshots\""),
            ("keep", "0"),
            ("keep", "1001"),
            ("command", "\"rclone rcat\""),
            ("command", "[\"\"]"),
            ("command", &format!("[{}]", "\"a\",".repeat(65))),
            ("recipients", "[\"age1abc\"]"),
            ("recipients", &format!("[\"{recipient}!\"]")),
            ("recipients", &format!("[{}]", format!("\"{recipient}\",").repeat(65))),
        ] {
            assert_eq!(read(&format!("{key} = {wrong}")), Err(vec![format!("snapshot.{key}")]), "{wrong:.80}");
        }
    }
}
