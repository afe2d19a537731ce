//! Logs: plain for people, JSON for machines, or the journal of systemd; never a value.

use anyhow::Result;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::SubscriberInitExt;

#[cfg(feature = "otlp")]
use super::traces::Traces;
use crate::config::node_config::{LogFormat, LogSection};
use crate::model::name::NodeName;

/// What is logged when nobody asks for more.
const DEFAULT_FILTER: &str = "info";

/// What logs, or spans, are handed to.
pub(super) type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// What was started and ends with this.
#[derive(Default)]
pub(super) struct Logging {
    #[cfg(feature = "otlp")]
    _traces: Option<Traces>,
}

/// Starts logging for a command, on standard error. `filter` is `AURORA_LOG`, in the syntax of
/// `tracing_subscriber::EnvFilter`.
pub fn start(filter: Option<&str>) {
    begin(vec![text().with_filter(chosen(filter)).boxed()]);
}

/// Starts logging for a node, as its configuration says. What stands on standard error for systemd has no time, which its
/// journal adds itself.
///
/// # Errors
/// When traces were asked for and cannot be sent.
pub(super) fn of_node(filter: Option<&str>, log: &LogSection, node: &NodeName) -> Result<Logging> {
    let (layer, missing): (Boxed, _) = match log.format {
        LogFormat::Text => (text(), None),
        LogFormat::Json => (json(), None),
        LogFormat::Journald => match tracing_journald::layer() {
            Ok(layer) => (layer.with_syslog_identifier("aurora".to_owned()).boxed(), None),
            Err(error) => (json(), Some(error)),
        },
    };
    let mut layers = vec![layer.with_filter(chosen(filter)).boxed()];
    let logging = traced(&mut layers, log, node)?;
    begin(layers);
    if let Some(error) = missing {
        tracing::warn!(%error, "there is no journal of systemd to log to: logs go to standard error");
    }
    Ok(logging)
}

#[cfg(feature = "otlp")]
fn traced(layers: &mut Vec<Boxed>, log: &LogSection, node: &NodeName) -> Result<Logging> {
    let Some(collector) = log.otlp else { return Ok(Logging::default()) };
    let (traces, layer) = Traces::to(collector, node)?;
    layers.push(layer);
    Ok(Logging { _traces: Some(traces) })
}

#[cfg(not(feature = "otlp"))]
#[expect(clippy::unnecessary_wraps, reason = "a build that sends traces can fail to")]
fn traced(_: &mut Vec<Boxed>, _: &LogSection, _: &NodeName) -> Result<Logging> {
    Ok(Logging::default())
}

fn begin(layers: Vec<Boxed>) {
    // A second start in one process (tests) keeps the first subscriber.
    drop(tracing_subscriber::registry().with(layers).try_init());
}

fn chosen(filter: Option<&str>) -> EnvFilter {
    let filter = filter.unwrap_or(DEFAULT_FILTER);
    EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER))
}

fn text<S: Subscriber + for<'span> LookupSpan<'span>>() -> Box<dyn Layer<S> + Send + Sync> {
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(false);
    if std::env::var_os("JOURNAL_STREAM").is_some() { layer.without_time().boxed() } else { layer.boxed() }
}

fn json<S: Subscriber + for<'span> LookupSpan<'span>>() -> Box<dyn Layer<S> + Send + Sync> {
    tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed()
}
