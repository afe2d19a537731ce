//! What one node, or a monitor on it, says about one API, in words.

use serde::{Deserialize, Serialize};

use super::ago::span_of_seconds;

/// One report, as the API tells it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LineView {
    pub(super) node: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<String>,
    pub(super) status: String,
    pub(super) response_time_ms: Option<u64>,
    last_error: Option<String>,
    last_check: String,
    pub(super) source: String,
    reported_by: Option<String>,
    cause: Option<String>,
    path_fault: Option<String>,
    pub(super) stale: bool,
    pub(super) age_seconds: u64,
    keys: Vec<KeyView>,
}

/// One credential of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyView {
    company: Option<String>,
    key: Option<String>,
    scope: Option<String>,
    scope_id: Option<String>,
    version: Option<u64>,
    status: Option<String>,
    cause: Option<String>,
    validation: Option<String>,
    detail: String,
    checked_at: Option<String>,
    expires_at: Option<String>,
    expires_source: Option<String>,
}

impl LineView {
    /// Whether it says more than that all is well.
    pub(super) fn is_worth_telling(&self) -> bool {
        self.status != "healthy" || self.stale || self.source != "node"
    }

    /// The keys that have something to say of their own: where there is no path, none of them is to blame.
    pub(super) fn faults(&self) -> impl Iterator<Item = &KeyView> {
        let is_cut_off = self.path_fault.is_some();
        self.keys.iter().filter(move |key| key.fails() && !(is_cut_off && key.cause.as_deref() == Some("path_fault")))
    }

    /// In one line; what stands below it, at its keys, is left to them.
    pub(super) fn told(&self, are_apart: bool) -> String {
        let age = span_of_seconds(self.age_seconds);
        let place = match self.environment.as_ref().filter(|_| are_apart) {
            Some(environment) => format!("{} ({environment})", self.node),
            None => self.node.clone(),
        };
        let who = match &self.reported_by {
            Some(by) => format!("{by} on {place} reports {}", self.status),
            None => format!("{place} is {}", self.status),
        };
        let cause = match (&self.cause, &self.path_fault) {
            (Some(cause), Some(fault)) => format!(": {cause} ({fault})"),
            (Some(cause), None) => format!(": {cause}"),
            (None, _) => String::new(),
        };
        let error = self.last_error.as_ref().filter(|error| self.faults().all(|key| key.detail != **error));
        let error = error.map(|error| format!(", {error}")).unwrap_or_default();
        let stale = if self.stale { "; too old to be relied on" } else { "" };
        format!("{who}{cause}{error} ({age} ago{stale})")
    }
}

impl KeyView {
    fn fails(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status != "healthy")
    }

    /// In one line.
    pub(super) fn told(&self) -> String {
        let key = self.key.as_deref().unwrap_or("no key");
        let place = match (&self.scope, &self.scope_id) {
            (Some(scope), Some(id)) => format!(" of {scope}:{id}"),
            (Some(scope), None) => format!(" ({scope})"),
            (None, _) => self.company.as_ref().map(|company| format!(" for company:{company}")).unwrap_or_default(),
        };
        let version = self.version.map(|version| format!(", version {version}")).unwrap_or_default();
        let cause = self.cause.as_deref().unwrap_or("fails");
        let detail = if self.detail.is_empty() { String::new() } else { format!("; {}", self.detail) };
        format!("{key}{place}{version}: {cause}{detail}")
    }
}
