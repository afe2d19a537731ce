//! Why an access request was not taken in, or not found.

use crate::actors::access_desk::AccessRefused;
use crate::actors::lead_line::NoAnswer;
use crate::model::access::REASON_BYTES_MAX;
use crate::model::caller::LeadAddress;

use super::error::VaultError;

/// A refusal, by cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// A request must say why.
    #[error("an access request needs a reason of 1 to {} bytes, on one line", REASON_BYTES_MAX)]
    Reason,
    /// Too many wait already.
    #[error("{0}; no more are taken in until somebody has looked at them")]
    TooMany(String),
    /// No request has that number.
    #[error("there is no access request {0}")]
    NoSuch(u64),
    /// The lead speaks a version of the protocol that has no access requests.
    #[error("the lead runs an older version, which takes no access requests")]
    OlderLead,
}

impl AccessError {
    /// The stable word for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reason => "bad_value",
            Self::TooMany(_) => "too_many",
            Self::NoSuch(_) => "not_found",
            Self::OlderLead => "no_lead",
        }
    }
}

/// What a caller of the lead is told.
pub(super) fn of_desk(error: AccessRefused) -> VaultError {
    match error {
        AccessRefused::Full(full) => AccessError::TooMany(full.to_string()).into(),
        AccessRefused::Audit(_) => VaultError::AuditUnavailable,
        AccessRefused::Unreadable | AccessRefused::Store(_) => VaultError::Internal(error.to_string()),
    }
}

/// What a caller of a follower is told. `rule` is the one by which a roster refuses.
pub(super) fn of_lead(error: NoAnswer, lead: &LeadAddress, rule: &str) -> VaultError {
    match error {
        NoAnswer::NoLead => VaultError::NoLead { lead: lead.clone() },
        NoAnswer::OlderLead => AccessError::OlderLead.into(),
        NoAnswer::Busy => VaultError::Overloaded,
        NoAnswer::TooMany => {
            AccessError::TooMany("too many access requests of this caller or node wait".to_owned()).into()
        }
        NoAnswer::NotEntitled => VaultError::Denied { rule: rule.to_owned() },
        NoAnswer::Unavailable => VaultError::Internal(error.to_string()),
    }
}
