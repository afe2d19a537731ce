//! Freezes: what nobody may do for now, whatever is granted.

use std::fmt;

use super::entitlement::Entitlement;
use super::name::{AgentName, CompanyId, NameError, NodeName};
use super::secret::SecretName;
use super::time::Timestamp;

/// Longest reason of a freeze, in bytes: it is told to everybody who is refused by it.
pub const REASON_BYTES_MAX: usize = 256;

/// What is frozen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FreezeTarget {
    /// What one agent does.
    Agent(AgentName),
    /// What is done with one secret, in every scope and environment.
    Secret(SecretName),
    /// What is asked of one node.
    Node(NodeName),
    /// What is done on behalf of one company.
    Company(CompanyId),
    /// Everything.
    Mesh,
}

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FreezeError {
    /// The word before the colon is none of ours.
    #[error("{0:?} cannot be frozen: write agent:NAME, secret:SERVICE/KEY, node:NAME, company:ID or mesh")]
    Target(String),
    /// The name after it is not one.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl FreezeTarget {
    /// Reads `agent:NAME`, `secret:SERVICE/KEY`, `node:NAME`, `company:ID` or `mesh`.
    ///
    /// # Errors
    /// [`FreezeError`].
    pub fn parse(text: &str) -> Result<Self, FreezeError> {
        match text.split_once(':') {
            None if text == "mesh" => Ok(Self::Mesh),
            Some(("agent", name)) => Ok(Self::Agent(AgentName::parse(name)?)),
            Some(("secret", name)) => Ok(Self::Secret(SecretName::parse(name)?)),
            Some(("node", name)) => Ok(Self::Node(NodeName::parse(name)?)),
            Some(("company", name)) => Ok(Self::Company(CompanyId::parse(name)?)),
            Some(_) | None => Err(FreezeError::Target(text.chars().take(80).collect())),
        }
    }
}

impl FreezeTarget {
    /// Whether a node could do anything that a freeze of this would hold up.
    #[must_use]
    pub fn concerns(&self, node: &NodeName, entitled: &Entitlement) -> bool {
        match self {
            Self::Agent(_) | Self::Mesh => true,
            Self::Secret(name) => entitled.covers_name(name),
            Self::Node(name) => name == node,
            Self::Company(company) => entitled.companies.contains(company),
        }
    }
}

impl fmt::Display for FreezeTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(name) => write!(formatter, "agent:{name}"),
            Self::Secret(name) => write!(formatter, "secret:{name}"),
            Self::Node(name) => write!(formatter, "node:{name}"),
            Self::Company(name) => write!(formatter, "company:{name}"),
            Self::Mesh => formatter.write_str("mesh"),
        }
    }
}

/// How much is frozen. Each level holds what the one before it holds, except that reading and writing are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FreezeLevel {
    /// No value is given out or used.
    Read,
    /// Nothing is changed.
    Write,
    /// Nothing is done at all.
    All,
}

impl FreezeLevel {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::All];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::All => "all",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// One freeze. A target has at most one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// What.
    pub target: FreezeTarget,
    /// How much.
    pub level: FreezeLevel,
    /// Why: told to whoever is refused.
    pub reason: String,
    /// Who said so.
    pub frozen_by: String,
    /// When.
    pub frozen_at: Timestamp,
}

/// Whether a text can be the reason of a freeze: something, on one line, and not too long.
#[must_use]
pub fn is_reason(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= REASON_BYTES_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_reads_back_as_it_is_written() {
        for text in ["agent:openclaw", "secret:openai/api_key", "node:vengeance", "company:acme", "mesh"] {
            assert_eq!(FreezeTarget::parse(text).expect(text).to_string(), text);
        }
        for text in ["", "mesh:x", "Mesh", "secret:openai", "agent:", "user:1000", "node:lead", "mesh "] {
            assert!(FreezeTarget::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_reason_is_one_line_of_some_text() {
        assert!(is_reason("key seen in a log") && is_reason(&"x".repeat(REASON_BYTES_MAX)));
        for text in ["", "  ", "a\nb", "\u{1b}[2J"] {
            assert!(!is_reason(text), "{text:?}");
        }
        assert!(!is_reason(&"x".repeat(REASON_BYTES_MAX + 1)));
    }
}
