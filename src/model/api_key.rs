//! API keys: what an agent shows. The mesh keeps their digests, never the keys.

use std::fmt;

use super::grant::Expiry;
use super::name::{AgentName, ApiKeyName};
use super::reach::Reach;
use super::time::Timestamp;

/// SHA-256 of the text of an API key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyHash(pub [u8; 32]);

/// The digest of a key is no secret, but a log needs no more of it than tells it from others.
impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// One text of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyText {
    /// By which it is recognised.
    pub hash: ApiKeyHash,
    /// Its prefix and four characters: by which people recognise it.
    pub hint: String,
    /// When it was made.
    pub made_at: Timestamp,
}

/// The text a key had before it was rotated, which works for a while beside the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousText {
    /// The text.
    pub text: KeyText,
    /// At this time it no longer works.
    pub until: Timestamp,
}

/// One API key of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Whose it is.
    pub agent: AgentName,
    /// What it is called among those of the agent.
    pub name: ApiKeyName,
    /// What is shown.
    pub current: KeyText,
    /// What was shown before, if that still works.
    pub previous: Option<PreviousText>,
    /// Narrows what the agent may.
    pub reach: Reach,
    /// Requests per minute with this key; none means the agent's limit alone.
    pub limit_rpm: Option<u32>,
    /// Who made it, as a principal.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Until when it works.
    pub expires_at: Expiry,
}

impl ApiKey {
    /// Whether this text of the key works now.
    #[must_use]
    pub fn admits(&self, hash: &ApiKeyHash, now: Timestamp) -> bool {
        let previous =
            self.previous.as_ref().is_some_and(|previous| previous.text.hash == *hash && now < previous.until);
        (self.current.hash == *hash || previous) && self.expires_at.is_after(now)
    }
}
