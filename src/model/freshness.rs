//! The words of the freshness contract: how long an answer may be given while the lead is away.

use std::time::Duration;

/// Longest `ttl` or `max_stale`: past a month without the lead a copy is an archive, not a cache.
pub const FRESHNESS_MAX: Duration = Duration::from_secs(30 * 86_400);

/// How long a cached answer counts as fresh, and how long after that it may still be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshnessPolicy {
    /// Fresh this long after the lead last vouched for the cache.
    pub ttl: Duration,
    /// Served, marked stale, this long after `ttl`.
    pub max_stale: Duration,
}

impl Default for FreshnessPolicy {
    /// 300 s and 3600 s.
    fn default() -> Self {
        Self { ttl: Duration::from_secs(300), max_stale: Duration::from_secs(3600) }
    }
}

/// Whether a secret may be served at all once it is no longer fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offline {
    /// Served stale for `max_stale`.
    #[default]
    Allow,
    /// `max_stale` counts as zero.
    Deny,
}
