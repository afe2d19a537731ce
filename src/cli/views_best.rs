//! In which order nodes reach an API best, as the API tells of it.

use serde::{Deserialize, Serialize};

use super::ago::span_of_seconds;
use super::output::Shown;
use super::table::{Style, plain, rows};

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
