//! Logs: plain for people, JSON for machines, or the journal of systemd; never a value.

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::node_config::LogFormat;

/// What is logged when nobody asks for more.
const DEFAULT_FILTER: &str = "info";

/// What a filter of logs is written into.
type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging. `filter` is `AURORA_LOG`, in the syntax of `tracing_subscriber::EnvFilter`. What stands on standard error
/// for systemd has no time, which its journal adds itself.
pub fn start(filter: Option<&str>, format: LogFormat) {
    let filter = filter.unwrap_or(DEFAULT_FILTER);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let (layer, missing): (Boxed, _) = match format {
        LogFormat::Text => (text(), None),
        LogFormat::Json => (json(), None),
        LogFormat::Journald => match tracing_journald::layer() {
            Ok(layer) => (layer.with_syslog_identifier("aurora".to_owned()).boxed(), None),
            Err(error) => (json(), Some(error)),
        },
    };
    // A second start in one process (tests) keeps the first subscriber.
    drop(tracing_subscriber::registry().with(layer.with_filter(filter)).try_init());
    if let Some(error) = missing {
        tracing::warn!(%error, "there is no journal of systemd to log to: logs go to standard error");
    }
}

fn text<S: Subscriber + for<'span> LookupSpan<'span>>() -> Box<dyn Layer<S> + Send + Sync> {
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(false);
    if std::env::var_os("JOURNAL_STREAM").is_some() { layer.without_time().boxed() } else { layer.boxed() }
}

fn json<S: Subscriber + for<'span> LookupSpan<'span>>() -> Box<dyn Layer<S> + Send + Sync> {
    tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed()
}
