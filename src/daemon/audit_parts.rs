//! The part that sees to the files of the journal.

use std::sync::Arc;

use super::AUDIT_DIR;
use super::assemble::Materials;
use crate::actors::upkeep::{Upkeep, UpkeepParts};
use crate::crypto::signature::Signer;

/// The part that packs and removes files of the journal, signing what it removes.
pub(super) fn upkeep(from: &Materials<'_>, signer: Arc<dyn Signer>) -> Arc<Upkeep> {
    let Materials { config, keystore, journal, seams, .. } = *from;
    Arc::new(Upkeep::new(UpkeepParts {
        journal: journal.clone(),
        audit_dir: config.node.state_dir.join(AUDIT_DIR),
        mesh: keystore.mesh,
        node: config.node.name.clone(),
        role: config.node.role,
        signer,
        keep_months: config.audit.keep_months,
        clock: Arc::clone(&seams.clock),
    }))
}
