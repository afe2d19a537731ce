//! The row of a node about itself: what its checks found, and what monitors said on it while that counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::matrix::Row;
use crate::model::api_check::{Cell, INTERVALS_MAX, MonitorReport, PATH_EVERY, SERVICES_MAX};
use crate::model::name::EnvironmentName;
use crate::model::time::Timestamp;

/// A path is checked at the latest this long after it was before: the interval, a tenth of it, and a call that runs out of
/// time.
const PATH_AFTER_MAX: Duration = PATH_EVERY.saturating_add(Duration::from_secs(15));

/// Whether what a monitor said still counts.
#[must_use]
pub fn counts(report: &MonitorReport, now: Timestamp) -> bool {
    // One of the future was written before the clock was set back.
    now.since(report.at).is_none_or(|age| age <= report.interval.saturating_mul(INTERVALS_MAX))
}

/// The row a node publishes now: these cells of its checks, with the monitors that its last row has and that still count.
#[must_use]
pub fn own_row(before: Option<&Row>, checked: Vec<Cell>, environment: &EnvironmentName, now: Timestamp) -> Row {
    let confirmed_at = kept_up(&checked, now);
    let before = before.filter(|before| before.environment == *environment);
    let mut cells: BTreeMap<_, _> = checked.into_iter().map(|cell| (cell.service.clone(), cell)).collect();
    for known in before.iter().flat_map(|before| before.cells.values()) {
        let monitors: Vec<_> = known.monitors.iter().filter(|report| counts(report, now)).cloned().collect();
        if !monitors.is_empty() && (cells.contains_key(&known.service) || cells.len() < SERVICES_MAX) {
            cells.entry(known.service.clone()).or_insert_with(|| Cell::new(known.service.clone())).monitors = monitors;
        }
    }
    let shared = cells.into_iter().map(|(service, cell)| {
        let known = before.and_then(|before| before.cells.get(&service)).filter(|known| ***known == cell);
        let cell = known.cloned().unwrap_or_else(|| Arc::new(cell));
        (service, cell)
    });
    Row { environment: environment.clone(), cells: shared.collect(), confirmed_at }
}

/// Until when each path was checked within its interval; now, if there is none.
fn kept_up(cells: &[Cell], now: Timestamp) -> Timestamp {
    let paths = cells.iter().filter_map(|cell| cell.path.as_ref());
    paths.map(|path| path.checked_at.plus(PATH_AFTER_MAX)).min().map_or(now, |until| until.min(now))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cell, environment, monitor, row, service};
    use super::*;

    fn minutes(count: i64) -> Timestamp {
        Timestamp(count * 60_000)
    }

    #[test]
    fn monitors_stay_for_three_of_their_intervals() {
        let heard = Cell { monitors: vec![monitor("user:uptime", 0)], ..Cell::new(service("slack")) };
        let both = Cell { monitors: vec![monitor("user:uptime", 1)], ..cell("openai") };
        let before = row("prod", [heard, both]);
        let later = own_row(Some(&before), vec![cell("openai"), cell("gmail")], &environment("prod"), minutes(15));
        let monitors: Vec<_> = later.cells.values().map(|cell| cell.monitors.len()).collect();
        assert_eq!(monitors, [0, 1, 1], "gmail, openai, slack");
        assert!(Arc::ptr_eq(&later.cells[&service("openai")], &before.cells[&service("openai")]), "nothing changed");
        let gone = own_row(Some(&later), Vec::new(), &environment("prod"), minutes(16));
        assert!(gone.cells.is_empty());
        let elsewhere = own_row(Some(&before), Vec::new(), &environment("dev"), minutes(1));
        assert!(elsewhere.cells.is_empty());
    }

    #[test]
    fn a_node_keeps_up_while_each_path_is_checked_in_time() {
        let own = |now| own_row(None, vec![cell("openai")], &environment("prod"), now).confirmed_at;
        assert_eq!(own(minutes(1)), minutes(1));
        assert_eq!(own(minutes(9)), Timestamp(75_001));
        assert_eq!(own_row(None, Vec::new(), &environment("prod"), minutes(9)).confirmed_at, minutes(9));
    }
}
