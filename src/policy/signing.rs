//! Signed commands: what is signed, which times are taken, and which nonces were used. Pure: whether a signature fits is
//! for `crypto` to say, and what time it is comes in as an argument.
//!
//! What is signed is this text, six lines without a newline at the end:
//!
//! ```text
//! POST                                       the method
//! /api/secrets?environment=dev               path and query, exactly as they are sent
//! 44136fa355b3678a1146ad16f7e8649e94fb4fc2…  SHA-256 of the body in lower-case hexadecimal; of nothing without a body
//! 1795248000                                 X-Aurora-Timestamp: seconds since 1970
//! 3f2a0c81b7d94e65                           X-Aurora-Nonce: 16 to 64 of A-Z a-z 0-9 _ -
//! openclaw                                   the name of the agent
//! ```
//!
//! `X-Aurora-Signature` is `v1=` and HMAC-SHA256 of that text in lower-case hexadecimal, under the text of the signing
//! key as it was shown.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::model::hex::hex;
use crate::model::name::AgentName;
use crate::model::time::{BootTime, Moment, Timestamp};

/// How far the time of a signature may be from the time of the lead, either way.
pub const WINDOW: Duration = Duration::from_secs(300);

/// How long a nonce is remembered at least: as long as a signature made at the far end of the window stays good.
pub const REMEMBERED: Duration = Duration::from_secs(600);

/// Most nonces that are remembered, over all agents. At about 150 bytes each it comes to 15 MB.
pub const NONCES_MAX: usize = 100_000;

/// Most of those of one agent: thirty commands a second for ten minutes. One agent does not use up the memory of the others.
pub const AGENT_NONCES_MAX: usize = 20_000;

/// What a nonce may be.
const NONCE_CHARACTERS: std::ops::RangeInclusive<usize> = 16..=64;

/// What stands before the hexadecimal: how it was made.
const VERSION: &str = "v1=";

/// Whether a text may be a nonce: 16 to 64 of `A-Z a-z 0-9 _ -`.
#[must_use]
pub fn is_nonce(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    NONCE_CHARACTERS.contains(&text.len()) && text.bytes().all(plain)
}

/// The seconds since 1970 of a text: digits alone, so that one time has one spelling.
#[must_use]
pub fn timestamp(text: &str) -> Option<i64> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    if canonical { text.parse().ok() } else { None }
}

/// The code of a signature as it is shown: `v1=` and 64 digits of lower-case hexadecimal.
#[must_use]
pub fn mac(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix(VERSION)?.as_bytes();
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut mac = [0_u8; 32];
    if digits.len() != mac.len() * 2 {
        return None;
    }
    for (byte, pair) in mac.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().try_fold(0_u8, |value, one| digit(*one).map(|low| (value << 4) | low))?;
    }
    Some(mac)
}

/// The text that shows a code.
#[must_use]
pub fn shown(mac: &[u8; 32]) -> String {
    format!("{VERSION}{}", hex(mac))
}

/// What is signed of one command.
#[derive(Debug, Clone, Copy)]
pub struct Command<'ask> {
    /// The method.
    pub method: &'ask str,
    /// Path and query, exactly as they are sent.
    pub target: &'ask str,
    /// SHA-256 of the body.
    pub body: &'ask [u8; 32],
    /// Seconds since 1970.
    pub timestamp: i64,
    /// Used once.
    pub nonce: &'ask str,
    /// Whose command it is.
    pub agent: &'ask AgentName,
}

impl Command<'_> {
    /// The text that is signed. No part can hold a newline, so two commands never have one text.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { method, target, body, timestamp, nonce, agent } = self;
        format!("{method}\n{target}\n{}\n{timestamp}\n{nonce}\n{agent}", hex(*body))
    }
}

/// Why a signature that fits is not taken all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// It is too old, from too far ahead, or from before this node knew which nonces were used.
    Expired,
    /// Its nonce was used.
    Replayed,
    /// Too many nonces are remembered. None is forgotten early to make room.
    Full,
}

/// The nonces that were used, as far as a signature with them could still be taken.
#[derive(Debug)]
pub struct Nonces {
    used: HashMap<AgentName, HashSet<String>>,
    by_age: VecDeque<Used>,
    /// Only what is signed after this second is taken: what came before may have been used.
    since: i64,
    /// The latest second of a signature that the next start will know of.
    kept: i64,
}

#[derive(Debug)]
struct Used {
    agent: AgentName,
    nonce: String,
    at: BootTime,
    timestamp: i64,
}

impl Nonces {
    /// None yet. What was signed until `start` may have been used already, before this node remembered anything; so may
    /// what was signed until `kept`, the latest second that was [kept](Self::kept) before.
    #[must_use]
    pub fn new(start: Timestamp, kept: Option<i64>) -> Self {
        let since = kept.map_or(seconds(start), |kept| kept.max(seconds(start)));
        Self { used: HashMap::new(), by_age: VecDeque::new(), since, kept: since }
    }

