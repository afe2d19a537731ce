//! The audit journal, for the owner of the node.

use serde::{Deserialize, Serialize};

/// `GET /api/audit?limit=`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AuditQuery {
    /// How many of the last lines.
    pub(super) limit: Option<String>,
}

/// `GET /api/audit`: each line exactly as the journal has it, because its hash covers its bytes.
#[derive(Debug, Serialize)]
pub(super) struct AuditView {
    /// JSON texts, oldest first.
    pub(super) lines: Vec<String>,
}
