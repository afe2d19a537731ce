//! The handle through which everybody else uses the store: it sends work to the thread that owns the file, and waits.
//!
//! The queue is bounded, so a slow disk is felt by whoever writes. An answer that is no longer waited for does not undo
//! what was asked: a commit whose caller went away may have happened.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use redb::StorageBackend;
use tokio::sync::{mpsc, oneshot};

use super::blob::BlobName;
use super::contents::Contents;
use super::engine::Engine;
use super::error::StoreError;
use super::export::Export;
use super::facts::Facts;
use super::failpoint::{self, Failpoint};
use super::ground::{Ground, Threads};
use super::mutation::Mutation;
use super::worker::{self, Command, Reply};
use super::{file, schema, step};
use crate::model::crew::Crew;
use crate::model::number::Version;
use crate::model::record::Record;
use crate::model::secret::ScopedSecret;
use crate::model::time::Timestamp;

/// Most requests that wait: four full groups. Whoever comes after waits for a place.
const QUEUE_MAX: usize = 1024;

/// An open store. Clones share it; the file is closed by [`Store::close`], or soon after the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Store {
    queue: mpsc::Sender<Command>,
}

impl Store {
    /// As [`Store::create_at`], by nobody's clock.
    ///
    /// # Errors
    /// As [`Store::create_at`].
    pub async fn create(path: &Path, facts: Facts) -> Result<(Self, Contents), StoreError> {
        Self::create_at(path, facts, None).await
    }

    /// Makes a new store at `path`, readable by its owner alone, and opens it. `now` goes on record with its migrations.
    ///
    /// # Errors
    /// [`StoreError::Exists`], or what the disk says.
    pub async fn create_at(path: &Path, facts: Facts, now: Option<Timestamp>) -> Result<(Self, Contents), StoreError> {
        Self::create_on(&Ground::machine(), path, facts, now).await
    }

    /// As [`Store::create_at`], on another ground.
    ///
    /// # Errors
    /// As [`Store::create_at`].
    pub async fn create_on(
        ground: &Ground,
        path: &Path,
        facts: Facts,
        now: Option<Timestamp>,
    ) -> Result<(Self, Contents), StoreError> {
        let (path, medium) = (path.to_owned(), Arc::clone(&ground.medium));
        let create = move || Ok(Engine::new(file::create(&*medium, &path, &facts, now)?, Some((path, medium))));
        Self::start(&*ground.crew, create).await
    }

    /// As [`Store::open_at`], by nobody's clock.
    ///
    /// # Errors
    /// As [`Store::open_at`].
    pub async fn open(path: &Path) -> Result<(Self, Contents), StoreError> {
        Self::open_at(path, None).await
    }

    /// Opens the store at `path`, brings it to today's schema if it is older, and reads it. `now` goes on record with the
    /// migrations this takes.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::UnknownMigration`],
    /// [`StoreError::ChangedMigration`] or [`StoreError::Corrupt`], none of which changes the file; or what the disk says.
    pub async fn open_at(path: &Path, now: Option<Timestamp>) -> Result<(Self, Contents), StoreError> {
        Self::open_on(&Ground::machine(), path, now).await
    }

    /// As [`Store::open_at`], on another ground.
    ///
    /// # Errors
    /// As [`Store::open_at`].
    pub async fn open_on(ground: &Ground, path: &Path, now: Option<Timestamp>) -> Result<(Self, Contents), StoreError> {
        let (path, medium) = (path.to_owned(), Arc::clone(&ground.medium));
        let open = move || Ok(Engine::new(file::open(&*medium, &path, now)?, Some((path, medium))));
        Self::start(&*ground.crew, open).await
    }

    /// Reads the store at `path` as today's build would find it, and changes no byte of it. Blocks.
    ///
    /// # Errors
    /// As [`Store::open_at`].
    pub fn look(path: &Path) -> Result<Contents, StoreError> {
        let read = AssertUnwindSafe(|| file::look_into(path));
        catch_unwind(read).unwrap_or_else(|_| Err(StoreError::damaged()))
    }

    /// Makes a new store over any empty storage: for simulations.
    ///
    /// # Errors
    /// What the storage says.
    pub async fn create_backend(backend: impl StorageBackend, facts: Facts) -> Result<(Self, Contents), StoreError> {
        Self::start(&Threads, move || {
            let database = file::builder().create_with_backend(backend)?;
            schema::initialise(&database, &facts, None)?;
            Ok(Engine::new(database, None))
        })
        .await
    }

