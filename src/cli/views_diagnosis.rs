//! What a node tells its owner of itself besides its status.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::doctor::Told;
use super::output::Shown;
use super::table::{Style, pairs, rows};
use super::views_node::StatusView;
use crate::model::time::Timestamp;

/// The answer of `GET /api/diagnosis`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DiagnosisView {
    certificate: Option<ValidityView>,
    lead_ahead_ms: Option<i64>,
    journal_works: bool,
    unlocked_key_pages: u64,
    protocol: u16,
    oldest_follower: Option<MemberView>,
    store_id: Option<String>,
    migrations: Vec<MigrationView>,
    secrets: u64,
    snapshot_verified_at: Option<String>,
    oldest_key_made_at: Option<String>,
    root_rotated_at: Option<String>,
    passphrase_memory_kib: Option<u32>,
    passphrase_passes: Option<u32>,
    shares_needed: Option<u8>,
    shares: Option<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ValidityView {
    from: String,
    until: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct MemberView {
    node: String,
    protocol: u16,
}

#[derive(Debug, Serialize, Deserialize)]
struct MigrationView {
    name: String,
    applied_at: Option<String>,
    applied_by: Option<String>,
    checksum: String,
}

impl DiagnosisView {
    /// As `doctor` takes it, with what was asked besides.
    pub(super) fn told(
        self,
        (status, freshness): (String, String),
        lead_heard_ms: Option<u64>,
        journals: Vec<(String, u64, Vec<String>)>,
        journal: Result<(u64, Option<String>), String>,
    ) -> Told {
        let time = |text: Option<String>| text.as_deref().and_then(Timestamp::parse);
        let certificate = self.certificate.and_then(|it| Timestamp::parse(&it.from).zip(Timestamp::parse(&it.until)));
        Told {
            status,
            freshness,
            lead_heard: lead_heard_ms.map(Duration::from_millis),
            certificate,
            lead_ahead_ms: self.lead_ahead_ms,
            journal_works: self.journal_works,
            unlocked_key_pages: self.unlocked_key_pages,
            protocol: self.protocol,
            oldest_follower: self.oldest_follower.map(|it| (it.node, it.protocol)),
            migrations: self.migrations.iter().map(MigrationView::line).collect(),
            secrets: self.secrets,
            snapshot_verified: time(self.snapshot_verified_at),
            oldest_key: time(self.oldest_key_made_at),
            passphrase: self.passphrase_memory_kib.zip(self.passphrase_passes),
            shares: self.shares_needed.zip(self.shares),
            journals,
            journal,
        }
    }
}

impl MigrationView {
    fn line(&self) -> String {
        let by = self.applied_by.as_deref().map_or_else(String::new, |by| format!(" by {by}"));
        let at = self.applied_at.as_deref().map_or_else(String::new, |at| format!(" at {at}"));
        format!("{}{by}{at}", self.name)
    }
}

/// `aurora status --verbose`
#[derive(Debug, Serialize)]
pub(super) struct VerboseStatusView {
    /// How the node is.
    pub(super) status: StatusView,
    /// What it tells its owner besides.
    pub(super) diagnosis: DiagnosisView,
}

impl Shown for VerboseStatusView {
    fn table(&self, style: Style) -> String {
        let it = &self.diagnosis;
        let facts = [
            ("certificate", it.certificate.as_ref().map(|it| format!("good until {}", it.until))),
            ("lead's clock", it.lead_ahead_ms.map(|ahead| format!("{ahead:+} ms"))),
            ("protocol", Some(it.protocol.to_string())),
            ("oldest follower", it.oldest_follower.as_ref().map(|it| format!("{} speaks {}", it.node, it.protocol))),
            ("store id", it.store_id.clone()),
            ("snapshot", it.snapshot_verified_at.as_ref().map(|at| format!("verified at {at}"))),
        ];
        let line = |it: &MigrationView| {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "before there was a record".to_owned());
            vec![
                it.name.clone(),
                text(&it.applied_by),
                it.applied_at.clone().unwrap_or_else(|| "-".to_owned()),
                it.checksum.chars().take(12).collect(),
            ]
        };
        let migrations = rows(style, &["MIGRATION", "BY", "AT", "CHECKSUM"], it.migrations.iter().map(line));
        format!("{}{}\n{migrations}", self.status.table(style), pairs(style, facts))
    }
}
