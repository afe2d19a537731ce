//! Snapshots as the API tells of them.

use serde::{Deserialize, Serialize};

use crate::actors::snapshot_desk::Saved;
use crate::actors::snapshot_folder::Kept;
use crate::actors::snapshot_proof::Proof;
use crate::snapshot::counts::Counts;
use crate::store::table::Table;
use crate::vault::snapshots::SnapshotList;

/// `POST /api/snapshots/verify?name=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct VerifyQuery {
    /// One of the directory; without it the body is the snapshot.
    pub(super) name: Option<String>,
}

/// `POST /api/snapshots`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SavedView {
    /// Always true: a failure has the shape of an error.
    success: bool,
    /// For people.
    message: &'static str,
    name: String,
    bytes: u64,
    #[serde(flatten)]
    proof: ProofView,
    /// Why the command did not take it elsewhere; null if it did, or if there is none.
    not_taken: Option<String>,
}

impl From<Saved> for SavedView {
    fn from(saved: Saved) -> Self {
        Self {
            success: true,
            message: "Snapshot saved and verified",
            name: saved.name.to_string(),
            bytes: saved.bytes,
            proof: ProofView::from(&saved.proof),
            not_taken: saved.not_taken,
        }
    }
}

/// `POST /api/snapshots/verify`: what came out of a snapshot that is whole.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Current values that were opened, those that deletions keep included.
    values: u64,
    /// Older values that were opened.
    older_values: u64,
    rows: RowsView,
    /// Journals that have the line the snapshot knows.
    journals: u64,
    /// How many recovery keys open it.
    recipients: usize,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

impl From<&Counts> for RowsView {
    fn from(counts: &Counts) -> Self {
        let of = |table: Table| counts.of(table.number());
        Self {
            secrets: of(Table::Records),
            older_versions: of(Table::Versions),
            nodes: of(Table::Nodes),
            articles: of(Table::Articles),
            tokens: of(Table::Tokens),
            blobs: of(Table::Blobs),
            log_entries: of(Table::Log),
            all: counts.total(),
        }
    }
}

impl From<&Proof> for ProofView {
    fn from(proof: &Proof) -> Self {
        let header = &proof.header;
        Self {
            valid: true,
            mesh: header.mesh.to_string(),
            node: header.node.to_string(),
            store: header.store.to_string(),
            epoch: header.position.epoch.0,
            revision: header.position.revision.0,
            taken_at: header.taken_at.to_string(),
            schema: header.schema,
            build: header.build.clone(),
            authority: header.authority_pin().to_string(),
            values: proof.current,
            older_values: proof.older,
            rows: RowsView::from(&proof.counts),
            journals: proof.journals,
            recipients: header.recipients.len(),
        }
    }
}

/// `GET /api/snapshots`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SnapshotsView {
    /// Newest first.
    snapshots: Vec<KeptView>,
    /// When the newest that is known to restore was taken; null if there is none.
    verified_taken_at: Option<String>,
    verified_epoch: Option<u64>,
    verified_revision: Option<u64>,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct KeptView {
    name: String,
    node: String,
    taken_at: String,
    epoch: u64,
    revision: u64,
    bytes: u64,
    verified_at: Option<String>,
}

impl From<&Kept> for KeptView {
    fn from(kept: &Kept) -> Self {
        Self {
            name: kept.name.to_string(),
            node: kept.name.node.to_string(),
            taken_at: kept.name.taken_at.to_string(),
            epoch: kept.name.position.epoch.0,
            revision: kept.name.position.revision.0,
            bytes: kept.bytes,
            verified_at: kept.verified_at.map(|at| at.to_string()),
        }
    }
}

impl SnapshotsView {
    /// The list, as of now.
    pub(super) fn new(list: &SnapshotList, timestamp: String) -> Self {
        let verified = list.mark.verified;
        Self {
            snapshots: list.kept.iter().map(KeptView::from).collect(),
            verified_taken_at: verified.map(|verified| verified.taken_at.to_string()),
            verified_epoch: verified.map(|verified| verified.position.epoch.0),
            verified_revision: verified.map(|verified| verified.position.revision.0),
            timestamp,
        }
    }
}
