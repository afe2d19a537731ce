//! The audit journal, for the owner of the node.

use serde::Serialize;

/// `GET /api/audit/verify`.
#[derive(Debug, Serialize)]
pub(super) struct VerdictView {
    /// Whether every line fits the one before.
    pub(super) valid: bool,
    /// Lines that were checked.
    pub(super) lines: u64,
    /// The first that does not fit, with its file and reason.
    pub(super) broken: Option<String>,
}
