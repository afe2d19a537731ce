//! What a node tells about environments beside each other: names and places, never values.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::{Style, plain, rows};
use super::views_record::scope_text;

/// The body of `POST /api/environments/mirror`.
#[derive(Debug, Serialize)]
pub(super) struct MirrorBody<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prefix: Option<&'a str>,
}

/// The body of `POST /api/environments/check`.
#[derive(Debug, Serialize)]
pub(super) struct CheckBody<'a> {
    pub(super) left: &'a str,
    pub(super) right: &'a str,
}

/// The environments there are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EnvironmentsView {
    /// By name.
    pub(super) environments: Vec<EnvironmentView>,
}

/// One environment.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EnvironmentView {
    /// Its name.
    pub(super) environment: String,
    own: bool,
    /// How many secrets are known there.
    pub(super) secrets: u64,
    live: u64,
    without_value: u64,
    nodes: u64,
}

impl Shown for EnvironmentsView {
    fn table(&self, style: Style) -> String {
        let line = |line: &EnvironmentView| {
            vec![
                line.environment.clone(),
                line.live.to_string(),
                line.without_value.to_string(),
                line.nodes.to_string(),
                if line.own { "this node's".to_owned() } else { String::new() },
            ]
        };
        rows(style, &["ENVIRONMENT", "LIVE", "WITHOUT A VALUE", "NODES", ""], self.environments.iter().map(line))
    }
}

/// A secret in a scope.
#[derive(Debug, Serialize, Deserialize)]
struct PlaceView {
    service: String,
    key_name: String,
    scope: String,
    scope_id: Option<String>,
}

impl PlaceView {
    fn cells(&self) -> [String; 2] {
        [format!("{}/{}", self.service, self.key_name), scope_text(&self.scope, self.scope_id.as_deref())]
    }
}

/// A secret without a value.
#[derive(Debug, Serialize, Deserialize)]
struct LackingView {
    #[serde(flatten)]
    at: PlaceView,
    state: String,
}

/// What a mirror did.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MirrorView {
    success: bool,
    from: String,
    to: String,
    declared: Vec<PlaceView>,
    declared_total: usize,
    already_known: usize,
    without_value: Vec<LackingView>,
    without_value_total: usize,
    skipped_node_scopes: usize,
    revision: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl Shown for MirrorView {
    fn table(&self, style: Style) -> String {
        let (from, to) = (plain(&self.from), plain(&self.to));
        let (done, what) = if self.dry_run { ("dry run, would be ", "WOULD BE DECLARED") } else { ("", "DECLARED") };
        let mut text = format!(
            "{done}declared in {to}: {}; known there already: {} of those with a value in {from}\n",
            self.declared_total, self.already_known
        );
        if self.skipped_node_scopes > 0 {
            let count = self.skipped_node_scopes;
            text.push_str(&format!(
                "values for one node, not mirrored: {count} (a node is in one environment for life)\n"
            ));
        }
        if !self.declared.is_empty() {
            let declared = self.declared.iter().map(|at| at.cells().to_vec());
            text.push_str(&format!("\n{}", rows(style, &[what, "SCOPE"], declared)));
            text.push_str(&more(self.declared_total, self.declared.len()));
        }
        if self.without_value.is_empty() {
            text.push_str(&format!("\nEverything of {from} has a value in {to}.\n"));
        } else {
            let line = |lacking: &LackingView| [lacking.at.cells().to_vec(), vec![lacking.state.clone()]].concat();
            let lacking = rows(style, &["WITHOUT A VALUE", "SCOPE", "STATE"], self.without_value.iter().map(line));
            text.push_str(&format!("\n{lacking}{}", more(self.without_value_total, self.without_value.len())));
        }
        text
    }
}

/// Lists end after a page.
fn more(total: usize, named: usize) -> String {
    match total.saturating_sub(named) {
        0 => String::new(),
        left => format!("and {left} more\n"),
    }
}

/// The values two environments share.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SharedView {
    left: String,
    right: String,
    compared_left: usize,
    compared_right: usize,
    skipped: usize,
    shared: Vec<SharedValueView>,
    /// How many there are, named or not.
    pub(super) shared_total: usize,
}

/// A secret whose value another environment has too.
#[derive(Debug, Serialize, Deserialize)]
struct SharedValueView {
    #[serde(flatten)]
    at: PlaceView,
    same_place: bool,
    left: Vec<PlaceView>,
}

impl Shown for SharedView {
    fn table(&self, style: Style) -> String {
        let (left, right) = (plain(&self.left), plain(&self.right));
        let mut text = format!(
            "secrets of {right} with a value that {left} has too: {} (compared: {} of {left}, {} of {right})\n",
            self.shared_total, self.compared_left, self.compared_right
        );
        if self.skipped > 0 {
            text.push_str(&format!("not compared, because you may not read them: {}\n", self.skipped));
        }
        if !self.shared.is_empty() {
            let [in_right, in_left] = [format!("IN {right}"), format!("IN {left}")];
            let line = |value: &SharedValueView| {
                let places = value.left.iter().map(|at| at.cells().join(" ")).collect::<Vec<_>>().join(", ");
                let places = if value.same_place && value.left.len() == 1 { "the same".to_owned() } else { places };
                [value.at.cells().to_vec(), vec![places]].concat()
            };
            let table = rows(style, &[in_right.as_str(), "SCOPE", in_left.as_str()], self.shared.iter().map(line));
            text.push_str(&format!("\n{table}{}", more(self.shared_total, self.shared.len())));
        }
        text
    }
}

/// Every environment compared with every other.
#[derive(Debug, Serialize)]
pub(super) struct Comparisons {
    pub(super) comparisons: Vec<SharedView>,
}

impl Shown for Comparisons {
    fn table(&self, style: Style) -> String {
        self.comparisons.iter().map(|shared| shared.table(style)).collect::<Vec<_>>().join("\n")
    }
}
