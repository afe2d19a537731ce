//! `aurora init`: a new mesh, whose lead this node is.
//!
//! The store appears whole, `node.toml` after it: where both exist, the mesh is complete; where only the store does, `init`
//! run again writes `node.toml` and makes nothing. It never replaces a store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::config_file;
use super::keystore::Keystore;
use super::seams::Seams;
use super::{STORE_FILE, assemble_lead, new_store, unseal};
use crate::config::node_config::NodeConfig;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::sealing::SealingKey;
use crate::model::company::Companies;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::EntitlementHistory;
use crate::model::glob::SecretGlob;
use crate::model::identity::{KeyPin, MeshId, Role};
use crate::model::number::{Epoch, Position, Revision};
use crate::model::roster::RosterEntry;
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
    /// The key of its CA, which join tokens pin.
    pub authority: KeyPin,
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
    passphrase: Option<&Plaintext>,
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
        return complete(config, file, &store_file, passphrase).await;
    }
    let entropy = &*seams.entropy;
    let (unseal_key, parameters) = unseal::create(&config.unseal, passphrase, entropy)?;
    let mut id = [0_u8; 16];
    entropy.fill(&mut id)?;
    let mesh = MeshId(id);
    let (keystore, root) = Keystore::create(&Arc::new(unseal_key), mesh, entropy)?;
    let mut mutations = vec![root];
    mutations.extend(parameters.map(|bytes| Mutation::PutBlob(BlobName::PassphraseParameters, bytes)));
    let authority = Authority::generate(&mesh, seams.clock.now().wall)?;
    mutations.extend(lead_mutations(config, &keystore, &authority, seams)?);
    let facts =
        Facts { mesh, node: config.node.name.clone(), role: Role::Lead, environment: config.node.environment.clone() };
    new_store::make(&store_file, facts, mutations).await?;
    config_file::write(file, config)?;
    Ok(Initialised { mesh, authority: authority.pin(), config_file: file.to_owned(), was_there: false })
}

/// Writes the configuration of a mesh whose store is there.
async fn complete(
    config: &NodeConfig,
    file: &Path,
    store_file: &Path,
    passphrase: Option<&Plaintext>,
) -> Result<Initialised> {
    let found = || {
        format!(
            "{} exists and was not changed; for a new mesh, give another --state-dir and --config",
            store_file.display()
        )
    };
    let (store, contents) = Store::open(store_file).await.with_context(found)?;
    store.close().await?;
    let authority = own_authority(config, passphrase, &contents).with_context(found)?;
    config_file::write(file, config)?;
    Ok(Initialised { mesh: contents.facts.mesh, authority, config_file: file.to_owned(), was_there: true })
}

/// Proves that the store is of the lead this configuration describes, and opens with its key.
fn own_authority(config: &NodeConfig, passphrase: Option<&Plaintext>, contents: &Contents) -> Result<KeyPin> {
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
    let keystore = Keystore::unseal(&config.unseal, passphrase, contents).with_context(|| {
        format!("it holds the mesh of the lead {node}; --passphrase must be given if it was given when it was made")
    })?;
    Ok(assemble_lead::authority(&keystore)?.pin())
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
        changed_at: Revision(0),
    };
    let certificate = Plaintext::new(authority.certificate_der().to_vec());
    Ok(vec![
        keystore.wrap(BlobName::Identity, &identity.to_plaintext(), entropy)?,
        keystore.wrap(BlobName::SealingKey, &sealing.to_plaintext(), entropy)?,
        keystore.wrap(BlobName::MeshSealingKey, &mesh_sealing.to_plaintext(), entropy)?,
        keystore.wrap(BlobName::AuthorityKey, &authority.key(), entropy)?,
        keystore.wrap(BlobName::AuthorityCertificate, &certificate, entropy)?,
        Mutation::PutNode(entry),
        Mutation::SetNextSecretId(1),
        Mutation::Advance(Position { epoch: Epoch(1), revision: Revision(0) }),
    ])
}
