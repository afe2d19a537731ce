//! What is counted while it happens: any part adds, and the text shows it.
//!
//! Labels come from tables of this program (actions, outcomes, verdicts), so their number is bounded whatever is asked.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper ends in seconds: a read from memory takes tens of microseconds, a change waits for a disk, a check for a provider.
const LATENCY_SECONDS: [f64; 9] = [0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.025, 0.1, 1.0, 10.0];

/// The labels of one series: names and values of this program's own.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The numbers of one node. Cheap to share.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    requests: Family<Labels<3>, Counter>,
    latency: Family<Labels<1>, Histogram, fn() -> Histogram>,
    served: Family<Labels<1>, Counter>,
    unaudited: Counter,
    probes: Family<Labels<1>, Counter>,
    deliveries: Family<Labels<2>, Counter>,
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            latency: Family::new_with_constructor(|| Histogram::new(LATENCY_SECONDS)),
            served: Family::default(),
            unaudited: Counter::default(),
            probes: Family::default(),
            deliveries: Family::default(),
        }
    }
}

/// One request that was decided and written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// What was asked.
    pub action: &'static str,
    /// `allow` or `deny`.
    pub decision: &'static str,
    /// What came of it: `ok`, or the code of the error.
    pub outcome: &'static str,
    /// How fresh what was given out is: `lead`, `hit`, `stale`.
    pub freshness: Option<&'static str>,
    /// From the request to its line.
    pub latency: Duration,
}

impl Metrics {
    /// A request was decided.
    pub fn decided(&self, request: &Decided) {
        let Decided { action, decision, outcome, freshness, latency } = *request;
        let labels = [("action", action), ("decision", decision), ("outcome", outcome)];
        self.0.requests.get_or_create(&labels).inc();
        self.0.latency.get_or_create(&[("action", action)]).observe(latency.as_secs_f64());
        if let Some(freshness) = freshness.filter(|_| outcome == "ok") {
            self.0.served.get_or_create(&[("freshness", freshness)]).inc();
        }
    }

    /// A request was refused because its line could not be written.
    pub fn unaudited(&self) {
        self.0.unaudited.inc();
    }

    /// A provider was asked about a credential, with this verdict.
    pub fn probed(&self, verdict: &'static str) {
        self.0.probes.get_or_create(&[("verdict", verdict)]).inc();
    }

    /// An event was sent to somebody over this kind of way, with this outcome.
    pub fn delivered(&self, way: &'static str, outcome: &'static str) {
        self.0.deliveries.get_or_create(&[("way", way), ("outcome", outcome)]).inc();
    }

    /// Puts all of it under its names.
    pub(super) fn register(&self, registry: &mut Registry) {
        let counted = &self.0;
        let help = "Requests that were decided, by action, decision and outcome";
        registry.register("requests", help, counted.requests.clone());
        let help = "Seconds from a request to its audit line";
        registry.register("request_duration_seconds", help, counted.latency.clone());
        registry.register("served", "Values that were given out, by freshness", counted.served.clone());
        let help = "Requests that were refused because their audit line could not be written";
        registry.register("audit_unavailable", help, counted.unaudited.clone());
        registry.register("probes", "Checks of credentials at their providers, by verdict", counted.probes.clone());
        let help = "Events that were sent to subscribers and channels";
        registry.register("deliveries", help, counted.deliveries.clone());
    }
}
