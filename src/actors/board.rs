//! What reads are answered from: published values that any task loads without a lock, a mailbox or the disk.
//!
//! Actors write here after a commit; the door reads here. Keys are always published before the records they open.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use rpds::RedBlackTreeMapSync;
use tokio::sync::{Notify, Semaphore, watch};

use super::asked_checks::AskedChecks;
use super::connectivity_board::ConnectivityBoard;
use super::event_hub::EventHub;
use super::key_use::KeyUse;
use super::lead_line::LeadLine;
use super::limit_board::LimitBoard;
use super::rotation_board::RotationBoard;
use crate::crypto::key_ring::KeyRing;
use crate::crypto::signing_keys::SigningKeys;
use crate::metrics::numbers::Metrics;
use crate::model::caller::LeadAddress;
use crate::model::entitlement::Entitlement;
use crate::model::freshness::FreshnessPolicy;
use crate::model::log::LogSubject;
use crate::model::name::NodeName;
use crate::model::number::{Position, Revision};
use crate::model::record::Contact;
use crate::model::reign::Reign;
use crate::model::roster::{JoinToken, TokenHash};
use crate::model::time::{Moment, Timestamp};
use crate::policy::rulebook::Rulebook;
use crate::replication::view::{LeadView, View};
use crate::transport::credentials::Credentials;
use crate::wire::version::ProtocolVersion;

/// What a node holds. One value, because a company that was taken away and the records that went with it must be seen
/// to go together: else a read for that company finds no record of it and takes the global one.
#[derive(Debug, Clone)]
pub struct Held {
    /// The records.
    pub view: View,
    /// What this node may hold and for whom it may speak.
    pub entitlement: Entitlement,
}

/// What every node publishes.
#[derive(Debug)]
pub struct Board {
    /// The records, and the right to hold them.
    pub held: ArcSwap<Held>,
    /// The position a follower's records came to, for those who wait for the next change. A lead tells in
    /// [`LeadBoard::moved`], once its log is published too.
    pub moved: watch::Sender<Position>,
    /// Who may do what here.
    pub rules: ArcSwap<Rulebook>,
    /// When which API key was last used, as far as this node knows.
    pub key_use: KeyUse,
    /// Which APIs work from where.
    pub connectivity: ConnectivityBoard,
    /// What came of checks that people asked for.
    pub asked_checks: AskedChecks,
    /// How much agents asked for lately.
    pub limits: LimitBoard,
    /// The open scope keys.
    pub keys: ArcSwap<KeyRing>,
    /// Where the lead is.
    pub lead: ArcSwap<LeadAddress>,
    /// The way for a follower's questions to it.
    pub lead_line: LeadLine,
    /// A follower's last contact.
    pub contact: ArcSwapOption<Contact>,
    /// When this follower was told that it is banned, if it was. It holds nothing then, and answers nobody.
    pub banned: ArcSwapOption<Timestamp>,
    /// Told whenever `contact` moves.
    pub contact_moved: Notify,
    /// How far the lead's wall clock was ahead of this node's at its last beacon, in milliseconds; the way there included.
    pub lead_ahead_ms: ArcSwapOption<i64>,
    /// What this node shows to the others, once that is open.
    pub credentials: OnceLock<Credentials>,
    /// Asks the session for a heartbeat now instead of at the next second.
    pub ask_now: Notify,
    /// Where it is told what happens.
    pub events: EventHub,
    /// What is counted.
    pub metrics: Metrics,
}

impl Board {
    /// A board that shows the state a node starts with. Its limits are those of a follower.
    #[must_use]
    pub fn new(view: View, rules: Rulebook, keys: KeyRing, entitlement: Entitlement, contact: Option<Contact>) -> Self {
        Self {
            moved: watch::Sender::new(view.position),
            held: ArcSwap::from_pointee(Held { view, entitlement }),
            rules: ArcSwap::from_pointee(rules),
            key_use: KeyUse::default(),
            connectivity: ConnectivityBoard::default(),
            asked_checks: AskedChecks::default(),
            limits: LimitBoard::of_follower(),
            keys: ArcSwap::from_pointee(keys),
            lead: ArcSwap::from_pointee(LeadAddress { name: None, address: None }),
            lead_line: LeadLine::default(),
            contact: ArcSwapOption::from(contact.map(Arc::new)),
            banned: ArcSwapOption::empty(),
            contact_moved: Notify::new(),
            lead_ahead_ms: ArcSwapOption::empty(),
            credentials: OnceLock::new(),
            ask_now: Notify::new(),
            events: EventHub::default(),
            metrics: Metrics::default(),
        }
    }
}

