//! Rows of scope keys: the sealed bytes, and when the key was made.

use bincode::{Decode, Encode};

use super::{Row, decode, encode};
use crate::model::record::SealedScopeKey;
use crate::model::time::Timestamp;
use crate::store::error::{RowFault, StoreError};
use crate::store::table::Table;

#[derive(Encode, Decode)]
struct ScopeKeyRow {
    sealed: Vec<u8>,
    made_at: Option<i64>,
}

impl Row for ScopeKeyRow {
    const FORMAT: u8 = 2;
}

/// As it was before the time was noted. Read for ever, written no more.
#[derive(Encode, Decode)]
struct ScopeKeyRowV1 {
    sealed: Vec<u8>,
}

impl Row for ScopeKeyRowV1 {
    const FORMAT: u8 = 1;
}

/// The row of a sealed scope key.
pub(in crate::store) fn scope_key_row(key: &SealedScopeKey) -> Result<Vec<u8>, StoreError> {
    let row = ScopeKeyRow { sealed: key.sealed.clone(), made_at: key.made_at.map(|at| at.0) };
    encode(Table::ScopeKeys, &row)
}

/// The sealed bytes of a scope key's row, and when the key was made.
pub(in crate::store) fn scope_key(bytes: &[u8]) -> Result<(Vec<u8>, Option<Timestamp>), RowFault> {
    if bytes.first() == Some(&ScopeKeyRowV1::FORMAT) {
        return decode(bytes).map(|row: ScopeKeyRowV1| (row.sealed, None));
    }
    decode(bytes).map(|row: ScopeKeyRow| (row.sealed, row.made_at.map(Timestamp)))
}

#[cfg(test)]
mod tests {
    use super::super::super::test_support::scope_key as sample;
    use super::*;
    use crate::model::hex::hex;

    #[test]
    fn a_scope_key_has_these_bytes_for_ever_and_reads_back_with_or_without_its_time() {
        let key = SealedScopeKey { made_at: Some(Timestamp(300)), ..sample("global", 1, &[9, 8, 7]) };
        let row = scope_key_row(&key).expect("encoded");
        assert_eq!(hex(&row), "020309080701fb5802");
        assert_eq!(scope_key(&row), Ok((vec![9, 8, 7], Some(Timestamp(300)))));
        let row = scope_key_row(&sample("global", 1, &[9, 8, 7])).expect("encoded");
        assert_eq!(hex(&row), "020309080700");
        assert_eq!(scope_key(&row), Ok((vec![9, 8, 7], None)));
    }

    #[test]
    fn a_scope_key_from_before_the_time_was_noted_still_reads() {
        assert_eq!(scope_key(&[1, 3, 9, 8, 7]), Ok((vec![9, 8, 7], None)));
        assert_eq!(scope_key(&[3, 3, 9, 8, 7, 0]), Err(RowFault::Format(3)));
    }
}
