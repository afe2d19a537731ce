//! The store that an earlier attempt to join left behind, told apart from every other store by the key that is pinned in it.
//!
//! Only such a store may be made again. Any other may be all that is left of a mesh, and joining never touches it.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::pending::{self, Pending};
use crate::model::identity::Role;
use crate::store::handle::Store;

/// Refuses a state directory that holds a node, before anything is made there. A join that was interrupted has its keys
/// beside its store; a finished one has not.
pub(super) fn refuse_another_node(store_file: &Path, state_dir: &Path) -> Result<()> {
    if store_file.exists() && !pending::is_kept(state_dir) {
        bail!(
            "{} exists: {} holds a node already; start it with `aurora up --config` and its node.toml, or join with \
             another --state-dir and --config",
            store_file.display(),
            state_dir.display()
        );
    }
    Ok(())
}

/// Refuses a store that this join did not make.
///
/// # Errors
/// When it is open elsewhere, cannot be read, or is another node's.
pub(super) async fn check(store_file: &Path, pending: &Pending<'_>) -> Result<()> {
    if let Some(store) = open_own(store_file, pending).await? {
        store.close().await?;
    }
    Ok(())
}

/// Removes the store, if there is one, while its lock is held. The lead's answer makes it again.
///
/// # Errors
/// As [`check`].
pub(super) async fn remove(store_file: &Path, pending: &Pending<'_>) -> Result<()> {
    if let Some(store) = open_own(store_file, pending).await? {
        let removed = std::fs::remove_file(store_file);
        store.close().await?;
        removed.context("cannot remove the unfinished store of an earlier attempt")?;
    }
    Ok(())
}

async fn open_own(store_file: &Path, pending: &Pending<'_>) -> Result<Option<Store>> {
    if !store_file.exists() {
        return Ok(None);
    }
    let opened = Store::open(store_file).await;
    let (store, contents) = opened.with_context(|| format!("{} cannot be joined over", store_file.display()))?;
    let facts = contents.facts;
    let own = contents.roster.iter().find(|entry| entry.name == facts.node);
    if facts.role == Role::Follower && own.is_some_and(|own| own.pin == pending.node_key.pin()) {
        return Ok(Some(store));
    }
    store.close().await?;
    bail!(
        "{} belongs to the {} {} and was not made by the join that was interrupted here; start that node with `aurora \
         up --config` and its node.toml, or join with another --state-dir and --config",
        store_file.display(),
        facts.role,
        facts.node
    )
}
