//! How much two reports of one API differ: what people wait for travels at once, the rest with the next round.

use std::time::Duration;

use crate::model::api_check::{Cell, KeyCheck, MonitorReport, PathCheck};

/// A change of latency below this is the weather, whatever part of the whole it is.
const LATENCY_FLOOR: Duration = Duration::from_millis(10);

/// How much two reports differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Not at all, but for when the path was checked: until when a node kept up its checks is told for all of them.
    None,
    /// In times, in counts, or in latency by less than a quarter.
    Slight,
    /// In something else.
    Great,
}

/// How much the later of two reports of one API differs from the earlier.
#[must_use]
pub fn difference(before: &Cell, after: &Cell) -> Difference {
    let path = match (&before.path, &after.path) {
        (None, None) => Difference::None,
        (Some(before), Some(after)) => of_paths(before, after),
        (None, Some(_)) | (Some(_), None) => Difference::Great,
    };
    let spent = slight(before.spent_today != after.spent_today);
    path.max(spent).max(of_lists(&before.keys, &after.keys, of_keys)).max(of_lists(
        &before.monitors,
        &after.monitors,
        of_monitors,
    ))
}

fn of_lists<T>(before: &[T], after: &[T], of: impl Fn(&T, &T) -> Difference) -> Difference {
    if before.len() != after.len() {
        return Difference::Great;
    }
    before.iter().zip(after).map(|(before, after)| of(before, after)).max().unwrap_or(Difference::None)
}

fn of_paths(before: &PathCheck, after: &PathCheck) -> Difference {
    let said = great(before.fault != after.fault || before.detail != after.detail);
    said.max(of_latency(before.response_time, after.response_time))
}

fn of_keys(before: &KeyCheck, after: &KeyCheck) -> Difference {
    let same = before.company == after.company
        && before.key == after.key
        && before.verdict == after.verdict
        && before.detail == after.detail
        && before.expires.map(|expiry| expiry.source) == after.expires.map(|expiry| expiry.source);
    // A token that lasts an hour from each check expires later after each.
    let times = slight(before.checked_at != after.checked_at || before.expires != after.expires);
    great(!same).max(times).max(of_latency(before.response_time, after.response_time))
}

fn of_monitors(before: &MonitorReport, after: &MonitorReport) -> Difference {
    let same = before.by == after.by
        && before.state == after.state
        && before.detail == after.detail
        && before.interval == after.interval;
    let times = slight(before.at != after.at);
    great(!same).max(times).max(of_latency(before.response_time, after.response_time))
}

fn of_latency(before: Option<Duration>, after: Option<Duration>) -> Difference {
    match (before, after) {
        (None, None) => Difference::None,
        (None, Some(_)) | (Some(_), None) => Difference::Great,
        (Some(before), Some(after)) => {
            let by = before.abs_diff(after);
            great(by >= LATENCY_FLOOR && by >= before / 4).max(slight(by > Duration::ZERO))
        }
    }
}

fn great(differs: bool) -> Difference {
    if differs { Difference::Great } else { Difference::None }
}

fn slight(differs: bool) -> Difference {
    if differs { Difference::Slight } else { Difference::None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectivity::testing::{cell, key_of, monitor};
    use crate::model::connectivity::{PathFault, Verdict};
    use crate::model::time::Timestamp;

    fn path_of(ms: u64) -> Cell {
        let mut cell = cell("openai");
        cell.path.as_mut().expect("a path").response_time = Some(Duration::from_millis(ms));
        cell
    }

    #[test]
    fn a_path_that_was_only_checked_again_is_no_news() {
        let mut again = cell("openai");
        again.path.as_mut().expect("a path").checked_at = Timestamp(99);
        assert_eq!(difference(&cell("openai"), &again), Difference::None);
    }

    #[test]
    fn latency_counts_from_a_quarter_on() {
        assert_eq!(difference(&path_of(100), &path_of(124)), Difference::Slight);
        assert_eq!(difference(&path_of(100), &path_of(125)), Difference::Great);
        assert_eq!(difference(&path_of(100), &path_of(75)), Difference::Great);
        assert_eq!(difference(&path_of(4), &path_of(13)), Difference::Slight, "the weather");
    }

    #[test]
    fn what_people_wait_for_is_great_and_times_and_counts_are_slight() {
        let keyed = |change: fn(&mut KeyCheck)| {
            let mut cell = cell("openai");
            cell.keys = vec![key_of("openai/api_key", "global", Verdict::Accepted)];
            change(&mut cell.keys[0]);
            cell
        };
        let before = keyed(|_| {});
        let differs = |after: &Cell| difference(&before, after);
        assert_eq!(differs(&keyed(|key| key.verdict = Some(Verdict::Rejected))), Difference::Great);
        assert_eq!(differs(&keyed(|key| key.detail = "other".to_owned())), Difference::Great);
        assert_eq!(differs(&keyed(|key| key.checked_at = Some(Timestamp(9)))), Difference::Slight);
        assert_eq!(differs(&Cell { spent_today: 9, ..before.clone() }), Difference::Slight);
        assert_eq!(differs(&Cell { keys: Vec::new(), ..before.clone() }), Difference::Great);
        assert_eq!(differs(&Cell { path: None, ..before.clone() }), Difference::Great);
        let mut down = before.clone();
        down.path.as_mut().expect("a path").fault = Some(PathFault::Dns);
        assert_eq!(differs(&down), Difference::Great);
        let heard = |at| Cell { monitors: vec![monitor("user:uptime", at)], ..before.clone() };
        assert_eq!(differs(&heard(1)), Difference::Great);
        assert_eq!(difference(&heard(1), &heard(2)), Difference::Slight);
    }
}
