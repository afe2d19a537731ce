//! Why a read comes out as it does, told in sentences.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ago::{ago, span};
use super::output::Shown;
use super::table::{Style, pairs, plain, rows};
use super::views_record::{HolderView, RecordView, holders, scope_text};

/// The answer of `GET /api/explain/…`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ExplainView {
    service: String,
    key_name: String,
    environment: String,
    tried: Vec<TriedView>,
    winner: Option<RecordView>,
    allowed: bool,
    rule: String,
    freshness: Option<FreshnessView>,
    durations: DurationsView,
    nodes: Vec<HolderView>,
    timestamp: String,
}

/// How long answers are given, in seconds, and whether the secret or the node says so.
#[derive(Debug, Serialize, Deserialize)]
struct DurationsView {
    ttl: u64,
    ttl_from: String,
    max_stale: u64,
    max_stale_from: String,
}

/// What became of one scope.
#[derive(Debug, Serialize, Deserialize)]
struct TriedView {
    scope: String,
    scope_id: Option<String>,
    outcome: String,
    version: Option<u64>,
}

/// How fresh an answer would be.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FreshnessView {
    served: String,
    age_ms: u64,
    fresh_until: String,
    servable_for_ms: Option<u64>,
}

impl Shown for ExplainView {
    fn table(&self, style: Style) -> String {
        let tried = self.tried.iter().enumerate().map(|(at, scope)| {
            let version = scope.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
            vec![
                (at + 1).to_string(),
                scope_text(&scope.scope, scope.scope_id.as_deref()),
                outcome(&scope.outcome).to_owned(),
                version,
            ]
        });
        let winner = match &self.winner {
            Some(record) => format!("version {} of {}", record.version_text(), record.scope_text()),
            None => "none: no scope has a value here".to_owned(),
        };
        let allowed = if self.allowed { "allowed" } else { "refused" };
        let facts = [
            ("winner", Some(winner)),
            ("you", Some(format!("{allowed} by rule {}", self.rule))),
            ("freshness", Some(self.freshness_text())),
            ("durations", Some(self.durations_text())),
            ("expires", self.winner.as_ref().and_then(|record| record.expiry_text(&self.timestamp))),
            ("fields", self.winner.as_ref().and_then(RecordView::fields_text)),
        ];
        format!(
            "{} in {}\n\n{}\n{}\n{}",
            plain(&format!("{}/{}", self.service, self.key_name)),
            plain(&self.environment),
            rows(style, &["ORDER", "SCOPE", "OUTCOME", "VERSION"], tried),
            pairs(style, facts),
            holders(style, &self.nodes)
        )
    }
}

impl ExplainView {
    fn durations_text(&self) -> String {
        let DurationsView { ttl, ttl_from, max_stale, max_stale_from } = &self.durations;
        let told = |seconds: u64, from: &str| {
            let whose = if from == "secret" { "the secret's own" } else { "the node's" };
            format!("{} ({whose})", span(Duration::from_secs(seconds)))
        };
        format!("fresh for {}, then usable for {}", told(*ttl, ttl_from), told(*max_stale, max_stale_from))
    }

    fn freshness_text(&self) -> String {
        let Some(freshness) = &self.freshness else {
            return "the copy is too old to be given out; the lead must be heard first".to_owned();
        };
        match freshness.served.as_str() {
            "LEAD" => "this is the lead; its answers are always current".to_owned(),
            "HIT" => format!("fresh; confirmed by the lead {}", ago(freshness.age_ms)),
            "STALE" => format!("stale, but still given out; confirmed by the lead {}", ago(freshness.age_ms)),
            other => other.to_owned(),
        }
    }
}

fn outcome(word: &str) -> &str {
    match word {
        "overridden" => "has a value; a narrower scope won",
        "absent" => "no value for this node",
        "unset" => "declared, without a value so far",
        "not_entitled" => "not held; what this node may hold leaves the name out",
        "not_named" => "not tried; no company was named",
        "not_allowed" => "not told; the node or you may not speak for it",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_names_the_order_the_winner_the_rule_and_the_freshness() {
        let view: ExplainView = serde_json::from_str(
            r#"{"service":"a","key_name":"b","environment":"prod","tried":[
            {"scope":"node","scope_id":"n","outcome":"absent","version":null},
            {"scope":"company","scope_id":null,"outcome":"not_named","version":null},
            {"scope":"global","scope_id":null,"outcome":"deleted","version":3}],
            "winner":null,"allowed":true,"rule":"group-reads","freshness":null,
            "durations":{"ttl":300,"ttl_from":"node","max_stale":0,"max_stale_from":"secret"},
            "nodes":[{"node":"n","entitled":true,"current":null,"version":null}],
            "timestamp":"2026-11-21T08:00:00Z","added_later":1}"#,
        )
        .expect("view");
        let text = view.table(Style::Plain);
        for part in [
            "a/b in prod",
            "1      node:n   no value for this node",
            "no company was named",
            "deleted",
            "winner     none",
            "allowed by rule group-reads",
            "too old to be given out",
            "fresh for 5 m (the node's), then usable for 0 s (the secret's own)",
            "not known here",
        ] {
            assert!(text.contains(part), "{text}\nlacks {part}");
        }
    }
}
