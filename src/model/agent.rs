//! Agents: programs that act by API keys, on any node, within what was given to them.

use super::actions::Capability;
use super::name::AgentName;
use super::reach::Reach;
use super::time::Timestamp;

/// Highest limit an agent or a key may have, in requests per minute: beyond it a limit limits nothing.
pub const LIMIT_MAX: u32 = 1_000_000;

/// What kind of program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentKind {
    /// It decides itself what to do.
    Autonomous,
    /// It does what somebody tells it.
    Tool,
}

impl AgentKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Autonomous, Self::Tool];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Autonomous => "autonomous",
            Self::Tool => "tool",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Whether it may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentState {
    /// It may.
    Active,
    /// Not for now: its keys are refused until it is active again.
    Suspended,
    /// Not any more: its keys are gone, its name stays taken.
    Archived,
}

impl AgentState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Archived];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Archived => "archived",
        }
    }
}

/// Where an agent comes from: whoever made it changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentOrigin {
    /// The policy file.
    Policy,
    /// A command.
    Command,
}

/// One capability of an agent, and whose word that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCapability {
    /// What it may.
    pub capability: Capability,
    /// Who said so.
    pub granted_by: String,
    /// When.
    pub granted_at: Timestamp,
    /// Why.
    pub note: Option<String>,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its name.
    pub name: AgentName,
    /// What people call it.
    pub title: Option<String>,
    /// What kind of program it is.
    pub kind: AgentKind,
    /// Whether it may act.
    pub state: AgentState,
    /// Who made it, as a principal.
    pub owner: String,
    /// When.
    pub created_at: Timestamp,
    /// Where it comes from.
    pub origin: AgentOrigin,
    /// What it may, each once, in the order of the table.
    pub capabilities: Vec<AgentCapability>,
    /// On what.
    pub reach: Reach,
    /// Requests per minute, on all nodes together; none means no limit.
    pub limit_rpm: Option<u32>,
    /// Whether its commands must be signed.
    pub signs: bool,
    /// Anything else.
    pub note: Option<String>,
}
