//! The record of migrations in the file: which were applied, by which version, in which wording. A store whose past is not
//! the one this build knows is refused before a byte of it changes.

use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::applied::AppliedMigration;
use super::error::{RowFault, StoreError};
use super::migrations::{self, Migration};
use super::record::migration::{migration, migration_row};
use super::table::Table;
use crate::model::time::Timestamp;

/// The schema since which there is a record.
pub(super) const SINCE: u32 = 4;

/// What is written of migrations that are applied now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Applying {
    /// When; `None` by nobody's clock.
    pub(super) at: Option<Timestamp>,
    /// The version of this program.
    pub(super) by: &'static str,
}

impl Applying {
    /// By this build.
    pub(super) fn now(at: Option<Timestamp>) -> Self {
        Self { at, by: env!("CARGO_PKG_VERSION") }
    }
}

/// Checks the record of a store of this schema: every migration up to it, none other, each in the wording this build has.
///
/// # Errors
/// [`StoreError::UnknownMigration`], [`StoreError::ChangedMigration`], or [`StoreError::Corrupt`] for a row that is missing or
/// does not read.
pub(super) fn check(txn: &ReadTransaction, schema: u32) -> Result<(), StoreError> {
    if schema < SINCE {
        return Ok(());
    }
    let found = read(txn)?;
    for applied in &found {
        let Some(known) = migrations::ALL.iter().find(|known| known.name == applied.name) else {
            return Err(StoreError::UnknownMigration(Box::new(applied.clone())));
        };
        if known.checksum() != applied.checksum {
            return Err(StoreError::ChangedMigration(Box::new(applied.clone())));
        }
    }
    for known in up_to(schema) {
        if !found.iter().any(|applied| applied.name == known.name) {
            return Err(StoreError::corrupt(Table::Migrations.name(), known.name.as_bytes(), RowFault::Absent));
        }
    }
    Ok(())
}

/// The last migration on record in a file this build need not understand.
pub(super) fn last(txn: &ReadTransaction) -> Option<AppliedMigration> {
    read(txn).ok()?.pop()
}

/// Puts on record that a store of schema `found` was brought to today's: what came before the record began, without a time.
///
/// # Errors
/// Whatever fails in writing.
pub(super) fn write(txn: &WriteTransaction, found: u32, applying: Applying) -> Result<(), StoreError> {
    let done = up_to(found).len();
    let mut table = Table::Migrations.write(txn)?;
    for (number, migration) in migrations::ALL.iter().enumerate() {
        let earlier = number < done;
        if earlier && found >= SINCE {
            continue;
        }
        let applied = AppliedMigration {
            name: migration.name.to_owned(),
            applied_at: applying.at.filter(|_| !earlier),
            applied_by: (!earlier).then(|| applying.by.to_owned()),
            checksum: migration.checksum(),
        };
        table.insert(migration.name.as_bytes(), migration_row(&applied)?.as_slice())?;
    }
    Ok(())
}

/// The migrations that lead to a schema.
pub(super) fn up_to(schema: u32) -> &'static [Migration] {
    let count = usize::try_from(schema.saturating_sub(1)).unwrap_or(usize::MAX);
    migrations::ALL.get(..count).unwrap_or(migrations::ALL)
}

fn read(txn: &ReadTransaction) -> Result<Vec<AppliedMigration>, StoreError> {
    let mut found = Vec::new();
    for row in Table::Migrations.read(txn)?.iter()? {
        let (key, row) = row?;
        let applied = migration(key.value(), row.value());
        found.push(applied.map_err(|fault| StoreError::corrupt(Table::Migrations.name(), key.value(), fault))?);
    }
    Ok(found)
}
