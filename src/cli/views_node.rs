//! The node and its mesh: health, and the list of nodes.

use serde::{Deserialize, Serialize};

use super::ago::{ago, seen_from, span};
use super::output::Shown;
use super::table::{Style, counted, pairs, plain, rows};
use super::views_freeze::FreezeView;

/// The answer of `GET /api/status`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StatusView {
    status: String,
    node: String,
    role: String,
    environment: String,
    epoch: u64,
    pub(super) revision: u64,
    lead: Option<String>,
    lead_address: Option<String>,
    lead_last_heard_ms: Option<u64>,
    pub(super) freshness: String,
    banned_at: Option<String>,
    #[serde(default)]
    stepped_down: Option<ReignView>,
    secrets: u64,
    uptime_ms: u64,
    #[serde(default)]
    frozen: Vec<FreezeView>,
    timestamp: String,
}

impl Shown for StatusView {
    fn table(&self, style: Style) -> String {
        let lead = match (&self.lead, &self.lead_address) {
            (Some(name), Some(address)) => format!("{name} at {address}"),
            (Some(name), None) => name.clone(),
            (None, Some(address)) => format!("not heard yet, looked for at {address}"),
            (None, None) => "not known".to_owned(),
        };
        let facts = [
            ("status", Some(self.status.clone())),
            ("node", Some(self.node.clone())),
            ("role", Some(self.role.clone())),
            ("environment", Some(self.environment.clone())),
            ("lead", Some(lead)),
            ("lead heard", Some(self.lead_last_heard_ms.map_or_else(|| "never".to_owned(), ago))),
            ("freshness", Some(self.freshness.clone())),
            ("journal", self.is_journal_stuck().then(|| "cannot be written: nothing is given out".to_owned())),
            (
                "banned",
                self.banned_at
                    .as_ref()
                    .map(|at| format!("by the lead; this node was told {}", seen_from(&self.timestamp, at))),
            ),
            ("stepped down", self.stepped_down.as_ref().map(|reign| reign.line(&self.timestamp))),
            ("secrets", Some(self.secrets.to_string())),
            ("revision", Some(format!("{} (epoch {})", self.revision, self.epoch))),
            ("running for", Some(milliseconds(self.uptime_ms))),
        ];
        let frozen: String = self.frozen.iter().map(|freeze| freeze.line(&self.timestamp) + "\n").collect();
        let gap = if frozen.is_empty() { "" } else { "\n" };
        format!("{frozen}{gap}{}", pairs(style, facts))
    }
}

/// The reign by which that of this node was ended.
#[derive(Debug, Serialize, Deserialize)]
struct ReignView {
    lead: String,
    epoch: u64,
    store: String,
    begins_at: String,
}

impl ReignView {
    fn line(&self, now: &str) -> String {
        let Self { lead, epoch, begins_at, .. } = self;
        format!("{lead} leads in epoch {epoch}, since {}; this node takes no changes", seen_from(now, begins_at))
    }
}

impl StatusView {
    /// A node that could answer by its age, and is unhealthy all the same, has no journal to write to.
    fn is_journal_stuck(&self) -> bool {
        self.status == "unhealthy" && matches!(self.freshness.as_str(), "lead" | "fresh" | "stale")
    }
}

fn milliseconds(milliseconds: u64) -> String {
    span(std::time::Duration::from_millis(milliseconds))
}

/// The answer of `GET /api/nodes`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NodesView {
    /// The nodes.
    pub(super) nodes: Vec<NodeView>,
    /// The node's time.
    pub(super) timestamp: String,
}

impl Shown for NodesView {
    fn table(&self, style: Style) -> String {
        let header = [
            "NAME",
            "ROLE",
            "STANDING",
            "STATE",
            "ENVIRONMENT",
            "COMPANIES",
            "LAST HEARD",
            "REVISION",
            "CACHE ENTRIES",
        ];
        let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let line = |node: &NodeView| {
            vec![
                node.name.clone(),
                node.role.clone(),
                node.standing.clone(),
                node.state.clone(),
                node.environment.clone(),
                list(&node.companies),
                node.last_heard_text(),
                number(node.revision),
                number(node.cache_entries),
            ]
        };
        let pending = self.nodes.iter().filter(|node| node.standing == "pending").map(|node| {
            format!(
                "\n{0} waits with key {1}; if it prints the same, approve it: aurora nodes approve {0}\n",
                plain(&node.name),
                plain(&node.fingerprint)
            )
        });
        rows(style, &header, self.nodes.iter().map(line)) + &pending.collect::<String>()
    }
}

