//! From which node an API is called best: for balancers.

use std::time::Duration;

use super::summary::{Line, ServiceReport, Source};
use crate::model::connectivity::ApiState;

/// The nodes' own lines, the best first: by state, fresh before stale, by response time, by name. What a monitor on the same
/// node says can only make a node come later: whoever may report praises no node.
#[must_use]
pub fn best(report: &ServiceReport) -> Vec<&Line> {
    let mut lines: Vec<&Line> = report.lines.iter().filter(|line| line.source == Source::Node).collect();
    lines.sort_by_cached_key(|line| {
        let time = line.response_time.unwrap_or(Duration::MAX);
        (worst(report, line), line.stale, time, line.node.clone())
    });
    lines
}

/// The worst of what is said on the node of this line.
fn worst(report: &ServiceReport, own: &Line) -> ApiState {
    let said = report.lines.iter().filter(|line| line.node == own.node).map(|line| line.state);
    said.max().unwrap_or(own.state)
}

#[cfg(test)]
mod tests {
    use super::super::testing::node as name;
    use super::*;
    use crate::model::name::ServiceName;
    use crate::model::time::Timestamp;

    fn line(node: &str, state: ApiState, ms: Option<u64>) -> Line {
        Line {
            node: name(node),
            source: Source::Node,
            state,
            cause: None,
            detail: None,
            response_time: ms.map(Duration::from_millis),
            checked_at: Timestamp(0),
            stale: false,
            keys: Vec::new(),
        }
    }

    fn order(lines: Vec<Line>) -> Vec<String> {
        let service = ServiceName::parse("openai").expect("name");
        let report = ServiceReport { service, overall: ApiState::Healthy, diagnosis: Vec::new(), lines };
        best(&report).into_iter().map(|line| line.node.to_string()).collect()
    }

    #[test]
    fn state_comes_before_freshness_and_freshness_before_speed() {
        let stale = Line { stale: true, ..line("stale", ApiState::Healthy, Some(1)) };
        let lines = vec![
            line("down", ApiState::Down, Some(1)),
            line("degraded", ApiState::Degraded, Some(1)),
            stale,
            line("silent", ApiState::Healthy, None),
            line("slow", ApiState::Healthy, Some(90)),
            line("b", ApiState::Healthy, Some(10)),
            line("a", ApiState::Healthy, Some(10)),
        ];
        assert_eq!(order(lines), ["a", "b", "slow", "silent", "stale", "degraded", "down"]);
    }

    #[test]
    fn a_monitor_demotes_its_node_and_is_no_place_to_call_from() {
        let monitor = |node: &str, state| Line {
            source: Source::Monitor("agent:uptime".to_owned()),
            ..line(node, state, Some(1))
        };
        let lines = vec![
            line("a", ApiState::Healthy, Some(10)),
            monitor("a", ApiState::Down),
            line("b", ApiState::Healthy, Some(50)),
            line("c", ApiState::Degraded, Some(10)),
            monitor("c", ApiState::Healthy),
            monitor("d", ApiState::Healthy),
        ];
        assert_eq!(order(lines), ["b", "c", "a"]);
    }
}
