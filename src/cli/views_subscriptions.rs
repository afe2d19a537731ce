//! Subscriptions, what was delivered, and what came of messages.

use serde::{Deserialize, Serialize};

use super::ago::seen_from;
use super::output::Shown;
use super::table::{Style, Tone, plain, rows, toned_rows};
use crate::crypto::text::ValueText;

/// The body of `POST /api/subscriptions`.
#[derive(Debug, Serialize)]
pub(super) struct SubscribeBody {
    pub(super) name: String,
    pub(super) types: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) webhook: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) channel: Option<String>,
}

/// The body of a replay.
#[derive(Debug, Serialize)]
pub(super) struct ReplayBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
}

/// The body of `POST /notify`.
#[derive(Debug, Serialize)]
pub(super) struct NotifyBody<'a> {
    pub(super) channel: &'a str,
    pub(super) message: &'a str,
    pub(super) priority: &'a str,
}

/// A subscription that was made or rotated. Its secret is kept like a value.
#[derive(Serialize, Deserialize)]
pub(super) struct SubscribedView {
    success: bool,
    pub(super) name: String,
    #[serde(flatten)]
    about: About,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) signing_secret: Option<ValueText>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) previous_until: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct About {
    types: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    company: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    node: Option<String>,
    webhook: Option<String>,
    channel: Option<String>,
    state: String,
    made_by: String,
    made_at: String,
}

impl About {
    fn wanted(&self) -> String {
        let types = if self.types.is_empty() { "*".to_owned() } else { self.types.join(", ") };
        let of = |what: &str, name: &Option<String>| name.as_ref().map(|name| format!("{what} {name}"));
        let narrowed = [
            of("service", &self.service),
            of("scope", &self.scope),
            of("company", &self.company),
            of("environment", &self.environment),
            of("node", &self.node),
        ];
        std::iter::once(types).chain(narrowed.into_iter().flatten()).collect::<Vec<_>>().join("; ")
    }

    fn receiver(&self) -> String {
        match (&self.webhook, &self.channel) {
            (Some(url), _) => url.clone(),
            (None, Some(channel)) => format!("channel {channel}"),
            (None, None) => "-".to_owned(),
        }
    }
}

/// The answer of `GET /api/subscriptions`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SubscriptionsView {
    pub(super) subscriptions: Vec<SubscriptionLine>,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SubscriptionLine {
    pub(super) name: String,
    #[serde(flatten)]
    about: About,
    waiting: usize,
    dead: usize,
    last_delivered: Option<String>,
    failing: Option<String>,
    next_attempt: Option<String>,
}

impl Shown for SubscriptionsView {
    fn table(&self, style: Style) -> String {
        if self.subscriptions.is_empty() {
            return "nobody subscribed\n".to_owned();
        }
        let header = ["NAME", "STATE", "WANTS", "RECEIVER", "WAITING", "DEAD", "LAST DELIVERED", "FAILS WITH"];
        let cells = |line: &SubscriptionLine| {
            let healthy = line.about.state == "active" && line.failing.is_none() && line.dead == 0;
            let tone = if healthy { Tone::Good } else { Tone::Warning };
            let seen = |at: &String| seen_from(&self.timestamp, at);
            let texts = [
                line.about.wanted(),
                line.about.receiver(),
                line.waiting.to_string(),
                line.dead.to_string(),
                line.last_delivered.as_ref().map_or_else(|| "-".to_owned(), seen),
                line.failing.clone().unwrap_or_else(|| "-".to_owned()),
            ];
            let first = [(line.name.clone(), None), (line.about.state.clone(), Some(tone))];
            first.into_iter().chain(texts.map(|text| (text, None))).collect()
        };
        toned_rows(style, &header, self.subscriptions.iter().map(cells))
    }
}

/// What was done to a subscription.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DoneView {
    success: bool,
    name: String,
    message: String,
}

impl Shown for DoneView {
    fn table(&self, _style: Style) -> String {
        format!("{}: {}\n", plain(&self.name), plain(&self.message))
    }
}

/// What came of a test.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TestedView {
    success: bool,
    name: String,
    answer: String,
}

impl Shown for TestedView {
    fn table(&self, _style: Style) -> String {
        let word = if self.success { "taken" } else { "not taken" };
        format!("{}: {word} ({})\n", plain(&self.name), plain(&self.answer))
    }
}

/// How much is sent again.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ReplayedView {
    success: bool,
    name: String,
    events: usize,
}

impl Shown for ReplayedView {
    fn table(&self, _style: Style) -> String {
        match self.events {
            0 => format!("{}: nothing to send again: no such event, or none that it wants\n", plain(&self.name)),
            events => format!("{}: {events} sent again\n", plain(&self.name)),
        }
    }
}

/// The answer of `GET /api/deliveries` and `GET /api/dead-letters`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EndedView {
    deliveries: Vec<EndedLine>,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct EndedLine {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    subscription: Option<String>,
    channel: Option<String>,
    happened_at: String,
    ended_at: Option<String>,
    attempts: u32,
    answer: Option<String>,
}

impl Shown for EndedView {
    fn table(&self, style: Style) -> String {
        if self.deliveries.is_empty() {
            return "none\n".to_owned();
        }
        let header = ["EVENT", "TYPE", "TO", "ENDED", "ATTEMPTS", "ANSWER"];
        let line = |line: &EndedLine| {
            let channel = line.channel.as_ref().map(|name| format!("channel {name}"));
            vec![
                line.id.clone(),
                line.kind.clone(),
                line.subscription.clone().or(channel).unwrap_or_else(|| "-".to_owned()),
                line.ended_at.as_ref().map_or_else(|| "-".to_owned(), |at| seen_from(&self.timestamp, at)),
                line.attempts.to_string(),
                line.answer.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        };
        rows(style, &header, self.deliveries.iter().map(line))
    }
}

/// The answer of `POST /notify`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NotifiedView {
    delivered: bool,
    queued: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    last_answer: Option<String>,
}

impl Shown for NotifiedView {
    fn table(&self, _style: Style) -> String {
        match (self.delivered, &self.last_answer) {
            (true, _) => "delivered\n".to_owned(),
            (false, None) => "it waits, and will be sent\n".to_owned(),
            (false, Some(answer)) => format!("not taken yet ({}); it is tried again\n", plain(answer)),
        }
    }
}
