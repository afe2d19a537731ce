//! API keys, as they are asked for and shown. A key itself is held like a value.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::{Style, rows};
use super::views_agent::{ReachBody, list, when};
use crate::crypto::text::ValueText;

/// The body of `POST /api/agents/{name}/keys`.
#[derive(Debug, Serialize)]
pub(super) struct KeyBody<'a> {
    /// What it is called.
    pub(super) name: &'a str,
    /// `never`, if it has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<&'static str>,
    /// How long it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_in: Option<String>,
    /// Narrows what the agent reaches.
    #[serde(flatten)]
    pub(super) reach: ReachBody,
    /// Requests per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit_rpm: Option<u32>,
}

/// The body of `POST /api/agents/{name}/keys/{key}/rotate`.
#[derive(Debug, Serialize)]
pub(super) struct GraceBody {
    /// How long the old text works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grace: Option<String>,
}

/// A key without the key.
#[derive(Debug, Serialize, Deserialize)]
struct KeyView {
    agent: String,
    name: String,
    hint: String,
    created_by: String,
    created_at: String,
    rotated_at: Option<String>,
    expires_at: Option<String>,
    expired: bool,
    previous_hint: Option<String>,
    previous_until: Option<String>,
    secrets: Vec<String>,
    scopes: Vec<String>,
    companies: Vec<String>,
    environments: Vec<String>,
    limit_rpm: Option<u32>,
}

/// A new text of a key.
#[derive(Serialize, Deserialize)]
pub(super) struct NewKeyView {
    success: bool,
    message: String,
    /// The text. It is shown once.
    pub(super) key: ValueText,
    api_key: KeyView,
    revision: u64,
}

impl NewKeyView {
    /// What is to be known about it besides.
    pub(super) fn said(&self) -> String {
        let key = &self.api_key;
        let end =
            key.expires_at.as_ref().map_or_else(|| "it has no end".to_owned(), |end| format!("it works until {end}"));
        let before = key.previous_until.as_ref().map(|until| format!("; the old text works until {until}"));
        format!(
            "{}/{} is {}…, {end}{}; this is the only time it is shown",
            key.agent,
            key.name,
            key.hint,
            before.unwrap_or_default()
        )
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct KeyLine {
    #[serde(flatten)]
    key: KeyView,
    last_used_at: Option<String>,
}

/// The answer of `GET /api/apikeys`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeysView {
    keys: Vec<KeyLine>,
    /// To ask for the next page with.
    #[serde(skip_serializing)]
    pub(super) next_cursor: Option<String>,
    timestamp: String,
}

impl KeysView {
    /// Adds the next page.
    pub(super) fn append(&mut self, page: Self) {
        self.keys.extend(page.keys);
        self.next_cursor = page.next_cursor;
    }
}

impl Shown for KeysView {
    fn table(&self, style: Style) -> String {
        let header = ["AGENT", "NAME", "KEY", "MADE", "ENDS", "LAST USED", "OLD TEXT UNTIL", "SECRETS", "COMPANIES"];
        let line = |KeyLine { key, last_used_at }: &KeyLine| {
            vec![
                key.agent.clone(),
                key.name.clone(),
                format!("{}…", key.hint),
                when(&self.timestamp, Some(&key.created_at), "-"),
                when(&self.timestamp, key.expires_at.as_ref(), "never"),
                when(&self.timestamp, last_used_at.as_ref(), "never"),
                when(&self.timestamp, key.previous_until.as_ref(), "-"),
                list(&key.secrets),
                list(&key.companies),
            ]
        };
        rows(style, &header, self.keys.iter().map(line))
    }
}

/// A key that is gone.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RevokedView {
    success: bool,
    message: String,
    agent: String,
    name: String,
    revision: u64,
}

impl Shown for RevokedView {
    fn table(&self, _style: Style) -> String {
        format!("{}/{}: {} (revision {})\n", self.agent, self.name, self.message, self.revision)
    }
}
