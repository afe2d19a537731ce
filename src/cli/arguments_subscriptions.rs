//! The arguments of `events` that are about who is told: subscriptions, deliveries, and messages to channels.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use crate::events::filter::TypeGlob;
use crate::model::name::{KeyName, NodeName, ServiceName};
use crate::model::time::Timestamp;
use crate::model::web_address::WebAddress;

/// The verbs of `aurora events` that are about who is told.
#[derive(Debug, Subcommand)]
pub enum SubscriptionVerb {
    /// Send what happens to a webhook, or tell a channel of it
    #[command(after_help = "Examples:
  aurora events subscribe ci --type 'secret.*' --service openai --webhook https://hooks.example.com/aurora
  aurora events subscribe night --type 'api.status' --type 'credential.*' --notify ops

A webhook is signed (Standard Webhooks) with a secret that is shown this once, and stored as webhooks/NAME.")]
    Subscribe(SubscribeArguments),
    /// Show who is told of what, and how that fares
    #[command(after_help = "Example: aurora events subscriptions ci")]
    Subscriptions {
        /// Only this one
        #[arg(value_parser = KeyName::parse)]
        name: Option<KeyName>,
    },
    /// End a subscription, with what waits for it and its signing secret
    #[command(after_help = "Example: aurora events unsubscribe ci")]
    Unsubscribe {
        /// Which
        #[arg(value_parser = KeyName::parse)]
        name: KeyName,
    },
    /// Let what happens wait; a day later it is a dead letter
    #[command(after_help = "Example: aurora events pause ci")]
    Pause {
        /// Which
        #[arg(value_parser = KeyName::parse)]
        name: KeyName,
    },
    /// Let it go on, also after the receiver said that it is gone
    #[command(after_help = "Example: aurora events resume ci")]
    Resume {
        /// Which
        #[arg(value_parser = KeyName::parse)]
        name: KeyName,
    },
    /// Give a webhook a new signing secret; the one before signs too for 24 hours
    #[command(after_help = "Example: (umask 077; aurora events rotate ci > ci.secret)")]
    Rotate {
        /// Which
        #[arg(value_parser = KeyName::parse)]
        name: KeyName,
    },
    /// Send something now, and show what the receiver answers
    #[command(after_help = "Example: aurora events test ci")]
    Test {
        /// Which
        #[arg(value_parser = KeyName::parse)]
        name: KeyName,
    },
    /// Send again: the dead letters, everything since a time, or one event
    #[command(after_help = "Examples:
  aurora events replay ci
  aurora events replay ci --since 2026-11-21T08:00:00Z")]
    Replay(ReplayArguments),
    /// Show what was delivered, the newest first
    #[command(after_help = "Example: aurora events deliveries ci --limit 20")]
    Deliveries(EndedArguments),
    /// Show what could not be delivered, the newest first
    #[command(after_help = "Example: aurora events dead ci")]
    Dead(EndedArguments),
}

/// `aurora events subscribe NAME …`; `--scope`, `--company` and `--environment` narrow it too.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("to").required(true).args(["webhook", "notify"])))]
pub struct SubscribeArguments {
    /// What to call the subscription
    #[arg(value_parser = KeyName::parse)]
    pub name: KeyName,
    /// A type, such as secret.rotated, secret.* or *; may be given several times
    #[arg(long = "type", value_name = "TYPE", value_parser = TypeGlob::parse)]
    pub types: Vec<TypeGlob>,
    /// Only what is about this service
    #[arg(long, value_parser = ServiceName::parse)]
    pub service: Option<ServiceName>,
    /// Only what this node tells, or what is about it
    #[arg(long, value_parser = NodeName::parse)]
    pub node: Option<NodeName>,
    /// Send signed JSON to this https URL
    #[arg(long, value_name = "URL", value_parser = WebAddress::parse)]
    pub webhook: Option<WebAddress>,
    /// Tell a channel of the lead's node.toml
    #[arg(long, value_name = "CHANNEL", value_parser = KeyName::parse)]
    pub notify: Option<KeyName>,
}

/// `aurora events replay NAME`
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// Which subscription
    #[arg(value_parser = KeyName::parse)]
    pub name: KeyName,
    /// Everything since this time, in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,
    /// One event
    #[arg(long, value_name = "EVENT")]
    pub id: Option<String>,
}

/// `aurora events deliveries [NAME]`, and of the dead letters.
#[derive(Debug, Args)]
pub struct EndedArguments {
    /// Only those of this subscription
    #[arg(value_parser = KeyName::parse)]
    pub name: Option<KeyName>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub limit: u64,
}

/// `aurora notify CHANNEL MESSAGE`
#[derive(Debug, Args)]
pub struct NotifyArguments {
    /// A channel of node.toml
    #[arg(value_parser = KeyName::parse)]
    pub channel: KeyName,
    /// What to tell: never a value
    pub message: String,
    /// Whether quiet hours hold it back
    #[arg(long, value_enum, default_value_t = Loudness::Normal)]
    pub priority: Loudness,
}

/// Whether quiet hours hold a message back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Loudness {
    /// They do.
    Normal,
    /// They do not.
    Urgent,
}

impl Loudness {
    /// The word the API knows it by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Urgent => "urgent",
        }
    }
}

fn time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("is not a time: write it like 2026-11-21T08:00:00Z")
}
