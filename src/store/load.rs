//! Reading: the whole of a store at its start, and older versions when somebody asks. A row that does not read is an
//! error with its table and key; nothing is ever skipped.

use std::collections::BTreeMap;
use std::ops::Bound;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use super::blob::BlobName;
use super::contents::Contents;
use super::error::{RowFault, StoreError};
use super::facts::Facts;
use super::record::{article, key, log, meta, migration, roster, scope_key, secret};
use super::step::BLOB_FORMAT;
use super::table::Table;
use crate::model::number::{Position, Version};
use crate::model::record::{Record, SealedScopeKey};
use crate::model::secret::ScopedSecret;

/// Reads everything but older versions, in one transaction.
///
/// # Errors
/// [`StoreError::Corrupt`] for the first row that does not read; the engine's own errors.
pub(super) fn contents(database: &Database) -> Result<Contents, StoreError> {
    let txn = database.begin_read()?;
    let contents = Contents {
        facts: required(&txn, meta::FACTS, meta::facts)?,
        position: required(&txn, meta::POSITION, meta::position)?,
        records: rows(&txn, Table::Records, |key, row| secret::record(key::parse_address(key)?, row))?,
        scope_keys: rows(&txn, Table::ScopeKeys, sealed_scope_key)?,
        roster: rows(&txn, Table::Nodes, roster::node)?,
        tokens: rows(&txn, Table::Tokens, roster::token)?,
        articles: rows(&txn, Table::Articles, article::article)?,
        rules_position: optional(&txn, meta::RULES_POSITION, meta::position)?,
        log: rows(&txn, Table::Log, |key, row| log::log_entry(key::parse_revision(key)?, row))?,
        contact: optional(&txn, meta::CONTACT, meta::contact)?,
        high_water: rows(&txn, Table::HighWater, |key, row| Ok((key::parse_address(key)?, secret::high_water(row)?)))?,
        blobs: rows(&txn, Table::Blobs, blob)?.into_iter().collect(),
        next_secret_id: required(&txn, meta::NEXT_SECRET_ID, meta::next_secret_id)?,
        migrations: rows(&txn, Table::Migrations, migration::migration)?,
    };
    check_marks(&contents)?;
    check_log(&contents)?;
    Ok(contents)
}

/// What is read of a store before its rows are.
pub(super) struct Opening {
    pub(super) facts: Facts,
    pub(super) position: Position,
    pub(super) blobs: BTreeMap<BlobName, Vec<u8>>,
}

/// Whose store it is, how far it has come, and its opaque values.
///
/// # Errors
/// As [`contents`].
pub(super) fn opening(txn: &ReadTransaction) -> Result<Opening, StoreError> {
    Ok(Opening {
        facts: required(txn, meta::FACTS, meta::facts)?,
        position: required(txn, meta::POSITION, meta::position)?,
        blobs: rows(txn, Table::Blobs, blob)?.into_iter().collect(),
    })
}

/// All versions that are kept, newest first.
///
/// # Errors
/// As [`contents`].
pub(super) fn versions(database: &Database, at: &ScopedSecret) -> Result<Vec<Record>, StoreError> {
    let txn = database.begin_read()?;
    let address = key::address(at);
    let mut found = Vec::new();
    if let Some(row) = Table::Records.read(&txn)?.get(address.as_slice())? {
        found.push(decode_record(Table::Records, &address, at, row.value())?);
    }
    let (first, last) = ([&address[..], &[0; 8]].concat(), [&address[..], &[u8::MAX; 8]].concat());
    for row in Table::Versions.read(&txn)?.range(first.as_slice()..=last.as_slice())?.rev() {
        let (key, row) = row?;
        let record = decode_record(Table::Versions, key.value(), at, row.value())?;
        let named = key::parse_version(key.value()).map(|(_, version)| version);
        if named != Ok(record.version) {
            return Err(corrupt(Table::Versions, key.value(), RowFault::Field("version")));
        }
        found.push(record);
    }
    Ok(found)
}

/// One version, if it is kept.
///
/// # Errors
/// As [`contents`].
pub(super) fn version(database: &Database, at: &ScopedSecret, version: Version) -> Result<Option<Record>, StoreError> {
    let txn = database.begin_read()?;
    let address = key::address(at);
    if let Some(row) = Table::Records.read(&txn)?.get(address.as_slice())? {
        let current = decode_record(Table::Records, &address, at, row.value())?;
        if current.version == version {
            return Ok(Some(current));
        }
    }
    let key = key::version(&address, version);
    let Some(row) = Table::Versions.read(&txn)?.get(key.as_slice())? else { return Ok(None) };
    let record = decode_record(Table::Versions, &key, at, row.value())?;
    if record.version == version {
        Ok(Some(record))
    } else {
        Err(corrupt(Table::Versions, &key, RowFault::Field("version")))
    }
}

