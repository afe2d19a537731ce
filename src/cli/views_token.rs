//! Join tokens.

use serde::{Deserialize, Serialize};

use super::ago::seen_from;
use super::output::Shown;
use super::table::{Style, rows};
use crate::crypto::text::ValueText;

/// The body of `POST /api/tokens`.
#[derive(Debug, Serialize)]
pub(super) struct TokenBody<'a> {
    /// The node to admit.
    pub(super) node: &'a str,
    /// Its environment; the lead's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<&'a str>,
    /// The companies it may speak for.
    pub(super) companies: Vec<&'a str>,
    /// The secrets it may hold; all of its scopes if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allow: Option<Vec<&'a str>>,
    /// Whether the node waits until somebody has compared its key.
    pub(super) approve: bool,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) valid_for: Option<u64>,
}

/// A new token. It admits, so it is kept like a value.
#[derive(Serialize, Deserialize)]
pub(super) struct TokenView {
    /// What it is called in lists.
    pub(super) id: String,
    /// The text.
    pub(super) token: ValueText,
    /// The node it admits.
    pub(super) node: String,
    /// Whether the node waits until somebody has compared its key.
    pub(super) approve: bool,
    /// When it stops admitting.
    pub(super) expires_at: String,
}

/// The answer of `GET /api/tokens`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TokensView {
    /// Every token that is remembered.
    pub(super) tokens: Vec<TokenLine>,
    timestamp: String,
}

/// One token.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TokenLine {
    /// What it is called.
    pub(super) id: String,
    /// The node it admits.
    pub(super) node: String,
    state: String,
    approve: bool,
    environment: String,
    companies: Vec<String>,
    allow: Vec<String>,
    issued_at: Option<String>,
    expires_at: String,
}

impl Shown for TokensView {
    fn table(&self, style: Style) -> String {
        let header = ["ID", "NODE", "STATE", "APPROVAL", "ENVIRONMENT", "COMPANIES", "MAY HOLD", "MADE", "EXPIRES"];
        let list = |words: &[String]| if words.is_empty() { "-".to_owned() } else { words.join(", ") };
        let made = |line: &TokenLine| {
            line.issued_at.as_ref().map_or_else(|| "-".to_owned(), |at| seen_from(&self.timestamp, at))
        };
        let line = |line: &TokenLine| {
            vec![
                line.id.clone(),
                line.node.clone(),
                line.state.clone(),
                if line.approve { "needed" } else { "-" }.to_owned(),
                line.environment.clone(),
                list(&line.companies),
                list(&line.allow),
                made(line),
                line.expires_at.clone(),
            ]
        };
        rows(style, &header, self.tokens.iter().map(line))
    }
}

/// The answer of `DELETE /api/tokens/{id}`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RevokedView {
    success: bool,
    id: String,
    node: String,
    state: String,
}

/// What became of each token that was to be revoked.
#[derive(Debug, Serialize)]
pub(super) struct RevokedTokens {
    /// Each.
    pub(super) revoked: Vec<RevokedView>,
}

impl Shown for RevokedTokens {
    fn table(&self, _style: Style) -> String {
        let line = |token: &RevokedView| match token.state.as_str() {
            "consumed" => format!(
                "{}: forgotten; {} has joined with it and stays a node (aurora nodes remove {})\n",
                token.id, token.node, token.node
            ),
            state => format!("{}: revoked; it was {state}, for {}\n", token.id, token.node),
        };
        self.revoked.iter().map(line).collect()
    }
}
