//! The audit journal.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::{Style, plain, rows};

/// The last lines of the journal.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AuditView {
    /// JSON texts, oldest first.
    pub(super) lines: Vec<String>,
}

impl Shown for AuditView {
    fn table(&self, style: Style) -> String {
        let header = ["SEQ", "TIME", "PRINCIPAL", "ACTION", "SECRET", "SCOPE", "DECISION", "RULE"];
        rows(style, &header, self.lines.iter().map(|line| cells(line)))
    }
}

/// A line of the journal, as far as a table shows it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    seq: u64,
    time: String,
    principal: Option<String>,
    action: Option<String>,
    secret: Option<String>,
    scope: Option<String>,
    decision: Option<String>,
    rule: Option<String>,
}

fn cells(text: &str) -> Vec<String> {
    let Ok(line) = serde_json::from_str::<Line>(text) else {
        return vec!["?".to_owned(), format!("not understood: {}", plain(text))];
    };
    let rest = [line.principal, line.action, line.secret, line.scope, line.decision, line.rule];
    let rest = rest.into_iter().map(|word| word.unwrap_or_else(|| "-".to_owned()));
    [line.seq.to_string(), line.time].into_iter().chain(rest).collect()
}
