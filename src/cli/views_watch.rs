//! A change as it is told: a line for a person, an object for a program.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::{Style, plain};
use super::views_explain::FreshnessView;
use super::views_record::scope_text;

/// The data of an event `changed`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChangedView {
    service: String,
    key_name: String,
    scope: String,
    scope_id: Option<String>,
    environment: String,
    change: String,
    version: u64,
    revision: u64,
    at: String,
    freshness: Option<FreshnessView>,
}

impl Shown for ChangedView {
    /// One line. Its columns are not aligned beyond the word: nobody knows how long the next name is.
    fn table(&self, _style: Style) -> String {
        let scope = scope_text(&self.scope, self.scope_id.as_deref());
        let line = format!(
            "{}  {:<10}  {}/{}  {scope}  version {}  by revision {}",
            self.at, self.change, self.service, self.key_name, self.version, self.revision
        );
        plain(&line) + "\n"
    }
}

/// The data of an event `reset`.
#[derive(Debug, Deserialize)]
pub(super) struct ResetView {
    /// Why, for a person.
    pub(super) message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_line_that_cannot_steer_the_terminal() {
        let view: ChangedView = serde_json::from_str(
            r#"{"service":"hubspot","key_name":"api_key","scope":"company","scope_id":"acme","environment":"prod",
            "change":"stored","version":3,"revision":42,"at":"2026-11-21T08:00:00.000Z\u001b[2J",
            "freshness":null,"added_later":1}"#,
        )
        .expect("view");
        let line = "2026-11-21T08:00:00.000Z\u{fffd}[2J  stored      hubspot/api_key  company:acme  version 3  by revision 42\n";
        assert_eq!(view.table(Style::Color), line);
    }
}
