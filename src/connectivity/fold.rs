//! What one node says about one API, in one word: made of its path and of all keys it would use.

use std::time::Duration;

use crate::model::api_check::Cell;
use crate::model::connectivity::{ApiState, Cause};

/// The word, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// Whether the API works from there.
    pub state: ApiState,
    /// Why it does not, or only in part: the worst of the causes.
    pub cause: Option<Cause>,
    /// What was found, of what is the cause.
    pub detail: Option<String>,
    /// How long an answer took: the path, which is asked most often; else the first key with one. None while there is no path.
    pub response_time: Option<Duration>,
}

/// What a cell comes to; `None` if nothing in it says anything yet.
///
/// A broken path is down, whatever the keys said before. Else the keys that were judged decide: down if all are, degraded if
/// any is not healthy.
#[must_use]
pub fn fold(cell: &Cell) -> Option<Folded> {
    let path = cell.path.as_ref();
    if let Some((path, fault)) = path.and_then(|path| Some((path, path.fault?))) {
        let cause = Some(Cause::PathFault(fault));
        return Some(Folded {
            state: ApiState::Down,
            cause,
            detail: text(&path.detail),
            response_time: path.response_time,
        });
    }
    let judged = || cell.keys.iter().filter_map(|key| Some((key, key.verdict?, key.verdict?.state()?)));
    let worst_state = judged().map(|(_, _, state)| state).max();
    let best_state = judged().map(|(_, _, state)| state).min();
    let state = match (best_state, worst_state) {
        (Some(ApiState::Down), _) => ApiState::Down,
        (_, Some(ApiState::Degraded | ApiState::Down)) => ApiState::Degraded,
        (_, Some(ApiState::Healthy)) => ApiState::Healthy,
        (_, None) => path.map(|_| ApiState::Healthy)?,
    };
    let causes = judged().filter_map(|(key, verdict, _)| Some((key, verdict.cause()?)));
    let worst = causes.min_by_key(|(_, cause)| rank(*cause));
    let measured = || judged().find_map(|(key, _, _)| key.response_time);
    let cause = worst.map(|(_, cause)| cause);
    // What the path took before a key found it broken is no longer so.
    let is_cut_off = state == ApiState::Down && matches!(cause, Some(Cause::PathFault(_)));
    let response_time = path.and_then(|path| path.response_time).or_else(measured).filter(|_| !is_cut_off);
    Some(Folded { state, cause, detail: worst.and_then(|(key, _)| text(&key.detail)), response_time })
}

/// The worst first.
fn rank(cause: Cause) -> u8 {
    match cause {
        Cause::KeyRejected => 0,
        Cause::ProviderFault => 1,
        Cause::PathFault(_) => 2,
        Cause::NoCredential => 3,
        Cause::Quota => 4,
        Cause::ScopeMissing => 5,
    }
}

fn text(detail: &str) -> Option<String> {
    (!detail.is_empty()).then(|| detail.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{accepted, checked, key, no_key, path};
    use super::*;
    use crate::model::api_check::KeyCheck;
    use crate::model::connectivity::{PathFault, Verdict};

    fn judged(verdicts: &[Verdict]) -> Vec<KeyCheck> {
        verdicts.iter().map(|verdict| key("openai/api_key", "global", 1, *verdict)).collect()
    }

    fn word(verdicts: &[Verdict]) -> Option<(ApiState, Option<Cause>)> {
        fold(&checked(path(None, 5), judged(verdicts))).map(|folded| (folded.state, folded.cause))
    }

    #[test]
    fn a_broken_path_is_down_whatever_the_keys_said_before() {
        let broken = checked(path(Some(PathFault::Tls), 0), [accepted("openai/api_key", "global", 1)]);
        let folded = fold(&broken).expect("a line");
        assert_eq!((folded.state, folded.cause), (ApiState::Down, Some(Cause::PathFault(PathFault::Tls))));
        assert_eq!(folded.detail.as_deref(), Some("path: tls"));
    }

    #[test]
    fn a_cell_that_says_nothing_has_no_line_and_a_path_alone_has_one() {
        assert_eq!(fold(&checked(None, [])), None);
        assert_eq!(fold(&checked(None, judged(&[Verdict::Unsupported]))), None);
        assert_eq!(word(&[]), Some((ApiState::Healthy, None)));
        assert_eq!(word(&[Verdict::Unsupported]), Some((ApiState::Healthy, None)));
        let waiting = KeyCheck { verdict: None, ..accepted("openai/api_key", "global", 1) };
        assert_eq!(fold(&checked(None, [waiting])), None);
    }

    #[test]
    fn keys_that_are_all_down_take_the_node_down_and_one_of_them_degrades_it() {
        use Verdict::{Accepted, Exhausted, Fault, Limited, Rejected};
        assert_eq!(word(&[Accepted, Accepted]), Some((ApiState::Healthy, None)));
        assert_eq!(word(&[Rejected, Rejected]), Some((ApiState::Down, Some(Cause::KeyRejected))));
        assert_eq!(word(&[Accepted, Rejected]), Some((ApiState::Degraded, Some(Cause::KeyRejected))));
        assert_eq!(word(&[Limited]), Some((ApiState::Degraded, Some(Cause::ScopeMissing))));
        assert_eq!(word(&[Rejected, Exhausted]), Some((ApiState::Degraded, Some(Cause::KeyRejected))));
        assert_eq!(word(&[Fault, Verdict::Unsupported]), Some((ApiState::Down, Some(Cause::ProviderFault))));
        assert_eq!(word(&[Verdict::NoCredential]), Some((ApiState::Down, Some(Cause::NoCredential))));
    }

    #[test]
    fn a_path_that_only_the_keys_found_broken_has_no_response_time() {
        let took =
            |verdicts: &[Verdict]| fold(&checked(path(None, 5), judged(verdicts))).expect("a line").response_time;
        assert_eq!(took(&[Verdict::NoPath(PathFault::Connect)]), None);
        assert!(took(&[Verdict::NoPath(PathFault::Connect), Verdict::Accepted]).is_some());
        assert!(took(&[Verdict::Rejected]).is_some());
    }

    #[test]
    fn the_worst_cause_is_told_with_its_own_words() {
        use Verdict::{Exhausted, Fault, Limited, NoCredential, NoPath, Rejected};
        let order = [Rejected, Fault, NoPath(PathFault::Dns), NoCredential, Exhausted, Limited];
        for (place, expected) in order.iter().enumerate() {
            let mut rest: Vec<Verdict> = order.iter().skip(place).copied().collect();
            rest.reverse();
            let folded = fold(&checked(path(None, 5), judged(&rest))).expect("a line");
            assert_eq!((folded.cause, folded.detail), (expected.cause(), Some(format!("{expected:?}"))));
        }
    }

    #[test]
    fn the_time_is_that_of_the_path_and_else_of_a_key() {
        let time = |cell: &Cell| fold(cell).and_then(|folded| folded.response_time);
        let keys = || judged(&[Verdict::Accepted]);
        assert_eq!(time(&checked(path(None, 5), keys())), Some(Duration::from_millis(5)));
        assert_eq!(time(&checked(None, keys())), Some(Duration::from_millis(100)));
        let unmeasured = KeyCheck { response_time: None, ..no_key() };
        assert_eq!(time(&checked(None, [unmeasured])), None);
    }
}
