//! Which values left the node, by its journal: for the list of what to replace after an incident.

use std::path::Path;

use super::error::AuditError;
use super::files::parts;
use super::line::{parse_read, parse_time};
use super::lines::{Lines, Next};
use crate::model::number::Version;
use crate::model::secret::ScopedSecret;
use crate::model::time::Timestamp;

/// One value, given out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Which secret, in which scope.
    pub at: ScopedSecret,
    /// Which version of it.
    pub version: Version,
    /// When.
    pub time: Timestamp,
    /// To whom: every principal the caller was, with blanks between them.
    pub principal: String,
}

impl Read {
    /// Whether the caller was this principal.
    #[must_use]
    pub fn is_by(&self, principal: &str) -> bool {
        // Each stands between blanks; the path of a program may hold some of its own.
        format!(" {} ", self.principal).contains(&format!(" {principal} "))
    }
}

/// Tells every read that was allowed and came out well, oldest first; gives the number of lines that could not be
/// understood. A line that is just being written is left out.
///
/// # Errors
/// [`AuditError`] when a file cannot be read: never fewer reads instead.
pub fn reads(directory: &Path, mut tell: impl FnMut(Read)) -> Result<u64, AuditError> {
    let mut unreadable: u64 = 0;
    for part in parts(directory)? {
        let path = part.path(directory);
        let mut lines = Lines::of(directory, &part)?;
        loop {
            match lines.next().map_err(AuditError::io(&path))? {
                Next::Line(line) => match parse_read(line) {
                    Ok(Some(read)) => tell(read),
                    Ok(None) => {}
                    Err(_) => unreadable = unreadable.saturating_add(1),
                },
                Next::TooLong => unreadable = unreadable.saturating_add(1),
                Next::Cut | Next::End => break,
            }
        }
    }
    Ok(unreadable)
}

/// When the oldest line was written that is still there; none if there is no line.
///
/// # Errors
/// [`AuditError`] when a file cannot be read.
pub fn begins(directory: &Path) -> Result<Option<Timestamp>, AuditError> {
    for part in parts(directory)? {
        let path = part.path(directory);
        let mut lines = Lines::of(directory, &part)?;
        loop {
            match lines.next().map_err(AuditError::io(&path))? {
                Next::Line(line) => {
                    if let Some(time) = parse_time(line) {
                        return Ok(Some(time));
                    }
                }
                Next::TooLong => {}
                Next::Cut | Next::End => break,
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::entry::{Entry, Ruling};
    use super::super::sample;
    use super::*;
    use crate::model::name::EnvironmentName;
    use crate::model::secret::{Scope, SecretName};

    fn entry(principal: &str, action: &'static str) -> Entry {
        Entry {
            principal: principal.into(),
            action,
            secret: Some(SecretName::parse("openai/api_key").expect("name")),
            scope: Some(Scope::Global),
            environment: Some(EnvironmentName::parse("prod").expect("name")),
            version: Version::new(3),
            outcome: "ok",
            ..sample::entry("r")
        }
    }

    #[test]
    fn only_values_that_were_given_out_are_told_and_what_is_no_line_is_counted() {
        let refused = Entry { ruling: Ruling::Deny, ..entry("user:1000", "secret.read") };
        let failed = Entry { outcome: "stale_cache", ..entry("user:1000", "secret.read") };
        let lines = sample::lines_of(&[
            entry("user:1000 group:1000", "secret.read"),
            refused,
            failed,
            entry("user:1000", "secret.info"),
            entry("agent:robot exe:/opt/my tool", "secret.export"),
        ]);
        let directory = tempfile::tempdir().expect("directory");
        let text = format!("{}not a line\n{{\"seq\":1", lines.concat());
        fs::write(directory.path().join("audit-2026-11.jsonl"), text).expect("file");
        let begun = begins(directory.path()).expect("readable");
        assert!(begun.is_some_and(|at| lines[0].contains(&at.to_string())), "{begun:?}");
        let mut found = Vec::new();
        assert_eq!(reads(directory.path(), |read| found.push(read)).expect("readable"), 1);
        let [user, agent] = &found[..] else { panic!("{found:?}") };
        assert_eq!((user.at.to_string().as_str(), user.version.get()), ("openai/api_key (global, prod)", 3));
        assert!(user.is_by("user:1000") && user.is_by("group:1000") && !user.is_by("user:100"));
        assert!(agent.is_by("agent:robot") && agent.is_by("exe:/opt/my tool") && !agent.is_by("tool:x"));
    }
}
