//! How many strangers are heard, and who is none: a bucket of questions, so that nobody without a token can fill the
//! journal's disk, and what one shows to be heard without it, so that nobody can empty it for the others.

use std::collections::BTreeMap;
use std::time::Duration;

use super::board::Tokens;
use super::change::Applicant;
use super::pace::{Measure, Pace};
use crate::model::identity::{KeyPin, Role};
use crate::model::roster::{JoinToken, RosterEntry, Standing};
use crate::model::time::{BootTime, Timestamp};
use crate::replication::view::LeadView;

/// A whole rack that joins at once is heard at once.
const BURST: u64 = 64;

/// Afterwards one more each so long: a few lines a second in the journal, whatever arrives.
const ONE_EACH: Duration = Duration::from_millis(200);

/// One that is known asks every few seconds at most, while it waits to be approved.
const OF_A_KEY: Measure = Measure { burst: 16, one_each: Duration::from_secs(1) };

/// Keys that are told apart: more than nodes join at once.
const KEYS_MAX: usize = 4096;

/// Who was heard lately.
#[derive(Debug)]
pub struct JoinRate {
    strangers: Pace,
    known: BTreeMap<KeyPin, Pace>,
}

impl JoinRate {
    /// Nobody was.
    #[must_use]
    pub fn new(now: BootTime) -> Self {
        let strangers = Pace::new(Measure { burst: BURST, one_each: ONE_EACH }, now);
        Self { strangers, known: BTreeMap::new() }
    }

    /// One more question of a stranger: how many were not heard since the last that was, or `None` if this is not either.
    pub(super) fn stranger(&mut self, now: BootTime) -> Option<u64> {
        self.strangers.take(now)
    }

    /// One more question of somebody with this key, who is known: whether it is heard. In an enemy's hands a key that is known
    /// is no leave to fill the journal either.
    pub(super) fn known(&mut self, key: KeyPin, now: BootTime) -> bool {
        if self.known.len() >= KEYS_MAX {
            self.known.retain(|_, pace| !pace.is_idle(now));
        }
        if self.known.len() >= KEYS_MAX && !self.known.contains_key(&key) {
            return false;
        }
        self.known.entry(key).or_insert_with(|| Pace::new(OF_A_KEY, now)).take(now).is_some()
    }
}

/// What the lead has published, and when it is looked at. Pure.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) tokens: &'a Tokens,
    pub(super) lead_view: &'a LeadView,
    pub(super) now: Timestamp,
}

impl Known<'_> {
    /// Whether a follower that is a member, or may become one, has this key. A banned one is a stranger.
    pub(super) fn has_key(self, pin: KeyPin) -> bool {
        self.lead_view.nodes().any(|entry| entry.pin == pin && is_welcome(entry))
    }

    /// Whether this is somebody whom the draft will let in, now or once it is approved. A stranger is that once for each token,
    /// which is used up by it. From then on it is a node that has joined, and may ask again, also when the token is forgotten.
    pub(super) fn expects(self, applicant: &Applicant) -> bool {
        let Some(token) = self.tokens.get(&applicant.token) else { return self.has_joined(applicant) };
        match token.consumed_by {
            None => self.may_admit(token, applicant),
            Some(consumer) => consumer == applicant.pin && self.has_joined(applicant),
        }
    }

    /// Whether a token that nobody used is good for this machine, by the same conditions as the draft's.
    fn may_admit(self, token: &JoinToken, applicant: &Applicant) -> bool {
        let touches = |entry: &RosterEntry| entry.pin == applicant.pin || entry.sealing_key == applicant.sealing_key;
        token.expires_at >= self.now
            && self.lead_view.node(&token.node).is_none()
            && !self.lead_view.nodes().any(|entry| touches(entry))
    }

    /// Whether a node has exactly these keys.
    fn has_joined(self, applicant: &Applicant) -> bool {
        let is = |entry: &RosterEntry| entry.pin == applicant.pin && entry.sealing_key == applicant.sealing_key;
        self.lead_view.nodes().any(|entry| is(entry) && is_welcome(entry))
    }
}

