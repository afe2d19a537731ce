//! What a node answers to a change.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::{Style, plain};

/// A committed change.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredView {
    success: bool,
    secret_id: u64,
    message: String,
    version: u64,
    revision: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unchanged: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validation: Option<ToldView>,
}

/// What the provider said of the value.
#[derive(Debug, Serialize, Deserialize)]
struct ToldView {
    status: String,
    reason: String,
}

impl StoredView {
    /// What the provider said of the value, if it was asked.
    pub(super) fn told(&self) -> Option<String> {
        let ToldView { status, reason } = self.validation.as_ref()?;
        Some(format!("the provider was asked: {status} ({reason})"))
    }

    /// The change.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }
}

/// A committed change, and what was changed: a person sees in which scope, which is global unless they said otherwise.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct ChangeView {
    /// What the node answered.
    pub(super) stored: StoredView,
    /// `hubspot/api_key in company:acme`
    #[serde(skip)]
    pub(super) what: String,
}

impl Shown for ChangeView {
    fn table(&self, _style: Style) -> String {
        let (what, StoredView { message, version, revision, unchanged, dry_run, .. }) = (&self.what, &self.stored);
        if *dry_run && !unchanged {
            return format!("{}; {what} would be at version {version}, revision {revision}\n", plain(message));
        }
        let deed = if *unchanged { "Unchanged".to_owned() } else { plain(message) };
        format!("{deed}: {what}, version {version}, revision {revision}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_was_none_says_so_and_json_stays_as_it_came() {
        let answer = r#"{"success":true,"secret_id":1,"message":"m","version":2,"revision":3,"unchanged":true}"#;
        let stored: StoredView = serde_json::from_str(answer).expect("view");
        let view = ChangeView { stored, what: "a/b in global".to_owned() };
        assert_eq!(view.table(Style::Plain), "Unchanged: a/b in global, version 2, revision 3\n");
        assert_eq!(serde_json::to_string(&view).expect("json"), answer);
    }
}
