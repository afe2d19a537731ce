//! Searches of the audit journal, as the API takes and answers them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::query::{self, given};
use crate::audit::entry::Ruling;
use crate::audit::query::{ActionPattern, Query, TEXT_BYTES_MAX};
use crate::audit::search::Page;
use crate::audit::selection::{Cursor, Order};
use crate::config::duration;
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, NodeName};
use crate::model::time::Timestamp;

/// `GET /api/audit?…`, `GET /api/audit/export?…`, `GET /api/audit/follow?…`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct AuditQuery {
    since: Option<String>,
    until: Option<String>,
    principal: Option<String>,
    secret: Option<String>,
    action: Option<String>,
    decision: Option<String>,
    node: Option<String>,
    company: Option<String>,
    environment: Option<String>,
    outcome: Option<String>,
    request_id: Option<String>,
    pub(super) order: Option<String>,
    pub(super) limit: Option<String>,
    pub(super) cursor: Option<String>,
}

impl AuditQuery {
    /// The conditions. A duration counts back from `now`.
    ///
    /// # Errors
    /// [`ApiError`] names the parameter.
    pub(super) fn conditions(&self, now: Timestamp) -> Result<Query, ApiError> {
        let of = |text: &Option<String>| given(text.clone());
        let glob = |text: String| {
            let bad = ApiError::BadValue { field: "secret", wanted: "SERVICE/KEY_NAME, or a pattern such as openai/*" };
            SecretGlob::parse(&text).map_err(|_| bad)
        };
        let action = |text: String| {
            let bad = ApiError::BadValue { field: "action", wanted: "an action such as secret.read, or secret.*" };
            ActionPattern::parse(&text).map_err(|_| bad)
        };
        Ok(Query {
            since: of(&self.since).map(|text| time("since", &text, now)).transpose()?,
            until: of(&self.until).map(|text| time("until", &text, now)).transpose()?,
            principal: of(&self.principal).map(|text| short("principal", text)).transpose()?,
            secret: of(&self.secret).map(glob).transpose()?,
            action: of(&self.action).map(action).transpose()?,
            decision: of(&self.decision).map(|text| decision(&text)).transpose()?,
            node: of(&self.node).as_deref().map(NodeName::parse).transpose()?,
            company: of(&self.company).as_deref().map(CompanyId::parse).transpose()?,
            environment: query::environment(of(&self.environment).as_deref())?,
            outcome: of(&self.outcome).map(|text| short("outcome", text)).transpose()?,
            request_id: of(&self.request_id).map(|text| short("request_id", text)).transpose()?,
        })
    }

    /// Which lines come first: without a word, the last ones are shown as a journal shows them, the oldest of them first.
    ///
    /// # Errors
    /// [`ApiError::BadValue`].
    pub(super) fn order(&self) -> Result<Option<Order>, ApiError> {
        match given(self.order.clone()).as_deref() {
            None => Ok(None),
            Some("newest") => Ok(Some(Order::Newest)),
            Some("oldest") => Ok(Some(Order::Oldest)),
            Some(_) => Err(ApiError::BadValue { field: "order", wanted: "newest or oldest" }),
        }
    }

    /// Where the page begins.
    ///
    /// # Errors
    /// [`ApiError::BadValue`].
    pub(super) fn cursor(&self) -> Result<Option<Cursor>, ApiError> {
        let bad = |_| ApiError::BadValue { field: "cursor", wanted: "the next_cursor of the page before" };
        given(self.cursor.clone()).map(|text| Cursor::parse(&text).map_err(bad)).transpose()
    }

    /// Refuses what only a page has.
    ///
    /// # Errors
    /// [`ApiError::BadValue`] names the parameter.
    pub(super) fn unpaged(&self) -> Result<(), ApiError> {
        let wanted = "left out: these lines do not come in pages";
        for (field, given) in [("order", &self.order), ("limit", &self.limit), ("cursor", &self.cursor)] {
            if given.as_deref().is_some_and(|text| !text.is_empty()) {
                return Err(ApiError::BadValue { field, wanted });
            }
        }
        Ok(())
    }
}

fn time(field: &'static str, text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    let wanted = "a time in RFC 3339, such as 2026-11-21T08:00:00Z, or how long ago, such as 2h or 30d";
    let ago = || duration::parse(text).ok().map(|ago| now.minus(ago));
    Timestamp::parse(text).or_else(ago).ok_or(ApiError::BadValue { field, wanted })
}

fn decision(text: &str) -> Result<Ruling, ApiError> {
    match text {
        "allow" => Ok(Ruling::Allow),
        "deny" => Ok(Ruling::Deny),
        _ => Err(ApiError::BadValue { field: "decision", wanted: "allow or deny" }),
    }
}

fn short(field: &'static str, text: String) -> Result<String, ApiError> {
    let bad = ApiError::BadValue { field, wanted: "at most 512 bytes of text on one line" };
    if text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) { Err(bad) } else { Ok(text) }
}

