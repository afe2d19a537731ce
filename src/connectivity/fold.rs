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
    /// How long an answer took: the path, which is asked most often; else the first key with one.
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
    Some(Folded {
        state,
        cause: worst.map(|(_, cause)| cause),
        detail: worst.and_then(|(key, _)| text(&key.detail)),
        response_time: path.and_then(|path| path.response_time).or_else(measured),
    })
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
