//! A running node: built in order, store to sockets, and taken down in reverse.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, anyhow};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::assemble::{Assembled, Materials, assemble};
use super::keystore::Keystore;
use super::seams::Seams;
use super::{AUDIT_DIR, STORE_FILE, group};
use crate::actors::node::NodeHandle;
use crate::api::server::{self, Limits};
use crate::api::sockets;
use crate::audit::journal::Journal;
use crate::config::node_config::NodeConfig;
use crate::crypto::locked;
use crate::crypto::plaintext::Plaintext;
use crate::model::identity::Role;
use crate::policy::starting;
use crate::store::contents::Contents;
use crate::store::handle::Store;
use crate::vault::parts::{Parts, Vault};

/// A node that serves.
pub struct RunningNode {
    handle: NodeHandle,
    vault: Vault,
    store: Store,
    journal: Journal,
    stop: CancellationToken,
    api: JoinHandle<()>,
    address: Option<SocketAddr>,
    socket_dir: PathBuf,
}

impl RunningNode {
    /// Opens the store, unseals it, and starts every part. When this returns, the sockets answer.
    ///
    /// # Errors
    /// Whatever keeps the node from serving, with what to do about it.
    pub async fn start(config: &NodeConfig, passphrase: Option<&Plaintext>, seams: &Seams) -> Result<Self> {
        crate::transport::provider::install();
        let store_file = config.node.state_dir.join(STORE_FILE);
        let opened = Store::open(&store_file).await;
        let (store, contents) = opened.with_context(|| cannot_open(&store_file, config.node.role))?;
        let started = Self::start_over(&store, contents, config, passphrase, seams).await;
        if started.is_err() {
            // The reason is told below; the file must be closed before whoever hears it may try again.
            drop(store.close().await);
        }
        started
    }

    async fn start_over(
        store: &Store,
        contents: Contents,
        config: &NodeConfig,
        passphrase: Option<&Plaintext>,
        seams: &Seams,
    ) -> Result<Self> {
        check_facts(config, &contents)?;
        let keystore = Keystore::unseal(&config.unseal, passphrase, &contents)?;
        let journal = open_journal(config, seams)?;
        warn_of_unlocked_keys();
        let handle = NodeHandle::start(Arc::clone(&seams.clock), Arc::clone(&seams.entropy)).await?;
        let materials = Materials { config, keystore: &keystore, store, journal: &journal, seams, handle: &handle };
        match start_parts(&materials, contents).await {
            Ok(Serving { vault, stop, api, address }) => {
                let socket_dir = config.api.socket_dir.clone();
                Ok(Self { handle, vault, store: store.clone(), journal, stop, api, address, socket_dir })
            }
            Err(error) => {
                handle.stop().await;
                drop(journal.close().await);
                Err(error)
            }
        }
    }

    /// The door, for callers in this process.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Where a lead listens, with the port the system chose.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Where the sockets are.
    #[must_use]
    pub fn socket_dir(&self) -> &PathBuf {
        &self.socket_dir
    }

    /// Returns when the node has become unfit, with the reason.
    pub async fn unfit(&mut self) -> String {
        self.handle.unfit().await
    }

    /// Stops serving, then replicating, then closes the journal and the store.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.api.await {
            tracing::error!(%error, "the sockets did not close cleanly");
        }
        self.handle.stop().await;
        drop(self.vault);
        if let Err(error) = self.journal.close().await {
            tracing::error!(%error, "the journal did not close cleanly");
        }
        if let Err(error) = self.store.close().await {
            tracing::error!(%error, "the store did not close cleanly");
        }
    }
}

/// What answers once every part runs.
struct Serving {
    vault: Vault,
    stop: CancellationToken,
    api: JoinHandle<()>,
    address: Option<SocketAddr>,
}

async fn start_parts(materials: &Materials<'_>, contents: Contents) -> Result<Serving> {
    let Materials { config, keystore, store, journal, seams, handle } = *materials;
    let Assembled { board, roles, lead } = assemble(materials, contents).await?;
    let started = handle.run(roles).await?;
    let group = group::socket_group(config.api.socket_group.as_deref())?;
    let owner = rustix::process::geteuid().as_raw();
    let policy = starting::starting(group.unwrap_or_else(|| rustix::process::getegid().as_raw()), owner);
    let vault = Vault::new(Parts {
        mesh: keystore.mesh,
        node: config.node.name.clone(),
        environment: config.node.environment.clone(),
        owner,
        lead: lead.map(|lead| lead.with_addresses(&config.mesh.leads, started.address)),
        board,
        store: store.clone(),
        journal: journal.clone(),
        journal_works: AtomicBool::new(true),
        audit_dir: config.node.state_dir.join(AUDIT_DIR),
        policy,
        freshness: config.cache,
        value_bytes_max: config.limits.value_bytes_max,
        clock: Arc::clone(&seams.clock),
        entropy: Arc::clone(&seams.entropy),
        load_milli: super::load::load_milli,
        started: seams.clock.now(),
    });
    let stop = CancellationToken::new();
    let api = open_sockets(config, group, &vault, seams, &stop).await?;
    Ok(Serving { vault, stop, api, address: started.address })
}

fn open_journal(config: &NodeConfig, seams: &Seams) -> Result<Journal> {
    let audit_dir = config.node.state_dir.join(AUDIT_DIR);
    let (journal, recovered) =
        Journal::open(&audit_dir, config.node.name.clone(), Arc::clone(&seams.clock), config.audit.durability)
            .context("the audit journal cannot be opened")?;
    if recovered.torn.is_some() {
        tracing::warn!("the last audit line was torn by a crash; it was cut and set aside");
    }
    Ok(journal)
}

fn cannot_open(store_file: &Path, role: Role) -> String {
    let remedy = match role {
        Role::Lead => "if it is damaged, put back a copy of the state directory",
        Role::Follower => "if it is damaged, remove the state directory and join again",
    };
    format!("the store {} cannot be opened ({remedy})", store_file.display())
}

/// Keys are used all the same: a machine that may not lock memory is still better off than one with `.env` files.
fn warn_of_unlocked_keys() {
    if locked::unlocked_pages() > 0 {
        tracing::warn!("keys could not be locked in memory and may be swapped out; raise LimitMEMLOCK (ulimit -l)");
    }
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
    if config.node.role != facts.role {
        return Err(differs("role", config.node.role.as_str(), facts.role.as_str()));
    }
    if config.node.environment != facts.environment {
        return Err(differs("environment", config.node.environment.as_str(), facts.environment.as_str()));
    }
    Ok(())
}

async fn open_sockets(
    config: &NodeConfig,
    group: Option<u32>,
    vault: &Vault,
    seams: &Seams,
    stop: &CancellationToken,
) -> Result<JoinHandle<()>> {
    let sockets = sockets::bind(&config.api.socket_dir, group).await?;
    let limits = Limits {
        connections: config.limits.connections,
        connections_per_uid: config.limits.connections_per_uid,
        value_bytes_max: config.limits.value_bytes_max,
    };
    let (clock, entropy) = (Arc::clone(&seams.clock), Arc::clone(&seams.entropy));
    Ok(tokio::spawn(server::serve(sockets, vault.clone(), clock, entropy, limits, stop.clone())))
}
