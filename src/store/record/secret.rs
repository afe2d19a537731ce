//! Rows of secrets: a record without its address, which is its key; high-water marks; sealed scope keys.

use std::time::Duration;

use bincode::{Decode, Encode};

use super::{Row, decode, encode, secret_v1};
use crate::model::change::ChangeKind;
use crate::model::fields::{Field, FieldKind, Fields};
use crate::model::freshness::Offline;
use crate::model::metadata::{Metadata, SecretOptions};
use crate::model::name::FieldName;
use crate::model::number::{Generation, Revision, Version};
use crate::model::record::{Record, RecordBody, SealedValue};
use crate::model::secret::ScopedSecret;
use crate::model::time::Timestamp;
use crate::store::error::{RowFault, StoreError};
use crate::store::table::Table;

#[derive(Encode, Decode)]
struct RecordRow {
    secret_id: u64,
    version: u64,
    revision: u64,
    change: u8,
    purged: Option<u64>,
    body: BodyRow,
    metadata: MetadataRow,
    options: OptionsRow,
    fields: Vec<FieldRow>,
    created_at: i64,
    updated_at: i64,
}

impl Row for RecordRow {
    const FORMAT: u8 = 2;
}

/// Numbered by its order: a new kind of body goes to the end.
#[derive(Encode, Decode)]
enum BodyRow {
    Sealed(SealedRow),
    Deleted(Option<SealedRow>),
    Destroyed,
    Unset,
}

#[derive(Encode, Decode)]
struct FieldRow {
    name: String,
    secret: bool,
}

#[derive(Encode, Decode)]
pub(super) struct SealedRow {
    pub(super) generation: u32,
    pub(super) nonce: [u8; 24],
    pub(super) ciphertext: Vec<u8>,
}

#[derive(Encode, Decode)]
pub(super) struct MetadataRow {
    description: Option<String>,
    owner: Option<String>,
    contact: Option<String>,
    note: Option<String>,
    provider: Option<String>,
    tags: Vec<String>,
}

#[derive(Encode, Decode)]
pub(super) struct OptionsRow {
    expires_at: Option<i64>,
    ttl: Option<DurationRow>,
    max_stale: Option<DurationRow>,
    offline: u8,
    rotation_reminder_days: u16,
}

#[derive(Encode, Decode)]
struct DurationRow {
    seconds: u64,
    nanoseconds: u32,
}

#[derive(Encode, Decode)]
struct HighWaterRow {
    version: u64,
}

impl Row for HighWaterRow {
    const FORMAT: u8 = 1;
}

/// The row of a record.
pub(in crate::store) fn record_row(record: &Record) -> Result<Vec<u8>, StoreError> {
    let row = RecordRow {
        secret_id: record.secret_id,
        version: record.version.get(),
        revision: record.revision.get(),
        change: record.change.number(),
        purged: record.purged.map(Revision::get),
        body: body_row(&record.body),
        metadata: metadata_row(&record.metadata),
        options: options_row(&record.options),
        fields: record.fields.iter().map(field_row).collect(),
        created_at: record.created_at.0,
        updated_at: record.updated_at.0,
    };
    encode(Table::Records, &row)
}

/// The record of a row at its address, in today's format or an older one.
pub(in crate::store) fn record(at: ScopedSecret, bytes: &[u8]) -> Result<Record, RowFault> {
    if bytes.first() == Some(&secret_v1::FORMAT) {
        return secret_v1::record(at, bytes);
    }
    let row: RecordRow = decode(bytes)?;
    Ok(Record {
        at,
        secret_id: row.secret_id,
        version: Version::new(row.version).ok_or(RowFault::Field("version"))?,
        revision: Revision(row.revision),
        change: ChangeKind::from_number(row.change).ok_or(RowFault::Field("change"))?,
        purged: row.purged.map(Revision),
        body: body(row.body)?,
        metadata: metadata(row.metadata)?.into(),
        options: options(row.options)?.into(),
        fields: fields(row.fields)?.into(),
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
    })
}

/// The row of a high-water mark.
pub(in crate::store) fn high_water_row(version: Version) -> Result<Vec<u8>, StoreError> {
    encode(Table::HighWater, &HighWaterRow { version: version.get() })
}

