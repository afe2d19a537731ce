//! A node without its sockets: keys open, parts running, the door in place. Built in order, and taken down in reverse.

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};

use super::assemble::{Assembled, Materials, assemble};
use super::disk::Disk;
use super::keystore::Keystore;
use super::seams::Seams;
use super::{AUDIT_DIR, doors, history, providers, restored};
use crate::actors::connectivity::Connectivity;
use crate::actors::event_log::EventLog;
use crate::actors::event_posts::EventPosts;
use crate::actors::node::NodeHandle;
use crate::audit::journal::Journal;
use crate::config::node_config::NodeConfig;
use crate::crypto::locked;
use crate::crypto::unseal::UnsealKey;
use crate::model::event::Event;
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::handle::Store;
use crate::transport::workload_authority::WorkloadAuthority;
use crate::vault::parts::{Parts, Vault};
use crate::vault::refusals::Refusals;

/// Everything of a node that serves but its sockets.
pub(super) struct Works {
    pub(super) handle: NodeHandle,
    pub(super) vault: Vault,
    /// Where a lead listens, with the port the system chose.
    pub(super) address: Option<SocketAddr>,
    /// Which APIs work from where.
    pub(super) connectivity: Arc<Connectivity>,
    events: EventLog,
    store: Store,
    journal: Journal,
}

impl Works {
    /// Opens the keys with the unseal key and starts every part. What cannot be started is closed again.
    pub(super) async fn start(key: UnsealKey, disk: Disk, config: &NodeConfig, seams: &Seams) -> Result<Self> {
        crate::transport::provider::install();
        let Disk { store, contents, journal } = disk;
        match Self::over(key, (&store, contents), &journal, config, seams).await {
            Ok((handle, Running { vault, address, connectivity, events })) => {
                Ok(Self { handle, vault, address, connectivity, events, store, journal })
            }
            Err(error) => {
                Disk::close(store, journal).await;
                Err(error)
            }
        }
    }

    /// Stops replicating, then closes the journal and the store.
    pub(super) async fn stop(self) {
        self.handle.stop().await;
        self.vault.keep_last_key_uses().await;
        self.connectivity.keep_last_calls().await;
        drop((self.vault, self.connectivity));
        self.events.end().await;
        Disk::close(self.store, self.journal).await;
    }

    async fn over(
        key: UnsealKey,
        (store, contents): (&Store, Contents),
        journal: &Journal,
        config: &NodeConfig,
        seams: &Seams,
    ) -> Result<(NodeHandle, Running)> {
        let keystore = Keystore::open(Arc::new(key), contents.facts.mesh, contents.blobs.clone())?;
        warn_of_unlocked_keys();
        let handle = NodeHandle::start(Arc::clone(&seams.clock), Arc::clone(&seams.entropy)).await?;
        let (events, posts, is_new) = match history::open(config, seams, journal).await {
            Ok(opened) => opened,
            Err(error) => {
                handle.stop().await;
                return Err(error);
            }
        };
        let of_events = (&events, &posts);
        let materials = materials(config, &keystore, (store, journal), of_events, (seams, &handle));
        match start_parts(&materials, contents, is_new).await {
            Ok(running) => Ok((handle, running)),
            Err(error) => {
                handle.stop().await;
                Err(error)
            }
        }
    }
}

fn materials<'node>(
    config: &'node NodeConfig,
    keystore: &'node Keystore,
    (store, journal): (&'node Store, &'node Journal),
    (events, posts): (&'node EventLog, &'node Arc<EventPosts>),
    (seams, handle): (&'node Seams, &'node NodeHandle),
) -> Materials<'node> {
    Materials { config, keystore, store, journal, events, posts, seams, handle }
}

/// The parts that run, as far as they are spoken to.
struct Running {
    vault: Vault,
    address: Option<SocketAddr>,
    connectivity: Arc<Connectivity>,
    events: EventLog,
}

async fn start_parts(materials: &Materials<'_>, contents: Contents, is_new_history: bool) -> Result<Running> {
    let Materials { config, keystore, store, journal, events, posts, seams, handle } = *materials;
    let house = doors::house(config)?;
    let (catalogue, egress) = providers::load(&config.connectivity)?;
    let key_uses = contents.blobs.get(&BlobName::KeyUse).cloned();
    let restored_by = contents.blobs.get(&BlobName::Restored).cloned();
    let Assembled { board, roles, connectivity, deliveries, authority, lead } = assemble(materials, contents).await?;
    if let Some(key_uses) = key_uses {
        board.key_use.load(&key_uses);
    }
    if is_new_history {
        let detail = "the history of events could not be read and was set aside; a new one begins".to_owned();
        board.events.tell(Event::SystemError { part: "events", detail });
    }
    let workloads = WorkloadAuthority::generate(&config.node.name, &keystore.mesh, seams.clock.now().wall)?;
    roles.events().begin().await.context("the history of events cannot be written")?;
    // Before anybody is served what the deed brought about.
    restored::write_down(restored_by.as_deref(), store, journal, &board).await?;
    let started = handle.run(roles).await?;
    let vault = Vault::new(Parts {
        mesh: keystore.mesh,
        node: config.node.name.clone(),
        environment: config.node.environment.clone(),
        house,
        authority,
        lead: lead.map(|lead| lead.with_addresses(&config.mesh.leads, started.address)),
        board,
        store: store.clone(),
        journal: journal.clone(),
        events: events.clone(),
        posts: Arc::clone(posts),
        journal_works: AtomicBool::new(true),
        refusals: Refusals::default(),
        audit_dir: config.node.state_dir.join(AUDIT_DIR),
        catalogue: Arc::new(catalogue),
        egress: Arc::new(egress),
        deliveries: Arc::clone(&deliveries),
        notify: config.notify.clone(),
        notice_pace: Mutex::default(),
        workloads,
        freshness: config.cache,
        value_bytes_max: config.limits.value_bytes_max,
        clock: Arc::clone(&seams.clock),
        entropy: Arc::clone(&seams.entropy),
        load_milli: super::load::load_milli,
        process_reading: super::process_reading::process_reading,
        metrics_on_loopback: config.metrics.loopback,
        started: seams.clock.now(),
    });
    connectivity.begin(Arc::new(vault.clone()));
    deliveries.begin(Arc::new(vault.clone()));
    Ok(Running { vault, address: started.address, connectivity, events: events.clone() })
}

/// Keys are used all the same: a machine that may not lock memory is still better off than one with `.env` files.
fn warn_of_unlocked_keys() {
    if locked::unlocked_pages() > 0 {
        tracing::warn!("keys could not be locked in memory and may be swapped out; raise LimitMEMLOCK (ulimit -l)");
    }
}
