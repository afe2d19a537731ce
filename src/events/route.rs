//! Whom a message goes to: a subscription, or a channel of this node.

use std::fmt;

use crate::model::name::KeyName;

/// Whom a message goes to. What waits for one does not hold up what waits for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// Whoever subscribed under this name.
    Subscription(KeyName),
    /// The people behind this channel.
    Channel(KeyName),
}

impl Route {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':')?;
        let name = KeyName::parse(name).ok()?;
        match kind {
            "subscription" => Some(Self::Subscription(name)),
            "channel" => Some(Self::Channel(name)),
            _ => None,
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription(name) => write!(formatter, "subscription:{name}"),
            Self::Channel(name) => write!(formatter, "channel:{name}"),
        }
    }
}
