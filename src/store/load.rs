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
use crate::model::identity::Role;
use crate::model::number::{Position, Version};
use crate::model::record::{Record, SealedScopeKey};
use crate::model::secret::ScopedSecret;

/// Reads everything but older versions, in one transaction.
///
/// # Errors
/// [`StoreError::Corrupt`] for the first row that does not read; the engine's own errors.
pub(super) fn contents(database: &Database) -> Result<Contents, StoreError> {
    let txn = database.begin_read()?;
    let records = records(&txn)?;
    let contents = Contents {
        facts: required(&txn, meta::FACTS, meta::facts)?,
        position: required(&txn, meta::POSITION, meta::position)?,
        high_water: high_water(&txn, &records)?,
        records,
        scope_keys: rows(&txn, Table::ScopeKeys, sealed_scope_key)?,
        roster: rows(&txn, Table::Nodes, roster::node)?,
        tokens: rows(&txn, Table::Tokens, roster::token)?,
        articles: rows(&txn, Table::Articles, article::article)?,
        rules_position: optional(&txn, meta::RULES_POSITION, meta::position)?,
        log: rows(&txn, Table::Log, |key, row| log::log_entry(key::parse_revision(key)?, row))?,
        contact: optional(&txn, meta::CONTACT, meta::contact)?,
        blobs: rows(&txn, Table::Blobs, blob)?.into_iter().collect(),
        next_secret_id: required(&txn, meta::NEXT_SECRET_ID, meta::next_secret_id)?,
        migrations: rows(&txn, Table::Migrations, migration::migration)?,
    };
    check_marks(&contents)?;
    check_log(&contents)?;
    Ok(contents)
}

/// What a node is, as its store says; nothing, if it does not say it in today's words.
pub(super) fn role(database: &Database) -> Option<Role> {
    let facts = required(&database.begin_read().ok()?, meta::FACTS, meta::facts);
    facts.ok().map(|facts| facts.role)
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

/// The current records, each sharing names with the one before it.
fn records(txn: &ReadTransaction) -> Result<Vec<Record>, StoreError> {
    let mut near = None;
    rows(txn, Table::Records, |key, row| {
        let at = key::parse_address_near(key, near.as_ref())?;
        near = Some(at.clone());
        secret::record(at, row)
    })
}

/// The marks, which lie in the order of the records: nearly all of them name a record, and need no names of their own.
fn high_water(txn: &ReadTransaction, records: &[Record]) -> Result<Vec<(ScopedSecret, Version)>, StoreError> {
    let mut records = records.iter().peekable();
    rows(txn, Table::HighWater, |key, row| {
        let at = match records.next_if(|record| key::address(&record.at) == key) {
            Some(record) => record.at.clone(),
            None => key::parse_address(key)?,
        };
        Ok((at, secret::high_water(row)?))
    })
}

fn decode_record(table: Table, key: &[u8], at: &ScopedSecret, row: &[u8]) -> Result<Record, StoreError> {
    secret::record(at.clone(), row).map_err(|fault| corrupt(table, key, fault))
}

fn rows<T>(
    txn: &ReadTransaction,
    table: Table,
    mut read: impl FnMut(&[u8], &[u8]) -> Result<T, RowFault>,
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
    // Both are in the order of their keys.
    let mut marks = contents.high_water.iter();
    for record in &contents.records {
        let mark = marks.find(|(at, _)| *at == record.at);
        if mark.is_none_or(|(_, version)| *version != record.version) {
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

#[cfg(test)]
mod tests {
    use super::super::engine::Engine;
    use super::super::mutation::Mutation;
    use super::super::table::begin_write;
    use super::super::test_support::{Disk, facts, record};
    use super::super::{file, schema, step};
    use super::*;

    const NAMES: [&str; 4] = ["a/a", "a/b", "b/a", "c/c"];

    fn filled() -> Disk {
        let disk = Disk::default();
        let database = file::builder().create_with_backend(disk.clone()).expect("created");
        schema::initialise(&database, &facts(), None).expect("initialised");
        let mut engine = Engine::new(database, None);
        let put = |name: &&str| Mutation::PutRecord(record(name, "global", 1, b"sealed"));
        let mut steps = step::encode(NAMES.iter().map(put).collect()).expect("encoded");
        // A secret that is gone keeps its mark.
        let gone = record("b/a", "global", 1, b"").at;
        steps.extend(step::encode(vec![Mutation::DropRecord(gone)]).expect("encoded"));
        engine.commit(&[steps]).remove(0).expect("committed");
        disk
    }

    #[test]
    fn marks_and_records_share_their_names() {
        let contents = contents(&file::open_backend(filled()).expect("opened")).expect("read");
        let [first, second, other] = &contents.records[..] else { panic!("{:?}", contents.records) };
        assert_eq!(contents.high_water.len(), NAMES.len(), "the one without a record is there too");
        let service = |record: &Record| record.at.secret.name.service.as_str().as_ptr();
        assert_eq!(service(first), service(second));
        let key = |at: &ScopedSecret| at.secret.name.key.as_str().as_ptr();
        assert_eq!(contents.high_water.last().map(|(at, _)| key(at)), Some(key(&other.at)));
    }

    #[test]
    fn a_record_without_its_mark_is_damage_wherever_it_stands() {
        for name in ["a/a", "a/b", "c/c"] {
            let database = file::open_backend(filled()).expect("opened");
            let key = key::address(&record(name, "global", 1, b"").at);
            let txn = begin_write(&database).expect("begun");
            drop(Table::HighWater.write(&txn).expect("table").remove(key.as_slice()).expect("removed"));
            txn.commit().expect("committed");
            let refused = contents(&database).expect_err("damaged");
            assert_eq!(refused.to_string(), corrupt(Table::HighWater, &key, RowFault::Field("version")).to_string());
        }
    }
}
