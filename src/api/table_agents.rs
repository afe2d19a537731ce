//! The part of the table that is about agents, their API keys, limits and signatures.

use axum::http::StatusCode;

use crate::vault::agent_error::AgentError;
use crate::vault::signing::SignatureRefused;

/// The status of a refusal, and what to do next.
pub(super) fn status_and_hint(error: &AgentError) -> (StatusCode, String) {
    let (status, hint) = match error {
        AgentError::Exists(name) => {
            return (
                StatusCode::CONFLICT,
                format!("Choose another name; or, unless it is archived, change it with: aurora agent update {name}"),
            );
        }
        AgentError::NoSuchKey { agent, .. } => {
            return (StatusCode::NOT_FOUND, format!("Look with: aurora apikey list {agent}"));
        }
        AgentError::KeyExists { agent, key } => {
            let hint = format!("Choose another name, or give it a new text with: aurora apikey rotate {agent} {key}");
            return (StatusCode::CONFLICT, hint);
        }
        AgentError::NoSuch(_) => (StatusCode::NOT_FOUND, "Look with: aurora agent list"),
        AgentError::Archived(_) => {
            (StatusCode::CONFLICT, "Make one of another name: aurora agent create NAME. This one stays for the record.")
        }
        AgentError::OfPolicy(_) => {
            (StatusCode::CONFLICT, "Change it in the policy file, and apply that: aurora policy apply FILE")
        }
        AgentError::Escalation(_) => (
            StatusCode::FORBIDDEN,
            "Let the admin of the lead do it, or leave that capability out; the request id is in the audit journal.",
        ),
        AgentError::Outlives => (
            StatusCode::FORBIDDEN,
            "Give an expires_in that ends before the key you show does, or let the admin of the lead do it.",
        ),
        AgentError::TooMany { .. } => (
            StatusCode::CONFLICT,
            "Revoke or archive what nobody uses: aurora apikey list shows when a key was last used.",
        ),
        AgentError::Lifetime => (
            StatusCode::BAD_REQUEST,
            "Give expires_in such as \"90d\", expires_at as a time in RFC 3339, or expires_at \"never\".",
        ),
        AgentError::Grace => (StatusCode::BAD_REQUEST, "Give a shorter grace such as \"24h\", or \"0s\" for none."),
        AgentError::Limit | AgentError::Text { .. } | AgentError::Both(_) => {
            (StatusCode::BAD_REQUEST, "Correct it and send the request again.")
        }
        AgentError::Moved => (StatusCode::CONFLICT, "Try again."),
    };
    (status, hint.to_owned())
}

/// What to do after a refusal by a limit.
pub(super) const RATE_LIMITED: &str =
    "Ask less often, or try again after the seconds in Retry-After; the limit is the agent's or the key's.";

/// What to do after so many refusals that they are not looked at one by one.
pub(super) const REFUSED_TOO_OFTEN: &str =
    "End whatever asks for what it may not have; what it may have is told by: aurora whoami --may ACTION SECRET";

/// What to do after a refusal of a signature.
pub(super) fn signature_hint(refused: SignatureRefused) -> &'static str {
    match refused {
        SignatureRefused::Required => {
            "Sign it on the lead with the key that `aurora agent signing-key NAME` gave; the README says how."
        }
        SignatureRefused::Invalid => {
            "Sign method, path with query, SHA-256 of the body, time, nonce and agent with a key that works."
        }
        SignatureRefused::Replayed => "Sign each request anew, with a nonce of its own.",
        SignatureRefused::Expired => "Set the clock (the node's time is in /health), and sign the request anew.",
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::row;
    use super::*;
    use crate::model::caller::LimitScope;
    use crate::vault::error::VaultError;

    #[test]
    fn limits_and_signatures_are_refused_with_codes_a_program_can_branch_on() {
        let limited = VaultError::RateLimited { retry_after: 7, limit: 60, scope: LimitScope::Node };
        for (error, status, code) in [
            (limited, 429, "rate_limited"),
            (SignatureRefused::Required.into(), 401, "signature_required"),
            (SignatureRefused::Invalid.into(), 401, "signature_invalid"),
            (SignatureRefused::Replayed.into(), 401, "signature_replayed"),
            (SignatureRefused::Expired.into(), 401, "signature_expired"),
        ] {
            let told = row(&error.into());
            assert_eq!((told.status.as_u16(), told.code), (status, code));
            assert!(!told.hint.is_empty() && !told.message.is_empty());
        }
    }
}
