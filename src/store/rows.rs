//! A second file, of plain rows in a few ordered tables: for what a node can lose and go on, such as the history of events
//! and what is still to be delivered. What must never be lost, or must change together with secrets, is in the store.
//!
//! One thread owns the file. Everything that waits is committed together, and is on the disk before it is answered.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tokio::sync::{mpsc, oneshot};

use super::error::StoreError;
use super::ground::{self, Ground, Medium};
use super::table::{Bytes, begin_frequent_write, begin_write};

/// Most requests that wait; whoever comes after waits for a place.
const QUEUE_MAX: usize = 1024;

/// Most writes of others that are committed together with one.
const GROUP_MAX: usize = 256;

/// A table of rows, ordered by the bytes of their keys. Names in the file are never changed and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowTable {
    /// What happened, by number.
    Events,
    /// Who wants to be told.
    Subscriptions,
    /// What is still to be delivered.
    Deliveries,
    /// What could not be delivered, and is kept to be tried again by hand.
    DeadLetters,
    /// What was delivered, to whom and when.
    Delivered,
    /// How far each part has come.
    Progress,
    /// By which words programs tell a second try from a second event, by the number of the event.
    Posted,
    /// What programs of a follower told, and the lead has not taken yet, by the number of the event.
    Outbox,
}

impl RowTable {
    fn definition(self) -> TableDefinition<'static, Bytes, Bytes> {
        TableDefinition::new(match self {
            Self::Events => "events",
            Self::Subscriptions => "subscriptions",
            Self::Deliveries => "deliveries",
            Self::DeadLetters => "dead_letters",
            Self::Delivered => "delivered",
            Self::Progress => "progress",
            Self::Posted => "posted",
            Self::Outbox => "outbox",
        })
    }

    const ALL: [Self; 8] = [
        Self::Events,
        Self::Subscriptions,
        Self::Deliveries,
        Self::DeadLetters,
        Self::Delivered,
        Self::Progress,
        Self::Posted,
        Self::Outbox,
    ];
}

/// One change of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowWrite {
    /// A row, in place of the one that had the key.
    Put(RowTable, Vec<u8>, Vec<u8>),
    /// The row of a key, if there is one.
    Drop(RowTable, Vec<u8>),
    /// Every row whose key is before this one.
    DropBefore(RowTable, Vec<u8>),
}

/// A row: its key and what it holds.
pub type Row = (Vec<u8>, Vec<u8>);

/// Which way a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the key on, upwards.
    Up,
    /// From the key on, downwards.
    Down,
}

