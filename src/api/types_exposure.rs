//! Exposure as the API tells of it: names, versions and times, never a value.

use serde::{Deserialize, Serialize};

use crate::model::name::NodeName;
use crate::vault::answer_exposure::{ExposedValue, Exposure};

/// `GET /api/exposure?of=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExposureQuery {
    pub(super) of: Option<String>,
}

/// `GET /api/exposure`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ExposureView<'a> {
    of: &'a str,
    values: Vec<ExposedView<'a>>,
    nodes: Vec<&'a str>,
    principals: Vec<&'a str>,
    covers: Vec<&'a str>,
    complete: bool,
    unreadable_lines: u64,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ExposedView<'a> {
    service: &'a str,
    key_name: &'a str,
    scope: &'static str,
    scope_id: Option<&'a str>,
    environment: &'a str,
    version: u64,
    state: &'static str,
    since: String,
    until: Option<String>,
    last_read: Option<String>,
    nodes: Vec<&'a str>,
}

impl<'a> ExposureView<'a> {
    /// The list, as of now.
    pub(super) fn new(of: &'a str, exposure: &'a Exposure, timestamp: String) -> Self {
        Self {
            of,
            values: exposure.values.iter().map(ExposedView::from).collect(),
            nodes: exposure.nodes.iter().map(NodeName::as_str).collect(),
            principals: exposure.principals.iter().map(String::as_str).collect(),
            covers: exposure.covers.iter().map(NodeName::as_str).collect(),
            complete: exposure.complete,
            unreadable_lines: exposure.unreadable_lines,
            timestamp,
        }
    }
}

impl<'a> From<&'a ExposedValue> for ExposedView<'a> {
    fn from(value: &'a ExposedValue) -> Self {
        let ExposedValue { at, version, standing, period, last_read, nodes } = value;
        Self {
            service: at.secret.name.service.as_str(),
            key_name: at.secret.name.key.as_str(),
            scope: at.scope.kind(),
            scope_id: at.scope.id(),
            environment: at.secret.environment.as_str(),
            version: version.get(),
            state: standing.as_str(),
            since: period.from.to_string(),
            until: period.until.map(|until| until.to_string()),
            last_read: last_read.map(|at| at.to_string()),
            nodes: nodes.iter().map(NodeName::as_str).collect(),
        }
    }
}