    /// The second that must be kept on the disk before a command with this signature is carried out, because its time lies
    /// ahead of the clock: after a restart the clock alone would not tell that it was used.
    #[must_use]
    pub fn to_keep(&self, timestamp: i64, now: Moment) -> Option<i64> {
        (timestamp > seconds(now.wall) && timestamp > self.kept).then_some(timestamp)
    }

    /// It is on the disk.
    pub fn kept(&mut self, timestamp: i64) {
        self.kept = self.kept.max(timestamp);
    }

    /// Takes a signature that fits: its nonce is used from now on.
    ///
    /// # Errors
    /// [`Unusable`]; the nonce is then as it was.
    pub fn take(&mut self, agent: &AgentName, nonce: &str, timestamp: i64, now: Moment) -> Result<(), Unusable> {
        self.forget(now.boot);
        let window = i64::try_from(WINDOW.as_secs()).unwrap_or(i64::MAX);
        let apart = timestamp.abs_diff(seconds(now.wall));
        if apart > window.unsigned_abs() || timestamp <= self.since {
            return Err(Unusable::Expired);
        }
        let (of_agent, nonce) = (self.used.get(agent), nonce.to_owned());
        if of_agent.is_some_and(|used| used.contains(&nonce)) {
            return Err(Unusable::Replayed);
        }
        if self.by_age.len() >= NONCES_MAX || of_agent.is_some_and(|used| used.len() >= AGENT_NONCES_MAX) {
            return Err(Unusable::Full);
        }
        self.used.entry(agent.clone()).or_default().insert(nonce.clone());
        self.by_age.push_back(Used { agent: agent.clone(), nonce, at: now.boot, timestamp });
        Ok(())
    }

