//! What is said *about* a secret: never the value, always bounded.

use super::freshness::{FreshnessPolicy, Offline};
use super::rare::Usual;
use super::time::Timestamp;
use std::time::Duration;

/// Longest single metadata text, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024;

/// Most tags on one secret.
pub const TAGS_MAX: usize = 32;

/// Texts for people, and the freshness a secret asks for itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// What it is for.
    pub description: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// Anything else.
    pub note: Option<String>,
    /// The catalogue entry it is checked by, if the service name does not tell.
    pub provider: Option<String>,
    /// Words to search by.
    pub tags: Vec<String>,
}

impl Usual for Metadata {
    const USUAL: &'static Self =
        &Self { description: None, owner: None, contact: None, note: None, provider: None, tags: Vec::new() };
}

/// How a secret wants to be kept and served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretOptions {
    /// When the credential itself stops working.
    pub expires_at: Option<Timestamp>,
    /// Overrides the node's `ttl`.
    pub ttl: Option<Duration>,
    /// Overrides the node's `max_stale`.
    pub max_stale: Option<Duration>,
    /// Whether it may be served stale at all.
    pub offline: Offline,
    /// Days after which a rotation is due.
    pub rotation_reminder_days: u16,
}

impl Usual for SecretOptions {
    const USUAL: &'static Self =
        &Self { expires_at: None, ttl: None, max_stale: None, offline: Offline::Allow, rotation_reminder_days: 90 };
}

impl Default for SecretOptions {
    fn default() -> Self {
        Self::USUAL.clone()
    }
}

impl SecretOptions {
    /// The freshness of this secret: its own durations where it has them, the node's otherwise, none when offline is denied.
    #[must_use]
    pub fn freshness(&self, node: FreshnessPolicy) -> FreshnessPolicy {
        FreshnessPolicy {
            ttl: self.ttl.unwrap_or(node.ttl),
            max_stale: match self.offline {
                Offline::Deny => Duration::ZERO,
                Offline::Allow => self.max_stale.unwrap_or(node.max_stale),
            },
        }
    }
}

/// Why metadata is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// A text over [`TEXT_BYTES_MAX`].
    #[error("metadata field {field} is longer than {TEXT_BYTES_MAX} bytes")]
    TextTooLong {
        /// The field.
        field: &'static str,
    },
    /// More tags than [`TAGS_MAX`].
    #[error("more than {TAGS_MAX} tags")]
    TooManyTags,
}

impl Metadata {
    /// Checks every bound.
    ///
    /// # Errors
    /// [`MetadataError`] names the field.
    pub fn check(&self) -> Result<(), MetadataError> {
        let texts = [
            ("description", &self.description),
            ("owner", &self.owner),
            ("contact", &self.contact),
            ("note", &self.note),
            ("provider", &self.provider),
        ];
        for (field, text) in texts {
            if text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES_MAX) {
                return Err(MetadataError::TextTooLong { field });
            }
        }
        if self.tags.len() > TAGS_MAX {
            return Err(MetadataError::TooManyTags);
        }
        if self.tags.iter().any(|tag| tag.len() > TEXT_BYTES_MAX) {
            return Err(MetadataError::TextTooLong { field: "tags" });
        }
        Ok(())
    }
}
