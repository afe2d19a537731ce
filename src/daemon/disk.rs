//! What a node has on its disk, open: the store, which is locked by it, and the journal.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};

use super::restored::{self, Kind};
use super::seams::{JournalPlace, Seams};
use super::{AUDIT_DIR, STORE_FILE};
use crate::audit::heads;
use crate::audit::journal::Journal;
use crate::audit::options::{JournalOptions, SpoolOptions};
use crate::config::node_config::NodeConfig;
use crate::model::identity::Role;
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::handle::Store;

/// Store and journal of one node, and what the store held when it was opened.
pub(super) struct Disk {
    pub(super) store: Store,
    pub(super) contents: Contents,
    pub(super) journal: Journal,
}

impl Disk {
    /// Opens both, and refuses what belongs to another node than the configuration describes.
    pub(super) async fn open(config: &NodeConfig, seams: &Seams) -> Result<Self> {
        let store_file = config.node.state_dir.join(STORE_FILE);
        let opened = Store::open_on(&seams.ground, &store_file, Some(seams.clock.now().wall)).await;
        let (store, contents) = opened.with_context(|| cannot_open(&store_file, config.node.role))?;
        match check_facts(config, &contents).and_then(|()| open_journal(config, seams)) {
            Ok(journal) => Ok(Self { store, contents, journal }),
            Err(error) => {
                // The file must be closed before whoever hears the reason may try again.
                drop(store.close().await);
                Err(error)
            }
        }
    }

    /// Closes both, the journal first: the store is what the journal tells about.
    pub(super) async fn close(store: Store, journal: Journal) {
        if let Err(error) = journal.close().await {
            tracing::error!(%error, "the journal did not close cleanly");
        }
        if let Err(error) = store.close().await {
            tracing::error!(%error, "the store did not close cleanly");
        }
    }
}

fn open_journal(config: &NodeConfig, seams: &Seams) -> Result<Journal> {
    let directory = config.node.state_dir.join(AUDIT_DIR);
    let bytes_max = config.audit.spool_bytes_max;
    let spool = match config.node.role {
        Role::Lead => None,
        Role::Follower => {
            // What the lead countersigned is on the lead's disk.
            let forwarded_seq =
                heads::sealed_seq(&directory).context("the seals of the audit journal cannot be read")?;
            Some(SpoolOptions { bytes_max, forwarded_seq })
        }
    };
    let options = JournalOptions {
        directory,
        node: config.node.name.clone(),
        clock: Arc::clone(&seams.clock),
        durability: config.audit.durability,
        file_bytes_max: config.audit.file_bytes_max,
        spool,
        crew: Arc::clone(&seams.ground.crew),
    };
    let (journal, recovered) = match seams.journal {
        JournalPlace::Files => Journal::open(options).context("the audit journal cannot be opened")?,
        JournalPlace::Nowhere => return Ok(Journal::to_nowhere(options)?),
    };
    if recovered.torn.is_some() {
        tracing::warn!("the last audit line was torn by a crash; it was cut and set aside");
    }
    Ok(journal)
}

fn cannot_open(store_file: &Path, role: Role) -> String {
    let remedy = match role {
        Role::Lead => "if it is damaged: aurora snapshot restore FILE",
        Role::Follower => "if it is damaged: aurora leave --without-lead --yes, then join again with a new token",
    };
    format!("the store {} cannot be opened ({remedy})", store_file.display())
}

/// The store says who this node is; a configuration that says otherwise was copied from another.
fn check_facts(config: &NodeConfig, contents: &Contents) -> Result<()> {
    let facts = &contents.facts;
    let differs = |what: &str, file: &str, store: &str| {
        anyhow!("node.toml says {what} {file}, the store belongs to {what} {store}; correct node.toml")
    };
    if config.node.name != facts.node {
        return Err(differs("name", config.node.name.as_str(), facts.node.as_str()));
    }
    if config.node.role == Role::Follower && restored::is_of(Kind::Promotion, contents.blobs.get(&BlobName::Restored)) {
        bail!(
            "the promotion of this node was interrupted before node.toml was written: run the same `aurora promote` again"
        );
    }
    if config.node.role != facts.role {
        return Err(differs("role", config.node.role.as_str(), facts.role.as_str()));
    }
    if config.node.environment != facts.environment {
        return Err(differs("environment", config.node.environment.as_str(), facts.environment.as_str()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy of the state directory that is put back is a lead in the past, which its followers refuse.
    #[test]
    fn a_damaged_store_is_told_with_what_brings_the_node_back() {
        let of = |role| cannot_open(Path::new("/var/lib/aurora/store.redb"), role);
        assert!(of(Role::Lead).contains("aurora snapshot restore FILE"), "{}", of(Role::Lead));
        assert!(of(Role::Follower).contains("aurora leave --without-lead --yes"), "{}", of(Role::Follower));
    }
}
