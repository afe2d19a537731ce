//! `GET /health`, whose shape is fixed, and `GET /api/status`, which says more.

use serde::Serialize;

use super::types_freezes::FreezeView;
use super::types_record::milliseconds;
use crate::model::freeze::Freeze;
use crate::model::name::NodeName;
use crate::model::reign::Reign;
use crate::vault::answer::Health;

/// Whether the node does its work.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct HealthView<'a> {
    status: &'static str,
    node: &'a str,
    role: &'static str,
    epoch: u64,
    revision: u64,
    lead: Option<&'a str>,
    lead_last_heard_ms: Option<u64>,
    freshness: &'static str,
    timestamp: String,
}

impl<'a> From<&'a Health> for HealthView<'a> {
    fn from(health: &'a Health) -> Self {
        Self {
            status: status(health),
            node: health.node.as_str(),
            role: health.role.as_str(),
            epoch: health.epoch.get(),
            revision: health.revision.get(),
            lead: health.lead.name.as_ref().map(NodeName::as_str),
            lead_last_heard_ms: health.lead_last_heard.map(milliseconds),
            freshness: health.freshness,
            timestamp: health.now.to_string(),
        }
    }
}

/// The same and more, for the person who runs the node. (`flatten` would change the order of the fields.)
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(description = "How the node is, for the person who runs it."))]
pub(super) struct StatusView<'a> {
    status: &'static str,
    node: &'a str,
    role: &'static str,
    environment: &'a str,
    epoch: u64,
    revision: u64,
    lead: Option<&'a str>,
    lead_address: Option<&'a str>,
    lead_last_heard_ms: Option<u64>,
    freshness: &'static str,
    banned_at: Option<String>,
    stepped_down: Option<ReignView<'a>>,
    secrets: usize,
    uptime_ms: u64,
    frozen: Vec<FreezeView>,
    timestamp: String,
}

/// The reign by which this node's was ended.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ReignView<'a> {
    lead: &'a str,
    epoch: u64,
    store: String,
    begins_at: String,
}

impl<'a> From<&'a Reign> for ReignView<'a> {
    fn from(reign: &'a Reign) -> Self {
        Self {
            lead: reign.lead.as_str(),
            epoch: reign.epoch.get(),
            store: reign.store.to_string(),
            begins_at: reign.begins_at.to_string(),
        }
    }
}

impl<'a> StatusView<'a> {
    /// The state of the node, and the freezes that the caller is told of.
    pub(super) fn new(health: &'a Health, freezes: &[Freeze]) -> Self {
        Self {
            status: status(health),
            node: health.node.as_str(),
            role: health.role.as_str(),
            environment: health.environment.as_str(),
            epoch: health.epoch.get(),
            revision: health.revision.get(),
            lead: health.lead.name.as_ref().map(NodeName::as_str),
            lead_address: health.lead.address.as_deref(),
            lead_last_heard_ms: health.lead_last_heard.map(milliseconds),
            freshness: health.freshness,
            banned_at: health.banned_at.map(|at| at.to_string()),
            stepped_down: health.ended_by.as_deref().map(ReignView::from),
            secrets: health.secrets,
            uptime_ms: milliseconds(health.uptime),
            frozen: freezes.iter().map(FreezeView::from).collect(),
            timestamp: health.now.to_string(),
        }
    }
}

/// Stale copies still serve, so the node is degraded; closed ones do not, and nothing is served without a journal. An
/// unknown word never counts as healthy.
fn status(health: &Health) -> &'static str {
    if !health.journal_works {
        return "unhealthy";
    }
    match health.freshness {
        "lead" | "fresh" => "healthy",
        "stale" => "degraded",
        _ => "unhealthy",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::caller::LeadAddress;
    use crate::model::identity::Role;
    use crate::model::name::EnvironmentName;
    use crate::model::number::{Epoch, Revision};
    use crate::model::time::Timestamp;

    fn health() -> Health {
        Health {
            node: NodeName::parse("vengeance").expect("name"),
            role: Role::Follower,
            environment: EnvironmentName::parse("prod").expect("environment"),
            epoch: Epoch(1),
            revision: Revision(17),
            lead: LeadAddress { name: NodeName::parse("aurora").ok(), address: None },
            lead_last_heard: Some(Duration::from_millis(400)),
            freshness: "fresh",
            banned_at: None,
            ended_by: None,
            journal_works: true,
            secrets: 3,
            uptime: Duration::from_secs(9),
            now: Timestamp(1_795_248_000_123),
        }
    }

    #[test]
    fn health_has_the_published_shape() {
        let health = health();
        assert_eq!(
            serde_json::to_string(&HealthView::from(&health)).expect("json"),
            concat!(
                r#"{"status":"healthy","node":"vengeance","role":"follower","epoch":1,"revision":17,"lead":"aurora","#,
                r#""lead_last_heard_ms":400,"freshness":"fresh","timestamp":"2026-11-21T08:00:00.123Z"}"#
            )
        );
    }

    #[test]
    fn a_state_that_is_not_known_is_not_healthy() {
        let of = |freshness| status(&Health { freshness, ..health() });
        assert_eq!((of("fresh"), of("lead")), ("healthy", "healthy"));
        assert_eq!((of("stale"), of("closed"), of("?")), ("degraded", "unhealthy", "unhealthy"));
        assert_eq!(of("stepped_down"), "unhealthy");
        assert_eq!(status(&Health { journal_works: false, ..health() }), "unhealthy");
    }
}
