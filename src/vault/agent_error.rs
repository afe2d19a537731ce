//! Why something about agents or API keys was not done.

use crate::model::actions::Capability;
use crate::model::name::{AgentName, ApiKeyName};

/// A refusal, by cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// The name is taken, perhaps by an agent that is archived.
    #[error("an agent named {0} is there already; the name of one that was archived stays taken")]
    Exists(AgentName),
    /// No agent has that name.
    #[error("no agent is named {0}")]
    NoSuch(AgentName),
    /// It was archived, which is for good.
    #[error("the agent {0} is archived")]
    Archived(AgentName),
    /// The policy file says what it is.
    #[error("the agent {0} is written in the policy file; by command it can only be suspended and activated")]
    OfPolicy(AgentName),
    /// Whoever asks would give what it does not have wholly.
    #[error("{} can only be given by whoever has it without any bound", .0.as_str())]
    Escalation(Capability),
    /// The agent has a key of that name.
    #[error("{agent} has an API key named {key} already")]
    KeyExists {
        /// Whose.
        agent: AgentName,
        /// Which.
        key: ApiKeyName,
    },
    /// The agent has no key of that name.
    #[error("{agent} has no API key named {key}")]
    NoSuchKey {
        /// Whose.
        agent: AgentName,
        /// Which.
        key: ApiKeyName,
    },
    /// More of something than the mesh keeps.
    #[error("there are {max} {what} already, and there can be no more")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there can be.
        max: usize,
    },
    /// A key that would work for too long, or not at all.
    #[error(
        "an API key works until a time to come, at most a year away, or never ends if that is asked for in so many words"
    )]
    Lifetime,
    /// A key that would work longer than the one by which it is asked for.
    #[error("whoever shows an API key can make none, and renew no other, that works longer than the one it shows")]
    Outlives,
    /// A grace in which two texts of a key work that is too long.
    #[error("the grace of a rotation is at most 30 days")]
    Grace,
    /// A limit that limits nothing, or everything.
    #[error("limit_rpm must be between 1 and 1000000")]
    Limit,
    /// A text that is too long, or breaks out of its line.
    #[error("{field} must be one line of at most {bytes_max} bytes")]
    Text {
        /// Which.
        field: &'static str,
        /// How long it may be.
        bytes_max: usize,
    },
    /// A capability that is to be both added and removed.
    #[error("{} is to be both added and removed", .0.as_str())]
    Both(Capability),
    /// Others changed the rules again and again while this was tried.
    #[error("the rules changed meanwhile")]
    Moved,
}

impl AgentError {
    /// The stable word for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists(_) => "agent_exists",
            Self::NoSuch(_) | Self::NoSuchKey { .. } => "not_found",
            Self::Archived(_) => "agent_archived",
            Self::OfPolicy(_) => "agent_of_policy",
            Self::Escalation(_) | Self::Outlives => "escalation",
            Self::KeyExists { .. } => "api_key_exists",
            Self::TooMany { .. } => "too_many",
            Self::Lifetime | Self::Grace | Self::Limit | Self::Text { .. } | Self::Both(_) => "bad_value",
            Self::Moved => "version_conflict",
        }
    }
}
