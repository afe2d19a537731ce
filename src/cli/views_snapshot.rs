//! Snapshots, as the API of a lead tells of them.

use serde::{Deserialize, Serialize};

use super::ago::seen_from;
use super::output::Shown;
use super::table::{Style, pairs, rows};

/// The answer of `POST /api/snapshots`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedView {
    success: bool,
    message: String,
    pub(super) name: String,
    bytes: u64,
    #[serde(flatten)]
    proof: ProofView,
    pub(super) not_taken: Option<String>,
}

impl Shown for SavedView {
    fn table(&self, style: Style) -> String {
        format!("{}: {}\n{}", self.message, self.name, self.proof.table(style))
    }
}

/// The answer of `POST /api/snapshots/verify`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ProofView {
    valid: bool,
    mesh: String,
    node: String,
    store: String,
    epoch: u64,
    revision: u64,
    taken_at: String,
    schema: u32,
    build: String,
    authority: String,
    values: u64,
    older_values: u64,
    rows: RowsView,
    journals: u64,
    recipients: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct RowsView {
    secrets: u64,
    older_versions: u64,
    nodes: u64,
    articles: u64,
    tokens: u64,
    blobs: u64,
    log_entries: u64,
    all: u64,
}

impl Shown for ProofView {
    fn table(&self, style: Style) -> String {
        let opened = format!("{} current, {} older", self.values, self.older_values);
        let journals = format!("{} compared", self.journals);
        let rows = &self.rows;
        let held = format!(
            "{} secrets, {} older versions, {} nodes, {} rules, {} tokens, {} changes",
            rows.secrets, rows.older_versions, rows.nodes, rows.articles, rows.tokens, rows.log_entries
        );
        pairs(
            style,
            [
                ("whole", Some("yes: it was restored, and everything in it opens".to_owned())),
                ("mesh", Some(self.mesh.clone())),
                ("lead", Some(format!("{}, store {}", self.node, self.store))),
                ("taken", Some(self.taken_at.clone())),
                ("position", Some(format!("revision {} of epoch {}", self.revision, self.epoch))),
                ("values", Some(opened)),
                ("rows", Some(held)),
                ("journals", Some(journals)),
                ("recovery keys", Some(self.recipients.to_string())),
                ("authority", Some(self.authority.clone())),
            ],
        )
    }
}

/// The answer of `GET /api/snapshots`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SnapshotsView {
    snapshots: Vec<KeptView>,
    verified_taken_at: Option<String>,
    verified_epoch: Option<u64>,
    verified_revision: Option<u64>,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptView {
    name: String,
    node: String,
    taken_at: String,
    epoch: u64,
    revision: u64,
    bytes: u64,
    verified_at: Option<String>,
}

impl Shown for SnapshotsView {
    fn table(&self, style: Style) -> String {
        let last = match &self.verified_taken_at {
            Some(at) => format!("the newest that is known to restore was taken {}", seen_from(&self.timestamp, at)),
            None => "none is known to restore".to_owned(),
        };
        if self.snapshots.is_empty() {
            return format!("there are no snapshots in the directory of this lead; {last}\n");
        }
        let cells = |kept: &KeptView| {
            vec![
                kept.name.clone(),
                seen_from(&self.timestamp, &kept.taken_at),
                format!("{}.{}", kept.epoch, kept.revision),
                size(kept.bytes),
                kept.verified_at.as_ref().map_or("no".to_owned(), |at| seen_from(&self.timestamp, at)),
            ]
        };
        let table = rows(style, &["NAME", "TAKEN", "REVISION", "SIZE", "VERIFIED"], self.snapshots.iter().map(cells));
        format!("{table}\n{last}\n")
    }
}

/// What `aurora snapshot keygen` made.
#[derive(Debug, Serialize)]
pub(super) struct RecoveryView {
    pub(super) recipient: String,
    pub(super) file: String,
}

impl Shown for RecoveryView {
    fn table(&self, _style: Style) -> String {
        format!("{}\n", self.recipient)
    }
}

/// In the unit a person reads.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}
