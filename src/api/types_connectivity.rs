//! APIs and how they do, as the API tells of it; and a monitor's report, as it comes in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::connectivity::best::best;
use crate::connectivity::health::Health;
use crate::connectivity::summary::{Line, RULE, ServiceReport, Source};
use crate::model::api_check::KeyCheck;
use crate::model::connectivity::{ApiState, Cause};
use crate::model::name::{CompanyId, NodeName, ServiceName};
use crate::model::time::Timestamp;
use crate::vault::answer_connectivity::Connectivity;
use crate::vault::connectivity::StatusReport;

/// How often a monitor reports unless it says otherwise.
const INTERVAL_SECONDS: u64 = 300;

/// A monitor that reports more often says nothing new; one that reports less often than daily says nothing of today.
const INTERVAL_SECONDS_MIN: u64 = 30;
const INTERVAL_SECONDS_MAX: u64 = 86_400;

/// Longest time an answer may have taken: nobody waits for longer than an hour.
const RESPONSE_TIME_MS_MAX: u64 = 3_600_000;

/// How the nodes are ordered, in words for people.
const BEST_RULE: &str = "healthy before degraded before down, fresh before stale, then the shortest answer; what a monitor \
                         reports on a node can only make it come later";

/// `?service=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServiceQuery {
    pub(super) service: Option<String>,
}

/// The body of `POST /api/connectivity/status`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ReportBody {
    service: String,
    status: String,
    response_time_ms: Option<u64>,
    last_error: Option<String>,
    interval_seconds: Option<u64>,
}

impl ReportBody {
    /// The report it stands for.
    ///
    /// # Errors
    /// [`ApiError`] names the field.
    pub(super) fn into_report(self, node: Option<NodeName>, reason: Option<String>) -> Result<StatusReport, ApiError> {
        let state = ApiState::parse(&self.status);
        let state = state.ok_or(ApiError::BadValue { field: "status", wanted: "healthy, degraded or down" })?;
        let response_time = self.response_time_ms;
        if response_time.is_some_and(|milliseconds| milliseconds > RESPONSE_TIME_MS_MAX) {
            return Err(ApiError::BadValue { field: "response_time_ms", wanted: "at most 3600000" });
        }
        let interval = self.interval_seconds.unwrap_or(INTERVAL_SECONDS);
        if !(INTERVAL_SECONDS_MIN..=INTERVAL_SECONDS_MAX).contains(&interval) {
            return Err(ApiError::BadValue { field: "interval_seconds", wanted: "a number from 30 to 86400" });
        }
        Ok(StatusReport {
            service: ServiceName::parse(&self.service)?,
            state,
            response_time: response_time.map(Duration::from_millis),
            detail: self.last_error.filter(|text| !text.is_empty()),
            interval: Duration::from_secs(interval),
            node,
            reason,
        })
    }
}

/// The answer of `POST /api/connectivity/status`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ReportedView {
    pub(super) success: bool,
    pub(super) message: &'static str,
}

/// `GET /api/connectivity/status`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ConnectivityStatus"))]
pub(super) struct StatusView<'a> {
    services: Vec<ServiceView<'a>>,
    total_services: usize,
    rule: &'static str,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ServiceView<'a> {
    service: &'a str,
    overall_status: &'static str,
    diagnosis: &'a [String],
    nodes: Vec<LineView<'a>>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ConnectivityLine"))]
struct LineView<'a> {
    node: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    status: &'static str,
    response_time_ms: Option<u64>,
    last_error: Option<&'a str>,
    last_check: String,
    source: &'static str,
    reported_by: Option<&'a str>,
    cause: Option<&'static str>,
    path_fault: Option<&'static str>,
    stale: bool,
    age_seconds: u64,
    keys: Vec<KeyView<'a>>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ConnectivityKey"))]
struct KeyView<'a> {
    company: Option<&'a str>,
    key: Option<String>,
    scope: Option<&'static str>,
    scope_id: Option<&'a str>,
    version: Option<u64>,
    status: Option<&'static str>,
    cause: Option<&'static str>,
    validation: Option<&'static str>,
    detail: &'a str,
    checked_at: Option<String>,
    expires_at: Option<String>,
    expires_source: Option<&'static str>,
}

impl<'a> StatusView<'a> {
    /// What is said about each service.
    pub(super) fn new(told: &'a Connectivity) -> Self {
        let services: Vec<_> = told.services.iter().map(|report| ServiceView::new(report, told)).collect();
        Self { total_services: services.len(), services, rule: RULE }
    }
}

impl<'a> ServiceView<'a> {
    fn new(report: &'a ServiceReport, told: &'a Connectivity) -> Self {
        Self {
            service: report.service.as_str(),
            overall_status: report.overall.as_str(),
            diagnosis: &report.diagnosis,
            nodes: report.lines.iter().map(|line| LineView::new(line, told)).collect(),
        }
    }
}