/// The high-water mark of a row.
pub(in crate::store) fn high_water(bytes: &[u8]) -> Result<Version, RowFault> {
    let row: HighWaterRow = decode(bytes)?;
    Version::new(row.version).ok_or(RowFault::Field("version"))
}

fn sealed_row(value: &SealedValue) -> SealedRow {
    SealedRow { generation: value.generation.get(), nonce: value.nonce, ciphertext: value.ciphertext.clone() }
}

fn body_row(body: &RecordBody) -> BodyRow {
    match body {
        RecordBody::Sealed(value) => BodyRow::Sealed(sealed_row(value)),
        RecordBody::Deleted { kept } => BodyRow::Deleted(kept.as_ref().map(sealed_row)),
        RecordBody::Destroyed => BodyRow::Destroyed,
        RecordBody::Unset => BodyRow::Unset,
    }
}

fn body(row: BodyRow) -> Result<RecordBody, RowFault> {
    Ok(match row {
        BodyRow::Sealed(row) => RecordBody::Sealed(value(row)?),
        BodyRow::Deleted(row) => RecordBody::Deleted { kept: row.map(value).transpose()? },
        BodyRow::Destroyed => RecordBody::Destroyed,
        BodyRow::Unset => RecordBody::Unset,
    })
}

fn field_row(field: &Field) -> FieldRow {
    FieldRow { name: field.name.as_str().to_owned(), secret: field.kind == FieldKind::Secret }
}

fn fields(rows: Vec<FieldRow>) -> Result<Fields, RowFault> {
    let fault = RowFault::Field("fields");
    let field = |row: FieldRow| {
        let kind = if row.secret { FieldKind::Secret } else { FieldKind::Text };
        FieldName::parse(&row.name).map(|name| Field { name, kind }).map_err(|_| fault.clone())
    };
    Fields::new(rows.into_iter().map(field).collect::<Result<_, _>>()?).map_err(|_| fault.clone())
}

pub(super) fn value(row: SealedRow) -> Result<SealedValue, RowFault> {
    let generation = Generation::new(row.generation).ok_or(RowFault::Field("generation"))?;
    Ok(SealedValue { generation, nonce: row.nonce, ciphertext: row.ciphertext })
}

fn metadata_row(metadata: &Metadata) -> MetadataRow {
    MetadataRow {
        description: metadata.description.clone(),
        owner: metadata.owner.clone(),
        contact: metadata.contact.clone(),
        note: metadata.note.clone(),
        provider: metadata.provider.clone(),
        tags: metadata.tags.clone(),
    }
}

pub(super) fn metadata(row: MetadataRow) -> Result<Metadata, RowFault> {
    let metadata = Metadata {
        description: row.description,
        owner: row.owner,
        contact: row.contact,
        note: row.note,
        provider: row.provider,
        tags: row.tags,
    };
    metadata.check().map_err(|_| RowFault::Field("metadata"))?;
    Ok(metadata)
}

fn options_row(options: &SecretOptions) -> OptionsRow {
    let duration = |it: Duration| DurationRow { seconds: it.as_secs(), nanoseconds: it.subsec_nanos() };
    OptionsRow {
        expires_at: options.expires_at.map(|at| at.0),
        ttl: options.ttl.map(duration),
        max_stale: options.max_stale.map(duration),
        offline: match options.offline {
            Offline::Allow => 0,
            Offline::Deny => 1,
        },
        rotation_reminder_days: options.rotation_reminder_days,
    }
}

pub(super) fn options(row: OptionsRow) -> Result<SecretOptions, RowFault> {
    Ok(SecretOptions {
        expires_at: row.expires_at.map(Timestamp),
        ttl: row.ttl.map(|it| duration(&it)).transpose()?,
        max_stale: row.max_stale.map(|it| duration(&it)).transpose()?,
        offline: match row.offline {
            0 => Offline::Allow,
            1 => Offline::Deny,
            _ => return Err(RowFault::Field("offline")),
        },
        rotation_reminder_days: row.rotation_reminder_days,
    })
}

