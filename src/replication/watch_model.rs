//! Watchers against a model: whatever the lead commits, however late a follower hears of it, and however often a watcher
//! loses its connection or the node its memory, a watcher hears of every change, of none twice, and in order.

use std::collections::BTreeMap;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use super::history::{Told, as_kept};
use super::view::{LeadView, View};
use super::watch::{Break, Cursor, Past, Step, next};
use crate::model::change::ChangeKind;
use crate::model::fields::Fields;
use crate::model::log::{LogEntry, LogSubject};
use crate::model::metadata::{Metadata, SecretOptions};
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::number::{Epoch, Generation, Position, Revision, Version};
use crate::model::record::{Record, RecordBody, SealedValue};
use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};
use crate::model::time::Timestamp;

const SECRETS: u8 = 4;

/// One thing that happens. Secrets are chosen by number.
#[derive(Debug, Clone)]
enum Event {
    Write {
        which: u8,
        change: ChangeKind,
    },
    /// A change of no secret.
    Elsewhere,
    /// The log is cut to this many entries.
    Trim {
        keep: usize,
    },
    /// The follower hears all there is, in one step.
    Hear,
    /// The follower gets a snapshot instead.
    Snapshot,
    /// The follower starts again from its disk.
    Restart,
    /// The watcher of the lead, or of the follower, takes its next step.
    Poll {
        on_lead: bool,
    },
    /// It comes back with the last id it saw.
    Resume {
        on_lead: bool,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let change = prop_oneof![
        4 => Just(ChangeKind::Stored),
        1 => Just(ChangeKind::Described),
        1 => Just(ChangeKind::Deleted),
        2 => Just(ChangeKind::Resealed),
    ];
    prop_oneof![
        8 => (0..SECRETS, change).prop_map(|(which, change)| Event::Write { which, change }),
        1 => Just(Event::Elsewhere),
        1 => (0_usize..6).prop_map(|keep| Event::Trim { keep }),
        6 => Just(Event::Hear),
        1 => Just(Event::Snapshot),
        1 => Just(Event::Restart),
        6 => any::<bool>().prop_map(|on_lead| Event::Poll { on_lead }),
        2 => any::<bool>().prop_map(|on_lead| Event::Resume { on_lead }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn a_watcher_hears_of_every_change_once_and_in_order(events in proptest::collection::vec(event(), 0..80)) {
        let mut model = Model::new();
        events.into_iter().for_each(|event| model.happens(event));
        model.comes_to_rest();
    }
}

/// Without a watcher that lags behind what is remembered, a follower's watcher hears what a lead's hears.
#[test]
fn a_follower_that_keeps_up_tells_every_change_that_the_lead_tells() {
    use ChangeKind::{Deleted, Described, Resealed, Stored};
    let mut model = Model::new();
    for change in [Stored, Described, Stored, Resealed, Deleted, Stored, Resealed, Described] {
        model.happens(Event::Write { which: 0, change });
        model.happens(Event::Hear);
    }
    model.comes_to_rest();
    let changes: Vec<ChangeKind> = model.on_follower.told.iter().map(|told| told.change).collect();
    assert_eq!(changes, [Stored, Described, Stored, Deleted, Stored, Described]);
    assert_eq!(model.on_lead.told, model.on_follower.told);
}

#[test]
fn a_cursor_that_leads_nowhere_is_told_so_and_gets_the_state_of_everything() {
    let mut model = Model::new();
    for which in 0..SECRETS {
        model.happens(Event::Write { which, change: ChangeKind::Stored });
    }
    let lead = Past::Lead(&model.lead);
    for (at, wanted) in
        [(position(2, 1), Break::Epoch), (position(0, 1), Break::Epoch), (position(1, 99), Break::Ahead)]
    {
        let Step::Reset { reason, cursor } = next(lead, Cursor::new(at), |_| true) else { panic!("{at:?}") };
        assert_eq!((reason, cursor.at), (wanted, position(1, 0)));
        let Step::Changes { changes, cursor } = next(lead, cursor, |_| true) else { panic!("states") };
        assert_eq!((changes.len(), cursor.at), (4, position(1, 4)));
        assert_eq!(next(lead, cursor, |_| true), Step::Current);
    }
    model.happens(Event::Trim { keep: 1 });
    let lead = Past::Lead(&model.lead);
    let Step::Reset { reason, cursor } = next(lead, Cursor::new(position(1, 2)), |_| true) else { panic!("trimmed") };
    assert_eq!((reason, cursor.at), (Break::Trimmed, position(1, 2)));
    let Step::Changes { changes, .. } = next(lead, cursor, |_| true) else { panic!("states") };
    assert_eq!(changes.len(), 2, "what changed since then, and no more");
}

#[test]
fn a_step_is_bounded_whether_it_tells_what_it_sees_or_not() {
    let mut model = Model::new();
    for _ in 0..2_000 {
        model.write(0, ChangeKind::Stored);
    }
    let start = Cursor::new(position(1, 0));
    let Step::Changes { changes, cursor } = next(Past::Lead(&model.lead), start, |_| true) else { panic!("changes") };
    assert_eq!((changes.len(), cursor.at), (32, position(1, 32)));
    let Step::Changes { changes, cursor } = next(Past::Lead(&model.lead), start, |_| false) else { panic!("changes") };
    assert_eq!((changes.len(), cursor.at), (0, position(1, 1_024)));
}

/// The lead sends the newest record it has with the first revision that concerns it, and again with the last.
#[test]
fn a_record_that_is_ahead_of_its_position_is_told_when_the_position_comes_there() {
    let ahead = || record(place(0), 1, Version::FIRST, (Revision(3), ChangeKind::Stored), sealed(), Timestamp(3));
    let mut view = View::new(position(1, 0), []);
    view.accept(position(1, 1), vec![ahead()]);
    let restarted = View::new(view.position, view.after(None).map(|record| Record::clone(record)));
    for mut view in [view, restarted] {
        let step = next(Past::Follower(&view), Cursor::new(position(1, 0)), |_| true);
        let Step::Changes { changes, cursor } = step else { panic!("the position moved") };
        assert_eq!((changes.len(), cursor.at), (0, position(1, 1)));
        view.accept(position(1, 3), vec![ahead()]);
        let Step::Changes { changes, cursor } = next(Past::Follower(&view), cursor, |_| true) else { panic!("told") };
        assert_eq!((changes.len(), cursor.at), (1, position(1, 3)));
        assert_eq!(next(Past::Follower(&view), cursor, |_| true), Step::Current);
    }
}

/// A client with its connection: what it was told, and what it would resume from.
struct Watcher {
    cursor: Cursor,
    id: Position,
    told: Vec<Told>,
    was_reset: bool,
}

impl Watcher {
    fn new() -> Self {
        let id = position(1, 0);
        Self { cursor: Cursor::new(id), id, told: Vec::new(), was_reset: false }
    }

    /// Takes a step; gives whether there may be more.
    fn polls(&mut self, past: Past<'_>) -> bool {
        match next(past, self.cursor, |_| true) {
            Step::Current => return false,
            Step::Reset { reason, cursor } => {
                assert_eq!(reason, Break::Trimmed, "one epoch, and no way back");
                (self.was_reset, self.id, self.cursor) = (true, cursor.at, cursor);
            }
            Step::Changes { changes, cursor } => {
                assert!(cursor.at > self.cursor.at, "it moves");
                for told in changes {
                    assert!(told.revision > self.id.revision && told.revision <= cursor.at.revision, "{told:?}");
                    assert_ne!(told.change, ChangeKind::Resealed);
                    self.id.revision = told.revision;
                    self.told.push(told);
                }
                self.cursor = cursor;
            }
        }
        true
    }
}

struct Model {
    lead: LeadView,
    follower: View,
    on_lead: Watcher,
    on_follower: Watcher,
    /// Every change that anyone could see.
    made: Vec<Told>,
}

impl Model {
    fn new() -> Self {
        let start = View::new(position(1, 0), []);
        let lead = LeadView::new(start.clone(), Vec::new(), Vec::new(), Vec::new());
        Self { lead, follower: start, on_lead: Watcher::new(), on_follower: Watcher::new(), made: Vec::new() }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Write { which, change } => self.write(which, change),
            Event::Elsewhere => self.log(LogSubject::Node(NodeName::parse("laptop").expect("name")), usize::MAX),
            Event::Trim { keep } => self.log(LogSubject::Node(NodeName::parse("laptop").expect("name")), keep),
            Event::Hear => self.follower_hears(),
            Event::Snapshot => {
                let records = self.as_kept(self.lead.view.after(None).map(|record| Record::clone(record)).collect());
                self.follower = self.follower.replaced(self.lead.view.position, records);
            }
            Event::Restart => {
                let records = self.follower.after(None).map(|record| Record::clone(record));
                self.follower = View::new(self.follower.position, records.collect::<Vec<_>>());
            }
            Event::Poll { on_lead: true } => drop(self.on_lead.polls(Past::Lead(&self.lead))),
            Event::Poll { on_lead: false } => drop(self.on_follower.polls(Past::Follower(&self.follower))),
            Event::Resume { on_lead: true } => self.on_lead.cursor = Cursor::new(self.on_lead.id),
            Event::Resume { on_lead: false } => self.on_follower.cursor = Cursor::new(self.on_follower.id),
        }
    }

    fn comes_to_rest(&mut self) {
        self.follower_hears();
        while self.on_lead.polls(Past::Lead(&self.lead)) {}
        while self.on_follower.polls(Past::Follower(&self.follower)) {}
        if !self.on_lead.was_reset {
            assert_eq!(self.on_lead.told, self.made, "each change that was made");
        }
        assert!(!self.on_follower.was_reset, "a follower's memory reaches back to its first day");
        let mut newest: BTreeMap<&ScopedSecret, &Told> = BTreeMap::new();
        newest.extend(self.made.iter().map(|told| (&told.at, told)));
        for (at, newest) in newest {
            for watcher in [&self.on_lead, &self.on_follower] {
                let last = watcher.told.iter().rfind(|told| told.at == *at).expect("told of each secret that changed");
                assert_eq!((last.version, last.made_at), (newest.version, newest.made_at), "{at}");
            }
        }
    }

    /// The lead sends the current records of what changed since then, each once.
    fn follower_hears(&mut self) {
        let after = self.follower.position.revision;
        if after == self.lead.view.position.revision {
            return;
        }
        let written = self.lead.view.after(None).filter(|record| record.revision > after);
        let records = self.as_kept(written.map(|record| Record::clone(record)).collect());
        self.follower.accept(self.lead.view.position, records);
    }

    fn as_kept(&self, records: Vec<Record>) -> Vec<Record> {
        let kept = |record: Record| as_kept(self.follower.get(&record.at).map(|held| &**held), record);
        records.into_iter().map(kept).collect()
    }

    fn write(&mut self, which: u8, change: ChangeKind) {
        let at = place(which);
        let revision = self.lead.view.position.revision.next();
        let held = self.lead.view.get(&at).cloned();
        if held.is_none() && change != ChangeKind::Stored {
            return;
        }
        let version = match (&held, change) {
            (None, _) => Version::FIRST,
            (Some(held), ChangeKind::Stored) => held.version.next(),
            (Some(held), _) => held.version,
        };
        // Time goes with the revisions, but for what nobody can see.
        let now = Timestamp(i64::try_from(revision.get()).expect("small"));
        let updated_at = match &held {
            Some(held) if change == ChangeKind::Resealed => held.updated_at,
            Some(_) | None => now,
        };
        let body = match (&held, change) {
            (Some(_), ChangeKind::Deleted) => RecordBody::Deleted { kept: None },
            (Some(held), ChangeKind::Described | ChangeKind::Resealed) => held.body.clone(),
            (_, _) => sealed(),
        };
        self.lead.view.insert(record(at.clone(), u64::from(which), version, (revision, change), body, updated_at));
        if change != ChangeKind::Resealed {
            self.made.push(Told { at: at.clone(), change, version, revision, made_at: now });
        }
        self.log(LogSubject::Secret { at, change, version }, usize::MAX);
    }

    fn log(&mut self, subject: LogSubject, keep: usize) {
        let revision = self.lead.view.position.revision.next();
        let at = Timestamp(i64::try_from(revision.get()).expect("small"));
        self.lead.record_change(LogEntry { revision, at, audit_seq: 0, subject }, keep);
    }
}

fn position(epoch: u64, revision: u64) -> Position {
    Position { epoch: Epoch(epoch), revision: Revision(revision) }
}

fn sealed() -> RecordBody {
    RecordBody::Sealed(SealedValue { generation: Generation::FIRST, nonce: [0; 24], ciphertext: Vec::new() })
}

fn place(which: u8) -> ScopedSecret {
    let environment = EnvironmentName::parse("prod").expect("environment");
    let name = SecretName::parse(&format!("openai/key_{which}")).expect("name");
    SecretAddress { environment, name }.within(Scope::Global)
}

fn record(
    at: ScopedSecret,
    secret_id: u64,
    version: Version,
    (revision, change): (Revision, ChangeKind),
    body: RecordBody,
    updated_at: Timestamp,
) -> Record {
    Record {
        at,
        secret_id,
        version,
        revision,
        change,
        purged: None,
        body,
        metadata: Metadata::default().into(),
        options: SecretOptions::default().into(),
        fields: Fields::default().into(),
        created_at: Timestamp(0),
        updated_at,
    }
}
