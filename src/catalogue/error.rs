//! What is wrong with the files of the catalogue, in words a person can act on.

use std::fmt;

/// One problem: which file, which key, why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {key}: {reason}")]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// The key, as `fields[2].kind`; `line N` for what is no TOML.
    pub key: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// Why a key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The file is no TOML.
    #[error("is no TOML: {0}")]
    Syntax(String),
    /// A key that must be there is not.
    #[error("is missing")]
    Missing,
    /// The value is of another kind than the key takes.
    #[error("must be {0}")]
    Kind(&'static str),
    /// The value is not one of those the key takes.
    #[error("{found:?} is not {wanted}")]
    Value {
        /// What is there.
        found: String,
        /// What may be there.
        wanted: &'static str,
    },
    /// A key that this version does not know: a misspelt one must not look like one that works.
    #[error("is not a key this version knows; the keys here are {0}")]
    Unknown(String),
    /// A place for a field that the file does not have.
    #[error("names the field {name:?}, which the file does not have")]
    NoField {
        /// What it names.
        name: String,
    },
    /// What does not go together with another key, or is of no use without it.
    #[error("{0}")]
    Unfit(&'static str),
    /// The name is there already, in this file or another.
    #[error("{name:?} is claimed by {first} already")]
    Twice {
        /// What is there twice.
        name: String,
        /// Who had it first.
        first: String,
    },
}

/// Every problem of the catalogue, file by file. Never empty when it is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(formatter, "the catalogue of providers has {count} problem{}", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|problem| write!(formatter, "\n  {problem}"))
    }
}
