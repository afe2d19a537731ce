//! The signing keys of all agents, as the lead keeps them: one blob on the disk, each key in locked memory once it is open.
//!
//! Layout of the blob: format byte, then for each agent the length of its name (1), the name, the key (32), the number of
//! keys before it (1: none or one), and of that one the key (32) and until when it works (8, milliseconds since 1970).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::CryptoError;
use super::locked::KEY_BYTES;
use super::plaintext::Plaintext;
use super::signing::SigningKey;
use crate::model::name::AgentName;
use crate::model::time::Timestamp;

const WHAT: &str = "the book of signing keys";
const FORMAT: u8 = 1;

/// Most agents with a signing key: all of them together are one blob.
pub const AGENTS_MAX: usize = 1_000;

/// The keys of one agent.
#[derive(Debug, Clone)]
struct Keys {
    current: Arc<SigningKey>,
    previous: Option<(Arc<SigningKey>, Timestamp)>,
}

/// The signing keys of all agents. Cheap enough to clone: keys are shared.
#[derive(Debug, Clone, Default)]
pub struct SigningKeys(BTreeMap<AgentName, Keys>);

impl SigningKeys {
    /// Whether an agent has a key.
    #[must_use]
    pub fn has(&self, agent: &AgentName) -> bool {
        self.0.contains_key(agent)
    }

    /// Whether there is room for one more agent.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.0.len() < AGENTS_MAX
    }

    /// Gives an agent a new key. The one it had works until `until`; the one before that does not work any more.
    pub fn set(&mut self, agent: &AgentName, key: Arc<SigningKey>, until: Timestamp) {
        let previous = self.0.remove(agent).map(|keys| (keys.current, until));
        self.0.insert(agent.clone(), Keys { current: key, previous });
    }

    /// Takes all keys from an agent; `false` when it had none.
    pub fn remove(&mut self, agent: &AgentName) -> bool {
        self.0.remove(agent).is_some()
    }

    /// Whether a code fits a text under one of the keys of an agent that work now. `false` without one.
    #[must_use]
    pub fn fits(&self, agent: &AgentName, text: &[u8], mac: &[u8; 32], now: Timestamp) -> bool {
        let Some(keys) = self.0.get(agent) else { return false };
        let previous = keys.previous.as_ref().filter(|(_, until)| now < *until).map(|(key, _)| key);
        // Both are always tried: which of them fits is not to be told by the time it takes.
        let (current, previous) = (keys.current.fits(text, mac), previous.is_some_and(|key| key.fits(text, mac)));
        current | previous
    }

    /// All keys as bytes, to be wrapped.
    #[must_use]
    pub fn to_plaintext(&self) -> Plaintext {
        let longest = 1 + usize::from(u8::MAX) + 2 * KEY_BYTES + 1 + 8;
        let mut bytes = Vec::with_capacity(1 + self.0.len() * longest);
        bytes.push(FORMAT);
        for (agent, keys) in &self.0 {
            let name = agent.as_str().as_bytes();
            bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(keys.current.as_bytes());
            bytes.push(u8::from(keys.previous.is_some()));
            if let Some((key, until)) = &keys.previous {
                bytes.extend_from_slice(key.as_bytes());
                bytes.extend_from_slice(&until.0.to_be_bytes());
            }
        }
        Plaintext::new(bytes)
    }

    /// Reads what [`Self::to_plaintext`] wrote.
    ///
    /// # Errors
    /// [`CryptoError::UnknownFormat`], [`CryptoError::Malformed`] or [`CryptoError::NoMemory`].
    pub fn from_plaintext(bytes: &Plaintext) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed { what: WHAT };
        let (&format, mut rest) = bytes.expose().split_first().ok_or_else(malformed)?;
        if format != FORMAT {
            return Err(CryptoError::UnknownFormat { what: WHAT, found: format });
        }
        let mut all = Self::default();
        while !rest.is_empty() {
            let (agent, keys, after) = one(rest)?.ok_or_else(malformed)?;
            if !all.has_room() || all.0.insert(agent, keys).is_some() {
                return Err(malformed());
            }
            rest = after;
        }
        Ok(all)
    }
}

