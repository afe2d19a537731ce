//! Every row of the store as it stands at one moment, read while writes go on: what a snapshot is made of.
//!
//! One transaction of redb holds that moment. It is begun on the store's thread, between two commits, and read on
//! another, which may take as long as it likes. A file that is written anew meanwhile is kept open, without a name, until
//! its last reader is done; a store that is closed meanwhile ends the reading with an error, never with fewer rows.

use std::array;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use redb::{Database, Range, ReadTransaction, ReadableDatabase};

use super::blob::BlobName;
use super::error::StoreError;
use super::facts::Facts;
use super::load::Opening;
use super::table::{Bytes, Table};
use super::{load, schema};
use crate::model::number::Position;

/// A row as it lies in the file. What is in it is this room's business: others move it and count it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    /// The number of its table ([`Table::number`]), never given to another.
    pub table: u8,
    /// Its key.
    pub key: Vec<u8>,
    /// What it holds.
    pub row: Vec<u8>,
}

/// A store at one moment: an iterator over every row of every table, table by table in the order of their keys.
/// Reading it blocks on the disk.
pub struct Export {
    /// Whose store it is.
    pub facts: Facts,
    /// The last change in it.
    pub position: Position,
    /// The opaque values, as they are among the rows too.
    pub blobs: BTreeMap<BlobName, Vec<u8>>,
    /// The schema of the rows.
    pub schema: u32,
    txn: ReadTransaction,
    tables: array::IntoIter<Table, { Table::ALL.len() }>,
    reading: Option<(Table, Range<'static, Bytes, Bytes>)>,
    /// Keeps the file readable if another takes its name.
    _place: Arc<Place>,
}

impl Export {
    /// Begins to read.
    ///
    /// # Errors
    /// As [`load::contents`].
    pub(super) fn begin(database: &Database, readers: &mut Readers) -> Result<Self, StoreError> {
        let txn = database.begin_read()?;
        let Opening { facts, position, blobs } = load::opening(&txn)?;
        let schema = schema::read_in(&txn)?;
        let (tables, place) = (Table::ALL.into_iter(), readers.place());
        Ok(Self { facts, position, blobs, schema, txn, tables, reading: None, _place: place })
    }

    fn read(&mut self) -> Result<Option<RawRow>, StoreError> {
        loop {
            if let Some((table, rows)) = &mut self.reading
                && let Some(row) = rows.next()
            {
                let (key, row) = row?;
                let (key, row) = (key.value().to_vec(), row.value().to_vec());
                return Ok(Some(RawRow { table: table.number(), key, row }));
            }
            let Some(table) = self.tables.next() else { return Ok(None) };
            self.reading = Some((table, table.read(&self.txn)?.range::<&[u8]>(..)?));
        }
    }
}

impl Iterator for Export {
    type Item = Result<RawRow, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        // The engine panics on some kinds of damage: that, too, is an error of the file.
        let read = catch_unwind(AssertUnwindSafe(|| self.read()));
        let read = read.unwrap_or_else(|_| Err(StoreError::damaged()));
        if read.is_err() {
            // Whoever reads on after an error must not take what follows for the rest.
            self.reading = None;
            self.tables.by_ref().for_each(drop);
        }
        read.transpose()
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Export").field("position", &self.position).finish_non_exhaustive()
    }
}

/// Where a reader finds the file it reads, once the store goes on in another.
#[derive(Default)]
struct Place(Mutex<Option<Arc<Database>>>);

/// Who reads the open file.
#[derive(Default)]
pub(super) struct Readers(Vec<Weak<Place>>);

impl Readers {
    fn place(&mut self) -> Arc<Place> {
        let place = Arc::default();
        self.0.retain(|reader| reader.strong_count() > 0);
        self.0.push(Arc::downgrade(&place));
        place
    }

    /// The store goes on in another file: this one stays open for whoever still reads it.
    pub(super) fn keep(&mut self, former: Database) {
        let former = Arc::new(former);
        for place in self.0.drain(..).filter_map(|reader| reader.upgrade()) {
            *place.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&former));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::handle::Store;
    use super::super::mutation::Mutation;
    use super::super::test_support::{facts, log, position, record, scope_key, store};
    use super::*;
    use crate::model::number::Revision;

    fn put(number: u64) -> Vec<Mutation> {
        vec![
            Mutation::PutRecord(record("a/b", "global", number, &number.to_be_bytes())),
            Mutation::AppendLog(log(number)),
            Mutation::Advance(position(1, number)),
        ]
    }

    fn all(export: Export) -> Vec<RawRow> {
        export.collect::<Result<_, _>>().expect("rows")
    }

    fn of(table: Table, rows: &[RawRow]) -> usize {
        rows.iter().filter(|row| row.table == table.number()).count()
    }

    #[tokio::test]
    async fn an_export_is_the_moment_it_was_begun_at_however_much_is_written_while_it_is_read() {
        let (store, _disk) = store().await;
        for number in 1..=10 {
            store.commit(put(number)).await.expect("committed");
        }
        let mut export = store.export().await.expect("begun");
        let first = export.next().expect("a row").expect("read");
        for number in 11..=30 {
            store.commit(put(number)).await.expect("writes go on");
        }
        assert_eq!(export.position.revision, Revision(10));
        let mut rows = vec![first];
        rows.extend(all(export));
        assert_eq!((of(Table::Records, &rows), of(Table::Versions, &rows), of(Table::Log, &rows)), (1, 9, 10));
        let later = all(store.export().await.expect("begun"));
        assert_eq!(of(Table::Versions, &later), 29);
    }

    #[tokio::test]
    async fn a_file_that_is_written_anew_is_read_to_its_end_all_the_same() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        let (store, _) = Store::create(&path, facts()).await.expect("created");
        for number in 1..=300 {
            store.commit(vec![Mutation::PutRecord(record("a/b", "global", number, &[7; 4096]))]).await.expect("put");
        }
        let mut export = store.export().await.expect("begun");
        assert!(export.next().expect("a row").is_ok());
        let second = store.export().await.expect("begun");
        store.commit(vec![Mutation::Forget]).await.expect("forgotten");
        store.rebuild().await.expect("rebuilt");
        store.commit(vec![Mutation::PutScopeKey(scope_key("global", 1, b"key"))]).await.expect("goes on");
        store.rebuild().await.expect("rebuilt again");
        let rows = all(export);
        assert_eq!((of(Table::Records, &rows), of(Table::Versions, &rows), of(Table::ScopeKeys, &rows)), (1, 299, 0));
        assert_eq!(all(second).len(), rows.len() + 1);
        assert_eq!(of(Table::Records, &all(store.export().await.expect("begun"))), 0);
        store.close().await.expect("closed");
        Store::open(&path).await.expect("opens again: nobody holds it");
    }

    #[tokio::test]
    async fn a_store_that_is_closed_ends_the_reading_with_an_error() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        let (store, _) = Store::create(&path, facts()).await.expect("created");
        for number in 1..=40 {
            // More than the engine keeps in memory, so that the rest has to be read from the file.
            store.commit(vec![Mutation::PutRecord(record("a/b", "global", number, &[7; 1 << 20]))]).await.expect("put");
        }
        let mut export = store.export().await.expect("begun");
        assert!(export.next().expect("a row").is_ok());
        store.close().await.expect("closed");
        Store::open(&path).await.expect("another opens it");
        let outcomes: Vec<_> = export.collect();
        assert!(matches!(outcomes.last(), Some(Err(_))), "{} rows and no error", outcomes.len());
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 1, "nothing follows an error");
    }
}
