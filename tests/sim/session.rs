//! A connection between a follower and a lead: three streams, each ordered and reliable while it lasts, and the lead's end
//! of it, put together as its sessions do. When it breaks, whatever was on its way is lost.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use aurora_mesh::actors::draft::LeadState;
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::{Generation, Position, Revision};
use aurora_mesh::model::record::Record;
use aurora_mesh::model::roster::RosterEntry;
use aurora_mesh::model::secret::KeyScope;
use aurora_mesh::replication::acceptance::Incoming;
use aurora_mesh::replication::feed::{self, Step};
use aurora_mesh::replication::rules_acceptance::{self, Head};
use aurora_mesh::replication::rules_feed;
use aurora_mesh::replication::sent_keys::SentKeys;

use crate::follower::SentKey;

/// What travels to a follower on the stream of the records.
#[derive(Debug, Clone)]
pub enum Records {
    Keys(Vec<SentKey>),
    Incoming(Incoming),
}

/// What travels to a follower on the control stream.
#[derive(Debug, Clone, Copy)]
pub enum Control {
    Beacon { stamp: u64, position: Position },
    Goodbye,
}

/// What travels to the lead.
#[derive(Debug, Clone, Copy)]
pub enum Upward {
    Heartbeat { stamp: u64 },
    RulesHeld(Position),
    Acknowledged(Position),
}

/// One connection.
pub struct Session {
    /// Whether it leads to the lead that reigns, or to a machine that thinks it does.
    pub to_ghost: bool,
    /// Where the follower stood when it began.
    pub floor: Position,
    at: Position,
    sent_keys: SentKeys,
    cursor: rules_feed::Cursor,
    told: Option<Position>,
    /// Up to where the follower is known to hold the rules.
    rules_held: Option<Position>,
    /// A view that waits for its rules.
    seen: Option<LeadState>,
    expelled: bool,
    pub records: VecDeque<Records>,
    pub rules: VecDeque<rules_acceptance::Incoming>,
    pub control: VecDeque<Control>,
    /// Upward there are as many streams as downward; each is ordered by itself.
    pub heartbeats: VecDeque<Upward>,
    pub rules_up: VecDeque<Upward>,
    pub records_up: VecDeque<Upward>,
}

/// Why a lead gives a session up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mistaken(pub &'static str);

impl Session {
    /// A follower that stands here has connected.
    pub fn new(to_ghost: bool, at: Position, rules: Option<Position>) -> Self {
        Self {
            to_ghost,
            floor: at,
            at,
            sent_keys: SentKeys::default(),
            cursor: rules_feed::Cursor::new(rules),
            told: None,
            rules_held: None,
            seen: None,
            expelled: false,
            records: VecDeque::new(),
            rules: VecDeque::new(),
            control: VecDeque::new(),
            heartbeats: VecDeque::new(),
            rules_up: VecDeque::new(),
            records_up: VecDeque::new(),
        }
    }

    /// Whether nothing is on its way.
    pub fn is_quiet(&self) -> bool {
        self.records.is_empty()
            && self.rules.is_empty()
            && self.control.is_empty()
            && self.heartbeats.is_empty()
            && self.rules_up.is_empty()
            && self.records_up.is_empty()
    }

    /// The rules stream takes its next step. Gives whether it did anything.
    pub fn feed_rules(&mut self, lead: &LeadState, node: &NodeName) -> bool {
        if self.told.is_some_and(|told| self.rules_held != Some(told) || self.cursor.held != Some(told)) {
            return false;
        }
        let (at, previous, whole, edits) = match rules_feed::next(&lead.lead, node, self.cursor) {
            rules_feed::Step::Current { at } => {
                let moved = self.rules_held != Some(at);
                self.cursor.looked = at;
                self.rules_held = Some(at);
                // What was told before has been acknowledged, or this would not be the next step.
                self.told = None;
                return moved;
            }
            rules_feed::Step::Whole { at, articles } => {
                let edits = articles.into_iter().map(aurora_mesh::model::article::Edit::Put).collect();
                (at, Revision(0), true, edits)
            }
            rules_feed::Step::Delta { previous, at, edits } => (at, previous, false, edits),
            rules_feed::Step::Expelled => return self.expel(),
        };
        let head = Head { position: at, previous, whole };
        // One article to a message: as many messages as there can be.
        let mut parts = rules_feed::chunks(edits, |_| 1, 1).into_iter().peekable();
        while let Some(edits) = parts.next() {
            self.rules.push_back(rules_acceptance::Incoming { head, more: parts.peek().is_some(), edits });
        }
        self.told = Some(at);
        true
    }

    fn expel(&mut self) -> bool {
        if !self.expelled {
            self.expelled = true;
            self.control.push_back(Control::Goodbye);
            return true;
        }
        false
    }