impl<'a> LineView<'a> {
    fn new(line: &'a Line, told: &'a Connectivity) -> Self {
        let environments = told.environments.as_ref();
        let (source, reported_by) = match &line.source {
            Source::Node => ("node", None),
            Source::Monitor(by) => ("monitor", Some(by.as_str())),
        };
        Self {
            node: line.node.as_str(),
            environment: environments.and_then(|known| known.get(&line.node)).map(|name| name.as_str()),
            status: line.state.as_str(),
            response_time_ms: line.response_time.map(milliseconds),
            last_error: line.detail.as_deref(),
            last_check: line.checked_at.to_string(),
            source,
            reported_by,
            cause: line.cause.map(Cause::as_str),
            path_fault: path_fault(line),
            stale: line.stale,
            age_seconds: age(line, told.now),
            keys: line.keys.iter().map(KeyView::from).collect(),
        }
    }
}

impl<'a> From<&'a KeyCheck> for KeyView<'a> {
    fn from(check: &'a KeyCheck) -> Self {
        let (mark, verdict) = (check.key.as_ref(), check.verdict);
        Self {
            company: check.company.as_ref().map(CompanyId::as_str),
            key: mark.map(|mark| mark.secret.to_string()),
            scope: mark.map(|mark| mark.scope.kind()),
            scope_id: mark.and_then(|mark| mark.scope.id()),
            version: mark.map(|mark| mark.version.get()),
            status: verdict.and_then(|verdict| verdict.state()).map(ApiState::as_str),
            cause: verdict.and_then(|verdict| verdict.cause()).map(Cause::as_str),
            validation: verdict.map(|verdict| verdict.validation().as_str()),
            detail: &check.detail,
            checked_at: check.checked_at.map(|at| at.to_string()),
            expires_at: check.expires.map(|expiry| expiry.at.to_string()),
            expires_source: check.expires.map(|expiry| expiry.source.as_str()),
        }
    }
}

/// `GET /api/connectivity/health`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ConnectivityHealth"))]
pub(super) struct HealthView {
    overall_status: &'static str,
    total_services: usize,
    healthy: usize,
    degraded: usize,
    down: usize,
    timestamp: String,
}

impl HealthView {
    /// The counts, as of now.
    pub(super) fn new(health: &Health, now: Timestamp) -> Self {
        Self {
            overall_status: health.overall.as_str(),
            total_services: health.total,
            healthy: health.healthy,
            degraded: health.degraded,
            down: health.down,
            timestamp: now.to_string(),
        }
    }
}

/// `GET /api/connectivity/best`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct BestView<'a> {
    service: &'a str,
    nodes: Vec<RankedView<'a>>,
    rule: &'static str,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RankedView<'a> {
    rank: usize,
    node: &'a str,
    status: &'static str,
    response_time_ms: Option<u64>,
    age_seconds: u64,
    stale: bool,
    cause: Option<&'static str>,
}

impl<'a> BestView<'a> {
    /// The nodes in the order in which to take them.
    pub(super) fn new(service: &'a ServiceName, told: &'a Connectivity) -> Self {
        let lines = told.services.iter().find(|report| report.service == *service).map(best).unwrap_or_default();
        let ranked = |(before, line): (usize, &'a Line)| RankedView {
            rank: before + 1,
            node: line.node.as_str(),
            status: line.state.as_str(),
            response_time_ms: line.response_time.map(milliseconds),
            age_seconds: age(line, told.now),
            stale: line.stale,
            cause: line.cause.map(Cause::as_str),
        };
        Self { service: service.as_str(), nodes: lines.into_iter().enumerate().map(ranked).collect(), rule: BEST_RULE }
    }
}

fn path_fault(line: &Line) -> Option<&'static str> {
    line.cause.and_then(Cause::path_fault).map(|fault| fault.as_str())
}

fn age(line: &Line, now: Timestamp) -> u64 {
    now.since(line.checked_at).unwrap_or_default().as_secs()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> Result<StatusReport, ApiError> {
        serde_json::from_str::<ReportBody>(text).expect("json").into_report(None, None)
    }

    #[test]
    fn the_published_example_is_understood() {
        let text = r#"{"service":"hubspot","status":"healthy","response_time_ms":145,"last_error":null}"#;
        let report = report(text).expect("good");
        assert_eq!((report.service.as_str(), report.state), ("hubspot", ApiState::Healthy));
        assert_eq!((report.response_time, report.detail), (Some(Duration::from_millis(145)), None));
        assert_eq!(report.interval, Duration::from_secs(300));
    }

    #[test]
    fn what_is_out_of_its_range_is_refused() {
        let refused = |text: &str| match report(text) {
            Err(ApiError::BadValue { field, .. }) => field,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(refused(r#"{"service":"a","status":"fine"}"#), "status");
        assert_eq!(refused(r#"{"service":"a","status":"down","response_time_ms":3600001}"#), "response_time_ms");
        assert_eq!(refused(r#"{"service":"a","status":"down","interval_seconds":29}"#), "interval_seconds");
        assert_eq!(refused(r#"{"service":"a","status":"down","interval_seconds":86401}"#), "interval_seconds");
        assert!(matches!(report(r#"{"service":"A","status":"down"}"#), Err(ApiError::Name(_))));
        for text in [
            r#"{"service":"a","status":"down","node":"x"}"#,
            r#"{"service":"a","status":"down","response_time_ms":-1}"#,
            r#"{"service":"a"}"#,
        ] {
            assert!(serde_json::from_str::<ReportBody>(text).is_err(), "{text}");
        }
    }
}