/// After so many changes of secrets [`LeadBoard::governed`] is told all the same: several times before a session has a bare
/// number to send ([`BARE_NUMBER_EVERY`](crate::replication::rules_feed::BARE_NUMBER_EVERY)).
const GOVERNED_EVERY: u64 = 256;

/// What the lead publishes besides.
#[derive(Debug)]
pub struct LeadBoard {
    /// Records, roster and change log, at one position.
    pub lead_view: ArcSwap<LeadView>,
    /// The join tokens that are remembered.
    pub tokens: ArcSwap<Tokens>,
    /// The position, for sessions and watchers that wait for the next change.
    pub moved: watch::Sender<Position>,
    /// The position of the last change of anything but a secret, for those who wait for one of the roster or of the rules:
    /// each session has several of those, which have nothing to do when a value changes. Told before `moved`, and now and
    /// then without such a change.
    pub governed: watch::Sender<Position>,
    /// Who was heard when.
    pub presence: ArcSwap<Presences>,
    /// The rotation of scope keys.
    pub rotation: RotationBoard,
    /// The keys agents sign their commands with.
    pub signing: ArcSwap<SigningKeys>,
    /// Since when the root key is the root key.
    pub root_since: ArcSwap<Timestamp>,
    /// Whether bytes of what was destroyed are still in the store file, because it could not be written anew.
    pub purge_due: AtomicBool,
    /// The later reign that ended this one, if one did: this node takes no change then, and sends its followers away.
    pub ended_by: watch::Sender<Option<Arc<Reign>>>,
    /// One plan of the rulebook at a time: of two that are made at once, one would have to be made again.
    pub rules_turn: Semaphore,
}

impl LeadBoard {
    /// A board that shows the state the lead starts with, but for the signing keys.
    #[must_use]
    pub fn new(lead_view: LeadView, tokens: Arc<Tokens>, root_since: Timestamp, purge_due: bool) -> Self {
        let position = lead_view.view.position;
        let (moved, governed) = (watch::Sender::new(position), watch::Sender::new(position));
        Self {
            lead_view: ArcSwap::from_pointee(lead_view),
            tokens: ArcSwap::new(tokens),
            moved,
            governed,
            presence: ArcSwap::from_pointee(Presences::default()),
            rotation: RotationBoard::default(),
            signing: ArcSwap::from_pointee(SigningKeys::default()),
            root_since: ArcSwap::from_pointee(root_since),
            purge_due: AtomicBool::new(purge_due),
            ended_by: watch::Sender::new(None),
            rules_turn: Semaphore::new(1),
        }
    }

    /// Publishes a view, and wakes whom it concerns.
    pub fn publish(&self, lead: LeadView) {
        let (before, here) = (self.lead_view.load().view.position, lead.view.position);
        let governed = self.is_governed_due(&lead)
            || lead.since(before.revision).is_none_or(|mut log| log.any(|change| governs(&change.subject)));
        self.lead_view.store(Arc::new(lead));
        if governed {
            self.governed.send_replace(here);
        }
        self.moved.send_replace(here);
    }

    /// Whether those who wait for other changes must look again, whatever this one is: before the log is trimmed to where
    /// they looked last, because they would need everything anew.
    fn is_governed_due(&self, lead: &LeadView) -> bool {
        let (last, here) = (*self.governed.borrow(), lead.view.position);
        let since = |from: Revision| here.revision.get().saturating_sub(from.get());
        let logged = lead.logged_from().map_or(0, since);
        here.epoch != last.epoch || since(last.revision) >= GOVERNED_EVERY.min(logged / 2)
    }
}

