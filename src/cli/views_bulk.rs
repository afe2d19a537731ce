//! What a node answers to an import and to an export.

use serde::Deserialize;

use super::views_secret::FieldView;
use crate::crypto::text::ValueText;

/// What came of an import, or would.
#[derive(Debug, Deserialize)]
pub(super) struct ImportedView {
    /// Secrets that had no value.
    pub(super) new: usize,
    /// Secrets that had another.
    pub(super) changed: usize,
    /// Secrets that were so already.
    pub(super) same: usize,
    /// The last change; of a rehearsal, what it would be.
    pub(super) revision: u64,
    /// Each, in the order they were sent.
    pub(super) entries: Vec<ImportedEntry>,
}

/// One secret of an import.
#[derive(Debug, Deserialize)]
pub(super) struct ImportedEntry {
    /// `new`, `changed` or `same`.
    pub(super) outcome: String,
    /// The version that is current after it.
    pub(super) version: u64,
}

/// One page of an export.
#[derive(Deserialize)]
pub(super) struct ExportPage {
    /// The values, in order of name.
    pub(super) secrets: Vec<ExportedSecret>,
    /// Names that policy keeps from this caller.
    pub(super) refused: usize,
    /// Where the next page starts.
    pub(super) next_cursor: Option<String>,
}

/// One value of an export.
#[derive(Deserialize)]
pub(super) struct ExportedSecret {
    pub(super) service: String,
    pub(super) key_name: String,
    pub(super) key_value: ValueText,
    pub(super) scope: String,
    pub(super) scope_id: Option<String>,
    #[serde(default)]
    pub(super) fields: Vec<FieldView>,
}
