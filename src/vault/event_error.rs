//! Why an event was not taken in, or the history of events not told.

use crate::actors::event_posts::PostRefused;
use crate::events::posting::PostProblem;

use super::error::VaultError;

/// A refusal, by cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It may not be told.
    #[error(transparent)]
    Post(#[from] PostProblem),
    /// Too many wait for the lead.
    #[error("{0}")]
    Full(String),
    /// The file of events cannot be read or written.
    #[error("the history of events cannot be read or written")]
    Unavailable,
}

impl EventError {
    /// The stable word for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Post(PostProblem::Credential(_)) => "looks_like_credential",
            Self::Post(PostProblem::TooLarge) => "value_too_large",
            Self::Post(PostProblem::NotForPrograms(_)) => "bad_event_type",
            Self::Post(PostProblem::Unknown(_) | PostProblem::Action(_)) => "bad_event_type",
            Self::Post(PostProblem::TooDeep | PostProblem::Key) => "bad_value",
            Self::Full(_) => "overloaded",
            Self::Unavailable => "internal",
        }
    }
}

/// What a caller is told.
pub(super) fn of_post(error: PostRefused) -> VaultError {
    match error {
        PostRefused::Problem(problem) => EventError::Post(problem).into(),
        PostRefused::Full | PostRefused::TooFast => EventError::Full(error.to_string()).into(),
        PostRefused::Audit(_) => VaultError::AuditUnavailable,
        PostRefused::Store(error) => {
            tracing::error!(%error, "the history of events cannot be written");
            EventError::Unavailable.into()
        }
    }
}
