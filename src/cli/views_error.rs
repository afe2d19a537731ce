//! The one shape of an error, from the node and to programs on standard error.

use serde::{Deserialize, Serialize};

/// The envelope.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ErrorView {
    /// The error.
    pub(super) error: ErrorText,
}

/// What went wrong.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ErrorText {
    /// The stable word.
    pub(super) code: String,
    /// What failed, and why.
    pub(super) message: String,
    /// What to do next.
    #[serde(default)]
    pub(super) hint: String,
    /// `null` for an error that never reached a node.
    #[serde(default)]
    pub(super) request_id: Option<String>,
}
