//! Writing the steps of a checked transaction. Nothing is refused here; what fails, fails the whole commit.

use redb::{ReadableTable, ReadableTableMetadata};

use super::check::high_water;
use super::error::StoreError;
use super::open_tables::OpenTables;
use super::record::{key, meta, secret};
use super::step::{Older, Step};
use super::table::Table;
use crate::model::number::{Generation, Version};
use crate::model::record::{Record, RecordBody};
use crate::model::secret::ScopedSecret;

/// The least and the most of what follows an address in the key of an older version.
const EVERY_VERSION: (&[u8], &[u8]) = (&[0; 8], &[u8::MAX; 8]);

/// Applies the steps in order.
///
/// # Errors
/// The disk's or the engine's; the redb transaction must then be dropped.
pub(super) fn apply(tables: &mut OpenTables<'_>, steps: &[Step]) -> Result<(), StoreError> {
    for step in steps {
        match step {
            Step::PutRecord { key, row, mark, older: Older::Dropped, .. } => put_alone(tables, key, row, mark)?,
            Step::PutRecord { key, version, row, mark, older: Older::Kept, .. } => {
                put_record(tables, key, *version, row, mark)?;
            }
            Step::TrimVersions { key, keep } => drop_numbered(tables, Table::Versions, key, EVERY_VERSION, *keep)?,
            Step::DestroyVersions { at, keys } => keys.iter().try_for_each(|key| destroy_version(tables, at, key))?,
            Step::ReplaceVersion { at, key, row, expecting } => replace_version(tables, at, key, row, *expecting)?,
            Step::DropRecord { key } => drop_record(tables, key)?,
            Step::Put { table, key, row } => put(tables, *table, key, row)?,
            Step::Drop { table, key } => drop(tables.table(*table)?.remove(key.as_slice())?),
            Step::DropScopeKeys { prefix, before: None } => {
                drop_numbered(tables, Table::ScopeKeys, prefix, (&[0; 4], &[u8::MAX; 4]), 0)?;
            }
            Step::DropScopeKeys { prefix, before: Some(before) } => {
                let last = before.get().saturating_sub(1).to_be_bytes();
                drop_numbered(tables, Table::ScopeKeys, prefix, (&[0; 4], &last), 0)?;
            }
            Step::AppendLog { revision, row } => put(tables, Table::Log, &key::revision(*revision), row)?,
            Step::TrimLog { keep } => trim_log(tables, *keep)?,
            Step::Advance { row, .. } => put(tables, Table::Meta, meta::POSITION, row)?,
            Step::Forget => {
                let held = [Table::Records, Table::Versions, Table::ScopeKeys];
                held.into_iter().try_for_each(|table| tables.clear(table))?;
            }
            Step::ForgetArticles => tables.clear(Table::Articles)?,
        }
    }
    Ok(())
}

fn put(tables: &mut OpenTables<'_>, table: Table, key: &[u8], row: &[u8]) -> Result<(), StoreError> {
    tables.table(table)?.insert(key, row)?;
    Ok(())
}

/// The row that is current always has the version of its high-water mark, so the mark tells what the row that is
/// replaced must be kept as, and the row need not be decoded.
fn put_record(
    tables: &mut OpenTables<'_>,
    at: &[u8],
    version: Version,
    row: &[u8],
    mark: &[u8],
) -> Result<(), StoreError> {
    let before = high_water(tables, at)?;
    let replaced = tables.table(Table::Records)?.insert(at, row)?.map(|row| row.value().to_vec());
    put(tables, Table::HighWater, at, mark)?;
    let (Some(before), Some(replaced)) = (before.filter(|before| *before < version), replaced) else {
        return Ok(());
    };
    put(tables, Table::Versions, &key::version(at, before), &replaced)
}

/// What was there before is not carried to the older versions first, only to be dropped from there.
fn put_alone(tables: &mut OpenTables<'_>, at: &[u8], row: &[u8], mark: &[u8]) -> Result<(), StoreError> {
    put(tables, Table::Records, at, row)?;
    put(tables, Table::HighWater, at, mark)?;
    drop_numbered(tables, Table::Versions, at, EVERY_VERSION, 0)
}

/// An older version keeps its row, so that it can be told from one that never was.
fn destroy_version(tables: &mut OpenTables<'_>, at: &ScopedSecret, key: &[u8]) -> Result<(), StoreError> {
    let Some(mut record) = older(tables, at, key)? else { return Ok(()) };
    record.body = RecordBody::Destroyed;
    put(tables, Table::Versions, key, &secret::record_row(&record)?)
}

fn replace_version(
    tables: &mut OpenTables<'_>,
    at: &ScopedSecret,
    key: &[u8],
    row: &[u8],
    expecting: Generation,
) -> Result<(), StoreError> {
    let found = older(tables, at, key)?;
    let as_read = found.is_some_and(|record| record.kept().is_some_and(|sealed| sealed.generation == expecting));
    if as_read { put(tables, Table::Versions, key, row) } else { Ok(()) }
}

fn older(tables: &mut OpenTables<'_>, at: &ScopedSecret, key: &[u8]) -> Result<Option<Record>, StoreError> {
    let table = tables.table(Table::Versions)?;
    let Some(row) = table.get(key)? else { return Ok(None) };
    let read = secret::record(at.clone(), row.value());
    read.map(Some).map_err(|fault| StoreError::corrupt(Table::Versions.name(), key, fault))
}

fn drop_record(tables: &mut OpenTables<'_>, at: &[u8]) -> Result<(), StoreError> {
    drop(tables.table(Table::Records)?.remove(at)?);
    drop_numbered(tables, Table::Versions, at, EVERY_VERSION, 0)
}

/// Drops the rows whose key is the prefix and a number, all but the `keep` highest numbers.
fn drop_numbered(
    tables: &mut OpenTables<'_>,
    table: Table,
    prefix: &[u8],
    (least, most): (&[u8], &[u8]),
    keep: usize,
) -> Result<(), StoreError> {
    let (first, last) = ([prefix, least].concat(), [prefix, most].concat());
    let table = tables.table(table)?;
    let mut keys = Vec::new();
    for row in table.range(first.as_slice()..=last.as_slice())? {
        keys.push(row?.0.value().to_vec());
    }
    let surplus = keys.len().saturating_sub(keep);
    for key in keys.into_iter().take(surplus) {
        table.remove(key.as_slice())?;
    }
    Ok(())
}

fn trim_log(tables: &mut OpenTables<'_>, keep: u64) -> Result<(), StoreError> {
    let table = tables.table(Table::Log)?;
    while table.len()? > keep {
        table.pop_first()?;
    }
    Ok(())
}
