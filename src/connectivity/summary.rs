//! What the nodes see together: a state for each API, and what is wrong where the matrix tells.

use std::collections::BTreeMap;
use std::time::Duration;

use super::diagnosis::diagnose;
use super::fold::{Folded, fold};
use super::matrix::Row;
use crate::model::api_check::{Cell, INTERVALS_MAX, KeyCheck, MonitorReport, PATH_EVERY};
use crate::model::connectivity::{ApiState, Cause};
use crate::model::name::{NodeName, ServiceName};
use crate::model::time::Timestamp;

/// How the state of an API is made of the reports about it, in words for people.
pub const RULE: &str = "down if every reporting node is down; degraded if any is not healthy or any report is older than \
                        three intervals; healthy otherwise";

/// Who reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The node itself, by its own checks.
    Node,
    /// A monitor, which told it to the node.
    Monitor(String),
}

/// What one reporter says about one API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// On which node.
    pub node: NodeName,
    /// Who.
    pub source: Source,
    /// What it says.
    pub state: ApiState,
    /// Why it does not work, or only in part.
    pub cause: Option<Cause>,
    /// In words.
    pub detail: Option<String>,
    /// How long an answer took.
    pub response_time: Option<Duration>,
    /// When it was last found so.
    pub checked_at: Timestamp,
    /// Whether that is longer ago than three intervals.
    pub stale: bool,
    /// The credentials it speaks of.
    pub keys: Vec<KeyCheck>,
}

/// What is said about one API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceReport {
    /// Which.
    pub service: ServiceName,
    /// The state, by [`RULE`].
    pub overall: ApiState,
    /// What is wrong, where the matrix tells.
    pub diagnosis: Vec<String>,
    /// Who says what, by node.
    pub lines: Vec<Line>,
}

/// What these rows say together, by service; what nobody says anything about is left out. The lines are in the order of the
/// rows, and those of monitors come after the node's own, by their names.
#[must_use]
pub fn summary<'matrix>(
    rows: impl Iterator<Item = (&'matrix NodeName, &'matrix Row)>,
    now: Timestamp,
) -> Vec<ServiceReport> {
    let mut services: BTreeMap<&ServiceName, Vec<Line>> = BTreeMap::new();
    for (node, row) in rows {
        for (service, cell) in &row.cells {
            let own = node_line(node, row, cell, now);
            let mut monitors: Vec<Line> = counted(cell, now).map(|report| monitor_line(node, report)).collect();
            monitors.sort_by(|one, other| one.source.cmp(&other.source));
            if own.is_some() || !monitors.is_empty() {
                services.entry(service).or_default().extend(own.into_iter().chain(monitors));
            }
        }
    }
    let report = |(service, lines): (&ServiceName, Vec<Line>)| ServiceReport {
        service: service.clone(),
        overall: overall(&lines),
        diagnosis: diagnose(&lines),
        lines,
    };
    services.into_iter().map(report).collect()
}

/// The state that these lines, at least one, come to by [`RULE`].
#[must_use]
pub fn overall(lines: &[Line]) -> ApiState {
    if !lines.is_empty() && lines.iter().all(|line| line.state == ApiState::Down) {
        ApiState::Down
    } else if lines.iter().any(|line| line.stale || line.state != ApiState::Healthy) {
        ApiState::Degraded
    } else {
        ApiState::Healthy
    }
}

fn node_line(node: &NodeName, row: &Row, cell: &Cell, now: Timestamp) -> Option<Line> {
    let Folded { state, cause, detail, response_time } = fold(cell)?;
    let checked_at = cell.path.as_ref().map_or(row.confirmed_at, |path| path.checked_at.max(row.confirmed_at));
    Some(Line {
        node: node.clone(),
        source: Source::Node,
        state,
        cause,
        detail,
        response_time,
        checked_at,
        stale: outlived(checked_at, PATH_EVERY, now),
        keys: cell.keys.clone(),
    })
}

fn monitor_line(node: &NodeName, report: &MonitorReport) -> Line {
    Line {
        node: node.clone(),
        source: Source::Monitor(report.by.clone()),
        state: report.state,
        cause: None,
        detail: report.detail.clone(),
        response_time: report.response_time,
        checked_at: report.at,
        stale: false,
        keys: Vec::new(),
    }
}

/// The reports of monitors that still count.
fn counted(cell: &Cell, now: Timestamp) -> impl Iterator<Item = &MonitorReport> {
    cell.monitors.iter().filter(move |report| !outlived(report.at, report.interval, now))
}

