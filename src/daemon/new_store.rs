//! A store that is there with everything its node starts with, or not there at all.
//!
//! Made in two steps under its own name, a store without keys could be left behind, which nothing opens and nothing may
//! remove.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{durable, ownership};
use crate::model::time::Timestamp;
use crate::store::facts::Facts;
use crate::store::ground::Ground;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;

/// Makes the store beside its place, and puts it there once it is whole and `ready` says so. What is there already is never
/// replaced. `now` goes on record with its schema.
///
/// `ready` runs when the store is on the disk and only lacks its name: a key that only people will keep is shown then. If
/// they do not get to see it, there is no store that nobody could open; if the machine stops right after, there is none
/// either, and what they saw opens nothing.
pub(super) async fn make(
    ground: &Ground,
    path: &Path,
    facts: Facts,
    mutations: Vec<Mutation>,
    now: Timestamp,
    ready: impl FnOnce() -> Result<()>,
) -> Result<()> {
    // Named by process, so that two that start at once do not build in one file; linking lets only one of them win.
    let mut building = OsString::from(path);
    building.push(format!(".new-{}", std::process::id()));
    let building = PathBuf::from(building);
    remove(&building).context("cannot remove what an interrupted attempt left behind")?;
    let filled = fill(ground, &building, facts, mutations, now).await;
    let placed = filled.and_then(|()| ready()).and_then(|()| {
        ownership::follow_directory(&building).context("cannot give the new store to who runs the node")?;
        fs::hard_link(&building, path).with_context(|| format!("cannot put the new store at {}", path.display()))
    });
    remove(&building).context("cannot remove the unfinished store")?;
    placed?;
    durable::sync_parent(path).with_context(|| format!("cannot synchronise the directory of {}", path.display()))
}

async fn fill(ground: &Ground, path: &Path, facts: Facts, mutations: Vec<Mutation>, now: Timestamp) -> Result<()> {
    let (store, _) = Store::create_on(ground, path, facts, Some(now)).await?;
    let filled = store.commit(mutations).await;
    store.close().await?;
    Ok(filled?)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::identity::{MeshId, Role};
    use crate::model::name::{EnvironmentName, NodeName};
    use crate::store::blob::BlobName;

    const NOW: Timestamp = Timestamp(1_795_248_000_000);

    fn facts() -> Facts {
        Facts {
            mesh: MeshId([7; 16]),
            node: NodeName::parse("alpha").expect("a name"),
            role: Role::Follower,
            environment: EnvironmentName::parse("prod").expect("a name"),
        }
    }

    fn blob(byte: u8) -> Vec<Mutation> {
        vec![Mutation::PutBlob(BlobName::RootKey, vec![byte])]
    }

    fn names(directory: &Path) -> Vec<OsString> {
        fs::read_dir(directory).expect("listed").map(|entry| entry.expect("entry").file_name()).collect()
    }

    #[tokio::test]
    async fn a_new_store_holds_what_it_was_made_with_and_replaces_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store.redb");
        make(&Ground::machine(), &path, facts(), blob(1), NOW, || Ok(())).await.expect("made");
        make(&Ground::machine(), &path, facts(), blob(2), NOW, || Ok(())).await.expect_err("there is one");
        assert_eq!(names(directory.path()), ["store.redb"]);
        let (_, contents) = Store::open(&path).await.expect("opened");
        assert_eq!(contents.blobs.get(&BlobName::RootKey), Some(&vec![1]));
        assert!(contents.migrations.iter().all(|applied| applied.applied_at == Some(NOW)), "{:?}", contents.migrations);
    }

    /// A store that was made but not filled could neither be started nor joined again: nobody knew whose it was.
    #[tokio::test]
    async fn a_store_that_cannot_be_filled_is_not_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store.redb");
        let too_large = vec![Mutation::PutBlob(BlobName::RootKey, vec![0; 3 * 1024 * 1024])];
        make(&Ground::machine(), &path, facts(), too_large, NOW, || Ok(())).await.expect_err("too large");
        assert!(names(directory.path()).is_empty());
        make(&Ground::machine(), &path, facts(), blob(1), NOW, || Ok(())).await.expect("made");
    }
    /// A lead in the hands of five people whose shares nobody saw could never be opened.
    #[tokio::test]
    async fn a_store_is_not_there_before_its_maker_is_ready_nor_without() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store.redb");
        let refused = make(&Ground::machine(), &path, facts(), blob(1), NOW, || anyhow::bail!("nobody looks"))
            .await
            .expect_err("not ready");
        assert_eq!(refused.to_string(), "nobody looks");
        assert!(names(directory.path()).is_empty());
        let seen = || {
            assert!(!path.exists() && names(directory.path()).len() == 1, "whole, and not in its place");
            Ok(())
        };
        make(&Ground::machine(), &path, facts(), blob(1), NOW, seen).await.expect("made");
        assert_eq!(names(directory.path()), ["store.redb"]);
    }
}
