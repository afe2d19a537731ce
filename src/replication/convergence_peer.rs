//! One follower in the convergence test, and the lead's end of the connection to it: the two machines under test, with a
//! queue for a network. What must hold at every moment is asserted here, what must hold in the end is asserted there.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::acceptance::{Acceptance, Accepted, Incoming};
use super::feed::{self, Step};
use super::view::LeadView;
use crate::model::entitlement::Entitlement;
use crate::model::name::NodeName;
use crate::model::number::{Position, Revision};
use crate::model::record::Record;
use crate::model::roster::RosterEntry;
use crate::model::secret::ScopedSecret;

/// What a follower has durably, and the one connection to it.
pub(super) struct Follower {
    pub(super) name: NodeName,
    pub(super) position: Position,
    entitlement: Option<Entitlement>,
    pub(super) records: BTreeMap<ScopedSecret, Record>,
    acceptance: Acceptance,
    /// The lead's cursor, and what it sent that has not arrived.
    sent: Position,
    pub(super) wire: VecDeque<Incoming>,
}

/// The lead's end of the connection to one follower.
pub(super) struct Session<'mesh> {
    pub(super) lead: &'mesh LeadView,
    pub(super) follower: &'mesh mut Follower,
}

impl Session<'_> {
    /// Whether there is anything left to send or to hear.
    pub(super) fn unfinished(&self) -> bool {
        !self.follower.wire.is_empty()
            || !matches!(feed::next(self.lead, &self.follower.name, self.follower.sent), Step::Current)
    }

    /// The next step, as the messages it is sent in.
    pub(super) fn send(self) {
        let Self { lead, follower } = self;
        match feed::next(lead, &follower.name, follower.sent) {
            Step::Current => {}
            Step::Expelled => panic!("{} is in the roster", follower.name),
            Step::Snapshot { entry } => follower.send_snapshot(lead, &entry),
            Step::Change { previous, revision, records } => follower.send_change(lead, previous, revision, &records),
        }
    }
}

impl Follower {
    /// One that has just joined: it holds nothing.
    pub(super) fn new(name: NodeName) -> Self {
        let position = Position::default();
        Self {
            name,
            position,
            entitlement: None,
            records: BTreeMap::new(),
            acceptance: Acceptance::new(position),
            sent: position,
            wire: VecDeque::new(),
        }
    }

    fn send_snapshot(&mut self, lead: &LeadView, entry: &RosterEntry) {
        let position = lead.view.position;
        self.wire.push_back(Incoming::SnapshotBegin { position, entitlement: entry.entitlement.clone() });
        let mut count = 0;
        for chunk in feed::snapshot_chunks(lead, entry) {
            count += u64::try_from(chunk.len()).expect("few");
            let records = self.packed(lead, &chunk);
            self.wire.push_back(Incoming::SnapshotRecords(records));
        }
        self.wire.push_back(Incoming::SnapshotEnd { count });
        self.sent = position;
    }

    fn send_change(&mut self, lead: &LeadView, previous: Revision, revision: Revision, records: &[Arc<Record>]) {
        let epoch = lead.view.position.epoch;
        let records = self.packed(lead, records);
        self.wire.push_back(Incoming::Change { epoch, previous, revision, records });
        self.sent = Position { epoch, revision };
    }

    /// What goes on the wire fits a frame and is this node's to hold, by the roster of that very moment.
    fn packed(&self, lead: &LeadView, records: &[Arc<Record>]) -> Vec<Record> {
        let entry = lead.node(&self.name).expect("enrolled");
        assert!(
            records.iter().all(|record| entry.entitlement.covers(&self.name, &record.at)),
            "sent to the wrong node"
        );
        let value_bytes: usize =
            records.iter().filter_map(|record| record.sealed()).map(|sealed| sealed.ciphertext.len()).sum();
        assert!(records.len() == 1 || value_bytes <= feed::CHANGE_BYTES_MAX, "{value_bytes} bytes at once");
        records.iter().map(|record| Record::clone(record)).collect()
    }

    /// Takes in one message, which it must not refuse.
    pub(super) fn receive(&mut self) {
        let Some(incoming) = self.wire.pop_front() else { return };
        match self.acceptance.accept(incoming).expect("a lead that does its part is never refused") {
            Accepted::Staged => {}
            Accepted::Replace { position, records, entitlement } => {
                self.moves_to(position);
                self.entitlement = Some(entitlement);
                self.records.clear();
                self.keep(records);
            }
            Accepted::Apply { position, records } => {
                self.moves_to(position);
                self.keep(records);
            }
        }
    }

    fn moves_to(&mut self, position: Position) {
        assert!(position > self.position, "{} went from {:?} to {position:?}", self.name, self.position);
        self.position = position;
    }

    /// What a follower keeps is covered by what it was told it may hold, and never older than what it had.
    fn keep(&mut self, records: Vec<Record>) {
        let entitlement = self.entitlement.as_ref().expect("a snapshot came first");
        for record in records {
            assert!(entitlement.covers(&self.name, &record.at), "{} may not hold {}", self.name, record.at);
            let before = self.records.get(&record.at).map(|before| before.version);
            assert!(before.is_none_or(|before| before <= record.version), "an older version of {}", record.at);
            self.records.insert(record.at.clone(), record);
        }
    }

    /// What was on the wire is lost, and half a snapshot with it; what is durable stays.
    pub(super) fn cut_off(&mut self) {
        self.wire.clear();
        self.acceptance = Acceptance::new(self.position);
        self.sent = self.position;
    }
}
