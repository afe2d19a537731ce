//! What can be asked about agents and API keys, already parsed; and what is answered.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::crypto::plaintext::Plaintext;
use crate::model::actions::Capability;
use crate::model::agent::{Agent, AgentKind};
use crate::model::api_key::ApiKey;
use crate::model::company::Companies;
use crate::model::glob::SecretGlob;
use crate::model::name::{AgentName, ApiKeyName};
use crate::model::number::Revision;
use crate::model::reach::{Environments, Reach, Scopes};
use crate::model::time::Timestamp;

/// An agent to be made.
#[derive(Debug, Clone)]
pub struct NewAgent {
    /// Its name.
    pub name: AgentName,
    /// What people call it.
    pub title: Option<String>,
    /// What kind of program it is.
    pub kind: AgentKind,
    /// What it may.
    pub capabilities: BTreeSet<Capability>,
    /// Why it may.
    pub capability_note: Option<String>,
    /// On what.
    pub reach: Reach,
    /// Requests per minute; none means no limit.
    pub limit_rpm: Option<u32>,
    /// Whether its commands must be signed.
    pub signs: bool,
    /// Anything else.
    pub note: Option<String>,
}

/// What is to be different about an agent; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentPatch {
    /// Capabilities it gets; one it has already is given anew.
    pub add: BTreeSet<Capability>,
    /// Capabilities it loses.
    pub remove: BTreeSet<Capability>,
    /// Why it gets them.
    pub capability_note: Option<String>,
    /// The secrets it is about.
    pub secrets: Option<Vec<SecretGlob>>,
    /// The kinds of scope.
    pub scopes: Option<Scopes>,
    /// The companies.
    pub companies: Option<Companies>,
    /// The environments.
    pub environments: Option<Environments>,
    /// Requests per minute, or no limit.
    pub limit_rpm: Option<Option<u32>>,
    /// What people call it, or nothing.
    pub title: Option<Option<String>>,
    /// Anything else, or nothing.
    pub note: Option<Option<String>>,
    /// Whether its commands must be signed.
    pub signs: Option<bool>,
}

/// What is done with an agent as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentDeed {
    /// It may act again.
    Activate,
    /// Its keys are refused for now.
    Suspend,
    /// Its keys go, and it never acts again.
    Archive,
}

impl AgentDeed {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Suspend => "suspend",
            Self::Archive => "archive",
        }
    }
}

/// How long a key is to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyLife {
    /// For so long from now.
    For(Duration),
    /// Until then.
    Until(Timestamp),
    /// Until it is revoked.
    Endless,
}

/// An API key to be made.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Whose.
    pub agent: AgentName,
    /// What it is called among those of the agent.
    pub name: ApiKeyName,
    /// Narrows what the agent may.
    pub reach: Reach,
    /// Requests per minute with this key; none means the agent's limit alone.
    pub limit_rpm: Option<u32>,
    /// How long it works; 90 days if absent.
    pub life: Option<KeyLife>,
}

/// An API key that is to get a new text.
#[derive(Debug, Clone)]
pub struct KeyRotation {
    /// Whose.
    pub agent: AgentName,
    /// Which.
    pub name: ApiKeyName,
    /// How long the old text works beside the new one; a day if absent.
    pub grace: Option<Duration>,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct PageRequest<T> {
    /// At most so many; 1 to 1000.
    pub limit: Option<usize>,
    /// The last entry of the page before.
    pub after: Option<T>,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Whether there are more after the last one.
    pub more: bool,
}

/// An agent, as a list shows it.
#[derive(Debug, Clone)]
pub struct AgentLine {
    /// The agent.
    pub agent: Agent,
    /// How many API keys it has.
    pub keys: usize,
}

/// An API key, as a list shows it. The key itself is known to nobody but its agent.
#[derive(Debug, Clone)]
pub struct ApiKeyLine {
    /// The key.
    pub key: ApiKey,
    /// When it was last used, as far as this node has heard.
    pub last_used: Option<Timestamp>,
}

/// A new text of a key. It is shown once, and kept nowhere.
#[derive(Debug)]
pub struct ShownOnce {
    /// The text.
    pub text: Plaintext,
    /// What is kept of it.
    pub key: ApiKey,
    /// The change.
    pub revision: Revision,
}
