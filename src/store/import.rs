//! A store file from the rows of another, such as those in a snapshot: whole under its name, or not there.

use std::fs;
use std::path::Path;

use redb::Database;

use super::error::{RowFault, StoreError};
use super::export::RawRow;
use super::record::{ROW_BYTES_MAX, meta, too_large};
use super::schema;
use super::table::{Table, begin_write};
use super::{file, load};
use crate::model::time::Timestamp;

/// Longest key of any table: an address with its version is some 300 bytes.
const KEY_BYTES_MAX: usize = 4096;

/// Makes a new store file of these rows, brings it to today's schema, reads it whole once, and gives it its name, durably.
/// Blocks on the disk. The file is closed again: [`super::handle::Store::open`] opens it.
///
/// `schema` is what the rows are said to have; the row that says so must agree. `now` goes on record with the migrations
/// this takes.
///
/// # Errors
/// [`StoreError::Newer`] for rows of a later schema, before anything is made; [`StoreError::Exists`]; and
/// [`StoreError::Corrupt`] for a table this build does not know, a row twice, or rows that are no store; what the disk
/// says; and whatever the rows themselves answer. Nothing is left behind then.
pub fn import<E: From<StoreError>>(
    path: &Path,
    schema: u32,
    now: Option<Timestamp>,
    rows: impl IntoIterator<Item = Result<RawRow, E>>,
) -> Result<(), E> {
    if schema > schema::SCHEMA {
        return Err(StoreError::Newer { found: schema, known: schema::SCHEMA, last: None }.into());
    }
    if path.symlink_metadata().is_ok() {
        return Err(StoreError::Exists { path: path.to_owned() }.into());
    }
    let building = file::importing(path);
    file::remove_leftover(&building)?;
    let made = build(&building, schema, now, rows).and_then(|()| {
        file::link(&building, path)?;
        Ok(file::sync_directory(path)?)
    });
    // Linked or not, it is no store under this name.
    let _ = fs::remove_file(&building);
    made
}

fn build<E: From<StoreError>>(
    building: &Path,
    schema: u32,
    now: Option<Timestamp>,
    rows: impl IntoIterator<Item = Result<RawRow, E>>,
) -> Result<(), E> {
    let database = file::builder().create_file(file::create_new(building)?).map_err(StoreError::from)?;
    write(&database, rows)?;
    let found = schema::read(&database)?;
    if found != schema {
        return Err(StoreError::corrupt(Table::Meta.name(), meta::SCHEMA, RowFault::Field("schema")).into());
    }
    schema::migrate(&database, now)?;
    load::contents(&database)?;
    Ok(())
}

fn write<E: From<StoreError>>(database: &Database, rows: impl IntoIterator<Item = Result<RawRow, E>>) -> Result<(), E> {
    let txn = begin_write(database)?;
    for table in Table::ALL {
        table.write(&txn)?;
    }
    // One table at a time stays open: that is how rows come, and opening one for each row would take longer than the row.
    let mut rows = rows.into_iter().peekable();
    while let Some(number) = rows.peek().and_then(|row| row.as_ref().ok()).map(|row| row.table) {
        let table = Table::numbered(number).ok_or_else(|| unknown(number))?;
        let mut target = table.write(&txn)?;
        while let Some(Ok(row)) = rows.next_if(|row| row.as_ref().is_ok_and(|row| row.table == number)) {
            if row.key.len() > KEY_BYTES_MAX || row.row.len() > ROW_BYTES_MAX {
                return Err(too_large(table, row.key.len() + row.row.len()).into());
            }
            let former = target.insert(row.key.as_slice(), row.row.as_slice()).map_err(StoreError::from)?;
            if former.is_some() {
                return Err(StoreError::corrupt(table.name(), &row.key, RowFault::Key).into());
            }
        }
    }
    if let Some(Err(error)) = rows.next() {
        return Err(error);
    }
    Ok(txn.commit().map_err(StoreError::from)?)
}