/// Whether a change is of anything but a secret.
fn governs(subject: &LogSubject) -> bool {
    match subject {
        LogSubject::Secret { .. } => false,
        LogSubject::Node(_) | LogSubject::ScopeKey(_) | LogSubject::Article(_) => true,
    }
}

/// Join tokens by their hash.
pub type Tokens = BTreeMap<TokenHash, JoinToken>;

/// Presence by node.
pub type Presences = RedBlackTreeMapSync<NodeName, Presence>;

/// What the lead knows of a connected node from its heartbeats and acknowledgements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// When it was last heard.
    pub heard: Moment,
    /// The last revision it has durably applied.
    pub acknowledged: Option<Revision>,
    /// Records in its cache.
    pub cache_entries: u64,
    /// Its one-minute load average, in thousandths.
    pub load_milli: u32,
    /// How long it has run, in milliseconds.
    pub uptime_ms: u64,
    /// How long it goes on without the lead, by its own configuration; `None` until it has said so.
    pub promise: Option<FreshnessPolicy>,
    /// The version of the protocol it speaks with this lead.
    pub protocol: ProtocolVersion,
    /// From where it is connected; `None` once the connection ended.
    pub address: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::ChangeKind;
    use crate::model::log::LogEntry;
    use crate::model::number::Version;
    use crate::model::secret::{Scope, SecretAddress, SecretName};

    const LONG: usize = 100_000;

    fn secret() -> LogSubject {
        let environment = crate::model::name::EnvironmentName::parse("prod").expect("a name");
        let at = SecretAddress { environment, name: SecretName::parse("openai/api_key").expect("a name") };
        LogSubject::Secret { at: at.within(Scope::Global), change: ChangeKind::Stored, version: Version::FIRST }
    }

    fn node() -> LogSubject {
        LogSubject::Node(NodeName::parse("vengeance").expect("a name"))
    }

    fn change(lead: &mut LeadView, subject: LogSubject, keep: usize) {
        let revision = lead.view.position.revision.next();
        lead.record_change(LogEntry { revision, at: Timestamp(0), audit_seq: 1, subject }, keep);
    }

    /// A board that shows a history of so many changes of secrets, and the history.
    fn board(changes: u64, keep: usize) -> (LeadBoard, LeadView) {
        let mut lead = LeadView::default();
        (0..changes).for_each(|_| change(&mut lead, secret(), keep));
        (LeadBoard::new(lead.clone(), Arc::default(), Timestamp(0), false), lead)
    }

    #[test]
    fn who_waits_for_the_roster_or_the_rules_is_woken_by_their_changes_and_seldom_by_those_of_secrets() {
        let (board, mut lead) = board(1000, LONG);
        let (mut governed, mut moved) = (board.governed.subscribe(), board.moved.subscribe());
        for _ in 1..GOVERNED_EVERY {
            change(&mut lead, secret(), LONG);
            board.publish(lead.clone());
            assert!(moved.has_changed().expect("open") && !governed.has_changed().expect("open"));
            assert_eq!(*moved.borrow_and_update(), lead.view.position);
        }
        change(&mut lead, secret(), LONG);
        board.publish(lead.clone());
        assert_eq!(*governed.borrow_and_update(), lead.view.position, "now and then all the same");
        [node(), secret()].into_iter().for_each(|subject| change(&mut lead, subject, LONG));
        board.publish(lead.clone());
        assert_eq!(*governed.borrow_and_update(), lead.view.position, "the last of a batch need not be the one");
    }

    /// Whoever slept while the log was trimmed behind it would need the whole rulebook anew.
    #[test]
    fn who_waits_is_woken_before_the_log_is_trimmed_to_where_it_looked_last() {
        for keep in [1, 2, 9, 100] {
            let (board, mut lead) = board(500, keep);
            let mut governed = board.governed.subscribe();
            let mut looked = lead.view.position.revision;
            for _ in 0..1000 {
                change(&mut lead, secret(), keep);
                board.publish(lead.clone());
                assert!(keep == 1 || lead.since(looked).is_some(), "{keep}: {looked} is trimmed away");
                if governed.has_changed().expect("open") {
                    looked = governed.borrow_and_update().revision;
                }
            }
            assert!(keep > 1 || looked == lead.view.position.revision, "woken by each");
        }
    }
}
