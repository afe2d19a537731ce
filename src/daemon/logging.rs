//! Logs on standard error: plain for people, JSON for machines, never a value.

use tracing_subscriber::EnvFilter;

/// What is logged when nobody asks for more.
const DEFAULT_FILTER: &str = "info";

/// Starts logging. `filter` is `AURORA_LOG`, in the syntax of `tracing_subscriber::EnvFilter`; under systemd the journal
/// adds the time itself.
pub fn start(filter: Option<&str>) {
    let filter = filter.unwrap_or(DEFAULT_FILTER);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second start in one process (tests) keeps the first subscriber.
    let started = if std::env::var_os("JOURNAL_STREAM").is_some() {
        subscriber.without_time().with_ansi(false).try_init()
    } else {
        subscriber.with_ansi(false).try_init()
    };
    drop(started);
}