fn unknown(number: u8) -> StoreError {
    StoreError::corrupt("file", &[number], RowFault::Field("table"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::super::handle::Store;
    use super::super::mutation::Mutation;
    use super::super::test_support::{full_record, log, node, position, record, scope_key, store};
    use super::*;

    async fn sample() -> (Store, Vec<RawRow>) {
        let (store, _disk) = store().await;
        let everything = vec![
            Mutation::PutRecord(full_record()),
            Mutation::PutRecord(record("a/b", "global", 1, b"one")),
            Mutation::PutRecord(record("a/b", "global", 2, b"two")),
            Mutation::PutScopeKey(scope_key("global", 1, b"key")),
            Mutation::PutNode(node("vengeance")),
            Mutation::AppendLog(log(1)),
            Mutation::Advance(position(1, 1)),
        ];
        store.commit(everything).await.expect("committed");
        let rows = store.export().await.expect("begun").collect::<Result<_, _>>().expect("rows");
        (store, rows)
    }

    fn place() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        (directory, path)
    }

    fn import_of(path: &Path, rows: Vec<RawRow>) -> Result<(), StoreError> {
        import(path, schema::SCHEMA, None, rows.into_iter().map(Ok::<_, StoreError>))
    }

    fn entries(directory: &tempfile::TempDir) -> usize {
        fs::read_dir(directory.path()).expect("listed").count()
    }

    #[tokio::test]
    async fn the_rows_of_a_store_make_the_same_store() {
        let (store, rows) = sample().await;
        let (directory, path) = place();
        import_of(&path, rows.clone()).expect("imported");
        assert_eq!(entries(&directory), 1);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        let (again, contents) = Store::open(&path).await.expect("opened");
        assert_eq!(contents, store.snapshot().await.expect("snapshot"));
        let exported: Vec<_> = again.export().await.expect("begun").collect::<Result<_, _>>().expect("rows");
        assert_eq!(exported, rows);
        let older = again.version(record("a/b", "global", 1, b"").at, record("a/b", "global", 1, b"").version).await;
        assert_eq!(older.expect("read"), Some(record("a/b", "global", 1, b"one")));
    }

    #[tokio::test]
    async fn rows_that_are_no_store_leave_nothing_behind() {
        let (_store, rows) = sample().await;
        let (directory, path) = place();
        let corrupt = |rows: Vec<RawRow>| {
            let refused = import_of(&path, rows).expect_err("refused");
            assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
            assert_eq!(entries(&directory), 0);
        };
        corrupt(Vec::new());
        corrupt(rows.iter().cloned().map(|row| RawRow { table: row.table.max(2), ..row }).collect());
        corrupt([&rows[..], &[RawRow { table: 200, key: vec![1], row: vec![1] }]].concat());
        corrupt([&rows[..], &[rows[rows.len() - 1].clone()]].concat());
        corrupt(rows.iter().filter(|row| row.table != Table::HighWater.number()).cloned().collect());
        let mut changed = rows.clone();
        changed.iter_mut().filter(|row| row.table == Table::Nodes.number()).for_each(|row| row.row[0] = 0xee);
        corrupt(changed);
        import_of(&path, rows).expect("the rows as they are make one");
    }

    #[tokio::test]
    async fn a_newer_schema_a_long_row_and_an_error_of_the_rows_are_told_as_what_they_are() {
        let (_store, rows) = sample().await;
        let (directory, path) = place();
        let newer = import::<StoreError>(&path, schema::SCHEMA + 1, None, rows.iter().cloned().map(Ok));
        assert!(matches!(newer, Err(StoreError::Newer { .. })), "{newer:?}");
        let older = import::<StoreError>(&path, schema::SCHEMA - 1, None, rows.iter().cloned().map(Ok));
        assert!(matches!(older, Err(StoreError::Corrupt { .. })), "the row says another: {older:?}");
        let long = RawRow { table: Table::Blobs.number(), key: vec![1], row: vec![0; ROW_BYTES_MAX + 1] };
        let refused = import_of(&path, [&rows[..], &[long]].concat());
        assert!(matches!(refused, Err(StoreError::RowTooLarge { .. })), "{refused:?}");
        let broken = rows.iter().cloned().map(Ok).chain([Err(StoreError::Closed)]);
        assert!(matches!(import(&path, schema::SCHEMA, None, broken), Err(StoreError::Closed)));
        assert_eq!(entries(&directory), 0);
        fs::write(&path, b"something").expect("written");
        assert!(matches!(import_of(&path, rows), Err(StoreError::Exists { .. })));
        assert_eq!(fs::read(&path).expect("read"), b"something");
    }

    #[tokio::test]
    async fn the_rows_of_an_older_schema_are_brought_to_todays() {
        let (directory, path) = place();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-v2.redb");
        let copy = directory.path().join("old.redb");
        fs::copy(fixture, &copy).expect("copied");
        let old = redb::Database::open(&copy).expect("opened");
        let txn = redb::ReadableDatabase::begin_read(&old).expect("begun");
        let mut rows = Vec::new();
        for table in Table::ALL.into_iter().filter(|table| ![Table::Articles, Table::Migrations].contains(table)) {
            for row in table.read(&txn).expect("table").range::<&[u8]>(..).expect("rows") {
                let (key, row) = row.expect("row");
                rows.push(RawRow { table: table.number(), key: key.value().to_vec(), row: row.value().to_vec() });
            }
        }
        import::<StoreError>(&path, 2, None, rows.into_iter().map(Ok)).expect("imported");
        let (_store, contents) = Store::open(&path).await.expect("opened");
        assert_eq!(contents.articles.len(), 2, "the rules that were built in");
    }
}
