//! Who vouches for what is no longer in the journal, and the part that sees to its files.

use std::sync::Arc;

use anyhow::{Context, Result};

use super::AUDIT_DIR;
use super::assemble::Materials;
use super::keystore::Keystore;
use crate::actors::upkeep::{Upkeep, UpkeepParts};
use crate::crypto::signature::Signer;
use crate::model::identity::KeyPin;
use crate::store::blob::BlobName;
use crate::transport::certificate;
use crate::transport::node_key::NodeKey;

/// The keys whose tombstones count on this node: its own and the authority's.
pub(super) fn tombstone_keys(keystore: &Keystore) -> Result<Vec<KeyPin>> {
    let own = NodeKey::from_plaintext(&keystore.get(BlobName::Identity)?)?.pin();
    let authority = certificate::pin(keystore.get(BlobName::AuthorityCertificate)?.expose());
    Ok(vec![own, authority.context("the CA certificate is damaged")?])
}

/// The part that packs and removes files of the journal, signing what it removes.
pub(super) fn upkeep(from: &Materials<'_>, signer: Arc<dyn Signer>) -> Result<Arc<Upkeep>> {
    let Materials { config, keystore, journal, seams, .. } = *from;
    Ok(Arc::new(Upkeep::new(UpkeepParts {
        journal: journal.clone(),
        audit_dir: config.node.state_dir.join(AUDIT_DIR),
        mesh: keystore.mesh,
        node: config.node.name.clone(),
        role: config.node.role,
        signer,
        keys: tombstone_keys(keystore)?,
        keep_months: config.audit.keep_months,
        clock: Arc::clone(&seams.clock),
    })))
}
