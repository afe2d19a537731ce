//! The tables of one redb transaction, each opened when it is first asked for and once: a commit of many changes writes rows
//! of the same few tables, and opening them for each row was a tenth of the processor time of puts.

use redb::{Table as OpenTable, WriteTransaction};

use super::error::StoreError;
use super::table::{Bytes, Table};

/// What is open. Must be dropped before the transaction is committed: only then redb knows what was written.
pub(super) struct OpenTables<'txn> {
    txn: &'txn WriteTransaction,
    open: Vec<(Table, OpenTable<'txn, Bytes, Bytes>)>,
}

impl<'txn> OpenTables<'txn> {
    /// None yet.
    pub(super) fn of(txn: &'txn WriteTransaction) -> Self {
        Self { txn, open: Vec::with_capacity(Table::ALL.len()) }
    }

    /// One of them, for reading and writing; it is created if it is not there.
    ///
    /// # Errors
    /// The disk's or the engine's.
    pub(super) fn table(&mut self, table: Table) -> Result<&mut OpenTable<'txn, Bytes, Bytes>, StoreError> {
        let place = match self.open.iter().position(|(open, _)| *open == table) {
            Some(place) => place,
            None => {
                let place = self.open.len();
                self.open.push((table, table.write(self.txn)?));
                place
            }
        };
        Ok(&mut self.open[place].1)
    }

    /// Drops every row of a table.
    ///
    /// # Errors
    /// The disk's or the engine's.
    pub(super) fn clear(&mut self, table: Table) -> Result<(), StoreError> {
        // redb deletes no table that is open.
        self.open.retain(|(open, _)| *open != table);
        self.txn.delete_table(table.definition())?;
        self.table(table).map(drop)
    }
}
