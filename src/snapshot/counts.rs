//! How many rows of each table: said at the end of a snapshot, and counted again by whoever reads it.

use std::collections::BTreeMap;

use super::error::SnapshotError;

/// A table and its number of rows.
const ENTRY_BYTES: usize = 9;

/// Rows by the number of their table. A table without any is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts(BTreeMap<u8, u64>);

impl Counts {
    /// One more of this table.
    pub fn add(&mut self, table: u8) {
        let count = self.0.entry(table).or_default();
        *count = count.saturating_add(1);
    }

    /// Those of one table.
    #[must_use]
    pub fn of(&self, table: u8) -> u64 {
        self.0.get(&table).copied().unwrap_or(0)
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// As the trailer has it: table (1) and count (8, big endian), in the order of the tables.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(table, count)| [&[*table], count.to_be_bytes().as_slice()].concat()).collect()
    }

    /// Reads it back.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] for anything that [`Self::to_bytes`] does not write.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let damaged = SnapshotError::Damaged("its trailer");
        let mut counts = BTreeMap::new();
        for entry in bytes.chunks(ENTRY_BYTES) {
            let (&table, count) = entry.split_first().ok_or(damaged.clone())?;
            let count: [u8; 8] = count.try_into().map_err(|_| damaged.clone())?;
            counts.insert(table, u64::from_be_bytes(count));
        }
        let counts = Self(counts);
        if counts.to_bytes() == bytes { Ok(counts) } else { Err(damaged) }
    }
}
