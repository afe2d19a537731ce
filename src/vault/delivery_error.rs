//! Why a subscription or a message was not taken in.

use crate::actors::subscription_book::BookError;
use crate::model::name::KeyName;

use super::error::VaultError;

/// A refusal, by cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// No subscription has that name.
    #[error("there is no subscription {0}")]
    NoSuch(KeyName),
    /// One has it already.
    #[error("there is a subscription {0} already")]
    Exists(KeyName),
    /// There are too many.
    #[error("there are as many subscriptions as are kept")]
    TooMany,
    /// The node has no such channel.
    #[error("this node has no channel {0}")]
    NoSuchChannel(KeyName),
    /// The secret that a channel would be signed with is not a webhook's.
    #[error("{0} is told through a channel, which has no signing secret of its own")]
    Unsigned(KeyName),
    /// Nothing is sent to it now.
    #[error("{0} is paused or disabled, and nothing is sent to it")]
    NotActive(KeyName),
    /// A message that is none.
    #[error("a message has 1 to {0} bytes of text, and no control characters but line breaks")]
    Message(usize),
    /// Somebody sends more than people read.
    #[error("more than {limit} messages in a minute; there is room again in {retry_after} s")]
    Pace {
        /// The limit.
        limit: u32,
        /// Seconds until there is room.
        retry_after: u32,
    },
}

impl DeliveryError {
    /// The stable word for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuch(_) | Self::NoSuchChannel(_) => "not_found",
            Self::Exists(_) => "already_exists",
            Self::TooMany => "too_many",
            Self::Unsigned(_) | Self::Message(_) => "bad_value",
            Self::NotActive(_) => "not_active",
            Self::Pace { .. } => "rate_limited",
        }
    }
}

/// What a caller is told of the subscriptions' file.
pub(super) fn of_book(name: &KeyName, error: BookError) -> VaultError {
    match error {
        BookError::NoSuch => DeliveryError::NoSuch(name.clone()).into(),
        BookError::Exists => DeliveryError::Exists(name.clone()).into(),
        BookError::TooMany => DeliveryError::TooMany.into(),
        BookError::Store(error) => VaultError::Internal(error.to_string()),
    }
}
