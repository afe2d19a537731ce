//! Writing the store anew, so that no byte of what was dropped stays in the file.
//!
//! redb frees the pages of a dropped row but does not wipe them. So the live rows are copied into a fresh file, which
//! then takes the name of the old one. A crash at any point leaves either the old file or the new one under that name,
//! each whole; the other is removed at the next opening, or was never reachable. The new file is locked before it gets
//! the name, so no other process can come between.
//!
//! What it deliberately does not do: wipe the blocks of the old file on the medium. Nothing can promise that; dropping
//! the scope key is what makes those bytes useless.

use std::fs;
use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable};

use super::error::StoreError;
use super::failpoint::{self, Failpoint};
use super::file;
use super::ground::{self, Medium};
use super::load;
use super::table::{Table, begin_write};

/// Copies every live row into a fresh file beside `path`, durably, and gives it the name.
///
/// # Errors
/// Whatever failed; the old file then still has the name, and `database` is still the store.
pub(super) fn rebuild(database: &Database, medium: &dyn Medium, path: &Path) -> Result<Database, StoreError> {
    let beside = file::rebuilding(path);
    file::remove_leftover(&beside)?;
    let fresh = copy(database, medium, &beside).and_then(|fresh| {
        failpoint::pass(Failpoint::FileCopied);
        fs::rename(&beside, path).map_err(StoreError::file("putting the rebuilt store in place"))?;
        failpoint::pass(Failpoint::FileNamed);
        Ok(fresh)
    });
    if fresh.is_err() {
        // The first error is the one to tell; what stays is removed at the next opening.
        let _ = file::remove_leftover(&beside);
    }
    fresh
}

fn copy(database: &Database, medium: &dyn Medium, beside: &Path) -> Result<Database, StoreError> {
    let builder = file::builder_of(load::role(database));
    let fresh = ground::database(builder, medium, beside, file::create_new(beside)?)?;
    let from = database.begin_read()?;
    let to = begin_write(&fresh)?;
    for table in Table::ALL {
        let mut target = table.write(&to)?;
        for row in table.read(&from)?.iter()? {
            let (key, row) = row?;
            target.insert(key.value(), row.value())?;
        }
    }
    to.commit()?;
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::error::StoreError;
    use super::super::ground::Files;
    use super::super::handle::Store;
    use super::super::mutation::Mutation;
    use super::super::test_support::{facts, record, scope_key};
    use super::*;

    const DROPPED: &[u8] = b"ciphertext of a record this node may no longer hold";
    const OLDER: &[u8] = b"ciphertext of an older version of that same record..";
    const KEPT: &[u8] = b"ciphertext of a record that this node goes on holding";

    fn holds(path: &Path, needle: &[u8]) -> bool {
        fs::read(path).expect("read").windows(needle.len()).any(|window| window == needle)
    }

    async fn filled(path: &Path) -> Store {
        let (store, _) = Store::create(path, facts()).await.expect("created");
        let puts = [("a/dropped", 1, OLDER), ("a/dropped", 2, DROPPED), ("a/kept", 1, KEPT)];
        for (name, number, ciphertext) in puts {
            let wanted = record(name, "global", number, ciphertext);
            store.commit(vec![Mutation::PutRecord(wanted)]).await.expect("committed");
        }
        store
    }

    #[tokio::test]
    async fn no_byte_of_a_dropped_record_is_in_the_file_after_it() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        let store = filled(&path).await;
        let dropped = record("a/dropped", "global", 1, b"").at;
        store.commit(vec![Mutation::DropRecord(dropped.clone())]).await.expect("dropped");
        assert!(holds(&path, DROPPED) && holds(&path, OLDER), "dropping alone leaves the bytes: the search works");
        store.rebuild().await.expect("rebuilt");
        assert!(!holds(&path, DROPPED) && !holds(&path, OLDER));
        assert!(holds(&path, KEPT));
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        let stale = store.commit(vec![Mutation::PutRecord(record("a/dropped", "global", 1, b""))]).await;
        assert!(matches!(stale, Err(StoreError::StaleVersion { .. })), "high-water marks are carried over");
    }

    #[tokio::test]
    async fn nothing_of_a_forgotten_cache_is_in_the_file_after_it() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        let store = filled(&path).await;
        let sealed = b"a sealed scope key of some length";
        store.commit(vec![Mutation::PutScopeKey(scope_key("global", 1, sealed))]).await.expect("committed");
        store.commit(vec![Mutation::Forget]).await.expect("forgotten");
        assert!(holds(&path, KEPT) && holds(&path, sealed), "forgetting alone leaves the bytes: the search works");
        store.rebuild().await.expect("rebuilt");
        for gone in [DROPPED, OLDER, KEPT, sealed] {
            assert!(!holds(&path, gone));
        }
    }

    #[tokio::test]
    async fn the_store_goes_on_in_the_new_file_and_stays_locked() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        let store = filled(&path).await;
        let before = store.snapshot().await.expect("snapshot");
        store.rebuild().await.expect("rebuilt");
        assert_eq!(store.snapshot().await.expect("snapshot"), before);
        assert!(matches!(Store::open(&path).await, Err(StoreError::InUse)));
        store.commit(vec![Mutation::PutRecord(record("a/new", "global", 1, b"new"))]).await.expect("committed");
        let after = store.snapshot().await.expect("snapshot");
        store.close().await.expect("closed");
        let (_store, again) = Store::open(&path).await.expect("opened");
        assert_eq!(again, after);
        assert_eq!(again.records.len(), 3);
    }

    /// What a kill leaves at each step: the copy unfinished, the copy finished but not named, the new file named.
    #[tokio::test]
    async fn a_crash_at_any_step_leaves_a_whole_store() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        let store = filled(&path).await;
        let before = store.snapshot().await.expect("snapshot");
        store.close().await.expect("closed");

        fs::write(file::rebuilding(&path), b"unfinished").expect("written");
        let (store, contents) = Store::open(&path).await.expect("opened");
        assert_eq!(contents, before);
        store.close().await.expect("closed");

        let database = file::open(&Files, &path, None).expect("opened");
        drop(copy(&database, &Files, &file::rebuilding(&path)).expect("copied"));
        drop(database);
        assert!(file::rebuilding(&path).exists());
        let (store, contents) = Store::open(&path).await.expect("opened");
        assert_eq!(contents, before);
        assert!(!file::rebuilding(&path).exists());
        store.close().await.expect("closed");

        let database = file::open(&Files, &path, None).expect("opened");
        drop(rebuild(&database, &Files, &path).expect("rebuilt"));
        drop(database);
        let (_store, contents) = Store::open(&path).await.expect("opened");
        assert_eq!(contents, before);
    }

    #[tokio::test]
    async fn a_rebuild_that_cannot_begin_leaves_the_store_as_it_was() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        let store = filled(&path).await;
        let before = store.snapshot().await.expect("snapshot");
        fs::create_dir(file::rebuilding(&path)).expect("in the way");
        assert!(matches!(store.rebuild().await, Err(StoreError::File { .. })));
        assert_eq!(store.snapshot().await.expect("snapshot"), before);
        store.commit(vec![Mutation::PutRecord(record("a/new", "global", 1, b"new"))]).await.expect("still writes");
    }
}
