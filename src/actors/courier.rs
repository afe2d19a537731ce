//! The seam to the door: who carries a message out of the node. The door reads the credential it needs, accounts for that,
//! and sends; this room only says what, to whom and when.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::events::retry::Outcome;
use crate::model::channel::Channel;
use crate::model::name::KeyName;
use crate::model::time::Timestamp;
use crate::model::web_address::WebAddress;

/// A message that is under way.
pub type Carrying = Pin<Box<dyn Future<Output = Carried> + Send>>;

/// What the door does for those who are to be told.
pub trait Courier: Send + Sync + 'static {
    /// Sends one message once. What it needs of a credential is accounted for before anything leaves.
    fn carry(&self, message: Message) -> Carrying;
}

/// One message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// To whom.
    pub to: Destination,
    /// By which a receiver knows that it has it already.
    pub id: String,
    /// The JSON.
    pub body: String,
    /// When the event happened.
    pub born: Timestamp,
    /// Whether it may make a noise.
    pub urgent: bool,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To a subscriber's receiver, signed.
    Subscriber {
        /// Whose secret signs.
        name: KeyName,
        /// Where.
        url: WebAddress,
        /// Whether the secret before the current one signs too.
        both_sign: bool,
    },
    /// To the people behind a channel.
    Channel {
        /// Which.
        name: KeyName,
        /// How.
        channel: Arc<Channel>,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Whether it was taken.
    pub outcome: Outcome,
    /// The answer in words of ours, such as `200` or why there was none.
    pub told: String,
}
