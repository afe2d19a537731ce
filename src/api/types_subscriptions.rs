//! Subscriptions, deliveries and messages to channels as the API tells of them.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::actors::delivery_sorting::Sent;
use crate::crypto::text::ValueText;
use crate::events::filter::{EventFilter, TYPES_MAX, TypeGlob};
use crate::events::parcel::Parcel;
use crate::events::route::Route;
use crate::events::subscription::{BOTH_SIGN_FOR, Receiver, Subscription};
use crate::model::channel::Priority;
use crate::model::name::{CompanyId, EnvironmentName, KeyName, NodeName, ServiceName};
use crate::model::secret::Scope;
use crate::model::time::Timestamp;
use crate::model::web_address::WebAddress;
use crate::vault::subscriptions::{SubscribeRequest, Subscribed, SubscriptionLine};

/// The body of `POST /api/subscriptions`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct SubscribeBody {
    name: String,
    #[serde(default)]
    types: Vec<String>,
    service: Option<String>,
    scope: Option<String>,
    company: Option<String>,
    environment: Option<String>,
    node: Option<String>,
    webhook: Option<String>,
    channel: Option<String>,
}

impl SubscribeBody {
    /// What is asked for.
    ///
    /// # Errors
    /// [`ApiError`] says which field is wrong.
    pub(super) fn into_request(self, reason: Option<String>) -> Result<SubscribeRequest, ApiError> {
        const TYPES: &str = "at most 32 types, such as secret.updated, secret.* or *";
        const TO: &str = "one of webhook and channel";
        let bad_type = ApiError::BadValue { field: "types", wanted: TYPES };
        if self.types.len() > TYPES_MAX {
            return Err(bad_type);
        }
        let types = self.types.iter().map(|text| TypeGlob::parse(text)).collect::<Result<_, _>>();
        let filter = EventFilter {
            types: types.map_err(|_| bad_type)?,
            service: self.service.as_deref().map(ServiceName::parse).transpose()?,
            scope: self.scope.as_deref().map(Scope::parse).transpose()?,
            company: self.company.as_deref().map(CompanyId::parse).transpose()?,
            environment: self.environment.as_deref().map(EnvironmentName::parse).transpose()?,
            node: self.node.as_deref().map(NodeName::parse).transpose()?,
        };
        let bad_url = |_| ApiError::BadValue { field: "webhook", wanted: "an https URL without user and fragment" };
        let to = match (self.webhook, self.channel) {
            (Some(url), None) => Receiver::Webhook(WebAddress::parse(&url).map_err(bad_url)?),
            (None, Some(channel)) => Receiver::Channel(KeyName::parse(&channel)?),
            (Some(_), Some(_)) | (None, None) => return Err(ApiError::BadValue { field: "webhook", wanted: TO }),
        };
        Ok(SubscribeRequest { name: KeyName::parse(&self.name)?, filter, to, reason })
    }
}

/// The body of `POST /api/subscriptions/{name}/replay`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReplayBody {
    since: Option<String>,
    id: Option<String>,
}

impl ReplayBody {
    /// From when on, and which event.
    ///
    /// # Errors
    /// [`ApiError`] for what is no time.
    pub(super) fn read(self) -> Result<(Option<Timestamp>, Option<String>), ApiError> {
        let bad = ApiError::BadValue { field: "since", wanted: "a time in RFC 3339" };
        let since = self.since.map(|text| Timestamp::parse(&text).ok_or(bad)).transpose()?;
        Ok((since, self.id))
    }
}

/// The body of `POST /notify`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct NotifyBody {
    channel: String,
    message: String,
    priority: Option<String>,
}

impl NotifyBody {
    /// The channel, the message and its priority.
    ///
    /// # Errors
    /// [`ApiError`] says which field is wrong.
    pub(super) fn read(self) -> Result<(KeyName, String, Priority), ApiError> {
        let bad = ApiError::BadValue { field: "priority", wanted: "normal or urgent" };
        let priority = self.priority.map(|text| Priority::parse(&text).ok_or(bad)).transpose()?;
        Ok((KeyName::parse(&self.channel)?, self.message, priority.unwrap_or_default()))
    }
}

/// `GET /api/deliveries?name=&limit=`, and of the dead letters.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct EndedQuery {
    pub(super) name: Option<String>,
    pub(super) limit: Option<String>,
}

/// A subscription.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SubscriptionView {
    name: String,
    types: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    webhook: Option<String>,
    channel: Option<String>,
    state: &'static str,
    made_by: String,
    made_at: String,
}