/// An open file of rows. Clones share it.
#[derive(Debug, Clone)]
pub struct Rows {
    queue: mpsc::Sender<Command>,
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

enum Command {
    Write(Vec<RowWrite>, Reply<()>),
    Get(RowTable, Vec<u8>, Reply<Option<Vec<u8>>>),
    Page { table: RowTable, from: Option<Vec<u8>>, order: Order, limit: usize, reply: Reply<Vec<Row>> },
    Close(Reply<()>),
}

impl Rows {
    /// Opens the file, made readable by its owner alone if it is missing.
    ///
    /// # Errors
    /// [`StoreError`]: the file is another's, or damaged, or the disk refuses.
    pub async fn open(ground: &Ground, path: &Path) -> Result<Self, StoreError> {
        let (path, medium) = (path.to_owned(), Arc::clone(&ground.medium));
        let (queue, commands) = mpsc::channel(QUEUE_MAX);
        let (ready, opened) = oneshot::channel();
        let serve = async move {
            match open(&*medium, &path) {
                Ok(database) => {
                    let _ = ready.send(Ok(()));
                    run(OpenFile { database, path }, commands).await;
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        };
        ground.crew.take("rows", Box::pin(serve)).map_err(StoreError::file("starting a thread"))?;
        opened.await.map_err(|_| StoreError::Closed)??;
        Ok(Self { queue })
    }

    /// Writes all of these or none. When this answers `Ok`, they are on the disk.
    ///
    /// # Errors
    /// [`StoreError::Engine`] and [`StoreError::Closed`].
    pub async fn write(&self, writes: Vec<RowWrite>) -> Result<(), StoreError> {
        self.ask(|reply| Command::Write(writes, reply)).await
    }

    /// What the row of a key holds.
    ///
    /// # Errors
    /// As [`Rows::write`].
    pub async fn get(&self, table: RowTable, key: Vec<u8>) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(|reply| Command::Get(table, key, reply)).await
    }

    /// At most `limit` rows, from this key on and with it, or from the first or last one.
    ///
    /// # Errors
    /// As [`Rows::write`].
    pub async fn page(
        &self,
        table: RowTable,
        from: Option<Vec<u8>>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.ask(|reply| Command::Page { table, from, order, limit, reply }).await
    }

    /// Closes the file after everything that was asked before.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when it is closed already.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.ask(Command::Close).await
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(command(reply)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

fn open(medium: &dyn Medium, path: &Path) -> Result<Database, StoreError> {
    if path.symlink_metadata().is_err() {
        drop(super::file::create_new(path)?);
    }
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(StoreError::file("opening a file of rows"))?;
    let database = ground::database(super::file::small_builder(), medium, path, file)?;
    let txn = begin_write(&database)?;
    for table in RowTable::ALL {
        txn.open_table(table.definition())?;
    }
    txn.commit()?;
    Ok(database)
}

/// The file, and where it is.
struct OpenFile {
    database: Database,
    path: PathBuf,
}

async fn run(file: OpenFile, mut queue: mpsc::Receiver<Command>) {
    let database = &file.database;
    let mut next = None;
    loop {
        let command = match next.take() {
            Some(command) => command,
            None => match queue.recv().await {
                Some(command) => command,
                None => return,
            },
        };
        match command {
            Command::Write(writes, reply) => next = write(&file, &mut queue, writes, reply),
            Command::Get(table, key, reply) => drop(reply.send(get(database, table, &key))),
            Command::Page { table, from, order, limit, reply } => {
                drop(reply.send(page(database, table, from.as_deref(), order, limit)));
            }
            Command::Close(reply) => {
                drop(file);
                let _ = reply.send(Ok(()));
                return;
            }
        }
    }
}

/// Writes these with those that wait right behind them, and gives back the command that ended the group.
fn write(
    file: &OpenFile,
    queue: &mut mpsc::Receiver<Command>,
    writes: Vec<RowWrite>,
    reply: Reply<()>,
) -> Option<Command> {
    let (mut group, mut replies, mut next) = (writes, vec![reply], None);
    while replies.len() < GROUP_MAX && next.is_none() {
        match queue.try_recv() {
            Ok(Command::Write(writes, reply)) => {
                group.extend(writes);
                replies.push(reply);
            }
            Ok(other) => next = Some(other),
            Err(_) => break,
        }
    }
    let outcome = commit(file, &group);
    replies.into_iter().for_each(|reply| drop(reply.send(outcome.clone())));
    next
}

fn commit(file: &OpenFile, writes: &[RowWrite]) -> Result<(), StoreError> {
    let txn = begin_frequent_write(&file.database, Some(&file.path))?;
    for write in writes {
        match write {
            RowWrite::Put(table, key, value) => {
                txn.open_table(table.definition())?.insert(key.as_slice(), value.as_slice())?;
            }
            RowWrite::Drop(table, key) => drop(txn.open_table(table.definition())?.remove(key.as_slice())?),
            RowWrite::DropBefore(table, key) => {
                txn.open_table(table.definition())?.retain_in(..key.as_slice(), |_, _| false)?;
            }
        }
    }
    Ok(txn.commit()?)
}

fn get(database: &Database, table: RowTable, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let txn = database.begin_read()?;
    Ok(txn.open_table(table.definition())?.get(key)?.map(|row| row.value().to_vec()))
}

fn page(
    database: &Database,
    table: RowTable,
    from: Option<&[u8]>,
    order: Order,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let txn = database.begin_read()?;
    let table = txn.open_table(table.definition())?;
    let row = |row: Result<_, redb::StorageError>| {
        let (key, value): (redb::AccessGuard<'_, Bytes>, redb::AccessGuard<'_, Bytes>) = row?;
        Ok((key.value().to_vec(), value.value().to_vec()))
    };
    match (order, from) {
        (Order::Up, None) => table.iter()?.take(limit).map(row).collect(),
        (Order::Up, Some(from)) => table.range(from..)?.take(limit).map(row).collect(),
        (Order::Down, None) => table.iter()?.rev().take(limit).map(row).collect(),
        (Order::Down, Some(from)) => table.range(..=from)?.rev().take(limit).map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &[u8], value: &str) -> RowWrite {
        RowWrite::Put(RowTable::Events, key.to_vec(), value.as_bytes().to_vec())
    }

    async fn keys(rows: &Rows, from: Option<&[u8]>, order: Order, limit: usize) -> Vec<Vec<u8>> {
        let page = rows.page(RowTable::Events, from.map(<[u8]>::to_vec), order, limit).await.expect("a page");
        page.into_iter().map(|(key, _)| key).collect()
    }

    #[tokio::test]
    async fn rows_are_in_the_order_of_their_keys_and_outlive_the_file_being_closed() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("events.redb");
        let rows = Rows::open(&Ground::machine(), &path).await.expect("a new file");
        rows.write(vec![put(&[3], "c"), put(&[1], "a"), put(&[2], "b"), put(&[1], "A")]).await.expect("written");
        assert_eq!(keys(&rows, None, Order::Up, 2).await, [[1], [2]]);
        assert_eq!(keys(&rows, Some(&[2]), Order::Up, 9).await, [[2], [3]]);
        assert_eq!(keys(&rows, None, Order::Down, 1).await, [[3]]);
        assert_eq!(keys(&rows, Some(&[2]), Order::Down, 9).await, [[2], [1]]);
        rows.close().await.expect("closed");
        assert!(matches!(rows.write(Vec::new()).await, Err(StoreError::Closed)));
        let rows = Rows::open(&Ground::machine(), &path).await.expect("the same file");
        let before = RowWrite::DropBefore(RowTable::Events, vec![2]);
        rows.write(vec![before, RowWrite::Drop(RowTable::Events, vec![3])]).await.expect("written");
        assert_eq!(keys(&rows, None, Order::Up, 9).await, [[2]]);
        assert_eq!(rows.get(RowTable::Events, vec![2]).await.expect("read"), Some(b"b".to_vec()));
        assert_eq!(rows.get(RowTable::Deliveries, vec![2]).await.expect("read"), None);
    }
}
