//! The part of the table that is about going back to a revision.

use axum::http::StatusCode;

use crate::vault::back_error::BackError;

/// The status of a refusal, and what to do next.
pub(super) fn status_and_hint(error: &BackError) -> (StatusCode, String) {
    match error {
        BackError::LogTooShort { oldest, .. } => {
            let hint = format!("Go back to {oldest} or later, or to a snapshot: aurora snapshot restore FILE");
            (StatusCode::CONFLICT, hint)
        }
        BackError::NotReached { .. } => (StatusCode::NOT_FOUND, "See where the lead stands: aurora status".to_owned()),
        BackError::Stuck { .. } => (
            StatusCode::CONFLICT,
            "Nothing was changed. Go back to a snapshot: aurora snapshot restore FILE".to_owned(),
        ),
    }
}
