//! The keys of the lead, as its API tells of them.

use serde::{Deserialize, Serialize};

use super::ago::seen_from;
use super::output::Shown;
use super::table::{Style, pairs, rows};

/// One scope and a generation of its key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TargetView {
    environment: String,
    scope: String,
    scope_id: Option<String>,
    generation: u32,
}

/// A rotation that was begun; shown when it is done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RotationView {
    success: bool,
    pub(super) message: String,
    pub(super) started: Vec<TargetView>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl Shown for RotationView {
    fn table(&self, style: Style) -> String {
        if self.started.is_empty() {
            return "there is no key to rotate: nothing was stored yet\n".to_owned();
        }
        let cells = |target: &TargetView| {
            let scope = scope_text(&target.scope, target.scope_id.as_deref());
            vec![target.environment.clone(), scope, target.generation.to_string()]
        };
        let note =
            if self.dry_run { "dry run: these scopes would come under keys of these generations\n\n" } else { "" };
        format!("{note}{}", rows(style, &["ENVIRONMENT", "SCOPE", "GENERATION"], self.started.iter().map(cells)))
    }
}

/// A root key that was replaced.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RootView {
    success: bool,
    message: String,
    since: String,
}

impl Shown for RootView {
    fn table(&self, _style: Style) -> String {
        format!("{} ({})\n", self.message, self.since)
    }
}

/// The answer of `GET /api/keys`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeysView {
    keys: Vec<KeyView>,
    root: RootKeyView,
    pub(super) rotation: Option<ProgressView>,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeyView {
    environment: String,
    scope: String,
    scope_id: Option<String>,
    generation: u32,
    since: Option<String>,
    values: u64,
    unfinished: bool,
    values_under_older: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct RootKeyView {
    since: String,
    unseal: String,
}

/// A rotation under way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ProgressView {
    scopes: Vec<TargetView>,
    pub(super) phase: String,
    pub(super) resealed: u64,
    pub(super) total: Option<u64>,
    pub(super) failure: Option<String>,
}

impl KeysView {
    /// Whether one of these still has an older key beside the one it was started for.
    pub(super) fn has_unfinished(&self, started: &[TargetView]) -> bool {
        let same = |key: &KeyView, target: &TargetView| {
            (&key.environment, &key.scope, &key.scope_id) == (&target.environment, &target.scope, &target.scope_id)
        };
        let unfinished = |target: &TargetView| self.keys.iter().any(|key| key.unfinished && same(key, target));
        started.iter().any(unfinished)
    }
}

impl ProgressView {
    /// What is being done, for a person.
    pub(super) fn what(&self) -> &'static str {
        match self.phase.as_str() {
            "current" => "sealing values anew",
            "older" => "sealing older versions anew",
            _ => "removing the old key",
        }
    }

    fn line(&self) -> String {
        let done = match self.total {
            Some(total) => format!("{}, {} of {total}", self.what(), self.resealed),
            None => format!("{}, {} so far", self.what(), self.resealed),
        };
        match &self.failure {
            Some(reason) => format!("stands still: {reason}; it is tried again"),
            None => done,
        }
    }
}

impl Shown for KeysView {
    fn table(&self, style: Style) -> String {
        let header = ["ENVIRONMENT", "SCOPE", "GENERATION", "MADE", "VALUES", "UNDER OLDER KEYS"];
        let ago = |time: &String| seen_from(&self.timestamp, time);
        let cells = |key: &KeyView| {
            vec![
                key.environment.clone(),
                scope_text(&key.scope, key.scope_id.as_deref()),
                key.generation.to_string(),
                key.since.as_ref().map_or_else(|| "-".to_owned(), ago),
                key.values.to_string(),
                if key.unfinished { key.values_under_older.to_string() } else { "-".to_owned() },
            ]
        };
        let mut text = rows(style, &header, self.keys.iter().map(cells));
        text.push('\n');
        let root = format!("made {}; opened by {}", ago(&self.root.since), self.root.unseal);
        let rotation = self.rotation.as_ref().map(ProgressView::line);
        text.push_str(&pairs(style, [("root key", Some(root)), ("rotation", rotation)]));
        text
    }
}

fn scope_text(kind: &str, id: Option<&str>) -> String {
    id.map_or_else(|| kind.to_owned(), |id| format!("{kind}:{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> KeysView {
        serde_json::from_str(text).expect("the answer of the API")
    }

    const UNDER_WAY: &str = r#"{"keys":[
        {"environment":"prod","scope":"global","scope_id":null,"generation":2,"since":"2026-11-21T07:57:00Z",
         "values":3,"unfinished":true,"values_under_older":4},
        {"environment":"prod","scope":"company","scope_id":"acme","generation":1,"since":null,"values":1,
         "unfinished":false,"values_under_older":0}],
        "root":{"since":"2026-11-20T08:00:00Z","unseal":"file"},
        "rotation":{"scopes":[],"phase":"current","resealed":3,"total":7,"failure":null},
        "timestamp":"2026-11-21T08:00:00Z"}"#;

    #[test]
    fn keys_are_shown_with_their_age_and_what_is_left_to_do() {
        let text = keys(UNDER_WAY).table(Style::Plain);
        assert_eq!(
            text,
            "ENVIRONMENT  SCOPE         GENERATION  MADE     VALUES  UNDER OLDER KEYS\n\
             prod         global        2           3 m ago  3       4\n\
             prod         company:acme  1           -        1       -\n\
             \n\
             root key  made 1 d ago; opened by file\n\
             rotation  sealing values anew, 3 of 7\n"
        );
    }

    #[test]
    fn a_rotation_is_done_when_no_scope_of_it_has_an_older_key() {
        let target = |scope: &str, scope_id: Option<&str>| TargetView {
            environment: "prod".to_owned(),
            scope: scope.to_owned(),
            scope_id: scope_id.map(str::to_owned),
            generation: 2,
        };
        let keys = keys(UNDER_WAY);
        assert!(keys.has_unfinished(&[target("company", Some("acme")), target("global", None)]));
        assert!(!keys.has_unfinished(&[target("company", Some("acme"))]));
        assert!(!keys.has_unfinished(&[]));
    }
}
