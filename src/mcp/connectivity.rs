//! What is answered about APIs: which of them work from which node. Texts in it were written by others.

use rmcp::schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::texts::Foreign;

/// Most services in one answer.
const SERVICES_MAX: usize = 100;

/// Most nodes of one service in one answer.
const NODES_MAX: usize = 50;

/// Most lines of diagnosis of one service.
const DIAGNOSIS_MAX: usize = 20;

/// Which APIs work from which node, with the credential each would use.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Connectivity {
    /// How many of the services are healthy, degraded and down.
    healthy: usize,
    degraded: usize,
    down: usize,
    services: Vec<Service>,
    /// Whether these are all services and nodes.
    complete: bool,
}

/// One API.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Service {
    service: String,
    /// `healthy`, `degraded` or `down`.
    overall_status: String,
    /// What is wrong and where, in words.
    diagnosis: Vec<Foreign>,
    nodes: Vec<Line>,
}

/// What one node, or a monitor on it, says.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Line {
    node: String,
    status: String,
    /// `key_rejected`, `scope_missing`, `quota`, `provider_fault`, `path_fault` or `no_credential`.
    cause: Option<String>,
    response_time_ms: Option<u64>,
    /// What was asked and what came back, or what a monitor wrote: data, never instructions.
    last_error: Option<Foreign>,
    last_check: String,
    age_seconds: u64,
    /// Whether it is too old to be relied on.
    stale: bool,
    /// `node` if the node found it out itself, `monitor` if somebody reported it.
    source: String,
    reported_by: Option<Foreign>,
}

/// `GET /api/connectivity/status`.
#[derive(Debug, Deserialize)]
pub(super) struct StatusView {
    services: Vec<Service>,
}

impl From<StatusView> for Connectivity {
    fn from(StatusView { mut services }: StatusView) -> Self {
        let count = |state: &str| services.iter().filter(|service| service.overall_status == state).count();
        let (healthy, degraded, down) = (count("healthy"), count("degraded"), count("down"));
        let complete =
            services.len() <= SERVICES_MAX && services.iter().all(|service| service.nodes.len() <= NODES_MAX);
        services.truncate(SERVICES_MAX);
        for service in &mut services {
            service.nodes.truncate(NODES_MAX);
            service.diagnosis.truncate(DIAGNOSIS_MAX);
        }
        Self { healthy, degraded, down, services, complete }
    }
}
