//! When which API key was last used. Every node notes the uses it sees; the lead gathers those of all nodes and keeps them.
//!
//! It is a hint for people who look for keys that nobody needs any more: nothing is decided by it, and a crash may lose the
//! uses of the last minute.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::name::{AgentName, ApiKeyName};
use crate::model::time::Timestamp;

/// Which key: its agent, and its name among those of the agent.
pub type KeyId = (AgentName, ApiKeyName);

/// How often what was noted is written to the disk at most. A use that is a minute old is recent enough.
const KEPT_EVERY: Duration = Duration::from_secs(60);

/// Most bytes that are written: what is beyond is of the keys that were not used for longest.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// The last uses. At most one for each key there is or was while the node runs.
#[derive(Debug, Default)]
pub struct KeyUse {
    uses: Mutex<Uses>,
}

#[derive(Debug, Default)]
struct Uses {
    last: BTreeMap<KeyId, Timestamp>,
    changed: BTreeSet<KeyId>,
    kept_at: Option<Timestamp>,
    unkept: bool,
}

impl KeyUse {
    /// The uses as they were written.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let lines = std::str::from_utf8(bytes).unwrap_or_default().lines();
        let last = lines.filter_map(parse).collect();
        Self { uses: Mutex::new(Uses { last, ..Uses::default() }) }
    }

    /// Takes over what was written before the node was started.
    pub fn load(&self, bytes: &[u8]) {
        let read = Self::read(bytes);
        *self.uses() = read.uses.into_inner().unwrap_or_else(PoisonError::into_inner);
    }

    /// The key was used at this time, here or on another node. An older use than is known changes nothing.
    pub fn note(&self, key: KeyId, at: Timestamp) {
        let mut uses = self.uses();
        if uses.last.get(&key).is_some_and(|known| *known >= at) {
            return;
        }
        uses.last.insert(key.clone(), at);
        uses.changed.insert(key);
        uses.unkept = true;
    }

    /// When it was last used, as far as is known.
    #[must_use]
    pub fn last(&self, key: &KeyId) -> Option<Timestamp> {
        self.uses().last.get(key).copied()
    }

    /// What was noted since this was last asked: for the lead.
    #[must_use]
    pub fn take_changes(&self) -> Vec<(KeyId, Timestamp)> {
        let mut uses = self.uses();
        let changed = std::mem::take(&mut uses.changed);
        changed.into_iter().filter_map(|key| uses.last.get(&key).copied().map(|at| (key, at))).collect()
    }

    /// Forgets the uses of keys that are none any more.
    pub fn retain(&self, is_there: impl Fn(&KeyId) -> bool) {
        let mut uses = self.uses();
        uses.last.retain(|key, _| is_there(key));
        uses.changed.retain(|key| is_there(key));
    }

    /// What is to be written now, if it is [time](KEPT_EVERY) and anything was noted since. Counts as written.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Vec<u8>> {
        let mut uses = self.uses();
        // A clock that went back must not stop it.
        let waits = uses.kept_at.and_then(|at| now.since(at)).is_some_and(|since| since < KEPT_EVERY);
        if waits || !uses.unkept {
            return None;
        }
        (uses.kept_at, uses.unkept) = (Some(now), false);
        Some(written(&uses.last))
    }

    /// What is to be written before the node stops, if anything was noted since it last was.
    #[must_use]
    pub fn rest(&self) -> Option<Vec<u8>> {
        let uses = self.uses();
        uses.unkept.then(|| written(&uses.last))
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line for each key, the latest use first: milliseconds since 1970, agent, key.
fn written(last: &BTreeMap<KeyId, Timestamp>) -> Vec<u8> {
    let mut uses: Vec<(&KeyId, &Timestamp)> = last.iter().collect();
    uses.sort_by_key(|(_, at)| std::cmp::Reverse(**at));
    let mut text = String::new();
    for ((agent, key), at) in uses {
        let line = format!("{} {agent} {key}\n", at.0);
        if text.len().saturating_add(line.len()) > KEPT_BYTES_MAX {
            break;
        }
        text.push_str(&line);
    }
    text.into_bytes()
}

fn parse(line: &str) -> Option<(KeyId, Timestamp)> {
    let mut words = line.split(' ');
    let (at, agent, key) = (words.next()?, words.next()?, words.next()?);
    let key = (AgentName::parse(agent).ok()?, ApiKeyName::parse(key).ok()?);
    Some((key, Timestamp(at.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(agent: &str, name: &str) -> KeyId {
        (AgentName::parse(agent).expect(agent), ApiKeyName::parse(name).expect(name))
    }

    #[test]
    fn the_latest_use_counts_and_is_told_once() {
        let uses = KeyUse::default();
        uses.note(key("robot", "ci"), Timestamp(5));
        uses.note(key("robot", "ci"), Timestamp(3));
        assert_eq!(uses.last(&key("robot", "ci")), Some(Timestamp(5)));
        assert_eq!(uses.last(&key("robot", "other")), None);
        assert_eq!(uses.take_changes(), [(key("robot", "ci"), Timestamp(5))]);
        assert!(uses.take_changes().is_empty());
    }

    #[test]
    fn it_is_written_once_a_minute_if_there_is_anything_to_write_and_read_back() {
        let uses = KeyUse::default();
        assert_eq!(uses.due(Timestamp(0)), None);
        uses.note(key("robot", "ci"), Timestamp(5));
        uses.note(key("tool", "x.y"), Timestamp(7));
        let bytes = uses.due(Timestamp(10)).expect("due");
        assert_eq!(bytes, b"7 tool x.y\n5 robot ci\n");
        assert_eq!((uses.due(Timestamp(100_000)), uses.rest()), (None, None));
        uses.note(key("robot", "ci"), Timestamp(11));
        assert_eq!(uses.due(Timestamp(60_009)), None, "written a minute ago, less a millisecond");
        assert!(uses.rest().is_some() && uses.due(Timestamp(60_010)).is_some());
        uses.note(key("robot", "ci"), Timestamp(12));
        assert!(uses.due(Timestamp(0)).is_some(), "the clock went back");
        let again = KeyUse::read(&bytes);
        assert_eq!(again.last(&key("tool", "x.y")), Some(Timestamp(7)));
        assert!(again.take_changes().is_empty() && again.rest().is_none());
    }

    #[test]
    fn what_is_no_line_of_ours_is_passed_over() {
        let uses = KeyUse::read(b"\n5\nx robot ci\n5 Robot ci\n5 robot ci more\n6 robot x\n");
        assert_eq!(
            (uses.last(&key("robot", "x")), uses.last(&key("robot", "ci"))),
            (Some(Timestamp(6)), Some(Timestamp(5)))
        );
        assert_eq!(KeyUse::read(&[0xff]).last(&key("robot", "ci")), None);
    }

    #[test]
    fn keys_that_are_gone_are_forgotten() {
        let uses = KeyUse::default();
        uses.note(key("robot", "ci"), Timestamp(5));
        uses.retain(|_| false);
        assert_eq!(uses.last(&key("robot", "ci")), None);
        assert!(uses.take_changes().is_empty());
    }
}
