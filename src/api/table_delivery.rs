//! The part of the table that is about subscriptions and messages to channels.

use axum::http::StatusCode;

use crate::vault::delivery_error::DeliveryError;

/// The status of a refusal, and what to do next.
pub(super) fn status_and_hint(error: &DeliveryError) -> (StatusCode, &'static str) {
    match error {
        DeliveryError::NoSuch(_) => (StatusCode::NOT_FOUND, "Look with: aurora events subscriptions"),
        DeliveryError::Exists(_) => {
            (StatusCode::CONFLICT, "Take another name, or end it first: aurora events unsubscribe NAME")
        }
        DeliveryError::TooMany => (StatusCode::CONFLICT, "End those that nobody reads: aurora events subscriptions"),
        DeliveryError::NoSuchChannel(_) => {
            (StatusCode::NOT_FOUND, "Channels are in node.toml, as [notify.channels.NAME]; a change needs a restart.")
        }
        DeliveryError::Unsigned(_) => (StatusCode::BAD_REQUEST, "Rotate the credential of the channel instead."),
        DeliveryError::NotActive(_) => (StatusCode::CONFLICT, "Let it go on first: aurora events resume NAME"),
        DeliveryError::Message(_) => (StatusCode::BAD_REQUEST, "Shorten it; send what is long as a link."),
        DeliveryError::Pace { .. } => (StatusCode::TOO_MANY_REQUESTS, "Gather what is to be told into one message."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::row;
    use super::*;
    use crate::model::name::KeyName;
    use crate::vault::error::VaultError;

    #[test]
    fn a_refusal_about_deliveries_has_a_code_a_program_can_branch_on() {
        let name = || KeyName::parse("ci").expect("a name");
        for (error, status, code) in [
            (DeliveryError::NoSuch(name()), 404, "not_found"),
            (DeliveryError::Exists(name()), 409, "already_exists"),
            (DeliveryError::TooMany, 409, "too_many"),
            (DeliveryError::NoSuchChannel(name()), 404, "not_found"),
            (DeliveryError::Unsigned(name()), 400, "bad_value"),
            (DeliveryError::NotActive(name()), 409, "not_active"),
            (DeliveryError::Message(2000), 400, "bad_value"),
            (DeliveryError::Pace { limit: 30, retry_after: 7 }, 429, "rate_limited"),
        ] {
            let told = row(&VaultError::from(error).into());
            assert_eq!((told.status.as_u16(), told.code), (status, code));
            assert!(!told.hint.is_empty() && !told.message.is_empty());
        }
    }
}
