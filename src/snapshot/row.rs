//! A row of the store as it stands in a snapshot: bytes under a number, which only the store understands.

use super::error::SnapshotError;

/// Longest key that is read: those of the store are some 300 bytes.
const KEY_BYTES_MAX: usize = 4096;

/// Longest row that is read: those of the store have 2 MiB at most.
const ROW_BYTES_MAX: usize = 2 << 20;

/// The table that is none: the trailer stands there.
pub(super) const TRAILER: u8 = 0;

/// Bytes before the key.
pub(super) const HEAD_BYTES: usize = 5;

/// Bytes before the row.
pub(super) const LENGTH_BYTES: usize = 4;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number of its table; not 0.
    pub table: u8,
    /// Its key.
    pub key: Vec<u8>,
    /// What it holds.
    pub row: Vec<u8>,
}

impl Row {
    /// Appends the row as it is written.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] for one that would not be read again.
    pub(super) fn append_to(&self, to: &mut Vec<u8>) -> Result<(), SnapshotError> {
        if self.table == TRAILER {
            return Err(SnapshotError::Damaged("a row of no table"));
        }
        append(to, self.table, &self.key, &self.row)
    }
}

/// Appends a row, or the trailer.
pub(super) fn append(to: &mut Vec<u8>, table: u8, key: &[u8], row: &[u8]) -> Result<(), SnapshotError> {
    let key_bytes = length(key.len(), KEY_BYTES_MAX)?;
    let row_bytes = length(row.len(), ROW_BYTES_MAX)?;
    to.push(table);
    to.extend_from_slice(&key_bytes.to_be_bytes());
    to.extend_from_slice(key);
    to.extend_from_slice(&row_bytes.to_be_bytes());
    to.extend_from_slice(row);
    Ok(())
}

/// The table and the length of the key.
pub(super) fn read_head(bytes: &[u8]) -> Result<(u8, usize), SnapshotError> {
    let (&table, length) = bytes.split_first().ok_or(SnapshotError::Cut)?;
    Ok((table, read_length(length, KEY_BYTES_MAX)?))
}

/// The length of the row.
pub(super) fn read_row_length(bytes: &[u8]) -> Result<usize, SnapshotError> {
    read_length(bytes, ROW_BYTES_MAX)
}

fn length(bytes: usize, bytes_max: usize) -> Result<u32, SnapshotError> {
    let fits = u32::try_from(bytes).ok().filter(|_| bytes <= bytes_max);
    fits.ok_or(SnapshotError::Damaged("a row is longer than any"))
}

fn read_length(bytes: &[u8], bytes_max: usize) -> Result<usize, SnapshotError> {
    let bytes: [u8; LENGTH_BYTES] = bytes.try_into().map_err(|_| SnapshotError::Cut)?;
    let length = usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX);
    if length > bytes_max { Err(SnapshotError::Damaged("a row is longer than any")) } else { Ok(length) }
}
