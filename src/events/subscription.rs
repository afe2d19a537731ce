//! A subscription, as it is kept on the lead: who wants to hear of what, and where. JSON, one object a row; the secret that
//! it is signed with is not in it, but a secret of the mesh.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::filter::{EventFilter, TypeGlob};
use crate::model::name::{CompanyId, EnvironmentName, KeyName, NodeName, ServiceName};
use crate::model::secret::Scope;
use crate::model::time::Timestamp;
use crate::model::web_address::WebAddress;

/// How long the signing secret that was replaced signs too.
pub const BOTH_SIGN_FOR: Duration = Duration::from_secs(24 * 3600);

/// A standing wish to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// What it is called.
    pub name: KeyName,
    /// What is wanted.
    pub filter: EventFilter,
    /// Where it is told.
    pub to: Receiver,
    /// Whether anything is sent.
    pub state: State,
    /// Who made it.
    pub by: String,
    /// When.
    pub made_at: Timestamp,
    /// When its signing secret was replaced last, if ever.
    pub rotated_at: Option<Timestamp>,
}

/// Where a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// A receiver of signed JSON.
    Webhook(WebAddress),
    /// A channel of the lead.
    Channel(KeyName),
}

/// Whether anything is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is.
    Active,
    /// It waits, as somebody wished.
    Paused,
    /// Nothing is, because the receiver said that it is gone.
    Disabled,
}

impl State {
    const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Disabled];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    types: Vec<String>,
    service: Option<String>,
    scope: Option<String>,
    company: Option<String>,
    environment: Option<String>,
    node: Option<String>,
    webhook: Option<String>,
    channel: Option<String>,
    state: String,
    by: String,
    made_at: i64,
    rotated_at: Option<i64>,
}

impl Subscription {
    /// The row.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        fn text<T: ToString>(name: Option<&T>) -> Option<String> {
            name.map(ToString::to_string)
        }
        let (webhook, channel) = match &self.to {
            Receiver::Webhook(url) => (Some(url.to_string()), None),
            Receiver::Channel(name) => (None, Some(name.to_string())),
        };
        let row = Row {
            types: self.filter.types.iter().map(ToString::to_string).collect(),
            service: text(self.filter.service.as_ref()),
            scope: text(self.filter.scope.as_ref()),
            company: text(self.filter.company.as_ref()),
            environment: text(self.filter.environment.as_ref()),
            node: text(self.filter.node.as_ref()),
            webhook,
            channel,
            state: self.state.as_str().to_owned(),
            by: self.by.clone(),
            made_at: self.made_at.0,
            rotated_at: self.rotated_at.map(|at| at.0),
        };
        // Strings and numbers can always be written.
        serde_json::to_vec(&row).unwrap_or_default()
    }

    /// Reads a row; `None` for what this program did not write.
    #[must_use]
    pub fn parse(name: KeyName, bytes: &[u8]) -> Option<Self> {
        fn named<T, E>(text: Option<&String>, parse: impl Fn(&str) -> Result<T, E>) -> Option<Option<T>> {
            text.map(|text| parse(text)).transpose().ok()
        }
        let row: Row = serde_json::from_slice(bytes).ok()?;
        let filter = EventFilter {
            types: row.types.iter().map(|text| TypeGlob::parse(text)).collect::<Result<_, _>>().ok()?,
            service: named(row.service.as_ref(), ServiceName::parse)?,
            scope: named(row.scope.as_ref(), Scope::parse)?,
            company: named(row.company.as_ref(), CompanyId::parse)?,
            environment: named(row.environment.as_ref(), EnvironmentName::parse)?,
            node: named(row.node.as_ref(), NodeName::parse)?,
        };
        let to = match (&row.webhook, &row.channel) {
            (Some(url), None) => Receiver::Webhook(WebAddress::parse(url).ok()?),
            (None, Some(channel)) => Receiver::Channel(KeyName::parse(channel).ok()?),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some(Self {
            name,
            filter,
            to,
            state: State::ALL.into_iter().find(|state| state.as_str() == row.state)?,
            by: row.by,
            made_at: Timestamp(row.made_at),
            rotated_at: row.rotated_at.map(Timestamp),
        })
    }

    /// Whether the secret before the current one still signs too.
    #[must_use]
    pub fn signs_with_both(&self, now: Timestamp) -> bool {
        self.rotated_at.is_some_and(|at| now < at.plus(BOTH_SIGN_FOR))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_reads_back_from_its_row() {
        let name = || KeyName::parse("ci").expect("a name");
        let subscription = Subscription {
            name: name(),
            filter: EventFilter {
                types: vec![TypeGlob::parse("secret.*").expect("a pattern")],
                service: ServiceName::parse("openai").ok(),
                scope: Scope::parse("company:acme").ok(),
                ..EventFilter::default()
            },
            to: Receiver::Webhook(WebAddress::parse("https://hooks.example.com/a?b=c").expect("a URL")),
            state: State::Paused,
            by: "owner".to_owned(),
            made_at: Timestamp(1),
            rotated_at: Some(Timestamp(1000)),
        };
        assert_eq!(Subscription::parse(name(), &subscription.to_bytes()), Some(subscription.clone()));
        assert!(subscription.signs_with_both(Timestamp(86_400_999)));
        assert!(!subscription.signs_with_both(Timestamp(86_401_000)));
        let channel = Subscription { to: Receiver::Channel(name()), ..subscription };
        assert_eq!(Subscription::parse(name(), &channel.to_bytes()), Some(channel));
        assert_eq!(Subscription::parse(name(), b"{\"types\":[]}"), None);
    }
}
