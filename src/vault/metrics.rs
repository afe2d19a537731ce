//! The numbers of this node, for whoever watches it.
//!
//! They name nodes, and no secret, caller or company. So a look at them is the one thing that leaves no line in the journal:
//! a scraper looks every few seconds, for ever. A look that is refused does leave one.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::connectivity::summary::summary;
use crate::metrics::readings::{FollowerReading, Readings};
use crate::metrics::text::text;
use crate::model::actions::Action;
use crate::model::caller::{Caller, Door};
use crate::model::connectivity::ApiState;
use crate::model::identity::Role;
use crate::model::time::Moment;
use crate::replication::freshness;

use super::account::Account;
use super::answer::{NodeLine, NodeState};
use super::error::VaultError;
use super::parts::Vault;

impl Vault {
    /// The numbers, in the text that Prometheus reads: for those who manage nodes, and on loopback for everybody if
    /// `[metrics] loopback` says so.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not.
    pub async fn metrics(&self, caller: &Caller) -> Result<String, VaultError> {
        if caller.door != Door::Loopback || !self.parts.metrics_on_loopback {
            let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
            account.reason(Some("metrics"));
            if let refused @ Err(_) = self.node_permit(caller, Action::NodeManage, &mut account) {
                self.settle(&account, refused).await?;
            }
        }
        Ok(text(&self.parts.board.metrics, &self.readings()))
    }

    fn readings(&self) -> Readings {
        let (parts, now) = (&self.parts, self.parts.clock.now());
        let health = self.health();
        let contact = parts.board.contact.load();
        Readings {
            version: env!("CARGO_PKG_VERSION"),
            node: parts.node.to_string(),
            role: self.role().as_str(),
            environment: parts.environment.to_string(),
            uptime: health.uptime,
            freshness: health.freshness,
            cache_age: contact.as_deref().and_then(|contact| freshness::age(contact, &now)),
            epoch: health.epoch.get(),
            revision: health.revision.get(),
            secrets: u64::try_from(health.secrets).unwrap_or(u64::MAX),
            audit_lines: parts.journal.head().seq,
            audit_works: parts.journal_works.load(Ordering::Relaxed),
            snapshot_age: self.snapshot_age(now),
            followers: self.follower_readings(health.revision.get()),
            apis: self.api_readings(now),
            queues: self.queue_readings(),
            process: (parts.process_reading)(),
        }
    }

    /// A snapshot from the future is one of a clock that went back.
    fn snapshot_age(&self, now: Moment) -> Option<Duration> {
        let verified = self.parts.lead.as_ref()?.snapshots.mark().verified?;
        Some(now.wall.since(verified.taken_at).unwrap_or_default())
    }

    fn follower_readings(&self, revision: u64) -> Vec<FollowerReading> {
        let Some(lead) = &self.parts.lead else { return Vec::new() };
        let lead_view = lead.board.lead_view.load();
        let lines = lead_view.nodes().map(|entry| self.node_line(lead, entry));
        let standings = lead.audit.standings();
        let reading = |line: NodeLine| {
            let standing = standings.get(&line.name);
            let audit_lag = standing.map(|standing| standing.said.saturating_sub(standing.lines));
            FollowerReading { audit_lag, ..follower_reading(&line, revision) }
        };
        lines.filter(|line| line.role == Role::Follower).map(reading).collect()
    }

    /// Messages that wait, and on a follower the lines of its journal that the lead has not sealed.
    fn queue_readings(&self) -> Vec<(&'static str, u64)> {
        let journal = &self.parts.journal;
        let mut queues = vec![("messages", u64::try_from(self.deliveries().queue.depth()).unwrap_or(u64::MAX))];
        if self.role() == Role::Follower {
            queues.push(("audit_lines", journal.head().seq.saturating_sub(journal.forwarded_seq())));
        }
        queues
    }

    fn api_readings(&self, now: Moment) -> Vec<(&'static str, u64)> {
        let matrix = self.parts.board.connectivity.matrix();
        let reports = summary(matrix.rows(), now.wall);
        let states = [ApiState::Healthy, ApiState::Degraded, ApiState::Down];
        let count = |state| reports.iter().filter(|report| report.overall == state).count();
        states.map(|state| (state.as_str(), u64::try_from(count(state)).unwrap_or(u64::MAX))).into()
    }
}

fn follower_reading(line: &NodeLine, revision: u64) -> FollowerReading {
    let state = match line.state {
        NodeState::Here | NodeState::Alive => "alive",
        NodeState::Suspect => "suspect",
        NodeState::Lost => "lost",
        NodeState::Unknown => "unknown",
    };
    let lag = line.acknowledged.map(|acknowledged| revision.saturating_sub(acknowledged.get()));
    FollowerReading { node: line.name.to_string(), state, lag, audit_lag: None }
}