impl From<&Subscription> for SubscriptionView {
    fn from(it: &Subscription) -> Self {
        fn text<T: ToString>(name: Option<&T>) -> Option<String> {
            name.map(ToString::to_string)
        }
        let (webhook, channel) = match &it.to {
            Receiver::Webhook(url) => (Some(url.to_string()), None),
            Receiver::Channel(name) => (None, Some(name.to_string())),
        };
        Self {
            name: it.name.to_string(),
            types: it.filter.types.iter().map(ToString::to_string).collect(),
            service: text(it.filter.service.as_ref()),
            scope: text(it.filter.scope.as_ref()),
            company: text(it.filter.company.as_ref()),
            environment: text(it.filter.environment.as_ref()),
            node: text(it.filter.node.as_ref()),
            webhook,
            channel,
            state: it.state.as_str(),
            made_by: it.by.clone(),
            made_at: it.made_at.to_string(),
        }
    }
}

/// What was made, or rotated. The secret is shown this once.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SubscribedView {
    success: bool,
    #[serde(flatten)]
    subscription: SubscriptionView,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    signing_secret: Option<ValueText>,
    /// Until when the secret before it signs too.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_until: Option<String>,
}

impl From<Subscribed> for SubscribedView {
    fn from(made: Subscribed) -> Self {
        let previous_until = made.subscription.rotated_at.map(|at| at.plus(BOTH_SIGN_FOR).to_string());
        let signing_secret = made.secret.map(ValueText::from);
        Self { success: true, subscription: (&made.subscription).into(), signing_secret, previous_until }
    }
}

/// What was done to a subscription.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DoneView<'a> {
    pub(super) success: bool,
    pub(super) name: &'a str,
    pub(super) message: &'static str,
}

/// What came of a test.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TestedView<'a> {
    pub(super) success: bool,
    pub(super) name: &'a str,
    pub(super) answer: String,
}

/// How much is sent again.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ReplayedView<'a> {
    pub(super) success: bool,
    pub(super) name: &'a str,
    pub(super) events: usize,
}

/// `GET /api/subscriptions`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SubscriptionsView {
    subscriptions: Vec<LineView>,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "SubscriptionLine"))]
struct LineView {
    #[serde(flatten)]
    subscription: SubscriptionView,
    waiting: usize,
    dead: usize,
    last_delivered: Option<String>,
    failing: Option<String>,
    next_attempt: Option<String>,
}

impl SubscriptionsView {
    /// The list, as of now.
    pub(super) fn new(lines: &[SubscriptionLine], timestamp: String) -> Self {
        let view = |line: &SubscriptionLine| {
            let failing = line.first.as_ref().filter(|first| first.attempts > 0);
            LineView {
                subscription: (&*line.subscription).into(),
                waiting: line.waiting,
                dead: line.dead,
                last_delivered: line.delivered.as_ref().and_then(|it| it.ended).map(|at| at.to_string()),
                failing: failing.and_then(|first| first.last.clone()),
                next_attempt: failing.map(|first| first.due.to_string()),
            }
        };
        Self { subscriptions: lines.iter().map(view).collect(), timestamp }
    }
}

/// `GET /api/deliveries` and `GET /api/dead-letters`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct EndedView {
    deliveries: Vec<EndedLine>,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

impl EndedView {
    /// The list, as of now.
    pub(super) fn new(parcels: Vec<Parcel>, timestamp: String) -> Self {
        let view = |it: Parcel| {
            let (subscription, channel) = match it.route {
                Route::Subscription(name) => (Some(name.to_string()), None),
                Route::Channel(name) => (None, Some(name.to_string())),
            };
            EndedLine {
                id: it.id,
                kind: it.kind,
                subscription,
                channel,
                happened_at: it.born.to_string(),
                ended_at: it.ended.map(|at| at.to_string()),
                attempts: it.attempts,
                answer: it.last,
            }
        };
        Self { deliveries: parcels.into_iter().map(view).collect(), timestamp }
    }
}

/// `POST /notify`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct NotifiedView {
    delivered: bool,
    queued: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_answer: Option<String>,
}

impl From<Sent> for NotifiedView {
    fn from(sent: Sent) -> Self {
        match sent {
            Sent::Delivered => Self { delivered: true, queued: false, last_answer: None },
            Sent::Queued { last } => Self { delivered: false, queued: true, last_answer: last },
        }
    }
}
