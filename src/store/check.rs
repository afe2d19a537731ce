//! Whether a transaction may be applied, before a byte of it is written, so that refusing it leaves nothing behind and
//! the transactions it shares a commit with untouched.
//!
//! Checked against what stands in the open redb transaction, which holds the earlier transactions of the same commit.

use std::collections::BTreeMap;

use redb::ReadableTable;

use super::error::{RowFault, StoreError};
use super::open_tables::OpenTables;
use super::record::{key, meta, secret};
use super::step::Step;
use super::table::Table;
use crate::model::number::{Position, Revision, Version};
use crate::model::secret::ScopedSecret;

/// Checks every step in order, each against the effects of those before it.
///
/// # Errors
/// A refusal ([`StoreError::is_refusal`]), or what went wrong in reading.
pub(super) fn check(tables: &mut OpenTables<'_>, steps: &[Step]) -> Result<(), StoreError> {
    let mut draft = Draft { tables, marks: BTreeMap::new(), last_logged: None, position: None };
    for step in steps {
        match step {
            Step::PutRecord { at, key, version, .. } => draft.put_record(at, key, *version)?,
            Step::AppendLog { revision, .. } => draft.append_log(*revision)?,
            Step::Advance { position, .. } => draft.advance(*position)?,
            Step::TrimVersions { .. }
            | Step::DestroyVersions { .. }
            | Step::ReplaceVersion { .. }
            | Step::DropRecord { .. }
            | Step::Put { .. }
            | Step::Drop { .. }
            | Step::DropScopeKeys { .. }
            | Step::TrimLog { .. }
            | Step::Forget
            | Step::ForgetArticles => {}
        }
    }
    Ok(())
}

/// The high-water mark of an address.
pub(super) fn high_water(tables: &mut OpenTables<'_>, key: &[u8]) -> Result<Option<Version>, StoreError> {
    let table = tables.table(Table::HighWater)?;
    let Some(row) = table.get(key)? else { return Ok(None) };
    secret::high_water(row.value()).map(Some).map_err(|fault| corrupt(Table::HighWater, key, fault))
}

/// What the transaction will have done by the step that is looked at.
struct Draft<'a, 'txn> {
    tables: &'a mut OpenTables<'txn>,
    marks: BTreeMap<&'a [u8], Version>,
    last_logged: Option<Revision>,
    position: Option<Position>,
}

impl<'a> Draft<'a, '_> {
    fn put_record(&mut self, at: &ScopedSecret, key: &'a [u8], version: Version) -> Result<(), StoreError> {
        let mark = match self.marks.get(key) {
            Some(mark) => Some(*mark),
            None => high_water(self.tables, key)?,
        };
        if let Some(high_water) = mark.filter(|mark| version < *mark) {
            return Err(StoreError::StaleVersion { at: Box::new(at.clone()), found: version, high_water });
        }
        self.marks.insert(key, version);
        Ok(())
    }

    /// An empty log, be it new or trimmed to nothing, continues from the position before this transaction: whether the
    /// list advances before or after it appends makes no difference.
    fn append_log(&mut self, revision: Revision) -> Result<(), StoreError> {
        let last = match self.last_logged {
            Some(last) => last,
            None => match last_logged(self.tables)? {
                Some(last) => last,
                None => position(self.tables)?.revision,
            },
        };
        if revision != last.next() {
            return Err(StoreError::OutOfOrder { expected: last.next(), found: revision });
        }
        self.last_logged = Some(revision);
        Ok(())
    }

    fn advance(&mut self, found: Position) -> Result<(), StoreError> {
        let current = match self.position {
            Some(current) => current,
            None => position(self.tables)?,
        };
        if found < current {
            return Err(StoreError::PositionWentBack { current, found });
        }
        self.position = Some(found);
        Ok(())
    }
}

fn last_logged(tables: &mut OpenTables<'_>) -> Result<Option<Revision>, StoreError> {
    let table = tables.table(Table::Log)?;
    let Some((key, _)) = table.last()? else { return Ok(None) };
    key::parse_revision(key.value()).map(Some).map_err(|fault| corrupt(Table::Log, key.value(), fault))
}

fn position(tables: &mut OpenTables<'_>) -> Result<Position, StoreError> {
    let table = tables.table(Table::Meta)?;
    let row = table.get(meta::POSITION)?.ok_or_else(|| corrupt(Table::Meta, meta::POSITION, RowFault::Absent))?;
    meta::position(row.value()).map_err(|fault| corrupt(Table::Meta, meta::POSITION, fault))
}

fn corrupt(table: Table, key: &[u8], fault: RowFault) -> StoreError {
    StoreError::corrupt(table.name(), key, fault)
}