    /// The view that may be sent from now: the newest, or the one that waited for its rules.
    fn sendable(&mut self, lead: &LeadState, node: &NodeName) -> Option<LeadState> {
        let Some(newest) = lead.lead.node(node) else { return Some(lead.clone()) };
        let suffices = |seen: &LeadState, entry: &RosterEntry| {
            rules_feed::suffices(self.rules_held, rules_feed::needed(&seen.lead, entry))
        };
        if suffices(lead, newest) {
            self.seen = None;
            return Some(lead.clone());
        }
        let Some(seen) = self.seen.take() else {
            self.seen = Some(lead.clone());
            return None;
        };
        let Some(entry) = seen.lead.node(node) else { return Some(lead.clone()) };
        if !suffices(&seen, entry) {
            self.seen = Some(seen);
            return None;
        }
        // What the node may not hold any more is not sent, however old the view.
        if newest.changed_at == entry.changed_at {
            return Some(seen);
        }
        self.seen = Some(lead.clone());
        None
    }

    /// The record stream takes its next step. Gives what it sends, for whoever checks it.
    pub fn feed_records(&mut self, lead: &LeadState, node: &NodeName) -> Option<Sent> {
        let seen = self.sendable(lead, node)?;
        match feed::next(&seen.lead, node, self.at) {
            Step::Current => None,
            Step::Expelled => self.expel().then(Sent::default),
            Step::Snapshot { entry } => Some(self.snapshot(&seen, &entry)),
            Step::Change { previous, revision, records } => {
                let mut sent = Sent::default();
                self.send_keys(&seen, &records, &mut sent);
                let epoch = seen.lead.view.position.epoch;
                let only_a_number = records.is_empty();
                let frames = records.iter().map(|record| Record::clone(record)).collect();
                let change = Incoming::Change { epoch, previous, revision, records: frames };
                self.records.push_back(Records::Incoming(change));
                if !only_a_number {
                    self.sent_keys.applied();
                }
                self.at = Position { epoch, revision };
                sent.records.extend(records);
                Some(sent)
            }
        }
    }

    fn snapshot(&mut self, seen: &LeadState, entry: &RosterEntry) -> Sent {
        let (position, mut sent, mut count) = (seen.lead.view.position, Sent::default(), 0_u64);
        let mut begin = Some(Incoming::SnapshotBegin { position, entitlement: entry.entitlement.clone() });
        self.sent_keys.forget();
        for chunk in feed::snapshot_chunks(&seen.lead, entry) {
            self.send_keys(seen, &chunk, &mut sent);
            self.records.extend(begin.take().map(Records::Incoming));
            count += u64::try_from(chunk.len()).expect("few");
            let records = chunk.iter().map(|record| Record::clone(record)).collect();
            self.records.push_back(Records::Incoming(Incoming::SnapshotRecords(records)));
            sent.records.extend(chunk);
        }
        self.records.extend(begin.take().map(Records::Incoming));
        self.records.push_back(Records::Incoming(Incoming::SnapshotEnd { count }));
        self.sent_keys.applied();
        self.at = position;
        sent
    }

    /// The keys these records need and the follower may lack, before the first record they open.
    fn send_keys(&mut self, seen: &LeadState, records: &[Arc<Record>], sent: &mut Sent) {
        let needed = self.sent_keys.lacking(records);
        if needed.is_empty() {
            return;
        }
        let found = |(at, generation): &(KeyScope, Generation)| {
            let key = seen.keys.get(at, *generation)?;
            Some(SentKey { at: at.clone(), generation: *generation, key })
        };
        let keys: Vec<SentKey> = needed.iter().filter_map(found).collect();
        sent.lacks_key |= keys.len() < needed.len();
        sent.keys.extend(needed.iter().cloned());
        self.records.push_back(Records::Keys(keys));
        self.sent_keys.sent(needed);
    }

    /// The lead takes in what came from the follower.
    ///
    /// # Errors
    /// [`Mistaken`]: no follower says that.
    pub fn hear(&mut self, message: Upward, lead: &LeadState) -> Result<(), Mistaken> {
        let here = lead.lead.view.position;
        match message {
            Upward::Heartbeat { stamp } => self.control.push_back(Control::Beacon { stamp, position: here }),
            Upward::Acknowledged(position) if position.epoch != here.epoch || position > here => {
                return Err(Mistaken("an acknowledgement of what was not sent"));
            }
            Upward::Acknowledged(_) => {}
            Upward::RulesHeld(position) if self.told != Some(position) => {
                return Err(Mistaken("an acknowledgement of rules that were not sent"));
            }
            Upward::RulesHeld(position) => {
                self.cursor = rules_feed::Cursor::told(position);
                self.rules_held = Some(position);
            }
        }
        Ok(())
    }
}

/// What one step of the record stream sent.
#[derive(Debug, Default)]
pub struct Sent {
    pub records: Vec<Arc<Record>>,
    pub keys: BTreeSet<(KeyScope, Generation)>,
    /// A record needs a key that the lead does not have.
    pub lacks_key: bool,
}
