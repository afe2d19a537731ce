//! What is wrong with a configuration, in words a person can act on.

use std::fmt;

/// One problem: where, what, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}; {right}")]
pub struct Problem {
    /// The key, as `section.key`, or the environment variable.
    pub key: String,
    /// What is wrong. Never the value of an unknown key: people paste secrets in odd places.
    pub what: String,
    /// What to write instead.
    pub right: String,
}

impl Problem {
    /// Puts the three parts together.
    #[must_use]
    pub fn new(key: impl Into<String>, what: impl Into<String>, right: impl Into<String>) -> Self {
        Self { key: key.into(), what: what.into(), right: right.into() }
    }
}

/// Every problem of one configuration, in the order of the file's sections. Never empty when it is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(formatter, "the configuration has {count} problem{}", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|problem| write!(formatter, "\n  {problem}"))
    }
}
