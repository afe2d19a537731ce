//! `aurora init`: a new mesh, whose lead this node is.
//!
//! The store appears whole, `node.toml` after it: where both exist, the mesh is complete; where only the store does, `init`
//! run again writes `node.toml` and makes nothing. It never replaces a store.
//!
//! Shares are shown when the store is on the disk and before it has its name ([`new_store::make`]). Interrupted before, `init`
//! run again makes another mesh with other shares; interrupted after, those that were shown open the store.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::brought::Brought;
use super::config_file;
use super::keystore::Keystore;
use super::seams::Seams;
use super::{STORE_FILE, assemble_lead, new_store, unseal};
use crate::config::node_config::NodeConfig;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::sealing::SealingKey;
use crate::model::article::Article;
use crate::model::company::Companies;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::EntitlementHistory;
use crate::model::glob::SecretGlob;
use crate::model::identity::{KeyPin, MeshId, Role};
use crate::model::number::{Epoch, Position, Revision};
use crate::model::roster::{RosterEntry, Standing};
use crate::policy::starting::starting;
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::facts::Facts;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;
use crate::transport::authority::Authority;
use crate::transport::node_key::NodeKey;

/// What `init` made, or found.
#[derive(Debug, Clone)]
pub struct Initialised {
    /// The mesh.
    pub mesh: MeshId,
    /// The key of its CA, which join tokens pin; not to be had from a mesh that was there and opens with shares.
    pub authority: Option<KeyPin>,
    /// Where the configuration was written.
    pub config_file: PathBuf,
    /// The mesh was there, and only its configuration was written.
    pub was_there: bool,
}

/// Makes the mesh CA, the lead's keys and an empty store, and writes `node.toml`. A store without its `node.toml` is kept,
/// if it is of a lead of this name and opens with this key: then only `node.toml` is written.
///
/// # Errors
/// When another node is there already, with what to type next, or a file cannot be written.
pub async fn init(
    config: &NodeConfig,
    file: &Path,
    brought: Option<Brought<'_>>,
    seams: &Seams,
) -> Result<Initialised> {
    if file.exists() {
        bail!("{} exists: this machine has a node already; start it with `aurora up`", file.display());
    }
    config_file::check(config)?;
    let state_dir = &config.node.state_dir;
    unseal::private_dir(state_dir)?;
    let store_file = state_dir.join(STORE_FILE);
    if store_file.exists() {
        return complete(config, file, &store_file, brought).await;
    }
    let entropy = &*seams.entropy;
    let made = unseal::create(&config.unseal, brought, entropy)?;
    let mut id = [0_u8; 16];
    entropy.fill(&mut id)?;
    let mesh = MeshId(id);
    let (keystore, root) = Keystore::create(&made.key, mesh, entropy)?;
    let mut mutations = vec![root];
    mutations.extend(made.remembered());
    let authority = Authority::generate(&mesh, seams.clock.now().wall)?;
    mutations.extend(lead_mutations(config, &keystore, &authority, seams)?);
    let facts =
        Facts { mesh, node: config.node.name.clone(), role: Role::Lead, environment: config.node.environment.clone() };
    new_store::make(&seams.ground, &store_file, facts, mutations, seams.clock.now().wall, || made.show()).await?;
    config_file::write(file, config)?;
    Ok(Initialised { mesh, authority: Some(authority.pin()), config_file: file.to_owned(), was_there: false })
}

/// Writes the configuration of a mesh whose store is there.
async fn complete(
    config: &NodeConfig,
    file: &Path,
    store_file: &Path,
    brought: Option<Brought<'_>>,
) -> Result<Initialised> {
    let found = || {
        format!(
            "{} exists and was not changed; for a new mesh, give another --state-dir and --config",
            store_file.display()
        )
    };
    let (store, contents) = Store::open(store_file).await.with_context(found)?;
    store.close().await?;
    let authority = own_authority(config, brought, &contents).with_context(found)?;
    config_file::write(file, config)?;
    Ok(Initialised { mesh: contents.facts.mesh, authority, config_file: file.to_owned(), was_there: true })
}

/// Proves that the store is of the lead this configuration describes, and opens with its key; or, where only people have
/// that, that it opens with as many shares as were asked for.
fn own_authority(config: &NodeConfig, brought: Option<Brought<'_>>, contents: &Contents) -> Result<Option<KeyPin>> {
    let Facts { node, role, environment, .. } = &contents.facts;
    if *role != Role::Lead {
        bail!("it belongs to the {role} {node}, which is started with `aurora up --config` and its node.toml");
    }
    if *node != config.node.name || *environment != config.node.environment {
        bail!(
            "it holds the mesh of the lead {node} in {environment}; to write its node.toml again, add --name {node} \
             --environment {environment}"
        );
    }
    if let Some(Brought::Quorum(quorum, _)) = brought {
        let kept = unseal::share_parameters(&contents.blobs)?.quorum();
        if kept != quorum {
            bail!("it opens with {kept} shares, not with {quorum}");
        }
        return Ok(None);
    }
    let keystore = Keystore::unseal(&config.unseal, brought.and_then(Brought::passphrase), contents);
    let keystore = keystore.with_context(|| {
        format!(
            "it holds the mesh of the lead {node}; --passphrase, --shamir or --systemd-credential must be given if it was \
             given when it was made"
        )
    })?;
    Ok(Some(assemble_lead::authority(&keystore)?.pin()))
}

fn lead_mutations(
    config: &NodeConfig,
    keystore: &Keystore,
    authority: &Authority,
    seams: &Seams,
) -> Result<Vec<Mutation>> {
    let entropy = &*seams.entropy;
    let identity = NodeKey::generate()?;
    let sealing = SealingKey::generate(entropy)?;
    let mesh_sealing = SealingKey::generate(entropy)?;
    let entry = RosterEntry {
        name: config.node.name.clone(),
        role: Role::Lead,
        pin: identity.pin(),
        sealing_key: sealing.public(),
        entitlement: Entitlement {
            environment: config.node.environment.clone(),
            companies: Companies::All,
            globs: vec![SecretGlob::everything()],
        },
        history: EntitlementHistory::beginning(seams.clock.now().wall),
        joined_at: seams.clock.now().wall,
        standing: Standing::Active,
        changed_at: Revision(0),
    };
    let certificate = Plaintext::new(authority.certificate_der().to_vec());
    let mut store_id = [0_u8; 16];
    entropy.fill(&mut store_id)?;
    let [owner, group] = starting(seams.clock.now().wall).map(|grant| Mutation::PutArticle(Article::Grant(grant)));
    Ok(vec![
        keystore.wrap(BlobName::Identity, &identity.to_plaintext(), entropy)?,
        keystore.wrap(BlobName::SealingKey, &sealing.to_plaintext(), entropy)?,
        keystore.wrap(BlobName::MeshSealingKey, &mesh_sealing.to_plaintext(), entropy)?,
        keystore.wrap(BlobName::AuthorityKey, &authority.key(), entropy)?,
        keystore.wrap(BlobName::AuthorityCertificate, &certificate, entropy)?,
        Mutation::PutBlob(BlobName::StoreId, store_id.to_vec()),
        Mutation::PutNode(entry),
        owner,
        group,
        Mutation::SetNextSecretId(1),
        Mutation::Advance(Position { epoch: Epoch(1), revision: Revision(0) }),
    ])
}
