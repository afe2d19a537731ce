//! Rows: the bytes in the tables. bincode's standard configuration with a limit, one format byte before it.
//!
//! A row type belongs to this folder alone and is converted to and from the nouns of `model` by hand, so that neither
//! can change the other unseen. Golden bytes in each file hold the formats still.

pub(super) mod article;
pub(super) mod key;
pub(super) mod log;
pub(super) mod meta;
pub(super) mod migration;
pub(super) mod roster;
mod roster_older;
pub(super) mod scope_key;
pub(super) mod secret;
mod secret_v1;

use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use bincode::{Decode, Encode};

use super::error::{RowFault, StoreError};
use super::table::Table;

/// Longest row. The largest value (1 MiB) with the largest metadata (some 38 KiB) fits; a corrupt length cannot make
/// the decoder ask for more.
pub(super) const ROW_BYTES_MAX: usize = 2 * 1024 * 1024;

#[expect(clippy::disallowed_methods, reason = "this is one of the two places that may name the codec; it has a limit")]
const CONFIGURATION: Configuration<LittleEndian, Varint, Limit<ROW_BYTES_MAX>> =
    config::standard().with_limit::<ROW_BYTES_MAX>();

/// A type that is the content of rows.
pub(super) trait Row: Encode + Decode<()> {
    /// The first byte of the row. A changed type is a new one with the next number.
    const FORMAT: u8;
}

/// Bytes of a row.
///
/// # Errors
/// [`StoreError::RowTooLarge`].
pub(super) fn encode<T: Row>(table: Table, row: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![T::FORMAT];
    // Encoding into memory fails for no type of ours; the limit it would be reported under is the only one there is.
    let written = bincode::encode_into_std_write(row, &mut bytes, CONFIGURATION);
    if written.is_err() || bytes.len() > ROW_BYTES_MAX {
        return Err(too_large(table, bytes.len()));
    }
    Ok(bytes)
}

/// The row of these bytes: all of them and nothing else.
///
/// # Errors
/// [`RowFault`].
pub(super) fn decode<T: Row>(bytes: &[u8]) -> Result<T, RowFault> {
    let (&format, body) = bytes.split_first().ok_or(RowFault::Undecodable)?;
    if format != T::FORMAT {
        return Err(RowFault::Format(format));
    }
    let (row, used) = bincode::decode_from_slice(body, CONFIGURATION).map_err(|_| RowFault::Undecodable)?;
    if used == body.len() { Ok(row) } else { Err(RowFault::TrailingBytes) }
}

/// The error of a row that would never be read again.
pub(super) fn too_large(table: Table, bytes: usize) -> StoreError {
    StoreError::RowTooLarge { table: table.name(), bytes, bytes_max: ROW_BYTES_MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    struct Sample(Vec<u8>);

    impl Row for Sample {
        const FORMAT: u8 = 7;
    }

    #[test]
    fn a_row_reads_back_and_only_whole() {
        let bytes = encode(Table::Blobs, &Sample(vec![1, 2, 3])).expect("encoded");
        assert_eq!(bytes, [7, 3, 1, 2, 3]);
        assert_eq!(decode::<Sample>(&bytes), Ok(Sample(vec![1, 2, 3])));
        assert_eq!(decode::<Sample>(&bytes[..4]), Err(RowFault::Undecodable));
        assert_eq!(decode::<Sample>(&[]), Err(RowFault::Undecodable));
        assert_eq!(decode::<Sample>(&[7, 3, 1, 2, 3, 4]), Err(RowFault::TrailingBytes));
        assert_eq!(decode::<Sample>(&[8, 0]), Err(RowFault::Format(8)));
    }

    #[test]
    fn a_row_that_claims_a_huge_length_is_refused_without_allocating() {
        let huge = [7, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert_eq!(decode::<Sample>(&huge), Err(RowFault::Undecodable));
    }

    #[test]
    fn a_row_that_could_not_be_read_again_is_not_written() {
        let refused = encode(Table::Blobs, &Sample(vec![0; ROW_BYTES_MAX])).expect_err("too large");
        assert!(matches!(refused, StoreError::RowTooLarge { table: "blobs", .. }));
        let largest = encode(Table::Blobs, &Sample(vec![0; ROW_BYTES_MAX - 16])).expect("fits");
        assert!(decode::<Sample>(&largest).is_ok());
    }
}