/// Whether something is older than three of its intervals. What is dated after now, by a clock that is ahead, is not.
fn outlived(at: Timestamp, interval: Duration, now: Timestamp) -> bool {
    now.since(at).is_some_and(|age| age > interval.saturating_mul(INTERVALS_MAX))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{accepted, checked, key, node as name, path, row_at};
    use super::*;
    use crate::model::connectivity::{PathFault, Verdict};

    const NOW: Timestamp = Timestamp(10_000_000);

    fn report(by: &str, state: ApiState, seconds_ago: u64) -> MonitorReport {
        MonitorReport {
            by: by.to_owned(),
            state,
            response_time: None,
            detail: None,
            at: NOW.minus(Duration::from_secs(seconds_ago)),
            interval: Duration::from_secs(300),
        }
    }

    fn told(rows: &[(&str, Cell)], confirmed: Timestamp) -> Vec<ServiceReport> {
        let rows: Vec<(NodeName, Row)> =
            rows.iter().map(|(node, cell)| (name(node), row_at("prod", [cell.clone()], confirmed))).collect();
        summary(rows.iter().map(|(node, row)| (node, row)), NOW)
    }

    #[test]
    fn an_api_is_down_if_it_is_down_everywhere_and_degraded_if_it_is_anywhere() {
        let good = || checked(path(None, 1), [accepted("openai/api_key", "global", 1)]);
        let bad = || checked(path(Some(PathFault::Dns), 1), []);
        let state = |rows: &[(&str, Cell)]| told(rows, NOW).first().map(|report| report.overall);
        assert_eq!(state(&[("a", good()), ("b", good())]), Some(ApiState::Healthy));
        assert_eq!(state(&[("a", good()), ("b", bad())]), Some(ApiState::Degraded));
        assert_eq!(state(&[("a", bad()), ("b", bad())]), Some(ApiState::Down));
        assert_eq!(state(&[]), None);
    }

    #[test]
    fn a_line_that_is_older_than_three_intervals_is_stale_and_degrades() {
        let good = || checked(path(None, 1), [accepted("openai/api_key", "global", 1)]);
        let at = |seconds| told(&[("a", good())], NOW.minus(Duration::from_secs(seconds)));
        assert!(at(180).iter().all(|report| report.overall == ApiState::Healthy && !report.lines[0].stale));
        assert!(at(181).iter().all(|report| report.overall == ApiState::Degraded && report.lines[0].stale));
        let ahead = told(&[("a", good())], NOW.plus(Duration::from_secs(900)));
        assert!(!ahead[0].lines[0].stale, "a clock that is ahead makes nothing old");
    }

    #[test]
    fn a_monitor_counts_for_three_of_its_intervals_and_is_then_gone() {
        let with = |report: MonitorReport| {
            let good = checked(path(None, 1), [accepted("openai/api_key", "global", 1)]);
            told(&[("a", Cell { monitors: vec![report], ..good })], NOW)
        };
        let heard = with(report("agent:uptime", ApiState::Down, 900));
        assert_eq!((heard[0].overall, heard[0].lines.len()), (ApiState::Degraded, 2));
        assert_eq!(heard[0].lines[1].source, Source::Monitor("agent:uptime".to_owned()));
        let gone = with(report("agent:uptime", ApiState::Down, 901));
        assert_eq!((gone[0].overall, gone[0].lines.len()), (ApiState::Healthy, 1));
    }

    #[test]
    fn a_service_that_only_monitors_speak_of_is_told_and_one_that_nobody_does_is_not() {
        let silent = Cell::new(name_of_service());
        assert_eq!(told(&[("a", silent.clone())], NOW), []);
        let monitored = Cell { monitors: vec![report("agent:uptime", ApiState::Healthy, 1)], ..silent };
        let reports = told(&[("a", monitored)], NOW);
        assert_eq!((reports.len(), reports[0].overall), (1, ApiState::Healthy));
    }

    #[test]
    fn lines_come_by_node_and_then_by_monitor() {
        let good = || checked(path(None, 1), [key("openai/api_key", "global", 1, Verdict::Limited)]);
        let monitors = vec![report("user:2", ApiState::Healthy, 1), report("user:1", ApiState::Healthy, 1)];
        let reports = told(&[("b", good()), ("a", Cell { monitors, ..good() })], NOW);
        let order: Vec<(&str, &Source)> =
            reports[0].lines.iter().map(|line| (line.node.as_str(), &line.source)).collect();
        let monitor = |by: &str| Source::Monitor(by.to_owned());
        assert_eq!(
            order,
            [("b", &Source::Node), ("a", &Source::Node), ("a", &monitor("user:1")), ("a", &monitor("user:2"))],
            "in the order of the rows, which a matrix gives by node"
        );
    }

    fn name_of_service() -> ServiceName {
        ServiceName::parse("openai").expect("name")
    }
}
