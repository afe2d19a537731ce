//! Which APIs work from where, as the API tells of it: a table of services and nodes, and below it what is wrong.

use serde::{Deserialize, Serialize};

use super::ago::span_of_seconds;
use super::output::Shown;
use super::table::{Style, Tone, plain, rows, toned, toned_rows, wrapped};

/// Columns of a text whose reader is no terminal.
const COLUMNS: usize = 80;

/// Columns between two cells.
const GAP: usize = 2;

/// The answer of `GET /api/connectivity/status`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ConnectivityView {
    services: Vec<ServiceView>,
    total_services: u64,
    rule: String,
    /// How wide a line may be.
    #[serde(skip)]
    columns: Option<usize>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ServiceView {
    service: String,
    overall_status: String,
    diagnosis: Vec<String>,
    nodes: Vec<LineView>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LineView {
    node: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    status: String,
    response_time_ms: Option<u64>,
    last_error: Option<String>,
    last_check: String,
    source: String,
    reported_by: Option<String>,
    cause: Option<String>,
    path_fault: Option<String>,
    stale: bool,
    age_seconds: u64,
    keys: Vec<KeyView>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeyView {
    company: Option<String>,
    key: Option<String>,
    scope: Option<String>,
    scope_id: Option<String>,
    version: Option<u64>,
    status: Option<String>,
    cause: Option<String>,
    validation: Option<String>,
    detail: String,
    checked_at: Option<String>,
    expires_at: Option<String>,
    expires_source: Option<String>,
}

/// The answer of `GET /api/connectivity/best`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BestView {
    service: String,
    nodes: Vec<RankedView>,
    rule: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct RankedView {
    rank: u64,
    node: String,
    status: String,
    response_time_ms: Option<u64>,
    age_seconds: u64,
    stale: bool,
    cause: Option<String>,
}

/// A text with what it means for whoever reads it.
type Cell = (String, Option<Tone>);

impl ConnectivityView {
    /// Makes lines of at most so many columns.
    pub(super) fn fit(&mut self, columns: Option<usize>) {
        self.columns = columns;
    }

    /// Services and nodes; as many blocks beneath each other as it takes to fit every node in.
    fn matrix(&self, style: Style) -> String {
        let mut nodes: Vec<&str> = self.services.iter().flat_map(ServiceView::reporting).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let first = self.services.iter().map(|service| service.service.chars().count()).max().unwrap_or(0);
        let before = first.max("SERVICE".len()) + GAP + "degraded".len();
        let width = |node: &&str| {
            let cells = self.services.iter().filter_map(|service| service.cell(node));
            cells.map(|(text, _)| text.chars().count()).chain([node.chars().count()]).max().unwrap_or(0) + GAP
        };
        let blocks = blocks(&nodes, width, self.columns.unwrap_or(COLUMNS).saturating_sub(before));
        let blocks = blocks.iter().map(|block| self.block(style, block));
        blocks.collect::<Vec<_>>().join("\n")
    }

    fn block(&self, style: Style, nodes: &[&str]) -> String {
        let header: Vec<&str> = ["SERVICE", "OVERALL"].iter().chain(nodes).copied().collect();
        let line = |service: &ServiceView| {
            let overall = (service.overall_status.clone(), tone(&service.overall_status));
            let cells = nodes.iter().map(|node| service.cell(node).unwrap_or_else(|| ("-".to_owned(), None)));
            [(service.service.clone(), None), overall].into_iter().chain(cells).collect::<Vec<Cell>>()
        };
        toned_rows(style, &header, self.services.iter().map(line))
    }

    /// What is wrong, service by service.
    fn troubles(&self, style: Style) -> String {
        let columns = self.columns.unwrap_or(COLUMNS);
        let mut text = String::new();
        for service in self.services.iter().filter(|service| service.is_worth_telling()) {
            let overall = toned(style, &service.overall_status, tone(&service.overall_status));
            text.push_str(&format!("\n{}: {overall}\n", plain(&service.service)));
            for line in &service.diagnosis {
                text.push_str(&wrapped(&plain(line), columns, "  = "));
            }
            for line in service.nodes.iter().filter(|line| line.is_worth_telling()) {
                text.push_str(&wrapped(&plain(&line.told()), columns, "  "));
                for key in line.keys.iter().filter(|key| key.fails()) {
                    text.push_str(&wrapped(&plain(&key.told()), columns, "      "));
                }
            }
        }
        text
    }
}

impl Shown for ConnectivityView {
    fn table(&self, style: Style) -> String {
        if self.services.is_empty() {
            return "no service is reported on here\n".to_owned();
        }
        let troubles = self.troubles(style);
        let rule = wrapped(&format!("rule: {}", plain(&self.rule)), self.columns.unwrap_or(COLUMNS), "");
        let rule = if troubles.is_empty() { String::new() } else { format!("\n{rule}") };
        format!("{}{troubles}{rule}", self.matrix(style))
    }
}

impl ServiceView {
    /// The nodes that say something themselves.
    fn reporting(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|line| line.node.as_str())
    }

    /// What a node says: by its own checks, or else by the worst of its monitors.
    fn cell(&self, node: &str) -> Option<Cell> {
        let lines = || self.nodes.iter().filter(|line| line.node == node);
        let own = lines().find(|line| line.source == "node");
        let rank = |line: &&LineView| STATES.iter().position(|(state, _)| *state == line.status);
        let line = own.or_else(|| lines().max_by_key(rank))?;
        let status = if line.status == "healthy" { "ok" } else { line.status.as_str() };
        let took = line.response_time_ms.map(|milliseconds| format!(" {milliseconds}ms")).unwrap_or_default();
        let age = span_of_seconds(line.age_seconds).replace(' ', "");
        let mark = if own.is_some() { "" } else { "*" };
        let tone = if line.stale { Some(Tone::Warning) } else { tone(&line.status) };
        Some((format!("{status}{mark}{took} {age}{}", if line.stale { "!" } else { "" }), tone))
    }

    fn is_worth_telling(&self) -> bool {
        self.overall_status != "healthy"
            || !self.diagnosis.is_empty()
            || self.nodes.iter().any(LineView::is_worth_telling)
    }
}

impl LineView {
    /// Whether it says more than that all is well.
    fn is_worth_telling(&self) -> bool {
        self.status != "healthy" || self.stale || self.source != "node"
    }

    fn told(&self) -> String {
        let age = span_of_seconds(self.age_seconds);
        let place = match &self.environment {
            Some(environment) => format!("{} ({environment})", self.node),
            None => self.node.clone(),
        };
        let who = match &self.reported_by {
            Some(by) => format!("{by} on {place} reports {}", self.status),
            None => format!("{place} is {}", self.status),
        };
        let cause = match (&self.cause, &self.path_fault) {
            (Some(cause), Some(fault)) => format!(": {cause} ({fault})"),
            (Some(cause), None) => format!(": {cause}"),
            (None, _) => String::new(),
        };
        let error = self.last_error.as_ref().map(|error| format!(", {error}")).unwrap_or_default();
        let stale = if self.stale { "; too old to be relied on" } else { "" };
        format!("{who}{cause}{error} ({age} ago{stale})")
    }
}

impl KeyView {
    fn fails(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status != "healthy")
    }

    fn told(&self) -> String {
        let key = self.key.as_deref().unwrap_or("no key");
        let place = match (&self.scope, &self.scope_id) {
            (Some(scope), Some(id)) => format!(" of {scope}:{id}"),
            (Some(scope), None) => format!(" ({scope})"),
            (None, _) => self.company.as_ref().map(|company| format!(" for company:{company}")).unwrap_or_default(),
        };
        let version = self.version.map(|version| format!(", version {version}")).unwrap_or_default();
        let cause = self.cause.as_deref().unwrap_or("fails");
        let detail = if self.detail.is_empty() { String::new() } else { format!("; {}", self.detail) };
        format!("{key}{place}{version}: {cause}{detail}")
    }
}