/// Where a page of older versions ends, however many it was to hold: one large value is a page of its own.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// Older versions of every secret, in the order of their keys, after this one; at most `limit`, and no more
/// than a megabyte unless one alone is larger.
///
/// # Errors
/// As [`contents`].
pub(super) fn older(
    database: &Database,
    after: Option<&(ScopedSecret, Version)>,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let txn = database.begin_read()?;
    let start = after.map(|(at, version)| key::version(&key::address(at), *version));
    let from = start.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let (mut found, mut bytes) = (Vec::new(), 0_usize);
    for row in Table::Versions.read(&txn)?.range::<&[u8]>((from, Bound::Unbounded))?.take(limit) {
        let (key, row) = row?;
        bytes = bytes.saturating_add(row.value().len());
        if !found.is_empty() && bytes > PAGE_BYTES_MAX {
            break;
        }
        let named = key::parse_version(key.value()).map_err(|fault| corrupt(Table::Versions, key.value(), fault))?;
        found.push(decode_record(Table::Versions, key.value(), &named.0, row.value())?);
    }
    Ok(found)
}

fn decode_record(table: Table, key: &[u8], at: &ScopedSecret, row: &[u8]) -> Result<Record, StoreError> {
    secret::record(at.clone(), row).map_err(|fault| corrupt(table, key, fault))
}

fn rows<T>(
    txn: &ReadTransaction,
    table: Table,
    read: impl Fn(&[u8], &[u8]) -> Result<T, RowFault>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    for row in table.read(txn)?.iter()? {
        let (key, row) = row?;
        found.push(read(key.value(), row.value()).map_err(|fault| corrupt(table, key.value(), fault))?);
    }
    Ok(found)
}

fn optional<T>(
    txn: &ReadTransaction,
    key: &[u8],
    read: impl Fn(&[u8]) -> Result<T, RowFault>,
) -> Result<Option<T>, StoreError> {
    let Some(row) = Table::Meta.read(txn)?.get(key)? else { return Ok(None) };
    read(row.value()).map(Some).map_err(|fault| corrupt(Table::Meta, key, fault))
}

fn required<T>(
    txn: &ReadTransaction,
    key: &[u8],
    read: impl Fn(&[u8]) -> Result<T, RowFault>,
) -> Result<T, StoreError> {
    optional(txn, key, read)?.ok_or_else(|| corrupt(Table::Meta, key, RowFault::Absent))
}

pub(super) fn sealed_scope_key(key: &[u8], row: &[u8]) -> Result<SealedScopeKey, RowFault> {
    let (at, generation) = key::parse_scope_key(key)?;
    let (sealed, made_at) = scope_key::scope_key(row)?;
    Ok(SealedScopeKey { at, generation, sealed, made_at })
}

pub(super) fn blob(key: &[u8], row: &[u8]) -> Result<(BlobName, Vec<u8>), RowFault> {
    let name = str::from_utf8(key).ok().and_then(BlobName::parse).ok_or(RowFault::Key)?;
    match row.split_first() {
        Some((&BLOB_FORMAT, bytes)) => Ok((name, bytes.to_vec())),
        Some((&format, _)) => Err(RowFault::Format(format)),
        None => Err(RowFault::Undecodable),
    }
}

/// Every current record has the version of its high-water mark: keeping older versions relies on it.
fn check_marks(contents: &Contents) -> Result<(), StoreError> {
    let marks: BTreeMap<&ScopedSecret, Version> = contents.high_water.iter().map(|(at, mark)| (at, *mark)).collect();
    for record in &contents.records {
        if marks.get(&record.at) != Some(&record.version) {
            return Err(corrupt(Table::HighWater, &key::address(&record.at), RowFault::Field("version")));
        }
    }
    Ok(())
}

/// A log with a gap would let a follower believe it has changes that it never got.
fn check_log(contents: &Contents) -> Result<(), StoreError> {
    for pair in contents.log.windows(2) {
        let [earlier, later] = pair else { continue };
        if later.revision != earlier.revision.next() {
            return Err(corrupt(Table::Log, &key::revision(later.revision), RowFault::Field("revision")));
        }
    }
    Ok(())
}

fn corrupt(table: Table, key: &[u8], fault: RowFault) -> StoreError {
    StoreError::corrupt(table.name(), key, fault)
}
