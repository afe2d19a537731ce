//! Records as schema 1 wrote them: without fields, and without a word on what their last change did. Read for ever,
//! written no more.

use bincode::{Decode, Encode};

use super::secret::{MetadataRow, OptionsRow, SealedRow, metadata, options, value};
use super::{Row, decode};
use crate::model::change::ChangeKind;
use crate::model::number::{Revision, Version};
use crate::model::rare::Rare;
use crate::model::record::{Record, RecordBody};
use crate::model::secret::ScopedSecret;
use crate::model::time::Timestamp;
use crate::store::error::RowFault;

/// The first byte of these rows.
pub(super) const FORMAT: u8 = 1;

#[derive(Encode, Decode)]
struct RecordRow {
    secret_id: u64,
    version: u64,
    revision: u64,
    deleted: bool,
    /// Always there unless the version was deleted; then only where a deletion can be undone.
    sealed: Option<SealedRow>,
    metadata: MetadataRow,
    options: OptionsRow,
    created_at: i64,
    updated_at: i64,
}

impl Row for RecordRow {
    const FORMAT: u8 = FORMAT;
}

/// The record of a row at its address.
pub(super) fn record(at: ScopedSecret, bytes: &[u8]) -> Result<Record, RowFault> {
    let row: RecordRow = decode(bytes)?;
    Ok(Record {
        at,
        secret_id: row.secret_id,
        version: Version::new(row.version).ok_or(RowFault::Field("version"))?,
        revision: Revision(row.revision),
        change: if row.deleted { ChangeKind::Deleted } else { ChangeKind::Stored },
        purged: None,
        body: body(row.deleted, row.sealed)?,
        metadata: metadata(row.metadata)?.into(),
        options: options(row.options)?.into(),
        fields: Rare::default(),
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
    })
}

fn body(deleted: bool, sealed: Option<SealedRow>) -> Result<RecordBody, RowFault> {
    let sealed = sealed.map(value).transpose()?;
    match (deleted, sealed) {
        (true, kept) => Ok(RecordBody::Deleted { kept }),
        (false, Some(value)) => Ok(RecordBody::Sealed(value)),
        (false, None) => Err(RowFault::Field("sealed")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::test_support::{full_record, record as plain_record};
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn a_full_record_of_schema_1_still_reads() {
        let full = Record { fields: Rare::default(), purged: None, ..full_record() };
        let row = bytes(concat!(
            "01fb2c0105050001010707070707070707070707070707070707070707070707070c7365616c6564",
            "206279746573010c666f7220696e766f6963657301036f7073010f6f7073406578616d706c652e6f",
            "72670110726f7461746520696e20737072696e6701066f70656e6169020762696c6c696e67026575",
            "01fd00a0b83046030000013c000101fc0065cd1d011efd00183dfa43030000fdf6183dfa43030000"
        ));
        assert_eq!(record(full.at.clone(), &row), Ok(full));
    }

    #[test]
    fn a_deleted_record_of_schema_1_still_reads_and_one_that_is_simply_not_there_does_not() {
        let plain = plain_record("a/b", "global", 7, b"kept");
        let gone = Record { body: RecordBody::Deleted { kept: None }, change: ChangeKind::Deleted, ..plain };
        let row = bytes("010107070100000000000000000000005afd00183dfa43030000fdf6183dfa43030000");
        assert_eq!(record(gone.at.clone(), &row), Ok(gone));
        assert_eq!(body(false, None), Err(RowFault::Field("sealed")));
        let sealed = SealedRow { generation: 0, nonce: [0; 24], ciphertext: vec![] };
        assert_eq!(body(true, Some(sealed)), Err(RowFault::Field("generation")));
    }
}
