//! The values somebody could have read, as the API tells of them.

use serde::{Deserialize, Serialize};

use super::ago::seen_from;
use super::output::Shown;
use super::table::{Style, plain, rows};

/// The answer of `GET /api/exposure`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ExposureView {
    of: String,
    values: Vec<ExposedView>,
    nodes: Vec<String>,
    principals: Vec<String>,
    #[serde(default)]
    covers: Vec<String>,
    complete: bool,
    unreadable_lines: u64,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct ExposedView {
    service: String,
    key_name: String,
    scope: String,
    scope_id: Option<String>,
    environment: String,
    version: u64,
    state: String,
    since: String,
    until: Option<String>,
    last_read: Option<String>,
    nodes: Vec<String>,
}

impl ExposureView {
    /// What the list does not say by itself.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.nodes.is_empty() {
            notes.push(format!("it could be read on: {}", self.nodes.join(", ")));
        }
        if !self.principals.is_empty() {
            notes.push(format!("the policy of this node lets read it: {}", self.principals.join(", ")));
        }
        if !self.covers.is_empty() {
            notes.push(format!("what was read, and when, is by the journals of: {}", self.covers.join(", ")));
        }
        if !self.complete {
            notes.push("the list is longer than one answer: work through this one, and ask again".to_owned());
        }
        notes.extend(unreadable_note(self.unreadable_lines));
        notes
    }
}

/// What is said of an answer from a journal that was not understood as a whole.
pub(super) fn unreadable_note(lines: u64) -> Option<String> {
    (lines > 0).then(|| format!("{lines} lines of the journal are not understood; aurora audit verify"))
}

impl Shown for ExposureView {
    fn table(&self, style: Style) -> String {
        if self.values.is_empty() {
            return format!("nothing is known that {} could have read\n", plain(&self.of));
        }
        let header = ["TO DO", "SECRET", "SCOPE", "ENVIRONMENT", "VERSION", "SINCE", "UNTIL", "LAST READ"];
        let ago = |time: &Option<String>, none: &str| {
            time.as_ref().map_or_else(|| none.to_owned(), |time| seen_from(&self.timestamp, time))
        };
        let cells = |value: &ExposedView| {
            vec![
                value.to_do().to_owned(),
                format!("{}/{}", value.service, value.key_name),
                value.scope_id.as_ref().map_or_else(|| value.scope.clone(), |id| format!("{}:{id}", value.scope)),
                value.environment.clone(),
                value.version.to_string(),
                seen_from(&self.timestamp, &value.since),
                ago(&value.until, "now"),
                ago(&value.last_read, "-"),
            ]
        };
        rows(style, &header, self.values.iter().map(cells))
    }
}

impl ExposedView {
    fn to_do(&self) -> &str {
        match self.state.as_str() {
            "current" => "replace",
            "deleted" => "revoke",
            "replaced" => "revoke if valid",
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_what_to_do_about_each_value() {
        let exposure: ExposureView = serde_json::from_str(
            r#"{"of":"node:vengeance","values":[
            {"service":"hubspot","key_name":"api_key","scope":"company","scope_id":"acme","environment":"prod","version":2,
             "state":"current","since":"2026-11-21T07:57:00Z","until":null,"last_read":null,"nodes":["vengeance"]},
            {"service":"hubspot","key_name":"api_key","scope":"company","scope_id":"acme","environment":"prod","version":1,
             "state":"replaced","since":"2026-11-20T08:00:00Z","until":"2026-11-21T07:57:00Z",
             "last_read":"2026-11-21T07:00:00Z","nodes":["vengeance"]}],
            "nodes":["vengeance"],"principals":[],"complete":false,"unreadable_lines":0,
            "timestamp":"2026-11-21T08:00:00Z"}"#,
        )
        .expect("the answer of the API");
        assert_eq!(
            exposure.table(Style::Plain),
            "TO DO            SECRET           SCOPE         ENVIRONMENT  VERSION  SINCE    UNTIL    LAST READ\n\
             replace          hubspot/api_key  company:acme  prod         2        3 m ago  now      -\n\
             revoke if valid  hubspot/api_key  company:acme  prod         1        1 d ago  3 m ago  1 h ago\n"
        );
        assert_eq!(exposure.notes().len(), 2);
        let nothing = ExposureView { values: vec![], ..exposure };
        assert_eq!(nothing.table(Style::Plain), "nothing is known that node:vengeance could have read\n");
    }
}
