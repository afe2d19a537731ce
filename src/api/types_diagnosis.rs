//! `GET /api/diagnosis`: what `aurora doctor` cannot see from outside.

use serde::Serialize;

use crate::model::hex::hex;
use crate::model::time::Timestamp;
use crate::store::applied::AppliedMigration;
use crate::transport::certificate::Validity;
use crate::vault::diagnosis::Diagnosis;

/// What a node says of itself.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DiagnosisView<'a> {
    certificate: Option<ValidityView>,
    lead_ahead_ms: Option<i64>,
    journal_works: bool,
    unlocked_key_pages: usize,
    protocol: u16,
    oldest_follower: Option<MemberView<'a>>,
    store_id: Option<String>,
    migrations: Vec<MigrationView<'a>>,
    secrets: usize,
    snapshot_verified_at: Option<String>,
    oldest_key_made_at: Option<String>,
    root_rotated_at: Option<String>,
    passphrase_memory_kib: Option<u32>,
    passphrase_passes: Option<u32>,
    shares_needed: Option<u8>,
    shares: Option<u8>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ValidityView {
    from: String,
    until: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct MemberView<'a> {
    node: &'a str,
    protocol: u16,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct MigrationView<'a> {
    name: &'a str,
    applied_at: Option<String>,
    applied_by: Option<&'a str>,
    checksum: String,
}

impl<'a> From<&'a Diagnosis> for DiagnosisView<'a> {
    fn from(said: &'a Diagnosis) -> Self {
        let store = &said.store;
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            certificate: said.certificate.map(ValidityView::from),
            lead_ahead_ms: said.lead_ahead_ms,
            journal_works: said.journal_works,
            unlocked_key_pages: said.unlocked_key_pages,
            protocol: said.protocol.0,
            oldest_follower: said
                .oldest_follower
                .as_ref()
                .map(|(node, version)| MemberView { node: node.as_str(), protocol: version.0 }),
            store_id: store.store_id.map(|id| id.to_string()),
            migrations: store.migrations.iter().map(MigrationView::from).collect(),
            secrets: store.secrets,
            snapshot_verified_at: text(store.snapshot_verified),
            oldest_key_made_at: text(store.oldest_key),
            root_rotated_at: text(store.root_rotated),
            passphrase_memory_kib: store.passphrase.map(|(memory, _)| memory),
            passphrase_passes: store.passphrase.map(|(_, passes)| passes),
            shares_needed: store.quorum.map(|quorum| quorum.threshold()),
            shares: store.quorum.map(|quorum| quorum.shares()),
        }
    }
}

impl From<Validity> for ValidityView {
    fn from(validity: Validity) -> Self {
        Self { from: validity.from.to_string(), until: validity.until.to_string() }
    }
}

impl<'a> From<&'a AppliedMigration> for MigrationView<'a> {
    fn from(applied: &'a AppliedMigration) -> Self {
        Self {
            name: &applied.name,
            applied_at: applied.applied_at.map(|at| at.to_string()),
            applied_by: applied.applied_by.as_deref(),
            checksum: hex(&applied.checksum),
        }
    }
}
