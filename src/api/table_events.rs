//! The part of the table that is about events.

use axum::http::StatusCode;

use crate::events::posting::PostProblem;
use crate::vault::event_error::EventError;

/// The status of a refusal, and what to do next.
pub(super) fn status_and_hint(error: &EventError) -> (StatusCode, &'static str) {
    const TYPES: &str = "aurora events types lists what there is, and what programs may tell.";
    match error {
        EventError::Post(PostProblem::Credential(_)) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Leave it out, or name the secret it is kept as, such as aurora://github/token. If it was real, rotate it.",
        ),
        EventError::Post(PostProblem::TooLarge) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "Say where the rest is, and leave it there.")
        }
        EventError::Post(PostProblem::NotForPrograms(_) | PostProblem::Unknown(_) | PostProblem::Action(_)) => {
            (StatusCode::BAD_REQUEST, TYPES)
        }
        EventError::Post(PostProblem::TooDeep | PostProblem::Key) => {
            (StatusCode::BAD_REQUEST, "Correct it and send the request again.")
        }
        EventError::Full(_) => (StatusCode::SERVICE_UNAVAILABLE, "Try again when the lead is back: aurora status"),
        EventError::Unavailable => {
            (StatusCode::INTERNAL_SERVER_ERROR, "The log of the node says why; the disk may be full.")
        }
    }
}
