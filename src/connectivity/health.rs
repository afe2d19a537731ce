//! All APIs in one word, and how many are in which state.

use super::summary::ServiceReport;
use crate::model::connectivity::ApiState;

/// How many APIs are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Down if all are, degraded if any is not healthy, healthy otherwise, also when there are none.
    pub overall: ApiState,
    /// How many there are.
    pub total: usize,
    /// How many work.
    pub healthy: usize,
    /// How many work in part.
    pub degraded: usize,
    /// How many do not work.
    pub down: usize,
}

/// Counts the reports.
#[must_use]
pub fn health(reports: &[ServiceReport]) -> Health {
    let count = |state| reports.iter().filter(|report| report.overall == state).count();
    let [healthy, degraded, down] = ApiState::ALL.map(count);
    let total = reports.len();
    let overall = if total > 0 && down == total {
        ApiState::Down
    } else if healthy < total {
        ApiState::Degraded
    } else {
        ApiState::Healthy
    };
    Health { overall, total, healthy, degraded, down }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::ServiceName;

    fn counted(states: &[ApiState]) -> (ApiState, [usize; 4]) {
        let service = ServiceName::parse("openai").expect("name");
        let report = |overall: &ApiState| ServiceReport {
            service: service.clone(),
            overall: *overall,
            diagnosis: Vec::new(),
            lines: Vec::new(),
        };
        let reports: Vec<ServiceReport> = states.iter().map(report).collect();
        let health = health(&reports);
        (health.overall, [health.total, health.healthy, health.degraded, health.down])
    }

    #[test]
    fn one_api_that_does_not_work_degrades_the_whole_and_all_take_it_down() {
        use ApiState::{Degraded, Down, Healthy};
        assert_eq!(counted(&[]), (Healthy, [0; 4]));
        assert_eq!(counted(&[Healthy, Healthy]), (Healthy, [2, 2, 0, 0]));
        assert_eq!(counted(&[Healthy, Degraded, Down]), (Degraded, [3, 1, 1, 1]));
        assert_eq!(counted(&[Degraded, Down]), (Degraded, [2, 0, 1, 1]));
        assert_eq!(counted(&[Down, Down]), (Down, [2, 0, 0, 2]));
    }
}
