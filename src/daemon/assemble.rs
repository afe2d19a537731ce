//! From what the store holds to the parts of a node, ready to be started; by role in `assemble_lead` and
//! `assemble_follower`.

use std::sync::Arc;

use anyhow::{Context, Result};

use super::assemble_lead::AssembledLead;
use super::keystore::Keystore;
use super::seams::Seams;
use super::{assemble_follower, assemble_lead};
use crate::actors::board::{Board, LeadBoard};
use crate::actors::connectivity::{Connectivity, ConnectivityParts};
use crate::actors::deliveries::{Deliveries, DeliveryParts};
use crate::actors::event_log::EventLog;
use crate::actors::event_posts::EventPosts;
use crate::actors::node::NodeHandle;
use crate::actors::roles::Roles;
use crate::audit::journal::Journal;
use crate::config::node_config::NodeConfig;
use crate::events::rules::Rule;
use crate::model::identity::{KeyPin, Role};
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::handle::Store;

/// What a node is built from, besides the contents of its store.
pub(super) struct Materials<'node> {
    pub(super) config: &'node NodeConfig,
    pub(super) keystore: &'node Keystore,
    pub(super) store: &'node Store,
    pub(super) journal: &'node Journal,
    pub(super) events: &'node EventLog,
    pub(super) posts: &'node Arc<EventPosts>,
    pub(super) seams: &'node Seams,
    pub(super) handle: &'node NodeHandle,
}

/// A node, ready to start.
pub(super) struct Assembled {
    pub(super) board: Arc<Board>,
    pub(super) roles: Roles,
    pub(super) connectivity: Arc<Connectivity>,
    pub(super) deliveries: Arc<Deliveries>,
    /// Pins the mesh CA.
    pub(super) authority: KeyPin,
    pub(super) lead: Option<AssembledLead>,
}

/// Builds the parts for the role of this node; the one writer is started, the rest is described.
pub(super) async fn assemble(from: &Materials<'_>, mut contents: Contents) -> Result<Assembled> {
    purge(from.store, &mut contents).await?;
    let own = contents.roster.iter().find(|entry| entry.name == contents.facts.node).cloned();
    let own = own.context("the store does not know its own node")?;
    match contents.facts.role {
        Role::Lead => assemble_lead::assemble(from, contents, &own).await,
        Role::Follower => assemble_follower::assemble(from, contents, own).await,
    }
}

/// The connectivity of a node of either role.
pub(super) fn connectivity(
    from: &Materials<'_>,
    board: &Arc<Board>,
    lead_board: Option<&Arc<LeadBoard>>,
    spent: Option<&[u8]>,
) -> Arc<Connectivity> {
    let Materials { config, store, seams, .. } = *from;
    let parts = ConnectivityParts {
        node: config.node.name.clone(),
        board: Arc::clone(board),
        lead_board: lead_board.cloned(),
        store: store.clone(),
        clock: Arc::clone(&seams.clock),
        entropy: Arc::clone(&seams.entropy),
        probe: config.connectivity.probe,
    };
    Arc::new(Connectivity::new(parts, spent))
}

/// What is sent of events, by a node of either role.
pub(super) async fn deliveries(from: &Materials<'_>, board: &Arc<Board>) -> Result<Arc<Deliveries>> {
    let Materials { config, events, seams, .. } = *from;
    let rules = config.notify.rules.iter().map(Rule::read).collect::<Result<_, _>>()?;
    let parts = DeliveryParts {
        log: events.clone(),
        notify: config.notify.clone(),
        rules,
        board: Arc::clone(board),
        clock: Arc::clone(&seams.clock),
        entropy: Arc::clone(&seams.entropy),
    };
    Ok(Arc::new(Deliveries::open(parts).await.context("what is to be delivered cannot be read")?))
}

/// Makes good what a crash, or a full disk, left undone between taking something out of the store and taking its bytes
/// out of the file. A follower may not hold them and does not start with them; a lead may, for without it no one is
/// served, and goes on knowing that it is due.
async fn purge(store: &Store, contents: &mut Contents) -> Result<()> {
    if !contents.blobs.contains_key(&BlobName::RebuildDue) {
        return Ok(());
    }
    match (store.purge().await, contents.facts.role) {
        (Ok(()), _) => {
            contents.blobs.remove(&BlobName::RebuildDue);
            Ok(())
        }
        (Err(error), Role::Lead) => {
            tracing::error!(%error, "destroyed bytes are still in the store file; it is tried again with the next change");
            Ok(())
        }
        (Err(error), Role::Follower) => Err(error).context("what left the cache cannot be taken out of its file"),
    }
}
