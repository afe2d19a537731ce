//! The desk at which a lead's snapshots are made.

use std::sync::Arc;

use anyhow::{Context, Result};

use super::AUDIT_DIR;
use super::assemble::Materials;
use crate::actors::audit_desk::AuditDesk;
use crate::actors::snapshot_desk::{SnapshotDesk, SnapshotParts};
use crate::crypto::recovery::Recipient;
use crate::model::identity::StoreId;
use crate::snapshot::mark::Mark;
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::transport::authority::Authority;

/// What the store says of itself, before its contents go their way.
pub(super) struct Known {
    store_id: StoreId,
    mark: Mark,
}

impl Known {
    /// Out of the blobs.
    pub(super) fn of(contents: &Contents) -> Self {
        let blob = |name| contents.blobs.get(&name).map(Vec::as_slice);
        let id = blob(BlobName::StoreId).and_then(|bytes| bytes.try_into().ok());
        let mark = blob(BlobName::SnapshotVerified).map(Mark::parse).unwrap_or_default();
        Self { store_id: StoreId(id.unwrap_or_default()), mark }
    }
}

/// The desk. A recipient that is none keeps the node from starting: its snapshots would be closed to whoever was meant.
pub(super) fn desk(
    from: &Materials<'_>,
    known: Known,
    authority: &Arc<Authority>,
    audit: &Arc<AuditDesk>,
) -> Result<SnapshotDesk> {
    let Materials { config, keystore, store, journal, seams, .. } = *from;
    let recipient = |text: &String| {
        let shown: String = text.chars().take(24).collect();
        Recipient::parse(text).with_context(|| format!("the recipient {shown}… in [snapshot] of node.toml is none"))
    };
    let recipients = config.snapshot.recipients.iter().map(recipient).collect::<Result<_>>()?;
    let parts = SnapshotParts {
        store: store.clone(),
        journal: journal.clone(),
        audit: Arc::clone(audit),
        audit_dir: config.node.state_dir.join(AUDIT_DIR),
        state_dir: config.node.state_dir.clone(),
        mesh: keystore.mesh,
        node: config.node.name.clone(),
        store_id: known.store_id,
        unseal: Arc::clone(&keystore.unseal),
        authority: Arc::clone(authority),
        recipients,
        section: config.snapshot.clone(),
        mark: known.mark,
        clock: Arc::clone(&seams.clock),
        entropy: Arc::clone(&seams.entropy),
    };
    SnapshotDesk::open(parts).context("snapshots cannot be made")
}