    /// Forgets what is old enough. Should the clock be set back, what was forgotten stays too old.
    fn forget(&mut self, now: BootTime) {
        while let Some(oldest) = self.by_age.pop_front_if(|used| now.since(used.at) > REMEMBERED) {
            if let Some(used) = self.used.get_mut(&oldest.agent) {
                used.remove(&oldest.nonce);
                if used.is_empty() {
                    self.used.remove(&oldest.agent);
                }
            }
            self.since = self.since.max(oldest.timestamp);
        }
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::BootId;

    const START: i64 = 1_795_248_000;
    const NONCE: &str = "3f2a0c81b7d94e65";

    fn agent(name: &str) -> AgentName {
        AgentName::parse(name).expect("name")
    }

    /// So many seconds after the start.
    fn after(seconds: i64) -> Moment {
        let boot = BootTime(Duration::from_secs(u64::try_from(seconds).expect("later")));
        Moment { wall: Timestamp((START + seconds) * 1000), boot, boot_id: BootId::default() }
    }

    fn nonces() -> Nonces {
        Nonces::new(after(0).wall, None)
    }

    #[test]
    fn the_text_that_is_signed_is_this_for_ever_and_each_part_changes_it() {
        let (openclaw, other) = (agent("openclaw"), agent("other"));
        let command = Command {
            method: "POST",
            target: "/api/secrets?environment=dev",
            body: &[0xab; 32],
            timestamp: START,
            nonce: NONCE,
            agent: &openclaw,
        };
        let body = "ab".repeat(32);
        let text = format!("POST\n/api/secrets?environment=dev\n{body}\n1795248000\n{NONCE}\nopenclaw");
        assert_eq!(command.text(), text);
        for changed in [
            Command { method: "PUT", ..command },
            Command { target: "/api/secrets", ..command },
            Command { body: &[0xac; 32], ..command },
            Command { timestamp: START + 1, ..command },
            Command { nonce: "3f2a0c81b7d94e66", ..command },
            Command { agent: &other, ..command },
        ] {
            assert_ne!(changed.text(), text, "{changed:?}");
        }
    }

    #[test]
    fn nonces_times_and_codes_have_one_spelling() {
        assert!(is_nonce(NONCE) && is_nonce(&"aZ0_-".repeat(12)));
        for text in ["", "3f2a0c81b7d94e6", "3f2a0c81b7d94e6\n", "3f2a0c81b7d94e6é", "3f2a 0c81b7d94e65"] {
            assert!(!is_nonce(text), "{text:?}");
        }
        assert!(!is_nonce(&"a".repeat(65)));
        assert_eq!((timestamp("1795248000"), timestamp("0")), (Some(START), Some(0)));
        for text in ["", "+1", "-1", "01", "1 ", "1.0", "99999999999999999999"] {
            assert_eq!(timestamp(text), None, "{text:?}");
        }
        let code = [0x0f; 32];
        assert_eq!(mac(&shown(&code)), Some(code));
        let digits = "0f".repeat(32);
        for text in [digits.clone(), format!("v2={digits}"), format!("v1={}", digits.to_uppercase())] {
            assert_eq!(mac(&text), None, "{text}");
        }
        assert_eq!(mac(&format!("v1={digits}0")), None);
        assert_eq!(mac("v1="), None);
    }

    #[test]
    fn a_time_is_taken_within_five_minutes_either_way_and_only_after_the_start() {
        let mut nonces = nonces();
        let mut take = |timestamp: i64, nonce: &str| nonces.take(&agent("a"), nonce, timestamp, after(1_000));
        assert_eq!(take(START + 700, "nonce-of-700-----"), Ok(()));
        assert_eq!(take(START + 699, NONCE), Err(Unusable::Expired));
        assert_eq!(take(START + 1_300, "nonce-of-1300----"), Ok(()));
        assert_eq!(take(START + 1_301, NONCE), Err(Unusable::Expired));
        assert_eq!(take(i64::MIN, NONCE), Err(Unusable::Expired));
        assert_eq!(take(i64::MAX, NONCE), Err(Unusable::Expired));
        let mut young = self::nonces();
        assert_eq!(young.take(&agent("a"), NONCE, START, after(10)), Err(Unusable::Expired));
        assert_eq!(young.take(&agent("a"), NONCE, START + 1, after(10)), Ok(()));
    }

    #[test]
    fn a_nonce_is_used_once_by_each_agent() {
        let mut nonces = nonces();
        assert_eq!(nonces.take(&agent("a"), NONCE, START + 5, after(5)), Ok(()));
        assert_eq!(nonces.take(&agent("a"), NONCE, START + 5, after(5)), Err(Unusable::Replayed));
        assert_eq!(nonces.take(&agent("a"), NONCE, START + 6, after(200)), Err(Unusable::Replayed));
        assert_eq!(nonces.take(&agent("b"), NONCE, START + 5, after(5)), Ok(()));
    }

    /// At the far end of the window a signature is good for ten minutes, and its nonce is remembered for as long.
    #[test]
    fn no_signature_is_good_longer_than_its_nonce_is_remembered() {
        let mut nonces = nonces();
        assert_eq!(nonces.take(&agent("a"), NONCE, START + 305, after(5)), Ok(()));
        for second in [6, 300, 604, 605] {
            assert_eq!(nonces.take(&agent("a"), NONCE, START + 305, after(second)), Err(Unusable::Replayed));
        }
        assert_eq!(nonces.take(&agent("a"), NONCE, START + 305, after(606)), Err(Unusable::Expired));
        assert!(nonces.used.is_empty());
        assert_eq!(nonces.take(&agent("a"), NONCE, START + 606, after(606)), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_bring_a_signature_back() {
        let mut nonces = nonces();
        assert_eq!(nonces.take(&agent("a"), NONCE, START + 5, after(5)), Ok(()));
        let set_back = Moment { wall: after(10).wall, ..after(2_000) };
        assert_eq!(nonces.take(&agent("a"), NONCE, START + 5, set_back), Err(Unusable::Expired));
        assert_eq!(nonces.take(&agent("a"), NONCE, START + 6, set_back), Ok(()));
    }

    /// Who signs ahead of the clock could else be replayed by whoever gets the node restarted.
    #[test]
    fn a_time_ahead_of_the_clock_is_kept_for_the_next_start() {
        let mut nonces = nonces();
        assert_eq!(nonces.to_keep(START + 5, after(5)), None);
        assert_eq!(nonces.to_keep(START + 65, after(5)), Some(START + 65));
        nonces.kept(START + 65);
        assert_eq!(nonces.to_keep(START + 65, after(6)), None);
        let mut next = Nonces::new(after(10).wall, Some(START + 65));
        assert_eq!(next.take(&agent("a"), NONCE, START + 65, after(20)), Err(Unusable::Expired));
        assert_eq!(next.take(&agent("a"), NONCE, START + 66, after(20)), Ok(()));
        let mut later = Nonces::new(after(100).wall, Some(START + 65));
        assert_eq!(later.take(&agent("a"), NONCE, START + 100, after(110)), Err(Unusable::Expired));
    }

    #[test]
    fn one_agent_does_not_use_up_the_memory_of_the_others() {
        let mut nonces = nonces();
        for number in 0..AGENT_NONCES_MAX {
            assert_eq!(nonces.take(&agent("a"), &format!("nonce-{number:016}"), START + 5, after(5)), Ok(()));
        }
        assert_eq!(nonces.take(&agent("a"), NONCE, START + 5, after(5)), Err(Unusable::Full));
        assert_eq!(nonces.take(&agent("b"), NONCE, START + 5, after(5)), Ok(()));
        assert_eq!(nonces.take(&agent("a"), NONCE, START + 606, after(606)), Ok(()));
    }

    #[test]
    fn a_full_memory_refuses_and_forgets_nothing_early() {
        let mut nonces = nonces();
        for number in 0..NONCES_MAX {
            let by = agent(&format!("a{}", number / AGENT_NONCES_MAX));
            assert_eq!(nonces.take(&by, &format!("nonce-{number:016}"), START + 5, after(5)), Ok(()));
        }
        let last = |nonces: &mut Nonces, at| nonces.take(&agent("b"), NONCE, START + at, after(at));
        assert_eq!(last(&mut nonces, 6), Err(Unusable::Full));
        assert_eq!(last(&mut nonces, 605), Err(Unusable::Full));
        assert_eq!(
            nonces.take(&agent("a0"), "nonce-0000000000000000", START + 305, after(605)),
            Err(Unusable::Replayed)
        );
        assert_eq!(last(&mut nonces, 606), Ok(()));
    }
}
