//! The part of the table that is about access requests.

use axum::http::StatusCode;

use crate::vault::access_error::AccessError;

/// The status of a refusal, and what to do next.
pub(super) fn status_and_hint(error: &AccessError) -> (StatusCode, &'static str) {
    match error {
        AccessError::Reason => {
            (StatusCode::BAD_REQUEST, "Say in a few words what it is needed for; whoever decides reads it.")
        }
        AccessError::TooMany(_) => (
            StatusCode::CONFLICT,
            "Wait until an admin has granted or dismissed some of them: aurora access list shows what waits.",
        ),
        AccessError::NoSuch(_) => (StatusCode::NOT_FOUND, "Look with: aurora access list"),
        AccessError::OlderLead => {
            (StatusCode::SERVICE_UNAVAILABLE, "Ask an admin in person, or for the lead to be brought up to date.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::row;
    use super::*;
    use crate::vault::error::VaultError;

    #[test]
    fn a_refused_access_request_has_a_code_a_program_can_branch_on() {
        for (error, status, code) in [
            (AccessError::Reason, 400, "bad_value"),
            (AccessError::TooMany("20 wait".to_owned()), 409, "too_many"),
            (AccessError::NoSuch(7), 404, "not_found"),
            (AccessError::OlderLead, 503, "no_lead"),
        ] {
            let told = row(&VaultError::from(error).into());
            assert_eq!((told.status.as_u16(), told.code), (status, code));
            assert!(!told.hint.is_empty() && !told.message.is_empty());
        }
    }
}
