//! From what the store holds to the parts of a node, ready to be started; by role in `assemble_lead` and
//! `assemble_follower`.

use std::sync::Arc;

use anyhow::{Context, Result};

use super::assemble_lead::AssembledLead;
use super::keystore::Keystore;
use super::seams::Seams;
use super::{assemble_follower, assemble_lead};
use crate::actors::board::Board;
use crate::actors::node::NodeHandle;
use crate::actors::roles::Roles;
use crate::audit::journal::Journal;
use crate::config::node_config::NodeConfig;
use crate::model::identity::Role;
use crate::store::contents::Contents;
use crate::store::handle::Store;

/// What a node is built from, besides the contents of its store.
pub(super) struct Materials<'node> {
    pub(super) config: &'node NodeConfig,
    pub(super) keystore: &'node Keystore,
    pub(super) store: &'node Store,
    pub(super) journal: &'node Journal,
    pub(super) seams: &'node Seams,
    pub(super) handle: &'node NodeHandle,
}

/// A node, ready to start.
pub(super) struct Assembled {
    pub(super) board: Arc<Board>,
    pub(super) roles: Roles,
    pub(super) lead: Option<AssembledLead>,
}

/// Builds the parts for the role of this node; the one writer is started, the rest is described.
pub(super) async fn assemble(from: &Materials<'_>, contents: Contents) -> Result<Assembled> {
    let own = contents.roster.iter().find(|entry| entry.name == contents.facts.node).cloned();
    let own = own.context("the store does not know its own node")?;
    match contents.facts.role {
        Role::Lead => assemble_lead::assemble(from, contents, &own).await,
        Role::Follower => assemble_follower::assemble(from, contents, own).await,
    }
}
