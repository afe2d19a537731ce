//! Import and export: their queries and their answers.

use serde::{Deserialize, Serialize};

use super::types_secret::SecretView;
use crate::vault::import::{Imported, ImportedEntry, Outcome};

/// `POST /api/import?…`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ImportQuery {
    /// `true`: say what it would come to, and store nothing.
    pub(super) dry_run: Option<String>,
}

/// `GET /api/export?…`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExportQuery {
    /// `global`, `company` or `node`: the values of this scope instead of those a read would give.
    pub(super) scope: Option<String>,
    /// The company or node of the scope.
    pub(super) scope_id: Option<String>,
    /// Another environment than the node's.
    pub(super) environment: Option<String>,
    /// Only names `service/key_name` that start so.
    pub(super) prefix: Option<String>,
    /// Where the last page ended.
    pub(super) cursor: Option<String>,
}

/// What came of an import, or would.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ImportView {
    success: bool,
    dry_run: bool,
    new: usize,
    changed: usize,
    same: usize,
    revision: u64,
    entries: Vec<EntryView>,
}

/// One entry, in the order they were sent.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct EntryView {
    outcome: &'static str,
    version: u64,
}

impl ImportView {
    pub(super) fn new(imported: &Imported, dry_run: bool) -> Self {
        let count = |outcome| imported.entries.iter().filter(|entry| entry.outcome == outcome).count();
        Self {
            success: true,
            dry_run,
            new: count(Outcome::New),
            changed: count(Outcome::Changed),
            same: count(Outcome::Same),
            revision: imported.revision.get(),
            entries: imported.entries.iter().map(EntryView::from).collect(),
        }
    }
}

impl From<&ImportedEntry> for EntryView {
    fn from(entry: &ImportedEntry) -> Self {
        let outcome = match entry.outcome {
            Outcome::New => "new",
            Outcome::Changed => "changed",
            Outcome::Same => "same",
        };
        Self { outcome, version: entry.version.get() }
    }
}

/// One page of values.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ExportView<'a> {
    /// The values, in order of name.
    pub(super) secrets: Vec<SecretView<'a>>,
    /// Names on this page that policy does not let this caller export.
    pub(super) refused: usize,
    /// Where the next page starts.
    pub(super) next_cursor: Option<&'a str>,
}
