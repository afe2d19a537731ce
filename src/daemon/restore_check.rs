//! What is looked at before a lead is restored: that the snapshot is of this node and of its mesh, and what the present store
//! is good for.

use std::sync::Arc;

use anyhow::{Result, bail};

use super::config_file;
use super::keystore::Keystore;
use super::reign_store::{Lock, Taken};
use super::reigning::succession_of;
use super::restore::{Configured, RestoreOptions};
use super::taken::{self, Opener, Secret};
use crate::config::node_config::NodeConfig;
use crate::crypto::signature::pin;
use crate::model::identity::Role;
use crate::snapshot::header::{Header, WrappedRoot};
use crate::store::blob::BlobName;
use crate::store::contents::Contents;

/// Refuses a snapshot that is not of this node, and a present store that is not of this snapshot's mesh.
pub(super) fn check(configured: &Configured, taken: &Taken, present: Option<&Contents>) -> Result<NodeConfig> {
    let facts = &taken.contents.facts;
    let mut config = configured.config().clone();
    match configured {
        Configured::Lost(..) => {
            config.node.name = facts.node.clone();
            config.node.role = Role::Lead;
            config.node.environment = facts.environment.clone();
            config_file::check(&config)?;
        }
        Configured::File(config) => {
            let node = &config.node;
            if node.name != facts.node || node.environment != facts.environment || node.role != Role::Lead {
                bail!(
                    "the snapshot is of the lead {} in {}, and node.toml describes the {} {} in {}; to make a follower the lead, \
                     use `aurora promote --snapshot`",
                    facts.node,
                    facts.environment,
                    node.role,
                    node.name,
                    node.environment
                );
            }
        }
    }
    if let Some(present) = present.map(|contents| &contents.facts)
        && present != facts
    {
        bail!(
            "the store in {} is of the {} {} of mesh {}, and the snapshot of the lead {} of mesh {}; move that store away first \
             if it is to be replaced",
            config.node.state_dir.display(),
            present.role,
            present.node,
            present.mesh,
            facts.node,
            facts.mesh
        );
    }
    Ok(config)
}

/// The present store's keys, if what is at hand opens them. Without them the keys that agents sign with are gone.
pub(super) fn open_present(contents: &Contents, options: &RestoreOptions<'_>, lock: &Lock) -> Option<Keystore> {
    let open = |key| Keystore::open(key, contents.facts.mesh, contents.blobs.clone());
    let blob = |name| contents.blobs.get(&name).cloned();
    let wrapped = WrappedRoot {
        wrapped: blob(BlobName::RootKey)?,
        passphrase: blob(BlobName::PassphraseParameters),
        shares: blob(BlobName::ShareParameters),
    };
    let again = match options.opener {
        Opener::Source(source, secret @ (Secret::None | Secret::Passphrase(_))) => {
            taken::unseal_key(source, secret, &wrapped)
        }
        Opener::Source(_, Secret::Shares(_)) => return open(Arc::clone(&lock.key)).ok(),
        Opener::Recovery(_) => taken::unseal_key(&options.configured.config().unseal, Secret::None, &wrapped),
    };
    let opened = again.and_then(|key| open(Arc::new(key)));
    if let Err(error) = &opened {
        tracing::warn!(%error, "the present store does not open: the keys that agents sign with are not taken over");
    }
    opened.ok()
}

/// What says that the authority of the snapshot is the mesh's.
pub(super) fn vouched_by(
    options: &RestoreOptions<'_>,
    header: &Header,
    present: Option<&Contents>,
    opened: &Option<Keystore>,
) -> Result<Option<&'static str>> {
    let found = header.authority_pin();
    if let Some(expected) = &options.authority
        && *expected != found.to_string()
        && *expected != found.fingerprint()
    {
        bail!("the snapshot is of the authority {found}, not of {expected}");
    }
    // It is not secret, so it is kept where it can be read without a key.
    let stated = present.map(succession_of).transpose()?.flatten();
    if let Some(stated) = &stated
        && pin(&stated.authority) != found
    {
        bail!("the present store is of a mesh with another authority than the snapshot");
    }
    let of_key = matches!(options.opener, Opener::Source(..));
    Ok(match (&options.authority, opened, stated) {
        (Some(_), _, _) => Some("as was said"),
        (None, Some(_), _) | (None, _, Some(_)) => Some("that of the present store"),
        // What the key of the node opens was sealed by who had it.
        (None, None, None) => of_key.then_some("the key of the node opens it"),
    })
}
