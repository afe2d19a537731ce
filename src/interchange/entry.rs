//! What a file holds once it is read, and what is written into one.

use std::fmt;

use super::target::{FieldTag, Target};
use crate::crypto::plaintext::Plaintext;
use crate::model::secret::{Scope, SecretName};

/// Largest file that is read: far above any file of credentials, far below what would trouble the machine.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most entries of one file: they become one transaction.
pub const ENTRIES_MAX: usize = 200_000;

/// Longest name of an entry: the longest canonical one is 129 bytes, with a field and a scope 270.
pub const NAME_BYTES_MAX: usize = 512;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `NAME=value`, as the dotenv libraries read it.
    Dotenv,
    /// RFC 8259.
    Json,
    /// YAML 1.2.
    Yaml,
    /// `export NAME='value'`, for any POSIX shell.
    Shell,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Dotenv, Self::Json, Self::Yaml, Self::Shell];

    /// What it is called on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dotenv => "dotenv",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Shell => "shell",
        }
    }

    /// Reads what [`Format::as_str`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }

    /// What a file's name says: `.json`, `.yaml` and `.yml`, `.sh`; dotenv files have many names.
    #[must_use]
    pub fn of_file_name(name: &str) -> Self {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        match ending.as_str() {
            "json" => Self::Json,
            "yaml" | "yml" => Self::Yaml,
            "sh" => Self::Shell,
            _ => Self::Dotenv,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What stands under a name.
#[derive(Debug)]
pub enum Content {
    /// A value, which may be empty.
    Value(Plaintext),
    /// Several fields, in the order of the file; no name is there twice.
    Fields(Vec<(FieldTag, Plaintext)>),
    /// The name alone: null, or a map without entries.
    Nothing,
}

/// One name of a file, with what stands under it.
#[derive(Debug)]
pub struct Entry {
    /// Where the name stands, from 1.
    pub line: usize,
    /// The name as it is written there; for `hubspot:` with `api_key:` below it, `hubspot/api_key`. Holds no control
    /// character.
    pub raw_name: String,
    /// Which secret it is, if the file itself says so.
    pub target: Option<Target>,
    /// What stands under it.
    pub content: Content,
}

/// One secret to be written.
#[derive(Debug)]
pub struct Item {
    /// Its name.
    pub name: SecretName,
    /// Whom the value is for; `None` writes no scope.
    pub scope: Option<Scope>,
    /// The value.
    pub content: Content,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_reads_back_as_it_prints_and_is_known_by_its_file_name() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.as_str()), Some(format));
        }
        assert_eq!(Format::parse("toml"), None);
        let named =
            ["a.JSON", "a.yml", "a.yaml", "export.sh", ".env", ".env.local", "json", ""].map(Format::of_file_name);
        let [dotenv, json, yaml, shell] = Format::ALL;
        assert_eq!(named, [json, yaml, yaml, shell, dotenv, dotenv, dotenv, dotenv]);
    }
}
