//! Access requests: what became of one, and the list with the grant that would give each.

use serde::{Deserialize, Serialize};

use super::ago::seen_from;
use super::output::Shown;
use super::table::{Style, Tone, plain, toned_rows};

/// The body of `POST /api/access-requests`.
#[derive(Debug, Serialize)]
pub(super) struct AccessBody<'a> {
    /// The secret.
    pub(super) name: &'a str,
    /// Why.
    pub(super) reason: &'a str,
    /// What is to be allowed.
    pub(super) capability: &'a str,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company: Option<&'a str>,
}

/// The answer of `POST /api/access-requests`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AskedView {
    status: String,
    id: Option<u64>,
    new: bool,
    rule: Option<String>,
    grant: Option<String>,
    next: String,
}

impl Shown for AskedView {
    fn table(&self, _style: Style) -> String {
        let (next, rule) = (plain(&self.next), self.rule.as_deref().map(plain));
        match (self.id, rule) {
            (Some(id), _) => {
                let word = if self.new { "is noted" } else { "waits already" };
                format!("request {id} {word}; {next}\n")
            }
            (None, Some(rule)) => format!("allowed already (rule {rule})\n"),
            (None, None) => format!("{}; {next}\n", plain(&self.status)),
        }
    }
}

/// The answer of `GET /api/access-requests`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AccessListView {
    requests: Vec<AccessView>,
    of: String,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct AccessView {
    id: u64,
    status: String,
    name: String,
    capability: String,
    company: Option<String>,
    environment: String,
    principal: String,
    node: String,
    reason: String,
    requested_at: String,
    grant: String,
}

impl Shown for AccessListView {
    fn table(&self, style: Style) -> String {
        if self.requests.is_empty() {
            return if self.of == "own" { "you ask for nothing\n" } else { "nobody asks for anything\n" }.to_owned();
        }
        let header = ["ID", "STATUS", "WHO", "NODE", "CAPABILITY", "SECRET", "COMPANY", "ENVIRONMENT", "SINCE", "WHY"];
        let cells = |request: &AccessView| {
            let tone = if request.status == "granted" { Tone::Good } else { Tone::Warning };
            let texts = [
                request.principal.clone(),
                request.node.clone(),
                request.capability.clone(),
                request.name.clone(),
                request.company.clone().unwrap_or_else(|| "-".to_owned()),
                request.environment.clone(),
                seen_from(&self.timestamp, &request.requested_at),
                request.reason.clone(),
            ];
            let first = [(request.id.to_string(), None), (request.status.clone(), Some(tone))];
            first.into_iter().chain(texts.map(|text| (text, None))).collect()
        };
        let mut text = toned_rows(style, &header, self.requests.iter().map(cells));
        let pending = || self.requests.iter().filter(|request| request.status != "granted");
        if self.of == "mesh" && pending().next().is_some() {
            text.push_str(
                "\nTo grant one, add it to the policy file and apply that (aurora policy apply policy.toml):\n",
            );
            for request in pending() {
                text.push('\n');
                request.grant.lines().for_each(|line| text.push_str(&format!("{}\n", plain(line))));
            }
        }
        text
    }
}

/// The answer of `DELETE /api/access-requests/{id}`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DismissedView {
    success: bool,
    message: String,
    id: u64,
    name: String,
    principal: String,
}

impl Shown for DismissedView {
    fn table(&self, _style: Style) -> String {
        format!("request {} of {} for {} is dismissed\n", self.id, plain(&self.principal), plain(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_shows_who_asks_why_and_the_grant_of_what_still_waits() {
        let text = r#"{"requests":[
            {"id":1,"status":"granted","name":"a/b","capability":"data_read","company":null,"environment":"prod",
             "principal":"user:1000","node":"aurora","reason":"x","requested_at":"2026-11-21T08:00:00Z","grant":"granted\n"},
            {"id":2,"status":"pending","name":"c/d","capability":"data_read","company":"acme","environment":"prod",
             "principal":"agent:openclaw","node":"alpha","reason":"nightly\u001b[2J","requested_at":"2026-11-21T08:00:00Z",
             "grant":"[[grant]]\nname = \"access-2\"\n"}],"of":"mesh","timestamp":"2026-11-21T08:03:00Z"}"#;
        let list: AccessListView = serde_json::from_str(text).expect("a list");
        let shown = list.table(Style::Plain);
        assert!(shown.contains("agent:openclaw  alpha") && shown.contains("name = \"access-2\""), "{shown}");
        assert!(!shown.contains("granted\n\n") && !shown.contains('\u{1b}'), "{shown}");
    }
}
