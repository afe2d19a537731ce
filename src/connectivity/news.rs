//! What was told already, so that each thing is told once: also over a restart, and however often it is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::connectivity::ApiState;
use crate::model::name::ServiceName;
use crate::model::number::Version;
use crate::model::time::Timestamp;

/// A version of a secret in a scope: its serial number, and which version.
pub type KeyId = (u64, Version);

/// How many days before a credential expires somebody is told, the first time first.
const DAYS: [i64; 4] = [30, 14, 7, 1];

/// The state of an API is told at most so often: one that flutters is told of once a minute.
const STATUS_EVERY: Duration = Duration::from_secs(60);

/// What somebody is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reminder {
    /// So many days are left, or fewer.
    Days(i64),
    /// The rotation is due.
    Rotation,
    /// It is refused.
    Rejected,
}

/// What was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    reminders: BTreeMap<KeyId, BTreeSet<Reminder>>,
    states: BTreeMap<ServiceName, (ApiState, Timestamp)>,
}

impl Told {
    /// Whether somebody is to be told that so many days are left. Of several that have passed, only the last is told.
    pub fn is_expiring(&mut self, key: KeyId, days_left: i64) -> bool {
        let passed: Vec<Reminder> = DAYS.into_iter().filter(|days| days_left <= *days).map(Reminder::Days).collect();
        let Some(last) = passed.last().copied() else { return false };
        let told = self.reminders.entry(key).or_default();
        let is_news = !told.contains(&last);
        told.extend(passed);
        is_news
    }

    /// Whether somebody is to be told that a rotation is due.
    pub fn is_due(&mut self, key: KeyId) -> bool {
        self.reminders.entry(key).or_default().insert(Reminder::Rotation)
    }

    /// Whether somebody is to be told that a key is refused.
    pub fn is_rejected(&mut self, key: KeyId) -> bool {
        self.reminders.entry(key).or_default().insert(Reminder::Rejected)
    }

    /// A key is taken: should it be refused again, that is news.
    pub fn is_accepted(&mut self, key: KeyId) {
        if let Some(told) = self.reminders.get_mut(&key) {
            told.remove(&Reminder::Rejected);
        }
    }

    /// Whether somebody is to be told of the state of an API, and what was told before. That a new one works is no news.
    pub fn is_state(&mut self, service: &ServiceName, state: ApiState, now: Timestamp) -> Option<Option<ApiState>> {
        let before = self.states.get(service).copied();
        let recently = |(_, at): (ApiState, Timestamp)| now.since(at).is_some_and(|since| since < STATUS_EVERY);
        match before {
            Some((told, _)) if told == state => None,
            Some(told) if recently(told) => None,
            Some((told, _)) => {
                self.states.insert(service.clone(), (state, now));
                Some(Some(told))
            }
            None => {
                self.states.insert(service.clone(), (state, now));
                (state != ApiState::Healthy).then_some(None)
            }
        }
    }

    /// Forgets what was told of versions that are current no more.
    pub fn retain(&mut self, is_current: impl Fn(&KeyId) -> bool) {
        self.reminders.retain(|key, told| !told.is_empty() && is_current(key));
    }

    /// As it is written: a line for each key and each service.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::new();
        for ((id, version), told) in &self.reminders {
            let words = told.iter().map(|reminder| match reminder {
                Reminder::Days(days) => format!(" {days}"),
                Reminder::Rotation => " rotation".to_owned(),
                Reminder::Rejected => " rejected".to_owned(),
            });
            text.push_str(&format!("key {id} {version}{}\n", words.collect::<String>()));
        }
        for (service, (state, at)) in &self.states {
            text.push_str(&format!("api {service} {} {}\n", state.as_str(), at.0));
        }
        text.into_bytes()
    }

    /// Reads what was written. What is no line of this build is passed over: the worst that follows is that something is
    /// told again.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut told = Self::default();
        for line in std::str::from_utf8(bytes).unwrap_or_default().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["key", id, version, reminders @ ..] => told.take_key(id, version, reminders),
                ["api", service, state, at] => told.take_state(service, state, at),
                _ => {}
            }
        }
        told
    }

    fn take_key(&mut self, id: &str, version: &str, reminders: &[&str]) {
        let key = id.parse().ok().zip(version.parse().ok().and_then(Version::new));
        let reminders = reminders.iter().filter_map(|word| match *word {
            "rotation" => Some(Reminder::Rotation),
            "rejected" => Some(Reminder::Rejected),
            days => days.parse().ok().map(Reminder::Days),
        });
        if let Some(key) = key {
            self.reminders.entry(key).or_default().extend(reminders);
        }
    }

    fn take_state(&mut self, service: &str, state: &str, at: &str) {
        let state = ApiState::parse(state).zip(at.parse().ok().map(Timestamp));
        if let Some((service, state)) = ServiceName::parse(service).ok().zip(state) {
            self.states.insert(service, state);
        }
    }
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
    fn each_threshold_is_told_once_and_only_the_last_of_those_that_have_passed() {
        let mut told = Told::default();
        let news: Vec<i64> = (-3..40).rev().filter(|days| told.is_expiring(key(), *days)).collect();
        assert_eq!(news, [30, 14, 7, 1]);
        let mut late = Told::default();
        assert!(late.is_expiring(key(), 5) && !late.is_expiring(key(), 5) && late.is_expiring(key(), 0));
        assert!(!late.is_expiring(key(), 20), "what was passed over is not told later");
    }

    #[test]
    fn a_rotation_is_told_once_and_a_rejection_once_until_the_key_is_taken_again() {
        let mut told = Told::default();
        assert!(told.is_due(key()) && !told.is_due(key()));
        assert!(told.is_rejected(key()) && !told.is_rejected(key()));
        told.is_accepted(key());
        assert!(told.is_rejected(key()) && !told.is_due(key()));
        told.retain(|_| false);
        assert!(told.is_due(key()), "another version, or another secret");
    }

    #[test]
    fn a_state_is_told_when_it_changes_and_at_most_once_a_minute() {
        let mut told = Told::default();
        let mut at = |state, seconds: i64| told.is_state(&service(), state, Timestamp(seconds * 1000));
        assert_eq!(at(ApiState::Healthy, 0), None, "that a new one works is no news");
        assert_eq!(at(ApiState::Down, 59), None, "too soon");
        assert_eq!(at(ApiState::Down, 60), Some(Some(ApiState::Healthy)));
        assert_eq!(at(ApiState::Down, 500), None);
        assert_eq!(at(ApiState::Degraded, 501), Some(Some(ApiState::Down)));
        let first = Told::default().is_state(&service(), ApiState::Down, Timestamp(0));
        assert_eq!(first, Some(None), "that a new one does not work is");
    }

    #[test]
    fn what_was_told_is_read_back_and_what_is_no_line_is_passed_over() {
        let mut told = Told::default();
        assert!(told.is_expiring(key(), 10) && told.is_due(key()) && told.is_rejected(key()));
        assert!(told.is_state(&service(), ApiState::Down, Timestamp(5)).is_some());
        let bytes = told.to_bytes();
        assert_eq!(bytes, b"key 7 2 14 30 rotation rejected\napi openai down 5\n");
        assert_eq!(Told::parse(&bytes), told);
        let odd = Told::parse(b"key x 2 1\nkey 7 0 1\napi Openai down 5\napi openai broken 5\nmore\n\n");
        assert_eq!(odd, Told::default());
        assert_eq!(Told::parse(&[0xff]), Told::default());
    }
}
