//! What an examination of a node came to: one finding for each thing that was looked at, with the command that mends it.

use std::fmt;

/// How bad a finding is; ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing need be done.
    Note,
    /// Works today, and will not under circumstances that do come.
    Warning,
    /// Does not work, or does not keep what it promises.
    Error,
}

impl Severity {
    /// `ok`, `note`, `warning` or `error`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// One thing that was looked at. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Names what was looked at, for programs: `disk.space`. Never given to anything else.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen.
    pub seen: String,
    /// What to type; `None` where nothing need be done.
    pub mend: Option<String>,
}

impl Finding {
    /// As it should be.
    #[must_use]
    pub fn ok(id: &'static str, seen: impl Into<String>) -> Self {
        Self { id, severity: Severity::Ok, seen: seen.into(), mend: None }
    }

    /// Worth knowing.
    #[must_use]
    pub fn note(id: &'static str, seen: impl Into<String>) -> Self {
        Self { id, severity: Severity::Note, seen: seen.into(), mend: None }
    }

    /// To be mended soon.
    #[must_use]
    pub fn warning(id: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { id, severity: Severity::Warning, seen: seen.into(), mend: Some(mend.into()) }
    }

    /// To be mended now.
    #[must_use]
    pub fn error(id: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { id, severity: Severity::Error, seen: seen.into(), mend: Some(mend.into()) }
    }

    /// The same, with a command that may be of use.
    #[must_use]
    pub fn advising(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_ordered_from_well_to_broken() {
        let all = [Severity::Ok, Severity::Note, Severity::Warning, Severity::Error];
        assert!(all.is_sorted());
        assert_eq!(all.map(Severity::as_str), ["ok", "note", "warning", "error"]);
    }

    #[test]
    fn what_is_bad_says_what_to_type() {
        assert_eq!(Finding::ok("a", "b").mend, None);
        assert_eq!(Finding::error("a", "b", "c").mend.as_deref(), Some("c"));
        assert_eq!(Finding::note("a", "b").advising("c").mend.as_deref(), Some("c"));
    }
}
