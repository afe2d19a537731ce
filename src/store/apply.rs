//! Writing the steps of a checked transaction. Nothing is refused here; what fails, fails the whole commit.

use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};

use super::check::high_water;
use super::error::StoreError;
use super::mutation::OLDER_VERSIONS_KEPT;
use super::record::{key, meta};
use super::step::Step;
use super::table::Table;
use crate::model::number::Version;

/// Applies the steps in order.
///
/// # Errors
/// The disk's or the engine's; the redb transaction must then be dropped.
pub(super) fn apply(txn: &WriteTransaction, steps: &[Step]) -> Result<(), StoreError> {
    for step in steps {
        match step {
            Step::PutRecord { key, version, row, mark, .. } => put_record(txn, key, *version, row, mark)?,
            Step::DropRecord { key } => drop_record(txn, key)?,
            Step::Put { table, key, row } => put(txn, *table, key, row)?,
            Step::Drop { table, key } => drop(table.write(txn)?.remove(key.as_slice())?),
            Step::DropScopeKeys { prefix } => {
                drop_numbered(txn, Table::ScopeKeys, prefix, &[0; 4], &[u8::MAX; 4], 0)?;
            }
            Step::AppendLog { revision, row } => put(txn, Table::Log, &key::revision(*revision), row)?,
            Step::TrimLog { keep } => trim_log(txn, *keep)?,
            Step::Advance { row, .. } => put(txn, Table::Meta, meta::POSITION, row)?,
            Step::Forget => forget(txn)?,
        }
    }
    Ok(())
}

fn put(txn: &WriteTransaction, table: Table, key: &[u8], row: &[u8]) -> Result<(), StoreError> {
    table.write(txn)?.insert(key, row)?;
    Ok(())
}

/// The row that is current always has the version of its high-water mark, so the mark tells what the row that is
/// replaced must be kept as, and the row need not be decoded.
fn put_record(txn: &WriteTransaction, at: &[u8], version: Version, row: &[u8], mark: &[u8]) -> Result<(), StoreError> {
    let before = high_water(txn, at)?;
    let replaced = Table::Records.write(txn)?.insert(at, row)?.map(|row| row.value().to_vec());
    put(txn, Table::HighWater, at, mark)?;
    let (Some(before), Some(replaced)) = (before.filter(|before| *before < version), replaced) else {
        return Ok(());
    };
    put(txn, Table::Versions, &key::version(at, before), &replaced)?;
    drop_numbered(txn, Table::Versions, at, &[0; 8], &[u8::MAX; 8], OLDER_VERSIONS_KEPT)
}

fn drop_record(txn: &WriteTransaction, at: &[u8]) -> Result<(), StoreError> {
    drop(Table::Records.write(txn)?.remove(at)?);
    drop_numbered(txn, Table::Versions, at, &[0; 8], &[u8::MAX; 8], 0)
}

/// Drops the rows whose key is the prefix and a number, all but the `keep` highest numbers.
fn drop_numbered(
    txn: &WriteTransaction,
    table: Table,
    prefix: &[u8],
    least: &[u8],
    most: &[u8],
    keep: usize,
) -> Result<(), StoreError> {
    let (first, last) = ([prefix, least].concat(), [prefix, most].concat());
    let mut table = table.write(txn)?;
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

fn trim_log(txn: &WriteTransaction, keep: u64) -> Result<(), StoreError> {
    let mut table = Table::Log.write(txn)?;
    while table.len()? > keep {
        table.pop_first()?;
    }
    Ok(())
}

fn forget(txn: &WriteTransaction) -> Result<(), StoreError> {
    for table in [Table::Records, Table::Versions, Table::ScopeKeys] {
        txn.delete_table(table.definition())?;
        table.write(txn)?;
    }
    Ok(())
}
