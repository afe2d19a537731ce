//! What is wrong with a policy file, in words a person can act on.

use std::fmt;

/// One problem: where, which key, what is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {key}: {what}{}", advice(what, right))]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The key, as `grant.principal`, with the name of the grant or agent if it has one.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub right: String,
}

/// What to write instead, unless it was said already.
fn advice(what: &str, right: &str) -> String {
    if what.ends_with(right) { String::new() } else { format!("; {right}") }
}

/// Every problem of one policy file, in the order of its lines. Never empty when it is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(formatter, "the policy has {count} problem{}", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|problem| write!(formatter, "\n  {problem}"))
    }
}
