//! From why the vault says no to the words of gRPC. The text says no more than the HTTP API would: never a rule, never a value.

use tonic::{Code, Status};

use crate::vault::error::VaultError;

/// A refusal in the words of gRPC.
pub(super) fn status(error: &VaultError, request_id: &str) -> Status {
    let code = code(error.code());
    if code == Code::Internal {
        tracing::error!(request_id, cause = ?error, "a request failed inside the node");
        return Status::internal(format!("the node failed; its log says why, under {request_id}"));
    }
    Status::new(code, format!("{}: {error}", error.code()))
}

/// By the stable word: what may pass by itself is `UNAVAILABLE`, so that clients come again.
fn code(word: &str) -> Code {
    match word {
        "no_identity" => Code::Unauthenticated,
        "denied" | "frozen" | "banned" | "node_mismatch" => Code::PermissionDenied,
        "not_found" | "destroyed" => Code::NotFound,
        "bad_scope" | "bad_value" | "bad_fields" => Code::InvalidArgument,
        "rate_limited" | "overloaded" => Code::ResourceExhausted,
        "stale_cache" | "sealed" | "audit_unavailable" | "no_lead" => Code::Unavailable,
        _ => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_its_word_and_never_the_rule_and_a_failure_says_nothing() {
        let denied = status(&VaultError::Denied { rule: "secret-rule".to_owned() }, "id");
        assert_eq!((denied.code(), denied.message()), (Code::PermissionDenied, "denied: refused by policy"));
        let failed = status(&VaultError::Internal("a path".to_owned()), "id");
        assert_eq!(failed.code(), Code::Internal);
        assert!(!failed.message().contains("path") && failed.message().contains("id"));
        assert_eq!(status(&VaultError::AuditUnavailable, "id").code(), Code::Unavailable);
    }
}
