//! The mesh's clock in the shapes that rustls and quinn ask for: certificates and address tokens are judged by it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::model::time::Clock;

/// The injected clock.
pub(super) struct MeshTime(pub(super) Arc<dyn Clock>);

impl MeshTime {
    /// `None` before 1970: then no certificate is valid.
    fn since_epoch(&self) -> Option<Duration> {
        u64::try_from(self.0.now().wall.0).ok().map(Duration::from_millis)
    }
}

impl fmt::Debug for MeshTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MeshTime")
    }
}

impl TimeProvider for MeshTime {
    fn current_time(&self) -> Option<UnixTime> {
        self.since_epoch().map(UnixTime::since_unix_epoch)
    }
}

impl quinn::TimeSource for MeshTime {
    fn now(&self) -> SystemTime {
        self.since_epoch().and_then(|age| UNIX_EPOCH.checked_add(age)).unwrap_or(UNIX_EPOCH)
    }
}