impl Shown for BestView {
    fn table(&self, style: Style) -> String {
        if self.nodes.is_empty() {
            return format!("no node reports on {}\n", plain(&self.service));
        }
        let header = ["RANK", "NODE", "STATUS", "LATENCY", "AGE", "CAUSE"];
        let line = |node: &RankedView| {
            let age = span_of_seconds(node.age_seconds);
            vec![
                node.rank.to_string(),
                node.node.clone(),
                node.status.clone(),
                node.response_time_ms.map_or_else(|| "-".to_owned(), |milliseconds| format!("{milliseconds} ms")),
                if node.stale { format!("{age}, stale") } else { age },
                node.cause.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        };
        rows(style, &header, self.nodes.iter().map(line))
    }
}

/// The states, the best first, and how they look.
const STATES: [(&str, Tone); 3] = [("healthy", Tone::Good), ("degraded", Tone::Warning), ("down", Tone::Bad)];

fn tone(status: &str) -> Option<Tone> {
    STATES.iter().find(|(state, _)| *state == status).map(|(_, tone)| *tone)
}

/// Parts of a list, each of which fits into so many columns; at least one in each part.
fn blocks<'a>(nodes: &[&'a str], width: impl Fn(&&'a str) -> usize, columns: usize) -> Vec<Vec<&'a str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    let mut left = 0;
    for node in nodes {
        let needs = width(node);
        match blocks.last_mut() {
            Some(block) if needs <= left => block.push(node),
            Some(_) | None => {
                blocks.push(vec![node]);
                left = columns;
            }
        }
        left = left.saturating_sub(needs);
    }
    blocks
}
