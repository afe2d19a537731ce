//! Which APIs work from where, as the API tells of it: a table of services and nodes, and below it what is wrong.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ago::span_of_seconds;
use super::output::Shown;
use super::table::{Style, Tone, plain, toned, toned_rows, wrapped};
use super::views_connectivity_line::LineView;

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
    /// Which service was asked about, if one was.
    #[serde(skip)]
    about: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ServiceView {
    service: String,
    overall_status: String,
    diagnosis: Vec<String>,
    nodes: Vec<LineView>,
}

/// A text with what it means for whoever reads it.
type Cell = (String, Option<Tone>);

impl ConnectivityView {
    /// Makes lines of at most so many columns.
    pub(super) fn fit(&mut self, columns: Option<usize>) {
        self.columns = columns;
    }

    /// Remembers the one service that was asked about.
    pub(super) fn about(&mut self, service: Option<&str>) {
        self.about = service.map(str::to_owned);
    }

    /// Whether nothing is told, though nothing was left out.
    pub(super) fn is_quiet(&self) -> bool {
        self.services.is_empty() && self.about.is_none()
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

    /// How many environments are told of: where it is one, nobody need be told which.
    fn environments(&self) -> usize {
        let lines = self.services.iter().flat_map(|service| &service.nodes);
        lines.filter_map(|line| line.environment.as_deref()).collect::<BTreeSet<_>>().len()
    }

    /// What is wrong, service by service.
    fn troubles(&self, style: Style) -> String {
        let columns = self.columns.unwrap_or(COLUMNS);
        let mut text = String::new();
        let are_apart = self.environments() > 1;
        for service in self.services.iter().filter(|service| service.is_worth_telling()) {
            let overall = toned(style, &service.overall_status, tone(&service.overall_status));
            text.push_str(&format!("\n{}: {overall}\n", plain(&service.service)));
            for line in &service.diagnosis {
                text.push_str(&wrapped(&plain(line), columns, "  = "));
            }
            for line in service.nodes.iter().filter(|line| line.is_worth_telling()) {
                text.push_str(&wrapped(&plain(&line.told(are_apart)), columns, "  "));
                for key in line.faults() {
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
            return match &self.about {
                Some(service) => format!("no node reports on {}\n", plain(service)),
                None => "no service is reported on here\n".to_owned(),
            };
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn line(node: &str, status: &str, age_seconds: u64) -> Value {
        json!({
            "node": node, "status": status, "response_time_ms": 132, "last_error": null, "last_check": "x",
            "source": "node", "reported_by": null, "cause": null, "path_fault": null, "stale": false,
            "age_seconds": age_seconds, "keys": []
        })
    }

    fn view(services: Value) -> ConnectivityView {
        let told = json!({"services": services, "total_services": 1, "rule": "down if every reporting node is down"});
        serde_json::from_value(told).expect("the answer of the API")
    }

    fn fits(table: &str) {
        let widest = table.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= COLUMNS), "{table}");
    }

    #[test]
    fn three_nodes_stand_beside_each_other_and_below_them_what_is_wrong() {
        let key = json!({
            "company": "acme", "key": "openai/api_key", "scope": "company", "scope_id": "acme", "version": 3,
            "status": "down", "cause": "key_rejected", "validation": "rejected",
            "detail": "GET /v1/models answered 401", "checked_at": null, "expires_at": null, "expires_source": null
        });
        let mut bad = line("vengeance", "degraded", 65);
        bad["cause"] = "key_rejected".into();
        bad["last_error"] = "a key is rejected".into();
        bad["keys"] = json!([key]);
        let mut cut_off = line("runpod-tx", "down", 7_200);
        (cut_off["cause"], cut_off["path_fault"]) = ("path_fault".into(), "dns".into());
        (cut_off["response_time_ms"], cut_off["stale"]) = (Value::Null, true.into());
        let services = json!([
            {"service": "hubspot", "overall_status": "healthy", "diagnosis": [], "nodes": [line("aurora", "healthy", 3)]},
            {"service": "openai", "overall_status": "degraded", "diagnosis": ["acme's own key is rejected"],
             "nodes": [line("aurora", "healthy", 3), bad, cut_off]},
        ]);
        let table = view(services).table(Style::Plain);
        assert_eq!(
            table,
            "SERVICE  OVERALL   aurora       runpod-tx  vengeance\n\
             hubspot  healthy   ok 132ms 3s  -          -\n\
             openai   degraded  ok 132ms 3s  down 2h!   degraded 132ms 1m\n\
             \nopenai: degraded\n\
             \u{20} = acme's own key is rejected\n\
             \u{20} vengeance is degraded: key_rejected, a key is rejected (1 m ago)\n\
             \u{20}     openai/api_key of company:acme, version 3: key_rejected; GET /v1/models\n\
             \u{20}     answered 401\n\
             \u{20} runpod-tx is down: path_fault (dns) (2 h ago; too old to be relied on)\n\
             \nrule: down if every reporting node is down\n"
        );
        fits(&table);
    }

    #[test]
    fn what_is_wrong_is_told_once_and_the_environment_only_where_there_are_several() {
        let key = |cause: &str, detail: &str| {
            json!({
                "company": null, "key": "openai/api_key", "scope": "global", "scope_id": null, "version": 3,
                "status": "down", "cause": cause, "validation": "rejected", "detail": detail, "checked_at": null,
                "expires_at": null, "expires_source": null
            })
        };
        let down = |node: &str, environment: &str, cause: &str, detail: &str| {
            let mut line = line(node, "down", 3);
            (line["environment"], line["cause"]) = (environment.into(), cause.into());
            (line["last_error"], line["keys"]) = (detail.into(), json!([key(cause, detail)]));
            line
        };
        let rejected = down("aurora", "prod", "key_rejected", "GET /v1/models: 401");
        let mut cut_off = down("vengeance", "prod", "path_fault", "GET /v1/models: no address");
        (cut_off["path_fault"], cut_off["last_error"]) = ("dns".into(), "no address".into());
        let service = |nodes| json!([{"service": "openai", "overall_status": "down", "diagnosis": [], "nodes": nodes}]);
        let table = view(service(json!([rejected, cut_off]))).table(Style::Plain);
        let wanted = "\nopenai: down\n  aurora is down: key_rejected (3 s ago)\n      openai/api_key (global), version 3: \
                      key_rejected; GET /v1/models: 401\n  vengeance is down: path_fault (dns), no address (3 s ago)\n\n";
        assert!(table.contains(wanted), "{table}");
        let elsewhere = down("vengeance", "dev", "key_rejected", "GET /v1/models: 401");
        let table = view(service(json!([rejected, elsewhere]))).table(Style::Plain);
        assert!(table.contains("\n  vengeance (dev) is down: key_rejected (3 s ago)\n"), "{table}");
    }

    #[test]
    fn twenty_nodes_come_in_blocks_that_fit_a_screen() {
        let nodes: Vec<Value> = (0..20).map(|number| line(&format!("node-{number:02}"), "healthy", 3)).collect();
        let services = json!([
            {"service": "google_workspace", "overall_status": "healthy", "diagnosis": [], "nodes": nodes},
        ]);
        let mut told = view(services);
        let table = told.table(Style::Plain);
        fits(&table);
        assert_eq!(table.matches("SERVICE").count(), 5, "{table}");
        assert_eq!(table.matches("ok 132ms 3s").count(), 20, "{table}");
        told.fit(Some(400));
        assert_eq!(told.table(Style::Plain).matches("SERVICE").count(), 1);
    }

    #[test]
    fn a_name_that_is_wider_than_a_screen_has_a_block_of_its_own() {
        let wide = |name: &&str| name.len();
        assert_eq!(blocks(&["aaaa", "b", "c"], wide, 2), [vec!["aaaa"], vec!["b", "c"]]);
        assert!(blocks(&[], wide, 2).is_empty());
    }

    #[test]
    fn colours_are_for_terminals_and_what_others_wrote_cannot_steer_one() {
        let mut odd = line("aurora", "down", 3);
        odd["last_error"] = "\u{1b}[31mred".into();
        let told = view(json!([{"service": "a", "overall_status": "down", "diagnosis": [], "nodes": [odd]}]));
        assert!(!told.table(Style::Plain).contains('\u{1b}'));
        assert!(told.table(Style::Color).contains("\u{1b}[31mdown\u{1b}[0m"));
    }
}