/// A second or more of nanoseconds is no spelling of ours, and `Duration::new` would panic on some of them.
fn duration(row: &DurationRow) -> Result<Duration, RowFault> {
    if row.nanoseconds >= 1_000_000_000 {
        return Err(RowFault::Field("duration"));
    }
    Ok(Duration::new(row.seconds, row.nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::super::super::test_support::{full_record, record as plain_record};
    use super::*;
    use crate::model::hex::hex;

    #[test]
    fn a_full_record_has_these_bytes_for_ever_and_reads_back() {
        let full = full_record();
        let row = record_row(&full).expect("encoded");
        assert_eq!(
            hex(&row),
            concat!(
                "02fb2c01050500010400010707070707070707070707070707070707070707070707070c7365616c",
                "6564206279746573010c666f7220696e766f6963657301036f7073010f6f7073406578616d706c65",
                "2e6f72670110726f7461746520696e20737072696e6701066f70656e6169020762696c6c696e6702",
                "657501fd00a0b83046030000013c000101fc0065cd1d011e0209636c69656e745f6964000d636c69",
                "656e745f73656372657401fd00183dfa43030000fdf6183dfa43030000"
            )
        );
        assert_eq!(record(full.at.clone(), &row), Ok(full));
    }

    #[test]
    fn a_deleted_record_has_these_bytes_for_ever_and_reads_back_with_or_without_its_value() {
        let plain = plain_record("a/b", "global", 7, b"kept");
        let gone = Record { body: RecordBody::Deleted { kept: None }, ..plain.clone() };
        let row = record_row(&gone).expect("encoded");
        assert_eq!(hex(&row), "0201070700000100000000000000000000005a00fd00183dfa43030000fdf6183dfa43030000");
        assert_eq!(record(gone.at.clone(), &row), Ok(gone));
        let kept = Record { body: RecordBody::Deleted { kept: plain.sealed().cloned() }, ..plain };
        let row = record_row(&kept).expect("encoded");
        assert_eq!(
            hex(&row),
            concat!(
                "020107070000010101070707070707070707070707070707070707070707070707046b6570740000",
                "00000000000000005a00fd00183dfa43030000fdf6183dfa43030000"
            )
        );
        assert_eq!(record(kept.at.clone(), &row), Ok(kept));
    }

    #[test]
    fn a_mark_has_these_bytes_for_ever_and_reads_back() {
        let version = Version::new(300).expect("positive");
        let row = high_water_row(version).expect("encoded");
        assert_eq!(hex(&row), "01fb2c01");
        assert_eq!(high_water(&row), Ok(version));
    }

    #[test]
    fn fields_that_hold_what_they_may_not_are_refused() {
        assert_eq!(high_water(&[1, 0]), Err(RowFault::Field("version")));
        let zero = DurationRow { seconds: u64::MAX, nanoseconds: 1_000_000_000 };
        assert_eq!(duration(&zero), Err(RowFault::Field("duration")));
        let sealed = SealedRow { generation: 0, nonce: [0; 24], ciphertext: vec![] };
        assert_eq!(body(BodyRow::Sealed(sealed)), Err(RowFault::Field("generation")));
        let twice = || FieldRow { name: "client_id".to_owned(), secret: true };
        assert_eq!(fields(vec![twice(), twice()]), Err(RowFault::Field("fields")));
        let options = OptionsRow { offline: 2, ..options_row(&SecretOptions::default()) };
        assert_eq!(super::options(options), Err(RowFault::Field("offline")));
        let tags = MetadataRow { tags: vec![String::new(); 33], ..metadata_row(&Metadata::default()) };
        assert_eq!(metadata(tags), Err(RowFault::Field("metadata")));
    }

    #[test]
    fn no_cut_or_changed_row_makes_the_decoder_panic() {
        let full = full_record();
        let row = record_row(&full).expect("encoded");
        for index in 0..row.len() {
            assert!(record(full.at.clone(), &row[..index]).is_err(), "cut at {index}");
            for bit in 0..8 {
                let mut changed = row.clone();
                changed[index] ^= 1 << bit;
                let _ = record(full.at.clone(), &changed);
            }
        }
    }
}
