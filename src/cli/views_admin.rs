//! The audit journal.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::{Style, plain, rows};
use super::views_exposure::unreadable_note;

/// Lines of the journal.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AuditView {
    /// JSON texts.
    pub(super) lines: Vec<String>,
    /// Where the next page begins.
    pub(super) next_cursor: Option<String>,
    nodes: Vec<String>,
    complete: bool,
    damaged: Vec<String>,
    unreadable_lines: u64,
}

impl AuditView {
    /// Another page.
    pub(super) fn take(&mut self, mut page: Self) {
        self.lines.append(&mut page.lines);
        self.take_all_but_lines(page);
    }

    /// What another page says beside its lines.
    pub(super) fn take_all_but_lines(&mut self, page: Self) {
        let lines = std::mem::take(&mut self.lines);
        *self = Self { lines, ..page };
    }

    /// What the lines do not say by themselves.
    pub(super) fn notes(&self) -> Vec<String> {
        let damaged =
            self.damaged.iter().map(|file| format!("{file} is damaged: what it holds beyond that was not found"));
        damaged.chain(unreadable_note(self.unreadable_lines)).collect()
    }
}

/// A line of the journal as one row, while others still come.
pub(super) fn row(line: &str) -> String {
    cells(line).iter().map(|cell| plain(cell)).collect::<Vec<_>>().join("  ")
}

impl Shown for AuditView {
    fn table(&self, style: Style) -> String {
        let header = ["SEQ", "TIME", "NODE", "PRINCIPAL", "ACTION", "SECRET", "SCOPE", "DECISION", "RULE", "OUTCOME"];
        rows(style, &header, self.lines.iter().map(|line| cells(line)))
    }
}

/// A line of the journal, as far as a table shows it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    seq: u64,
    time: String,
    node: Option<String>,
    principal: Option<String>,
    action: Option<String>,
    secret: Option<String>,
    scope: Option<String>,
    decision: Option<String>,
    rule: Option<String>,
    outcome: Option<String>,
}

/// Who acted, and as which user: the rest of what the kernel said fills the screen, and `-o json` has it.
fn who(principal: &str) -> String {
    let mut words = principal.split(' ');
    let first = words.next().unwrap_or_default();
    match words.next() {
        Some(user) if user.starts_with("user:") => format!("{first} {user}"),
        Some(_) | None => first.to_owned(),
    }
}

fn cells(text: &str) -> Vec<String> {
    let Ok(line) = serde_json::from_str::<Line>(text) else {
        return vec!["?".to_owned(), format!("not understood: {}", plain(text))];
    };
    let rest = [
        line.node,
        line.principal.as_deref().map(who),
        line.action,
        line.secret,
        line.scope,
        line.decision,
        line.rule,
        line.outcome,
    ];
    let rest = rest.into_iter().map(|word| word.unwrap_or_else(|| "-".to_owned()));
    [line.seq.to_string(), line.time].into_iter().chain(rest).collect()
}
