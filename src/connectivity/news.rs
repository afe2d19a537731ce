//! What was told of APIs and of keys that are refused, so that it is told once: also over a restart, and however often it is
//! looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::connectivity::ApiState;
use crate::model::name::ServiceName;
use crate::model::number::Version;
use crate::model::time::Timestamp;

/// A version of a secret in a scope: its serial number, and which version.
pub type KeyId = (u64, Version);

/// The state of an API is told at most so often: one that flutters is told of once a minute.
const STATUS_EVERY: Duration = Duration::from_secs(60);

/// Most refused keys and most services it is kept of: their bytes stay well below what a row of the store takes. What is
/// beyond is told, and told again after a restart.
const KEPT_MAX: usize = 5_000;

/// What was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    rejected: BTreeSet<KeyId>,
    states: BTreeMap<ServiceName, (ApiState, Timestamp)>,
}

impl News {
    /// Whether somebody is to be told that a key is refused.
    pub fn is_rejected(&mut self, key: KeyId) -> bool {
        self.rejected.insert(key)
    }

    /// A key is taken: should it be refused again, that is news.
    pub fn is_accepted(&mut self, key: KeyId) {
        self.rejected.remove(&key);
    }

    /// Whether somebody is to be told of the state of an API, and what was told before. That a new one works is no news.
    pub fn is_state(&mut self, service: &ServiceName, state: ApiState, now: Timestamp) -> Option<Option<ApiState>> {
        let before = self.states.get(service).copied();
        let recently = |at: Timestamp| now.since(at).is_some_and(|since| since < STATUS_EVERY);
        match before {
            Some((told, at)) if told == state || recently(at) => return None,
            Some(_) | None => {}
        }
        self.states.insert(service.clone(), (state, now));
        let before = before.map(|(told, _)| told);
        (before.is_some() || state != ApiState::Healthy).then_some(before)
    }

    /// Forgets refused keys that are current no more.
    pub fn retain(&mut self, is_current: impl Fn(&KeyId) -> bool) {
        self.rejected.retain(is_current);
    }

    /// As it is written: a line for each key and each service.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let keys = self.rejected.iter().take(KEPT_MAX).map(|(id, version)| format!("key {id} {version}\n"));
        let states = self.states.iter().take(KEPT_MAX);
        let states = states.map(|(service, (state, at))| format!("api {service} {} {}\n", state.as_str(), at.0));
        keys.chain(states).collect::<String>().into_bytes()
    }

    /// Reads what was written. What is no line of this build is passed over: the worst that follows is that something is
    /// told again.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut news = Self::default();
        for line in std::str::from_utf8(bytes).unwrap_or_default().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["key", id, version] => news.rejected.extend(key(id, version)),
                ["api", service, state, at] => news.states.extend(status(service, state, at)),
                _ => {}
            }
        }
        news
    }
}

fn key(id: &str, version: &str) -> Option<KeyId> {
    id.parse().ok().zip(version.parse().ok().and_then(Version::new))
}

fn status(service: &str, state: &str, at: &str) -> Option<(ServiceName, (ApiState, Timestamp))> {
    let told = ApiState::parse(state).zip(at.parse().ok().map(Timestamp));
    ServiceName::parse(service).ok().zip(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> KeyId {
        (7, Version::new(2).expect("positive"))
    }

    fn service() -> ServiceName {
        ServiceName::parse("openai").expect("name")
    }

    #[test]
    fn a_rejection_is_told_once_until_the_key_is_taken_again() {
        let mut news = News::default();
        assert!(news.is_rejected(key()) && !news.is_rejected(key()));
        news.is_accepted(key());
        assert!(news.is_rejected(key()));
        news.retain(|_| false);
        assert!(news.is_rejected(key()), "another version, or another secret");
    }

    #[test]
    fn a_state_is_told_when_it_changes_and_at_most_once_a_minute() {
        let mut news = News::default();
        let mut at = |state, seconds: i64| news.is_state(&service(), state, Timestamp(seconds * 1000));
        assert_eq!(at(ApiState::Healthy, 0), None, "that a new one works is no news");
        assert_eq!(at(ApiState::Down, 59), None, "too soon");
        assert_eq!(at(ApiState::Down, 60), Some(Some(ApiState::Healthy)));
        assert_eq!(at(ApiState::Down, 500), None);
        assert_eq!(at(ApiState::Degraded, 501), Some(Some(ApiState::Down)));
        let first = News::default().is_state(&service(), ApiState::Down, Timestamp(0));
        assert_eq!(first, Some(None), "that a new one does not work is");
    }

    #[test]
    fn what_was_told_is_read_back_and_what_is_no_line_is_passed_over() {
        let mut news = News::default();
        assert!(news.is_rejected(key()) && news.is_state(&service(), ApiState::Down, Timestamp(5)).is_some());
        let bytes = news.to_bytes();
        assert_eq!(bytes, b"key 7 2\napi openai down 5\n");
        assert_eq!(News::parse(&bytes), news);
        let odd = News::parse(b"key x 2\nkey 7 0\nkey 7 2 1\napi Openai down 5\napi openai broken 5\nmore\n\n");
        assert_eq!((odd, News::parse(&[0xff])), (News::default(), News::default()));
    }
}
