//! `aurora join TOKEN`: this machine becomes a follower.
//!
//! The keys are made and kept before the token is shown to anyone, so an interrupted join can be repeated: the lead
//! answers the same token and the same key with the same membership.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::brought::Brought;
use super::config_file;
use super::join_ask::until_approved;
use super::keystore::Keystore;
use super::pending::{self, Pending};
use super::seams::Seams;
use super::{STORE_FILE, earlier, new_store, unseal};
use crate::config::node_config::NodeConfig;
use crate::crypto::join_token::JoinSecret;
use crate::crypto::plaintext::Plaintext;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::EntitlementHistory;
use crate::model::identity::Role;
use crate::model::number::{Position, Revision};
use crate::model::roster::{RosterEntry, Standing};
use crate::store::blob::BlobName;
use crate::store::facts::Facts;
use crate::store::mutation::Mutation;
use crate::wire::join::{Admitted, Join};

/// How a node joins.
#[derive(Debug, Clone)]
pub struct JoinOptions {
    /// What the operator chose; name, environment and leads come from the lead.
    pub template: NodeConfig,
    /// Where `node.toml` goes.
    pub config_file: PathBuf,
    /// Where the lead is; otherwise the addresses in the token, then the local network.
    pub lead: Option<String>,
    /// What is done while somebody must approve the node.
    pub pending: WhilePending,
}

/// What a join does while the lead knows the node and nobody has approved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhilePending {
    /// Asks again every few seconds, for as long as it takes.
    Wait,
    /// Ends with [`ApprovalPending`]; the same join goes on later.
    Leave,
}

/// The lead knows this machine and waits for somebody to approve it.
#[derive(Debug, thiserror::Error)]
#[error(
    "approval pending: this machine's key is {fingerprint}; compare it on the lead (aurora nodes list) and approve it \
     there: aurora nodes approve NAME --fingerprint {fingerprint}; then run the same join again"
)]
pub struct ApprovalPending {
    /// The fingerprint of its key.
    pub fingerprint: String,
}

/// Joins, and gives the configuration that was written.
///
/// # Errors
/// When the state directory holds another node, which is left as it is; when no lead can be reached, or it refuses;
/// [`ApprovalPending`] when it shall not be waited for. Each with what to do next.
pub async fn join(
    token: &JoinSecret,
    options: &JoinOptions,
    brought: Option<Brought<'_>>,
    seams: &Seams,
) -> Result<NodeConfig> {
    let file = &options.config_file;
    if file.exists() {
        bail!("{} exists: this machine has joined already; start it with `aurora up`", file.display());
    }
    let state_dir = &options.template.node.state_dir;
    let store_file = state_dir.join(STORE_FILE);
    earlier::refuse_another_node(&store_file, state_dir)?;
    unseal::private_dir(state_dir)?;
    let pending = Pending::load_or_create(&options.template, brought, seams).await?;
    earlier::check(&store_file, &pending).await?;
    let question = Join {
        token_secret: token.secret().expose().try_into().context("the token holds no secret")?,
        csr: pending.node_key.csr()?,
        sealing_key: pending.sealing_key.public().0,
    };
    let (admitted, lead) = until_approved(token, options, &question, &pending.node_key.pin(), seams).await?;
    let config = follower_config(&options.template, &admitted, token, &lead)?;
    // What an attempt that was interrupted after the answer left behind is made again from the same answer.
    earlier::remove(&store_file, &pending).await?;
    keep(&store_file, &config, &admitted, &pending, seams).await?;
    config_file::write(file, &config)?;
    pending::forget(state_dir);
    Ok(config)
}

fn follower_config(template: &NodeConfig, admitted: &Admitted, token: &JoinSecret, lead: &str) -> Result<NodeConfig> {
    let entitlement = Entitlement::try_from(admitted.entitlement.clone())?;
    let mut config = template.clone();
    config.node.name = admitted.node_name()?;
    config.node.role = Role::Follower;
    config.node.environment = entitlement.environment;
    let mut leads = vec![lead.to_owned()];
    leads.extend(token.addresses().iter().filter(|address| *address != lead).cloned());
    config.mesh.leads = leads;
    Ok(config)
}

async fn keep(
    store_file: &Path,
    config: &NodeConfig,
    admitted: &Admitted,
    pending: &Pending<'_>,
    seams: &Seams,
) -> Result<()> {
    let entropy = &*seams.entropy;
    let mesh = admitted.mesh_id();
    let (keystore, root) = Keystore::create(&pending.made.key, mesh, entropy)?;
    let leaf = admitted.chain.first().context("the lead sent no certificate")?.clone();
    let entry = RosterEntry {
        name: config.node.name.clone(),
        role: Role::Follower,
        pin: pending.node_key.pin(),
        sealing_key: pending.sealing_key.public(),
        entitlement: Entitlement::try_from(admitted.entitlement.clone())?,
        history: EntitlementHistory::beginning(seams.clock.now().wall),
        joined_at: seams.clock.now().wall,
        standing: Standing::Active,
        changed_at: Revision(0),
    };
    let plain = |bytes: Vec<u8>| Plaintext::new(bytes);
    let mut mutations = vec![
        root,
        keystore.wrap(BlobName::Identity, &pending.node_key.to_plaintext(), entropy)?,
        keystore.wrap(BlobName::SealingKey, &pending.sealing_key.to_plaintext(), entropy)?,
        keystore.wrap(BlobName::AuthorityCertificate, &plain(admitted.authority.clone()), entropy)?,
        keystore.wrap(BlobName::Certificate, &plain(leaf), entropy)?,
        keystore.wrap(BlobName::MeshSealingPublicKey, &plain(admitted.mesh_sealing_key.to_vec()), entropy)?,
        keystore.wrap(BlobName::LeadName, &plain(admitted.lead_name()?.as_str().as_bytes().to_vec()), entropy)?,
        Mutation::PutNode(entry),
        Mutation::Advance(Position::default()),
    ];
    mutations.extend(pending.made.remembered());
    let facts = Facts {
        mesh,
        node: config.node.name.clone(),
        role: Role::Follower,
        environment: config.node.environment.clone(),
    };
    new_store::make(&seams.ground, store_file, facts, mutations, seams.clock.now().wall, || pending.made.show()).await
}
