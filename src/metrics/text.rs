//! The numbers as OpenMetrics text (OpenMetrics 1.0), which Prometheus reads.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::numbers::Metrics;
use super::readings::{FollowerReading, ProcessReading, Readings};

/// The media type of the text.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every name begins with this, but those of the process, which are the same for every program.
const PREFIX: &str = "aurora";

type Number = Gauge<f64, AtomicU64>;
type Named = Family<Vec<(&'static str, String)>, Number>;

/// The text.
#[must_use]
pub fn text(metrics: &Metrics, readings: &Readings) -> String {
    let mut registry = Registry::default();
    let own = registry.sub_registry_with_prefix(PREFIX);
    metrics.register(own);
    node(own, readings);
    followers(own, &readings.followers);
    by_name(own, ("apis", "APIs that are known here, by state"), "state", &readings.apis);
    by_name(own, ("queue_length", "What waits, by queue"), "queue", &readings.queues);
    process(&mut registry, readings.process);
    let mut text = String::new();
    // Writing to memory does not fail.
    let _ = encode(&mut text, &registry);
    text
}

fn node(registry: &mut Registry, readings: &Readings) {
    let labels = [
        ("version", readings.version.to_owned()),
        ("node", readings.node.clone()),
        ("role", readings.role.to_owned()),
        ("environment", readings.environment.clone()),
    ];
    registry.register("build", "The program and the node", Info::new(labels.to_vec()));
    number(registry, "uptime_seconds", "Since the node started", readings.uptime.as_secs_f64());
    number(registry, "epoch", "The reign of the lead", whole(readings.epoch));
    number(registry, "revision", "The last change that was applied", whole(readings.revision));
    number(registry, "secrets", "Secrets with a value on this node", whole(readings.secrets));
    number(registry, "audit_lines", "The number of the last line of the journal", whole(readings.audit_lines));
    let works = if readings.audit_works { 1.0 } else { 0.0 };
    number(registry, "audit_works", "Whether the journal took the last line it was given", works);
    if let Some(age) = readings.snapshot_age {
        let help = "Since the newest snapshot was taken that is known to restore";
        number(registry, "snapshot_age_seconds", help, age.as_secs_f64());
    }
    if let Some(age) = readings.cache_age {
        number(registry, "cache_age_seconds", "Since the lead vouched for what is held here", age.as_secs_f64());
    }
    let states = ["lead", "stepped_down", "fresh", "stale", "closed", "banned"]
        .map(|state| (state, u64::from(state == readings.freshness)));
    by_name(registry, ("freshness", "How fresh the cache is: 1 at its state"), "state", &states);
}

fn followers(registry: &mut Registry, followers: &[FollowerReading]) {
    let (up, lag, audit_lag) = (Named::default(), Named::default(), Named::default());
    for follower in followers {
        let labels = vec![("node", follower.node.clone())];
        up.get_or_create(&[labels.clone(), vec![("state", follower.state.to_owned())]].concat()).set(1.0);
        if let Some(revisions) = follower.lag {
            lag.get_or_create(&labels).set(whole(revisions));
        }
        if let Some(lines) = follower.audit_lag {
            audit_lag.get_or_create(&labels).set(whole(lines));
        }
    }
    registry.register("follower", "Followers, by state", up);
    registry.register("follower_lag_revisions", "Changes that a follower has not acknowledged", lag);
    registry.register("follower_audit_lag_lines", "Lines of a follower's journal that are not at the lead", audit_lag);
}

fn process(registry: &mut Registry, process: ProcessReading) {
    number(registry, "process_resident_memory_bytes", "Resident memory", whole(process.resident_bytes));
    number(registry, "process_open_fds", "Open file descriptors", whole(process.open_descriptors));
    number(registry, "process_max_fds", "File descriptors there may be", whole(process.descriptors_max));
    let help = "Processor time that was used, by the system and the program";
    number(registry, "process_cpu_seconds", help, process.cpu_seconds);
}

fn number(registry: &mut Registry, name: &str, help: &str, value: f64) {
    let gauge = Number::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn by_name(registry: &mut Registry, (name, help): (&str, &str), label: &'static str, values: &[(&'static str, u64)]) {
    let family = Named::default();
    for (text, value) in values {
        family.get_or_create(&vec![(label, (*text).to_owned())]).set(whole(*value));
    }
    registry.register(name, help, family);
}

/// The text has floating point only; beyond 2^53 the last digits are rounded.
#[expect(clippy::cast_precision_loss, reason = "the format has no other numbers")]
fn whole(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::numbers::Decided;
    use super::*;

    fn decided(outcome: &'static str, freshness: Option<&'static str>) -> Decided {
        let latency = Duration::from_micros(60);
        Decided { action: "secret.read", decision: "allow", outcome, freshness, latency }
    }

    #[test]
    fn what_was_counted_and_what_was_read_are_told_under_their_names() {
        let metrics = Metrics::default();
        metrics.decided(&decided("ok", Some("stale")));
        metrics.decided(&decided("ok", Some("stale")));
        metrics.decided(&decided("not_found", Some("hit")));
        metrics.unaudited();
        metrics.probed("accepted");
        let follower = FollowerReading { node: "vengeance".to_owned(), state: "alive", lag: Some(3), audit_lag: None };
        let readings = Readings {
            version: "1.2.3",
            node: "aurora".to_owned(),
            freshness: "lead",
            revision: 17,
            cache_age: Some(Duration::from_millis(2500)),
            snapshot_age: Some(Duration::from_secs(3600)),
            followers: vec![follower],
            apis: vec![("healthy", 4)],
            ..Readings::default()
        };
        let text = text(&metrics, &readings);
        for line in [
            r#"aurora_requests_total{action="secret.read",decision="allow",outcome="ok"} 2"#,
            r#"aurora_requests_total{action="secret.read",decision="allow",outcome="not_found"} 1"#,
            r#"aurora_request_duration_seconds_bucket{le="0.0001",action="secret.read"} 3"#,
            r#"aurora_served_total{freshness="stale"} 2"#,
            "aurora_audit_unavailable_total 1",
            r#"aurora_probes_total{verdict="accepted"} 1"#,
            "aurora_revision 17.0",
            "aurora_cache_age_seconds 2.5",
            "aurora_snapshot_age_seconds 3600.0",
            r#"aurora_freshness{state="lead"} 1.0"#,
            r#"aurora_freshness{state="stale"} 0.0"#,
            r#"aurora_follower{node="vengeance",state="alive"} 1.0"#,
            r#"aurora_follower_lag_revisions{node="vengeance"} 3.0"#,
            r#"aurora_apis{state="healthy"} 4.0"#,
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
        }
        for state in ["lead", "stepped_down", "fresh", "stale", "closed", "banned"] {
            let told = super::text(&metrics, &Readings { freshness: state, ..Readings::default() });
            let here = told.lines().filter(|line| line.starts_with("aurora_freshness{") && line.ends_with(" 1.0"));
            let wanted = format!("aurora_freshness{{state=\"{state}\"}} 1.0");
            assert_eq!(here.collect::<Vec<_>>(), [wanted], "a node is in one state, and says in which");
        }
        assert!(text.ends_with("# EOF\n") && !text.contains(r#"served_total{freshness="hit"}"#), "{text}");
    }
}
