//! A migration that a store went through, as it stands on record in the file.

use std::fmt;

use crate::model::time::Timestamp;

/// One entry of the record. A store that was made at a schema has all the migrations up to it on record, applied when it was
/// made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its name, which begins with the schema it leads to: `0004-keep-a-record`.
    pub name: String,
    /// When; `None` if it was before there was a record, or by nobody's clock.
    pub applied_at: Option<Timestamp>,
    /// The version of the program that did; `None` if it was before there was a record.
    pub applied_by: Option<String>,
    /// SHA-256 of its name and wording in that version.
    pub checksum: [u8; 32],
}

/// `0004-keep-a-record, applied by version 0.1.0 at 2026-11-21T08:00:00.000Z`.
impl fmt::Display for AppliedMigration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        match &self.applied_by {
            Some(version) => write!(formatter, ", applied by version {version}")?,
            None => formatter.write_str(", applied before there was a record")?,
        }
        self.applied_at.map_or(Ok(()), |at| write!(formatter, " at {at}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_who_applied_it_and_when_as_far_as_it_is_known() {
        let known = AppliedMigration {
            name: "0009-test".to_owned(),
            applied_at: Some(Timestamp(0)),
            applied_by: Some("0.1.0".to_owned()),
            checksum: [0; 32],
        };
        assert_eq!(known.to_string(), "0009-test, applied by version 0.1.0 at 1970-01-01T00:00:00.000Z");
        let unknown = AppliedMigration { applied_at: None, applied_by: None, ..known };
        assert_eq!(unknown.to_string(), "0009-test, applied before there was a record");
    }
}
