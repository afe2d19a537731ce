//! Freezes: what is frozen, and which nodes have heard of it.

use serde::{Deserialize, Serialize};

use super::ago::seen_from;
use super::output::Shown;
use super::table::{Style, plain, rows};

/// The body of `POST /api/freezes`.
#[derive(Debug, Serialize)]
pub(super) struct FreezeBody<'a> {
    /// What.
    pub(super) target: &'a str,
    /// How much.
    pub(super) level: &'a str,
    /// Why.
    pub(super) reason: &'a str,
}

/// One freeze, as `GET /api/status` tells it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FreezeView {
    target: String,
    level: String,
    reason: String,
    since: String,
}

impl FreezeView {
    /// A line for the top of what a node says about itself.
    pub(super) fn line(&self, now: &str) -> String {
        let Self { target, level, reason, since } = self;
        format!("{} is frozen ({}), {}: {}", plain(target), plain(level), seen_from(now, since), plain(reason))
    }
}

/// The answer of `POST /api/freezes`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FrozenView {
    success: bool,
    message: String,
    target: String,
    level: String,
    reason: String,
    since: String,
    /// Whether there is such an agent or node.
    pub(super) known: bool,
    /// The change that made it.
    pub(super) revision: u64,
}

/// The answer of `DELETE /api/freezes`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UnfrozenView {
    success: bool,
    message: String,
    target: String,
    revision: u64,
}

impl Shown for UnfrozenView {
    fn table(&self, _style: Style) -> String {
        format!("{} is not frozen any more (revision {})\n", self.target, self.revision)
    }
}

/// The answer of `GET /api/freezes`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FreezesView {
    freezes: Vec<ListedView>,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct ListedView {
    target: String,
    level: String,
    reason: String,
    since: String,
    frozen_by: String,
}

impl Shown for FreezesView {
    fn table(&self, style: Style) -> String {
        if self.freezes.is_empty() {
            return "nothing is frozen\n".to_owned();
        }
        let cells = |freeze: &ListedView| {
            let since = seen_from(&self.timestamp, &freeze.since);
            vec![freeze.target.clone(), freeze.level.clone(), since, freeze.frozen_by.clone(), freeze.reason.clone()]
        };
        rows(style, &["TARGET", "LEVEL", "SINCE", "BY", "REASON"], self.freezes.iter().map(cells))
    }
}

/// The answer of `GET /api/freezes/holders`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HoldersView {
    revision: u64,
    nodes: Vec<HolderView>,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct HolderView {
    node: String,
    state: String,
    stops_by: Option<String>,
    heard: Option<bool>,
    assumed: Option<bool>,
}

impl HoldersView {
    /// Whether a node that is connected has not acknowledged it yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.nodes.iter().any(|node| node.state == "waiting")
    }

    /// How many nodes have it.
    pub(super) fn told(&self) -> u64 {
        self.count("frozen")
    }

    /// How many nodes have it or are waited for.
    pub(super) fn concerned(&self) -> u64 {
        self.told() + self.count("waiting")
    }

    fn count(&self, state: &str) -> u64 {
        self.nodes.iter().filter(|node| node.state == state).map(|_| 1).sum()
    }

    fn note(&self, node: &HolderView) -> String {
        let Some(at) = &node.stops_by else { return String::new() };
        let seen = seen_from(&self.timestamp, at);
        let when = if seen.ends_with(" ago") { "stopped by itself" } else { "stops by itself" };
        let basis = match (node.heard, node.assumed) {
            (Some(false), _) => "; not heard since the lead started, so counted from then with the longest durations",
            (_, Some(true)) => "; it has not told its durations, so with the longest there are",
            (_, _) => "",
        };
        format!("{when} at {at} ({seen}){basis}")
    }
}

/// A freeze with who has it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// The freeze.
    #[serde(flatten)]
    pub(super) frozen: FrozenView,
    /// The nodes.
    #[serde(rename = "holders")]
    pub(super) holders: HoldersView,
}

impl Shown for Told {
    fn table(&self, style: Style) -> String {
        let FrozenView { target, level, revision, .. } = &self.frozen;
        let cells = |node: &HolderView| {
            let state = node.state.replace('_', " ");
            vec![node.node.clone(), state, self.holders.note(node)]
        };
        let table = rows(style, &["NODE", "STATE", "NOTE"], self.holders.nodes.iter().map(cells));
        format!("{target} is frozen ({level}), revision {revision}\n\n{table}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(nodes: &str) -> Told {
        let frozen = r#"{"success":true,"message":"Frozen","target":"mesh","level":"read","reason":"x",
            "since":"2026-11-21T08:00:00.000Z","known":true,"revision":7}"#;
        let holders = format!(r#"{{"revision":7,"nodes":[{nodes}],"timestamp":"2026-11-21T08:00:00.000Z"}}"#);
        Told {
            frozen: serde_json::from_str(frozen).expect("the answer of the API"),
            holders: serde_json::from_str(&holders).expect("the answer of the API"),
        }
    }

    const REACHED: &str = r#"{"node":"aurora","state":"frozen","stops_by":null,"heard":null,"assumed":null}"#;
    const AWAITED: &str = r#"{"node":"slow","state":"waiting","stops_by":null,"heard":null,"assumed":null}"#;
    const GONE: &str = r#"{"node":"gone","state":"unreachable","stops_by":"2026-11-21T09:05:00.000Z",
        "heard":true,"assumed":false}"#;

    #[test]
    fn who_has_it_is_shown_and_when_the_others_stop() {
        let told = told(&[REACHED, AWAITED, GONE].join(","));
        assert_eq!(
            told.table(Style::Plain),
            "mesh is frozen (read), revision 7\n\
             \n\
             NODE    STATE        NOTE\n\
             aurora  frozen\n\
             slow    waiting\n\
             gone    unreachable  stops by itself at 2026-11-21T09:05:00.000Z (in 1 h)\n"
        );
        assert!(told.holders.is_awaited());
        assert_eq!((told.holders.told(), told.holders.concerned()), (1, 2));
    }

    #[test]
    fn nobody_waits_for_a_node_that_cannot_be_reached() {
        assert!(!told(&[REACHED, GONE].join(",")).holders.is_awaited());
    }
}
