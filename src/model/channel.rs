//! The ways by which people are told: a chat, an address for mail, a receiver of JSON; and which events go there.

use std::collections::BTreeMap;
use std::time::Duration;

use super::name::KeyName;
use super::quiet_hours::QuietHours;
use super::reference::Reference;
use super::web_address::WebAddress;

/// `[notify]`: whom this node tells of events, and of which.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notify {
    /// `host:port` of receivers that may have a private address.
    pub allow_private: Vec<String>,
    /// The channels by name.
    pub channels: BTreeMap<KeyName, Channel>,
    /// What goes where, in the order of the file.
    pub rules: Vec<NotifyRule>,
}

/// One way to tell people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// How.
    pub means: Means,
    /// The secret of the mesh that the way is opened with.
    pub credential: Option<Reference>,
    /// When only what is urgent may disturb.
    pub quiet: Option<QuietHours>,
}

/// How people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// A bot of Telegram; its token is the credential.
    Telegram {
        /// Which chat.
        chat: String,
        /// The Bot API: that of Telegram, or a server of one's own.
        api: WebAddress,
    },
    /// Slack, as an app; its token is the credential.
    SlackApp {
        /// Which channel there.
        chat: String,
        /// `chat.postMessage`.
        api: WebAddress,
    },
    /// An incoming webhook of Slack, whose URL is the credential.
    SlackHook {
        /// The one host that the URL may name.
        host: String,
        /// And its port.
        port: u16,
    },
    /// A receiver of JSON. With a credential, it is signed (Standard Webhooks).
    Webhook {
        /// Where.
        url: WebAddress,
    },
    /// Mail.
    Email(Box<MailRoute>),
}

impl Means {
    /// The word for it, as `node.toml` has it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Telegram { .. } => "telegram",
            Self::SlackApp { .. } | Self::SlackHook { .. } => "slack",
            Self::Webhook { .. } => "webhook",
            Self::Email(_) => "email",
        }
    }
}

/// The way of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRoute {
    /// The server that takes it.
    pub host: String,
    /// Its port: 465 is secured from the start, any other by STARTTLS.
    pub port: u16,
    /// Who sends, if the server wants to know; the password is the credential.
    pub user: Option<String>,
    /// The address it comes from.
    pub from: String,
    /// The addresses it goes to.
    pub to: Vec<String>,
}

/// Which events go to a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyRule {
    /// Patterns of types; at least one.
    pub events: Vec<String>,
    /// What they are about.
    pub wanted: BTreeMap<Aspect, String>,
    /// The channel.
    pub channel: KeyName,
    /// Whether quiet hours hold it back.
    pub priority: Priority,
    /// The same is told again only after this.
    pub repeat_after: Duration,
}

/// By what a rule narrows the events it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// The service.
    Service,
    /// The scope of the secret.
    Scope,
    /// The company.
    Company,
    /// The environment.
    Environment,
    /// The node.
    Node,
}

impl Aspect {
    /// Every aspect.
    pub const ALL: [Self; 5] = [Self::Service, Self::Scope, Self::Company, Self::Environment, Self::Node];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Scope => "scope",
            Self::Company => "company",
            Self::Environment => "environment",
            Self::Node => "node",
        }
    }
}

/// Whether quiet hours hold something back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// They do.
    #[default]
    Normal,
    /// They do not.
    Urgent,
}

impl Priority {
    /// `normal` or `urgent`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Urgent => "urgent",
        }
    }

    /// Reads `normal` or `urgent`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Normal, Self::Urgent].into_iter().find(|priority| priority.as_str() == text)
    }
}
