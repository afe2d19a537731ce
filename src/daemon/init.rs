//! `aurora init`: a new mesh, whose lead this node is.
//!
//! `node.toml` is written last: where it exists, the mesh is complete; where it does not, `init` may simply be run again
//! after the state directory was removed.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::config_file;
use super::keystore::Keystore;
use super::seams::Seams;
use super::{STORE_FILE, new_store, unseal};
use crate::config::node_config::NodeConfig;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::sealing::SealingKey;
use crate::model::company::Companies;
use crate::model::entitlement::Entitlement;
use crate::model::glob::SecretGlob;
use crate::model::identity::{KeyPin, MeshId, Role};
use crate::model::number::{Epoch, Position, Revision};
use crate::model::roster::RosterEntry;
use crate::store::blob::BlobName;
use crate::store::facts::Facts;
use crate::store::mutation::Mutation;
use crate::transport::authority::Authority;
use crate::transport::node_key::NodeKey;

/// What `init` made.
#[derive(Debug, Clone)]
pub struct Initialised {
    /// The new mesh.
    pub mesh: MeshId,
    /// The key of its CA, which join tokens pin.
    pub authority: KeyPin,
    /// Where the configuration was written.
    pub config_file: PathBuf,
}

/// Makes the mesh CA, the lead's keys and an empty store, and writes `node.toml`.
///
/// # Errors
/// When a mesh is there already, or a file cannot be written.
pub async fn init(
    config: &NodeConfig,
    file: &Path,
    passphrase: Option<&Plaintext>,
    seams: &Seams,
) -> Result<Initialised> {
    if file.exists() {
        bail!("{} exists: this machine has a node already; start it with `aurora up`", file.display());
    }
    let state_dir = &config.node.state_dir;
    unseal::private_dir(state_dir)?;
    let store_file = state_dir.join(STORE_FILE);
    if store_file.exists() {
        bail!(
            "{} exists; if an earlier `aurora init` was interrupted, remove {} and run it again",
            store_file.display(),
            state_dir.display()
        );
    }
    let entropy = &*seams.entropy;
    let (unseal_key, parameters) = unseal::create(&config.unseal, passphrase, entropy)?;
    let mut id = [0_u8; 16];
    entropy.fill(&mut id)?;
    let mesh = MeshId(id);
    let (keystore, root) = Keystore::create(&unseal_key, mesh, entropy)?;
    let mut mutations = vec![root];
    mutations.extend(parameters.map(|bytes| Mutation::PutBlob(BlobName::PassphraseParameters, bytes)));
    let authority = Authority::generate(&mesh, seams.clock.now().wall)?;
    mutations.extend(lead_mutations(config, &keystore, &authority, seams)?);
    let facts =
        Facts { mesh, node: config.node.name.clone(), role: Role::Lead, environment: config.node.environment.clone() };
    new_store::make(&store_file, facts, mutations).await?;
    config_file::write(file, config)?;
    Ok(Initialised { mesh, authority: authority.pin(), config_file: file.to_owned() })
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