fn is_welcome(entry: &RosterEntry) -> bool {
    let is_banned = matches!(entry.standing, Standing::Banned { .. });
    entry.role == Role::Follower && !is_banned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::company::Companies;
    use crate::model::entitlement::Entitlement;
    use crate::model::entitlement_history::EntitlementHistory;
    use crate::model::identity::SealingPublicKey;
    use crate::model::name::{EnvironmentName, NodeName};
    use crate::model::number::Revision;
    use crate::model::roster::TokenHash;

    const NOW: Timestamp = Timestamp(1_000);

    /// What the lead knows: the nodes of its roster, and its tokens.
    #[derive(Default)]
    struct Lead {
        view: LeadView,
        tokens: Tokens,
    }

    impl Lead {
        fn enrol(&mut self, node: &str, key: u8, role: Role, standing: Standing) {
            self.view.enrol(RosterEntry {
                name: name(node),
                role,
                pin: KeyPin([key; 32]),
                sealing_key: SealingPublicKey([key; 32]),
                entitlement: entitlement(),
                history: EntitlementHistory::beginning(NOW),
                joined_at: NOW,
                standing,
                changed_at: Revision(1),
            });
        }

        fn remember(&mut self, number: u8, node: &str, consumed_by: Option<u8>) {
            let token = JoinToken {
                hash: TokenHash([number; 32]),
                node: name(node),
                entitlement: entitlement(),
                approve: false,
                issued_at: Some(NOW),
                expires_at: NOW,
                consumed_by: consumed_by.map(|key| KeyPin([key; 32])),
            };
            self.tokens.insert(token.hash, token);
        }

        fn known(&self) -> Known<'_> {
            Known { tokens: &self.tokens, lead_view: &self.view, now: NOW }
        }

        fn expects(&self, token: u8, key: u8) -> bool {
            self.known().expects(&applicant(token, key, key))
        }

        fn has_key(&self, key: u8) -> bool {
            self.known().has_key(KeyPin([key; 32]))
        }
    }

    fn name(text: &str) -> NodeName {
        NodeName::parse(text).expect("name")
    }

    fn entitlement() -> Entitlement {
        let environment = EnvironmentName::parse("prod").expect("name");
        Entitlement { environment, companies: Companies::default(), globs: Vec::new() }
    }

    fn applicant(token: u8, key: u8, sealing_key: u8) -> Applicant {
        let sealing_key = SealingPublicKey([sealing_key; 32]);
        Applicant { token: TokenHash([token; 32]), pin: KeyPin([key; 32]), sealing_key }
    }

    fn banned() -> Standing {
        Standing::Banned { at: NOW, reason: "stolen".to_owned() }
    }

    #[test]
    fn the_keys_of_members_and_of_those_who_wait_are_known_and_no_others() {
        let mut lead = Lead::default();
        lead.enrol("aurora", 1, Role::Lead, Standing::Active);
        lead.enrol("member", 2, Role::Follower, Standing::Active);
        lead.enrol("waiting", 3, Role::Follower, Standing::Pending);
        lead.enrol("banned", 4, Role::Follower, banned());
        let known: Vec<u8> = (0..6).filter(|key| lead.has_key(*key)).collect();
        assert_eq!(known, [2, 3]);
    }

    #[test]
    fn a_token_that_nobody_used_is_known_while_it_may_admit_somebody() {
        let mut lead = Lead::default();
        lead.enrol("member", 2, Role::Follower, Standing::Active);
        lead.enrol("banned", 4, Role::Follower, banned());
        lead.remember(1, "alpha", None);
        lead.remember(2, "member", None);
        assert!(lead.expects(1, 9));
        assert!(!lead.expects(7, 9), "a token nobody made");
        assert!(!lead.expects(2, 9), "its node has joined");
        assert!(!lead.expects(1, 2) && !lead.expects(1, 4), "a key of the roster joins under no other name");
        assert!(!lead.known().expects(&applicant(1, 9, 2)), "nor the sealing key of another");
        let late = Known { now: Timestamp(NOW.0 + 1), ..lead.known() };
        assert!(!late.expects(&applicant(1, 9, 9)), "it has ended");
    }

    #[test]
    fn a_used_token_is_known_from_the_machine_that_used_it_alone() {
        let mut lead = Lead::default();
        lead.enrol("member", 2, Role::Follower, Standing::Active);
        lead.enrol("waiting", 3, Role::Follower, Standing::Pending);
        lead.enrol("banned", 4, Role::Follower, banned());
        lead.remember(1, "member", Some(2));
        lead.remember(2, "waiting", Some(3));
        lead.remember(3, "banned", Some(4));
        assert!(lead.expects(1, 2) && lead.expects(2, 3), "its answer was lost, or it was told to wait");
        assert!(!lead.expects(1, 9) && !lead.expects(1, 3), "another key, also that of a member");
        assert!(!lead.known().expects(&applicant(1, 2, 9)), "its key with another sealing key");
        assert!(!lead.expects(3, 4), "it was banned");
        assert!(lead.expects(7, 2) && lead.expects(7, 3), "the token is forgotten, the machine is not");
    }

    #[test]
    fn a_flood_is_cut_to_a_trickle_and_what_was_not_heard_is_counted() {
        let start = BootTime(Duration::from_secs(100));
        let mut rate = JoinRate::new(start);
        let heard = (0..1000).filter(|_| rate.stranger(start).is_some()).count();
        assert_eq!(u64::try_from(heard).expect("few"), BURST);
        let later = BootTime(start.0 + ONE_EACH);
        assert_eq!((rate.stranger(later), rate.stranger(later)), (Some(1000 - BURST), None));
        let much_later = BootTime(start.0 + Duration::from_secs(3600));
        let heard = (0..1000).filter(|_| rate.stranger(much_later).is_some()).count();
        assert_eq!(u64::try_from(heard).expect("few"), BURST, "an idle hour saves up no more than one burst");
    }

    #[test]
    fn a_known_key_is_heard_whatever_strangers_ask_and_not_as_often_as_it_likes() {
        let (start, key) = (BootTime(Duration::from_secs(100)), |number: u8| KeyPin([number; 32]));
        let mut rate = JoinRate::new(start);
        while rate.stranger(start).is_some() {}
        let heard = (0..1000).filter(|_| rate.known(key(1), start)).count();
        assert_eq!(u64::try_from(heard).expect("few"), OF_A_KEY.burst);
        assert!(rate.known(key(2), start), "another one");
        assert!(rate.known(key(1), BootTime(start.0 + OF_A_KEY.one_each)));
    }
}