    /// Opens a store over any storage: for simulations. Such a store cannot be rebuilt.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_backend(backend: impl StorageBackend) -> Result<(Self, Contents), StoreError> {
        Self::start(&Threads, move || Ok(Engine::new(file::open_backend(backend)?, None))).await
    }

    /// Applies the mutations in order, wholly or not at all. When this answers `Ok`, they are on the disk.
    ///
    /// # Errors
    /// [`StoreError::StaleVersion`], [`StoreError::OutOfOrder`], [`StoreError::PositionWentBack`] and
    /// [`StoreError::RowTooLarge`] refuse this transaction and touch nothing. After [`StoreError::Engine`] or
    /// [`StoreError::Corrupt`] the outcome is unknown and the store answers [`StoreError::Poisoned`] from then on.
    pub async fn commit(&self, mutations: Vec<Mutation>) -> Result<(), StoreError> {
        let steps = step::encode(mutations)?;
        self.ask(|reply| Command::Commit { steps, reply }).await
    }

    /// All versions of a secret in a scope that are kept, newest first; none if it was never stored or was dropped.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], [`StoreError::Poisoned`], [`StoreError::Closed`], or what the disk says.
    pub async fn versions(&self, at: ScopedSecret) -> Result<Vec<Record>, StoreError> {
        self.ask(|reply| Command::Versions { at, reply }).await
    }

    /// One version, if it is kept.
    ///
    /// # Errors
    /// As [`Store::versions`].
    pub async fn version(&self, at: ScopedSecret, version: Version) -> Result<Option<Record>, StoreError> {
        self.ask(|reply| Command::Version { at, version, reply }).await
    }

    /// A page of the older versions of all secrets, in a fixed order, after this one; at most `limit`, and no more than a
    /// megabyte unless one alone is larger. Empty only at the end.
    ///
    /// # Errors
    /// As [`Store::versions`].
    pub async fn older(&self, after: Option<(ScopedSecret, Version)>, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.ask(|reply| Command::Older { after, limit, reply }).await
    }

    /// Everything but older versions, as it stands after what was asked before.
    ///
    /// # Errors
    /// As [`Store::versions`].
    pub async fn snapshot(&self) -> Result<Contents, StoreError> {
        self.ask(|reply| Command::Snapshot { reply }).await
    }

    /// Every row of every table as it stands after what was asked before, to be read while the store goes on.
    ///
    /// # Errors
    /// As [`Store::versions`].
    pub async fn export(&self) -> Result<Export, StoreError> {
        self.ask(|reply| Command::Export { reply }).await
    }

    /// Writes the file anew, so that it holds no byte of what was dropped or destroyed. Call it after
    /// [`Mutation::DropRecord`], [`Mutation::DestroyVersions`], [`Mutation::DropGenerations`] and [`Mutation::Forget`].
    ///
    /// # Errors
    /// [`StoreError::NotAFile`] for a store over other storage, or what the disk says. The store stays usable unless it
    /// answers [`StoreError::Poisoned`] afterwards.
    pub async fn rebuild(&self) -> Result<(), StoreError> {
        self.ask(|reply| Command::Rebuild { reply }).await
    }

    /// Writes the file anew, and takes back the mark that says that this is due. Whoever makes bytes superfluous sets
    /// [`BlobName::RebuildDue`] in the same transaction, so that a crash before this is made good at the next start.
    ///
    /// # Errors
    /// As [`Store::rebuild`]: the mark then stays.
    pub async fn purge(&self) -> Result<(), StoreError> {
        failpoint::pass(Failpoint::PurgeBegun);
        self.rebuild().await?;
        failpoint::pass(Failpoint::PurgeDone);
        self.commit(vec![Mutation::DropBlob(BlobName::RebuildDue)]).await?;
        failpoint::pass(Failpoint::PurgeNoted);
        Ok(())
    }

    /// Closes the file after everything that was asked before. Other clones get [`StoreError::Closed`].
    ///
    /// # Errors
    /// [`StoreError::Closed`] when it is closed already.
    pub async fn close(self) -> Result<(), StoreError> {
        self.ask(|reply| Command::Close { reply }).await
    }

    async fn start(
        crew: &dyn Crew,
        open: impl FnOnce() -> Result<Engine, StoreError> + Send + 'static,
    ) -> Result<(Self, Contents), StoreError> {
        let (queue, commands) = mpsc::channel(QUEUE_MAX);
        let (ready, opened) = oneshot::channel();
        let serve = async move {
            match whole(open) {
                Ok((contents, engine)) => {
                    let _ = ready.send(Ok(contents));
                    worker::run(engine, commands).await;
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        };
        crew.take("store", Box::pin(serve)).map_err(StoreError::file("starting the store's thread"))?;
        let contents = opened.await.map_err(|_| StoreError::Closed)??;
        Ok((Self { queue }, contents))
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(command(reply)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

/// Opens and reads everything. The engine panics on some kinds of damage: that, too, is an error of the file.
fn whole(open: impl FnOnce() -> Result<Engine, StoreError>) -> Result<(Contents, Engine), StoreError> {
    let read = AssertUnwindSafe(|| {
        let engine = open()?;
        Ok((engine.contents()?, engine))
    });
    catch_unwind(read).unwrap_or_else(|_| Err(StoreError::damaged()))
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{
        contact, facts, full_record, log, node, node_name, numbers, place, position, put, record, scope_key, store,
        token, version,
    };
    use super::*;
    use crate::model::number::Revision;

    #[tokio::test]
    async fn everything_that_is_stored_is_there_when_it_is_opened_again() {
        let (store, disk) = store().await;
        let everything = vec![
            Mutation::PutRecord(full_record()),
            put(1),
            Mutation::PutScopeKey(scope_key("global", 1, b"first")),
            Mutation::PutScopeKey(scope_key("global", 2, b"second")),
            Mutation::PutNode(node("vengeance")),
            Mutation::PutToken(token(3)),
            Mutation::PutBlob(BlobName::Identity, b"wrapped".to_vec()),
            Mutation::AppendLog(log(1)),
            Mutation::AppendLog(log(2)),
            Mutation::Advance(position(1, 2)),
            Mutation::SetContact(contact()),
            Mutation::SetNextSecretId(301),
        ];
        store.commit(everything).await.expect("committed");
        let before = store.snapshot().await.expect("snapshot");
        store.close().await.expect("closed");
        let (_store, after) = Store::open_backend(disk).await.expect("opened");
        assert_eq!(after, before);
        assert_eq!(after.facts, facts());
        assert_eq!(after.records, [full_record(), record("openai/api_key", "global", 1, &1_u64.to_be_bytes())]);
        assert_eq!(after.scope_keys, [scope_key("global", 1, b"first"), scope_key("global", 2, b"second")]);
        assert_eq!((after.roster, after.tokens), (vec![node("vengeance")], vec![token(3)]));
        assert_eq!((after.log, after.position), (vec![log(1), log(2)], position(1, 2)));
        assert_eq!((after.contact, after.next_secret_id), (Some(contact()), 301));
        assert_eq!(after.blobs, [(BlobName::Identity, b"wrapped".to_vec())].into());
        assert_eq!(after.high_water, [(full_record().at, version(5)), (place(), version(1))]);
    }

    #[tokio::test]
    async fn what_is_dropped_is_gone() {
        let (store, _disk) = store().await;
        let (key, entry, join) = (scope_key("global", 1, b"key"), node("vengeance"), token(3));
        let hash = join.hash;
        let puts =
            [Mutation::PutScopeKey(key.clone()), Mutation::PutNode(entry), Mutation::PutToken(join), put(1), put(2)];
        store.commit(puts.into()).await.expect("committed");
        let drops = vec![
            Mutation::DropScopeKey(key.at),
            Mutation::DropNode(node_name("vengeance")),
            Mutation::DropToken(hash),
            Mutation::DropRecord(place()),
        ];
        store.commit(drops).await.expect("committed");
        let contents = store.snapshot().await.expect("snapshot");
        assert!(contents.scope_keys.is_empty() && contents.roster.is_empty());
        assert!(contents.tokens.is_empty() && contents.records.is_empty());
        assert_eq!(numbers(&store).await, [0_u64; 0]);
        assert_eq!(contents.high_water, [(place(), version(2))]);
    }

    #[tokio::test]
    async fn the_same_version_again_replaces_its_own_row() {
        let (store, _disk) = store().await;
        store.commit(vec![put(1), put(2)]).await.expect("committed");
        let resealed = record("openai/api_key", "global", 2, b"resealed");
        store.commit(vec![Mutation::PutRecord(resealed.clone())]).await.expect("committed");
        assert_eq!(numbers(&store).await, [2, 1]);
        assert_eq!(store.version(place(), version(2)).await.expect("read"), Some(resealed));
    }

    #[tokio::test]
    async fn a_version_that_is_put_alone_leaves_none_before_it_and_may_not_go_back() {
        let (store, _disk) = store().await;
        store.commit(vec![put(1), put(2)]).await.expect("committed");
        let alone = |number| Mutation::PutAlone(record("openai/api_key", "global", number, b"alone"));
        store.commit(vec![alone(3), alone(5)]).await.expect("committed");
        assert_eq!(numbers(&store).await, [5]);
        let refused = store.commit(vec![alone(4)]).await.expect_err("stale");
        assert!(matches!(refused, StoreError::StaleVersion { .. }), "{refused:?}");
        store.commit(vec![put(6)]).await.expect("committed");
        assert_eq!(numbers(&store).await, [6, 5]);
    }

    #[tokio::test]
    async fn a_version_below_the_high_water_mark_is_refused_even_after_all_was_forgotten() {
        let (store, disk) = store().await;
        store.commit(vec![put(5)]).await.expect("committed");
        store.commit(vec![Mutation::Forget]).await.expect("forgotten");
        assert!(store.snapshot().await.expect("snapshot").records.is_empty());
        store.close().await.expect("closed");
        let (store, _) = Store::open_backend(disk).await.expect("opened");
        let refused = store.commit(vec![put(4)]).await.expect_err("stale");
        let StoreError::StaleVersion { at, found, high_water } = refused else { panic!("{refused:?}") };
        assert_eq!((*at, found, high_water), (place(), version(4), version(5)));
        store.commit(vec![put(5)]).await.expect("the same version may come back");
        let falling = store.commit(vec![put(7), put(6)]).await.expect_err("falls within one transaction");
        assert!(matches!(falling, StoreError::StaleVersion { .. }));
        assert_eq!(numbers(&store).await, [5], "nothing of the refused transaction was written");
    }

    #[tokio::test]
    async fn the_log_has_no_gaps_and_the_position_never_goes_back() {
        let (store, _disk) = store().await;
        let first = vec![Mutation::Advance(position(1, 2)), Mutation::AppendLog(log(1)), Mutation::AppendLog(log(2))];
        store.commit(first).await.expect("committed");
        for wrong in [2, 4] {
            let refused = store.commit(vec![Mutation::AppendLog(log(wrong))]).await.expect_err("out of order");
            let StoreError::OutOfOrder { expected, found } = refused else { panic!("{refused:?}") };
            assert_eq!((expected, found), (Revision(3), Revision(wrong)));
        }
        for back in [position(1, 1), position(0, 9)] {
            let refused = store.commit(vec![Mutation::Advance(back)]).await.expect_err("back");
            assert!(matches!(refused, StoreError::PositionWentBack { found, .. } if found == back));
        }
        store.commit(vec![Mutation::TrimLog { keep: 1 }]).await.expect("trimmed");
        assert_eq!(store.snapshot().await.expect("snapshot").log, [log(2)]);
        store.commit(vec![Mutation::TrimLog { keep: 0 }]).await.expect("trimmed");
        store.commit(vec![Mutation::AppendLog(log(3))]).await.expect("continues from the position");
    }

    #[tokio::test]
    async fn a_row_that_is_too_large_is_refused() {
        let (store, _disk) = store().await;
        let large = Mutation::PutBlob(BlobName::Certificate, vec![0; 3 * 1024 * 1024]);
        let refused = store.commit(vec![put(1), large]).await.expect_err("too large");
        assert!(matches!(refused, StoreError::RowTooLarge { table: "blobs", .. }));
        assert_eq!(numbers(&store).await, [0_u64; 0]);
    }

    #[tokio::test]
    async fn a_closed_store_says_so_to_every_clone() {
        let (store, _disk) = store().await;
        let clone = store.clone();
        store.close().await.expect("closed");
        assert!(matches!(clone.commit(vec![put(1)]).await, Err(StoreError::Closed)));
        assert!(matches!(clone.close().await, Err(StoreError::Closed)));
    }

    #[tokio::test]
    async fn transactions_that_wait_together_are_all_answered_for_themselves() {
        let (store, _disk) = store().await;
        let many: Vec<_> = (0..200_u64)
            .map(|number| {
                let store = store.clone();
                let name = format!("service/key{}", number / 2);
                // The second of each pair is older than the first and must be refused, alone.
                let wanted = record(&name, "global", 2 - number % 2, b"sealed");
                tokio::spawn(async move { store.commit(vec![Mutation::PutRecord(wanted)]).await })
            })
            .collect();
        let mut refused = 0;
        for task in many {
            match task.await.expect("no panic") {
                Ok(()) => {}
                Err(StoreError::StaleVersion { .. }) => refused += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(refused, 100);
        assert_eq!(store.snapshot().await.expect("snapshot").records.len(), 100);
    }
}
