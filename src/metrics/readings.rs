//! What is read off a node when somebody asks, because it has a state of its own and need not be counted.

use std::time::Duration;

/// The state of a node at one time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readings {
    /// The version of this program.
    pub version: &'static str,
    /// The node's name.
    pub node: String,
    /// `lead` or `follower`.
    pub role: &'static str,
    /// Its environment.
    pub environment: String,
    /// Since it started.
    pub uptime: Duration,
    /// `lead`, `fresh`, `stale`, `closed` or `banned`.
    pub freshness: &'static str,
    /// Since the lead vouched for what is held; none if it never did, or the clocks cannot be trusted.
    pub cache_age: Option<Duration>,
    /// The reign of the lead.
    pub epoch: u64,
    /// The last change that was applied.
    pub revision: u64,
    /// Secrets with a value here.
    pub secrets: u64,
    /// The number of the last line of the journal.
    pub audit_lines: u64,
    /// Whether the journal took the last line it was given.
    pub audit_works: bool,
    /// On the lead, since the newest snapshot was taken that is known to restore; none if there is none.
    pub snapshot_age: Option<Duration>,
    /// On the lead, what is known of each follower.
    pub followers: Vec<FollowerReading>,
    /// How many APIs are in which state.
    pub apis: Vec<(&'static str, u64)>,
    /// Other queues, by name, with what waits in them.
    pub queues: Vec<(&'static str, u64)>,
    /// The process, in the kernel's words.
    pub process: ProcessReading,
}

/// A follower, as the lead knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowerReading {
    /// Its name.
    pub node: String,
    /// `alive`, `suspect`, `lost` or `unknown`.
    pub state: &'static str,
    /// Changes that it has not acknowledged; none if it was not heard.
    pub lag: Option<u64>,
    /// Lines of its journal that are not at the lead; none if it has not said how many there are.
    pub audit_lag: Option<u64>,
}

/// What a process uses.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProcessReading {
    /// Bytes of memory that are resident.
    pub resident_bytes: u64,
    /// Open file descriptors.
    pub open_descriptors: u64,
    /// How many there may be.
    pub descriptors_max: u64,
    /// Seconds of processor time.
    pub cpu_seconds: f64,
}
