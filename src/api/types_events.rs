//! Events as the API takes and tells them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::ApiError;
use super::query;
use crate::actors::event_posts::Taken;
use crate::config::duration;
use crate::events::audience::Audience;
use crate::events::filter::{EventFilter, TYPES_MAX, TypeGlob};
use crate::events::legacy::Legacy;
use crate::events::posting::{self, PostProblem};
use crate::events::schema::schema;
use crate::model::event_kind::EventKind;
use crate::model::name::{CompanyId, EnvironmentName, NodeName, ServiceName};
use crate::model::time::Timestamp;
use crate::vault::error::VaultError;
use crate::vault::event_error::EventError;
use crate::vault::event_stream::{Heard, StreamAsk};
use crate::vault::events::{EventAsk, HISTORY_MAX, HistoryAsk, HistoryPage};
use crate::vault::request::Context;

/// Events of a page whose length nobody named.
const LIMIT_DEFAULT: usize = 100;

/// The body of `POST /api/events`: the shape of today, or the older one.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct EventBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    data: Option<Map<String, Value>>,
    environment: Option<String>,
    id: Option<String>,
    source_agent: Option<String>,
    action: Option<String>,
    target: Option<String>,
    details: Option<Value>,
}

impl EventBody {
    /// What it tells. A key in a header and an id in the body are the same thing; the header counts.
    ///
    /// # Errors
    /// [`ApiError`] names the field, or says what may not be told.
    pub(super) fn into_ask(self, key: Option<String>, context: Context) -> Result<EventAsk, ApiError> {
        let Self { kind, data, environment, id, source_agent, action, target, details } = self;
        let (kind, data) = match (kind, action) {
            (Some(kind), None) if source_agent.is_none() && target.is_none() && details.is_none() => {
                (posting::kind(&kind).map_err(refused)?, data.unwrap_or_default())
            }
            (None, Some(action)) if data.is_none() => {
                let source_agent = source_agent.ok_or(ApiError::MissingField { field: "source_agent".to_owned() })?;
                Legacy { source_agent, action, target, details }.event().map_err(refused)?
            }
            (None, None) => return Err(ApiError::MissingField { field: "type".to_owned() }),
            (_, _) => {
                const WANTED: &str = "type with data, or source_agent with action, target and details";
                return Err(ApiError::BadValue { field: "the body", wanted: WANTED });
            }
        };
        let key = key.or(id).map(|key| posting::key(&key)).transpose().map_err(refused)?;
        let environment = query::environment(environment.as_deref())?;
        let data = posting::data(&data).map_err(refused)?;
        Ok(EventAsk { kind, data, key, context: Context { environment, ..context } })
    }
}

fn refused(problem: PostProblem) -> ApiError {
    VaultError::from(EventError::from(problem)).into()
}

/// The answer of `POST /api/events`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct PublishedView {
    success: bool,
    id: String,
    /// Whether it was not told before, under the same key.
    new: bool,
}

impl From<Taken> for PublishedView {
    fn from(taken: Taken) -> Self {
        Self { success: true, id: taken.id.to_string(), new: taken.is_new }
    }
}

/// The query of `GET /api/events/history`, but for `type`, which may be there several times.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    service: Option<String>,
    scope: Option<String>,
    scope_id: Option<String>,
    company: Option<String>,
    environment: Option<String>,
    node: Option<String>,
    since: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

impl HistoryQuery {
    /// What is asked for.
    ///
    /// # Errors
    /// [`ApiError`] names the parameter.
    pub(super) fn into_ask(self, types: &[String], context: Context, now: Timestamp) -> Result<HistoryAsk, ApiError> {
        const WANTED: &str = "a time such as 2026-11-21T08:00:00Z, or a duration such as 24h";
        let since = query::given(self.since).map(|text| {
            let ago = || duration::parse(&text).ok().map(|ago| now.minus(ago));
            Timestamp::parse(&text).or_else(ago).ok_or(ApiError::BadValue { field: "since", wanted: WANTED })
        });
        let limit = query::limit(self.limit, HISTORY_MAX, "a whole number from 1 to 1000")?.unwrap_or(LIMIT_DEFAULT);
        let before = number("cursor", self.cursor)?;
        let place = (self.scope, self.scope_id);
        let filter = filter(types, self.service, place, (self.company, self.environment, self.node))?;
        Ok(HistoryAsk { filter, since: since.transpose()?, before, limit, context })
    }
}

