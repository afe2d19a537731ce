//! What came of going back to a revision, or would.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::{Style, rows};

/// The body of `POST /api/rollback`.
#[derive(Debug, Serialize)]
pub(super) struct BackBody {
    /// Where to.
    pub(super) to_revision: u64,
    /// Whether nothing is to be changed.
    pub(super) dry_run: bool,
}

/// Its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BackView {
    success: bool,
    dry_run: bool,
    to_revision: u64,
    revision: u64,
    secrets: Vec<WentView>,
}

/// One secret that is otherwise than before.
#[derive(Debug, Serialize, Deserialize)]
struct WentView {
    environment: String,
    secret: String,
    scope: String,
    version: u64,
    outcome: String,
}

impl BackView {
    /// Whether everything is as it was.
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }
}

impl Shown for BackView {
    fn table(&self, style: Style) -> String {
        if self.secrets.is_empty() {
            return format!("every secret has the value it had at revision {}\n", self.to_revision);
        }
        let cells = |went: &WentView| {
            let WentView { environment, secret, scope, version, outcome } = went;
            vec![environment.clone(), secret.clone(), scope.clone(), version.to_string(), outcome.clone()]
        };
        let listed =
            rows(style, &["ENVIRONMENT", "SECRET", "SCOPE", "VERSION", "OUTCOME"], self.secrets.iter().map(cells));
        let (count, to) = (self.secrets.len(), self.to_revision);
        match self.dry_run {
            true => format!("{listed}{count} secrets would go back to revision {to}; nothing was changed\n"),
            false => format!("{listed}{count} secrets went back to revision {to} (revision {})\n", self.revision),
        }
    }
}
