//! What one node found out about one API: the path to it, each credential it would call it with, and what monitors said.

use std::time::Duration;

use super::connectivity::{ApiState, PathFault, Verdict};
use super::name::{CompanyId, EnvironmentName, ServiceName};
use super::number::Version;
use super::secret::{Scope, ScopedSecret, SecretAddress, SecretName};
use super::time::Timestamp;

/// Longest text about a check, in bytes: what was asked and what came back, never a part of a credential.
pub const DETAIL_BYTES_MAX: usize = 256;

/// Most checks of credentials in one cell: those of companies come after the node's own, by name.
pub const KEYS_MAX: usize = 256;

/// Most monitors that one node keeps for one service.
pub const MONITORS_MAX: usize = 8;

/// Most services of one node.
pub const SERVICES_MAX: usize = 256;

/// After so many of its intervals a report is old.
pub const INTERVALS_MAX: u32 = 3;

/// How often the path is checked, and so how old a report may be: [`INTERVALS_MAX`] times as much.
pub const PATH_EVERY: Duration = Duration::from_secs(60);

/// Which value was used, without a word about it: the pair of serial number and version belongs to one value only, so two
/// nodes that name the same mark used the same key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyMark {
    /// Which secret.
    pub secret: SecretName,
    /// In which scope it was found.
    pub scope: Scope,
    /// The serial number of the (secret, scope).
    pub secret_id: u64,
    /// Which version.
    pub version: Version,
}

impl KeyMark {
    /// The place of the value, in this environment.
    #[must_use]
    pub fn in_environment(&self, environment: &EnvironmentName) -> ScopedSecret {
        SecretAddress { environment: environment.clone(), name: self.secret.clone() }.within(self.scope.clone())
    }
}

/// From where a time of expiry is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExpirySource {
    /// Somebody said so when the secret was stored.
    User,
    /// A header of the provider's answer.
    Header,
    /// The body of the provider's answer, such as `expires_in`.
    Answer,
    /// The credential is a JWT and says so itself.
    Jwt,
}

impl ExpirySource {
    /// `user`, `header`, `answer` or `jwt`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Header => "header",
            Self::Answer => "answer",
            Self::Jwt => "jwt",
        }
    }
}

/// When a credential stops working by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyExpiry {
    /// When.
    pub at: Timestamp,
    /// Who says so.
    pub source: ExpirySource,
}

impl KeyExpiry {
    /// How many days are left, a part of one counting as one; none, or less, once it has expired.
    #[must_use]
    pub fn days_left(self, now: Timestamp) -> i64 {
        const DAY_MS: i64 = 86_400_000;
        let left = self.at.0.saturating_sub(now.0);
        left.div_euclid(DAY_MS).saturating_add(i64::from(left.rem_euclid(DAY_MS) > 0))
    }
}

/// The last check of one credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCheck {
    /// On behalf of which company it was resolved; none for the credential of the node itself.
    pub company: Option<CompanyId>,
    /// What it resolved to; none if to nothing.
    pub key: Option<KeyMark>,
    /// What is believed; none before the first check.
    pub verdict: Option<Verdict>,
    /// What was asked and what came back, at most [`DETAIL_BYTES_MAX`] bytes.
    pub detail: String,
    /// From the call to its answer, if one came.
    pub response_time: Option<Duration>,
    /// When it was checked.
    pub checked_at: Option<Timestamp>,
    /// When it stops working by itself, if the provider or the key itself says so.
    pub expires: Option<KeyExpiry>,
}

/// The last check of the path: name, connection, TLS and any answer at all, without a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathCheck {
    /// What is wrong; none if nothing is.
    pub fault: Option<PathFault>,
    /// What happened, at most [`DETAIL_BYTES_MAX`] bytes; empty if nothing is wrong.
    pub detail: String,
    /// From the call to its answer, if one came.
    pub response_time: Option<Duration>,
    /// When it was checked.
    pub checked_at: Timestamp,
}

/// What somebody else said about an API, such as a monitor or a program that uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorReport {
    /// Who: a principal.
    pub by: String,
    /// What it said.
    pub state: ApiState,
    /// What it measured.
    pub response_time: Option<Duration>,
    /// What it said besides, at most [`DETAIL_BYTES_MAX`] bytes.
    pub detail: Option<String>,
    /// When.
    pub at: Timestamp,
    /// How often it means to report: after three times as much the report counts no more.
    pub interval: Duration,
}

/// What one node knows about one API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Which.
    pub service: ServiceName,
    /// The path; none if the node does not check it.
    pub path: Option<PathCheck>,
    /// The credentials: the node's own first, then those of companies by name.
    pub keys: Vec<KeyCheck>,
    /// What monitors said on this node.
    pub monitors: Vec<MonitorReport>,
    /// Calls with a credential since midnight UTC: the daily budget is one of the whole mesh.
    pub spent_today: u32,
}

impl Cell {
    /// A cell that says nothing yet.
    #[must_use]
    pub fn new(service: ServiceName) -> Self {
        Self { service, path: None, keys: Vec::new(), monitors: Vec::new(), spent_today: 0 }
    }
}

/// What nodes of other environments, which a node is told nothing else of, have to do with one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Elsewhere {
    /// How many of them watch it.
    pub nodes: u32,
    /// How many of those come before this node where a budget does not divide evenly.
    pub before: u32,
}

/// Cuts a text to [`DETAIL_BYTES_MAX`] bytes, at a character.
#[must_use]
pub fn cut(text: &str) -> &str {
    let mut end = text.len().min(DETAIL_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_day_that_is_left_counts_as_one() {
        let expiry = KeyExpiry { at: Timestamp(86_400_000), source: ExpirySource::User };
        let left =
            [-1, 0, 1, 86_399_999, 86_400_000, 86_400_001, 172_800_001].map(|at| expiry.days_left(Timestamp(at)));
        assert_eq!(left, [2, 1, 1, 1, 0, 0, -1]);
    }

    #[test]
    fn a_text_is_cut_at_a_character() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(DETAIL_BYTES_MAX);
        assert_eq!(cut(&long).len(), DETAIL_BYTES_MAX);
        let odd = format!("a{long}");
        assert_eq!(cut(&odd).len(), DETAIL_BYTES_MAX - 1);
    }
}