/// One agent, its keys, and what comes after them.
type One<'bytes> = (AgentName, Keys, &'bytes [u8]);

/// The first agent of these bytes; `None` when it is cut off, or is none.
fn one(bytes: &[u8]) -> Result<Option<One<'_>>, CryptoError> {
    let Some((agent, rest)) = name(bytes) else { return Ok(None) };
    let Some((current, rest)) = rest.split_first_chunk::<KEY_BYTES>() else { return Ok(None) };
    let current = Arc::new(SigningKey::from_slice(current)?);
    match rest.split_first() {
        Some((0, rest)) => Ok(Some((agent, Keys { current, previous: None }, rest))),
        Some((1, rest)) => {
            let Some((key, rest)) = rest.split_first_chunk::<KEY_BYTES>() else { return Ok(None) };
            let Some((until, rest)) = rest.split_first_chunk::<8>() else { return Ok(None) };
            let previous = (Arc::new(SigningKey::from_slice(key)?), Timestamp(i64::from_be_bytes(*until)));
            Ok(Some((agent, Keys { current, previous: Some(previous) }, rest)))
        }
        Some(_) | None => Ok(None),
    }
}

fn name(bytes: &[u8]) -> Option<(AgentName, &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(length))?;
    Some((AgentName::parse(std::str::from_utf8(name).ok()?).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::super::test_support::CountingEntropy;
    use super::*;

    fn agent(name: &str) -> AgentName {
        AgentName::parse(name).expect("name")
    }

    fn key(first: u8) -> Arc<SigningKey> {
        Arc::new(SigningKey::generate(&CountingEntropy::from(first)).expect("key"))
    }

    fn fits(keys: &SigningKeys, first: u8, now: i64) -> bool {
        let mac = key(first).sign(b"text").expect("signed");
        keys.fits(&agent("a"), b"text", &mac, Timestamp(now))
    }

    #[test]
    fn two_keys_work_while_they_are_changed_and_never_three() {
        let mut keys = SigningKeys::default();
        assert!(!fits(&keys, 1, 0) && !keys.has(&agent("a")));
        keys.set(&agent("a"), key(1), Timestamp(0));
        assert!(fits(&keys, 1, 0));
        keys.set(&agent("a"), key(2), Timestamp(100));
        assert!(fits(&keys, 1, 99) && fits(&keys, 2, 99));
        assert!(!fits(&keys, 1, 100) && fits(&keys, 2, 100));
        keys.set(&agent("a"), key(3), Timestamp(200));
        assert!(!fits(&keys, 1, 50) && fits(&keys, 2, 50) && fits(&keys, 3, 50));
        assert!(keys.remove(&agent("a")) && !keys.remove(&agent("a")));
        assert!(!fits(&keys, 3, 50));
    }

    #[test]
    fn all_of_them_read_back_from_their_bytes_and_damaged_ones_do_not() {
        let mut keys = SigningKeys::default();
        keys.set(&agent("a"), key(1), Timestamp(0));
        keys.set(&agent("a"), key(2), Timestamp(100));
        keys.set(&agent("b"), key(3), Timestamp(0));
        let bytes = keys.to_plaintext();
        let read = SigningKeys::from_plaintext(&bytes).expect("read");
        assert!(fits(&read, 1, 99) && !fits(&read, 1, 100) && fits(&read, 2, 100));
        assert_eq!(read.to_plaintext().expose(), bytes.expose());
        let whole = [1, 76];
        for length in (0..bytes.len()).filter(|length| !whole.contains(length)) {
            let cut = Plaintext::new(bytes.expose()[..length].to_vec());
            assert!(SigningKeys::from_plaintext(&cut).is_err(), "{length}");
        }
        let newer = Plaintext::new(vec![2]);
        assert_eq!(
            SigningKeys::from_plaintext(&newer).expect_err("newer"),
            CryptoError::UnknownFormat { what: WHAT, found: 2 }
        );
        assert!(!format!("{keys:?}").contains("[1"));
    }
}