/// `GET /api/audit`: each line exactly as the journal has it, because its hash covers its bytes.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AuditView {
    /// JSON texts.
    lines: Vec<String>,
    next_cursor: Option<String>,
    /// The nodes whose journals were looked at.
    nodes: Vec<String>,
    /// Whether every file could be read, and every line understood.
    complete: bool,
    /// Damaged files.
    damaged: Vec<String>,
    unreadable_lines: u64,
}

impl AuditView {
    /// A page, turned around if the oldest of the last lines is to come first.
    pub(super) fn new(page: Page, turned: bool) -> Self {
        let mut lines = page.lines;
        if turned {
            lines.reverse();
        }
        Self {
            lines,
            next_cursor: page.next.map(|cursor| cursor.to_string()),
            nodes: page.nodes.iter().map(ToString::to_string).collect(),
            complete: page.damaged.is_empty() && page.unreadable_lines == 0,
            damaged: page.damaged.into_iter().collect(),
            unreadable_lines: page.unreadable_lines,
        }
    }
}

/// `GET /credentials/usage?limit=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct UsageQuery {
    pub(super) limit: Option<String>,
}

/// `GET /credentials/usage`, in the shape of the older design.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct UsageView {
    usage: Vec<UseView>,
    total: usize,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct UseView {
    /// `service/key_name`.
    credential: String,
    /// There are no workflows yet.
    workflow: Option<String>,
    /// The first principal the caller was.
    requested_by: String,
    action: String,
    time: String,
}

impl UsageView {
    /// The newest of these lines.
    pub(super) fn new(lines: &[String], lines_max: usize) -> Self {
        let mut usage: Vec<UseView> = lines.iter().filter_map(|line| UseView::of(line)).collect();
        usage.sort_by(|one, other| other.time.cmp(&one.time));
        usage.truncate(lines_max);
        Self { total: usage.len(), usage }
    }
}

impl UseView {
    fn of(line: &str) -> Option<Self> {
        let line: BTreeMap<String, serde_json::Value> = serde_json::from_str(line).ok()?;
        let text = |name: &str| line.get(name).and_then(|value| value.as_str());
        let requested_by = text("principal")?.split(' ').next()?.to_owned();
        let (credential, action, time) =
            (text("secret")?.to_owned(), text("action")?.to_owned(), text("time")?.to_owned());
        Some(Self { credential, workflow: None, requested_by, action, time })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::*;

    fn read(query: &str) -> Result<Query, ApiError> {
        let uri: Uri = format!("/api/audit?{query}").parse().expect("uri");
        query::parameters::<AuditQuery>(&uri)?.conditions(Timestamp(7_200_000))
    }

    #[test]
    fn every_condition_arrives() {
        let query = read(
            "since=1h&until=1970-01-01T02:00:00Z&principal=agent:robot&secret=openai/*&action=secret.*&decision=deny\
             &node=vengeance&company=acme&environment=prod&outcome=denied&request_id=r1",
        );
        let query = query.expect("good");
        assert_eq!((query.since, query.until), (Some(Timestamp(3_600_000)), Some(Timestamp(7_200_000))));
        assert_eq!(
            query.to_string(),
            "since=1970-01-01T01:00:00.000Z until=1970-01-01T02:00:00.000Z principal=agent:robot secret=openai/* \
             action=secret.* decision=deny node=vengeance company=acme environment=prod outcome=denied request_id=r1"
        );
        assert_eq!(read("since=&action="), Ok(Query::default()));
    }

    #[test]
    fn what_is_no_condition_is_refused_by_name() {
        for (query, wrong) in [
            ("since=soon", "since"),
            ("until=-1h", "until"),
            ("secret=openai", "secret"),
            ("action=DROP", "action"),
            ("decision=maybe", "decision"),
            ("principal=a%0Ab", "principal"),
            (&format!("request_id={}", "a".repeat(513)), "request_id"),
        ] {
            match read(query) {
                Err(ApiError::BadValue { field, .. }) => assert_eq!(field, wrong),
                other => panic!("{query}: {other:?}"),
            }
        }
        assert!(matches!(read("node=A"), Err(ApiError::Name(_))));
        assert!(matches!(read("principle=x"), Err(ApiError::UnknownField { .. })));
    }

    #[test]
    fn a_use_of_a_credential_is_told_in_the_older_shape() {
        let line = |time: &str| {
            format!(
                r#"{{"seq":1,"time":"{time}","principal":"agent:robot user:1000","action":"secret.read","secret":"openai/api_key"}}"#
            )
        };
        let view = UsageView::new(&[line("1"), line("3"), "{}".to_owned(), line("2")], 2);
        let view = serde_json::to_value(&view).expect("JSON");
        assert_eq!((view["total"].as_u64(), view["usage"][0]["time"].as_str()), (Some(2), Some("3")));
        assert_eq!(
            view["usage"][1],
            serde_json::json!({"credential": "openai/api_key", "workflow": null,
            "requested_by": "agent:robot", "action": "secret.read", "time": "2"})
        );
    }
}