/// The query of `GET /api/events`, but for `type`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct StreamQuery {
    service: Option<String>,
    scope: Option<String>,
    scope_id: Option<String>,
    company: Option<String>,
    environment: Option<String>,
    node: Option<String>,
    after: Option<String>,
}

impl StreamQuery {
    /// What is asked for. What the client saw last counts more than what it began with.
    ///
    /// # Errors
    /// [`ApiError`] names the parameter.
    pub(super) fn into_ask(self, types: &[String], seen: Option<u64>, context: Context) -> Result<StreamAsk, ApiError> {
        let after = match seen {
            Some(seen) => Some(seen),
            None => number("after", self.after)?,
        };
        let place = (self.scope, self.scope_id);
        let filter = filter(types, self.service, place, (self.company, self.environment, self.node))?;
        Ok(StreamAsk { filter, after, context })
    }
}

fn number(field: &'static str, text: Option<String>) -> Result<Option<u64>, ApiError> {
    let bad = ApiError::BadValue { field, wanted: "a number that this node gave" };
    query::given(text).map(|text| query::number(&text).ok_or(bad)).transpose()
}

fn filter(
    types: &[String],
    service: Option<String>,
    (kind, id): (Option<String>, Option<String>),
    (company, environment, node): (Option<String>, Option<String>, Option<String>),
) -> Result<EventFilter, ApiError> {
    const WANTED: &str = "a type such as secret.updated, a family such as secret.*, or *";
    let bad = ApiError::BadValue { field: "type", wanted: WANTED };
    if types.len() > TYPES_MAX {
        return Err(bad);
    }
    let glob = |text: &String| TypeGlob::parse(text).map_err(|_| bad.clone());
    let (kind, id) = (query::given(kind), query::given(id));
    Ok(EventFilter {
        types: types.iter().map(glob).collect::<Result<_, _>>()?,
        service: query::given(service).as_deref().map(ServiceName::parse).transpose()?,
        scope: query::scope(kind.as_deref(), id.as_deref())?,
        company: query::given(company).as_deref().map(CompanyId::parse).transpose()?,
        environment: query::given(environment).as_deref().map(EnvironmentName::parse).transpose()?,
        node: query::given(node).as_deref().map(NodeName::parse).transpose()?,
    })
}

/// The query of `GET /api/events/types`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TypesQuery {
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl TypesQuery {
    /// The one that is asked for, if one is.
    ///
    /// # Errors
    /// [`ApiError`] when there is none of that name.
    pub(super) fn kind(self) -> Result<Option<EventKind>, ApiError> {
        let parse = |text: String| EventKind::parse(&text).map_err(|problem| refused(problem.into()));
        query::given(self.kind).map(parse).transpose()
    }
}

/// The answer of `GET /api/events/types`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TypesView {
    types: Vec<TypeView>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TypeView {
    #[serde(rename = "type")]
    kind: &'static str,
    summary: &'static str,
    audience: &'static str,
    /// Whether a program may tell it.
    programs: bool,
    schema: Value,
}

impl TypesView {
    /// These types, or the one of them that is wanted.
    pub(super) fn new(kinds: &[EventKind], wanted: Option<EventKind>) -> Self {
        let view = |kind: &EventKind| TypeView {
            kind: kind.as_str(),
            summary: kind.summary(),
            audience: Audience::told(*kind),
            programs: kind.is_for_programs(),
            schema: schema(*kind),
        };
        Self { types: kinds.iter().filter(|kind| wanted.is_none_or(|wanted| wanted == **kind)).map(view).collect() }
    }
}

/// A page of the history. Each event is the text that was kept, so that it is the same wherever it is read.
pub(super) fn page_text(page: &HistoryPage) -> String {
    let events: Vec<&str> = page.events.iter().map(|event| event.body.as_str()).collect();
    let next = page.next.map_or_else(|| "null".to_owned(), |number| format!("\"{number}\""));
    format!("{{\"events\":[{}],\"next_cursor\":{next}}}", events.join(","))
}

/// One thing that is told, as a Server-Sent Event.
pub(super) fn write(heard: &Heard) -> String {
    match heard {
        Heard::Ready(after) => format!("id: {after}\nevent: ready\ndata: {{\"after\":{after}}}\n\n"),
        Heard::Reset(after) => {
            let message = "some of what happened is no longer kept; the oldest that is follows";
            format!("id: {after}\nevent: reset\ndata: {{\"after\":{after},\"message\":\"{message}\"}}\n\n")
        }
        // JSON has no line ends of its own.
        Heard::Event(event) => {
            format!("id: {}\nevent: {}\ndata: {}\n\n", event.number, event.subject.kind, event.body)
        }
    }
}