/// One node.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NodeView {
    /// Its name.
    pub(super) name: String,
    role: String,
    state: String,
    standing: String,
    banned_at: Option<String>,
    ban_reason: Option<String>,
    /// The environment it is entitled to.
    pub(super) environment: String,
    /// The companies it speaks for; `*` for all.
    pub(super) companies: Vec<String>,
    /// The secrets it may hold.
    pub(super) allow: Vec<String>,
    fingerprint: String,
    joined_at: String,
    last_heard_ms: Option<u64>,
    revision: Option<u64>,
    cache_entries: Option<u64>,
    load: Option<f64>,
    uptime_ms: Option<u64>,
    address: Option<String>,
}

impl NodeView {
    /// The fingerprint of its key.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn last_heard_text(&self) -> String {
        match (self.state.as_str(), self.last_heard_ms) {
            ("here", _) => "this node".to_owned(),
            (_, Some(heard)) => ago(heard),
            (_, None) => "never".to_owned(),
        }
    }
}

fn list(words: &[String]) -> String {
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

/// One node, with the time it is seen from.
#[derive(Debug, Serialize)]
pub(super) struct NodeDetails {
    /// The node.
    #[serde(flatten)]
    pub(super) node: NodeView,
    /// The time of the node that answered.
    pub(super) timestamp: String,
}

impl Shown for NodeDetails {
    fn table(&self, style: Style) -> String {
        let node = &self.node;
        let details = [
            ("node", Some(node.name.clone())),
            ("role", Some(node.role.clone())),
            ("standing", Some(node.standing.clone())),
            ("banned", node.banned_at.as_ref().map(|at| seen_from(&self.timestamp, at))),
            ("banned because", node.ban_reason.clone()),
            ("state", Some(node.state.clone())),
            ("last heard", Some(node.last_heard_text())),
            ("environment", Some(node.environment.clone())),
            ("companies", Some(list(&node.companies))),
            ("may hold", Some(list(&node.allow))),
            ("joined", Some(seen_from(&self.timestamp, &node.joined_at))),
            ("fingerprint", Some(node.fingerprint.clone())),
            ("revision", node.revision.map(|revision| revision.to_string())),
            ("cache entries", node.cache_entries.map(|entries| entries.to_string())),
            ("load", node.load.map(|load| format!("{load:.2}"))),
            ("running for", node.uptime_ms.map(milliseconds)),
            ("address", node.address.clone()),
        ];
        pairs(style, details)
    }
}

/// The body of `POST /api/nodes/{name}/entitlement`.
#[derive(Debug, Serialize)]
pub(super) struct EntitlementBody {
    /// The environment.
    pub(super) environment: String,
    /// The companies.
    pub(super) companies: Vec<String>,
    /// The secrets.
    pub(super) allow: Vec<String>,
}

/// Its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChangedNodeView {
    success: bool,
    node: String,
    message: String,
    revision: u64,
}

impl Shown for ChangedNodeView {
    fn table(&self, _style: Style) -> String {
        format!("{}: {} (revision {})\n", self.node, self.message, self.revision)
    }
}

/// The body of `POST /api/nodes/{name}/approve`.
#[derive(Debug, Serialize)]
pub(super) struct ApprovalBody<'a> {
    /// As it was compared.
    pub(super) fingerprint: &'a str,
}

/// The body of `POST /api/nodes/{name}/ban`.
#[derive(Debug, Serialize)]
pub(super) struct BanBody<'a> {
    /// Why.
    pub(super) reason: &'a str,
}

/// The answer to a ban or a removal.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ThrownOutView {
    success: bool,
    node: String,
    message: String,
    scopes_rekeyed: u64,
    exposure: Option<String>,
    revision: u64,
}

impl Shown for ThrownOutView {
    fn table(&self, _style: Style) -> String {
        let done = format!("{}: {} (revision {})\n", self.node, self.message, self.revision);
        if self.scopes_rekeyed == 0 {
            return done;
        }
        let scopes =
            counted(self.scopes_rekeyed, "scope it held has a new key; its", "scopes it held have new keys; their");
        format!("{done}{scopes} values are being sealed anew\n")
    }
}

impl ThrownOutView {
    /// What to look at next, if it is known.
    pub(super) fn exposure(&self) -> Option<&str> {
        self.exposure.as_deref()
    }
}
