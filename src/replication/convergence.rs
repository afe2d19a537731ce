//! The two machines together, without a network: whatever the lead does and however often followers are cut off, each of
//! them ends with exactly the records it is entitled to, and refuses nothing on the way there.

use std::collections::BTreeMap;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use super::convergence_peer::{Follower, Session};
use super::feed;
use super::view::{LeadView, View};
use crate::model::change::ChangeKind;
use crate::model::company::Companies;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::EntitlementHistory;
use crate::model::glob::SecretGlob;
use crate::model::identity::{KeyPin, Role, SealingPublicKey};
use crate::model::log::{LogEntry, LogSubject};
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::number::{Epoch, Generation, Position, Revision, Version};
use crate::model::record::{Record, RecordBody};
use crate::model::roster::{RosterEntry, Standing};
use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};
use crate::model::time::Timestamp;

const NODES: [&str; 3] = ["vengeance", "runpod-tx", "laptop"];
const NAMES: [&str; 3] = ["openai/api_key", "openai/org", "hubspot/api_key"];
const SCOPES: [&str; 4] = ["global", "company:acme", "node:vengeance", "node:laptop"];
const ENVIRONMENTS: [&str; 2] = ["prod", "dev"];

/// Larger than half a change, so that two of these never travel together and one may travel beside small ones.
const LARGE_BYTES: usize = feed::CHANGE_BYTES_MAX / 2 + 1;

/// Steps within which a follower that is left alone must have caught up: one per record, with room for snapshots.
const STEPS_MAX: usize = 100;

/// One thing that happens. Numbers choose from the lists above, modulo their lengths.
#[derive(Debug, Clone)]
enum Event {
    Put {
        which: u8,
        large: bool,
    },
    Delete {
        which: u8,
    },
    Entitle {
        node: u8,
        to: u8,
    },
    /// Someone else joins or leaves: a change that concerns no follower here.
    Elsewhere,
    /// The log is cut to this many entries.
    Trim {
        keep: u8,
    },
    /// A new reign: the lead was restored or replaced.
    NewEpoch,
    /// The lead puts the next step for a follower on the wire.
    Send {
        node: u8,
    },
    /// A follower takes in some of what is on the wire.
    Receive {
        node: u8,
        messages: u8,
    },
    /// The connection, or the follower itself, is gone and comes back: what was on the wire is lost.
    CutOff {
        node: u8,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (any::<u8>(), any::<bool>()).prop_map(|(which, large)| Event::Put { which, large }),
        3 => any::<u8>().prop_map(|which| Event::Delete { which }),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(node, to)| Event::Entitle { node, to }),
        1 => Just(Event::Elsewhere),
        1 => (0_u8..6).prop_map(|keep| Event::Trim { keep }),
        1 => Just(Event::NewEpoch),
        8 => any::<u8>().prop_map(|node| Event::Send { node }),
        8 => (any::<u8>(), 0_u8..4).prop_map(|(node, messages)| Event::Receive { node, messages }),
        3 => any::<u8>().prop_map(|node| Event::CutOff { node }),
    ]
}

proptest! {
    // The failing case is printed with its seed; nothing is written into the sources.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_follower_converges_on_what_it_is_entitled_to(
        log_keep in 1_usize..12,
        events in proptest::collection::vec(event(), 0..120),
    ) {
        let mut mesh = Mesh::new(log_keep);
        events.into_iter().for_each(|event| mesh.happens(event));
        mesh.comes_to_rest();
    }
}

/// A lead, and the followers of [`NODES`].
struct Mesh {
    lead: LeadView,
    log_keep: usize,
    followers: Vec<Follower>,
}

impl Mesh {
    fn new(log_keep: usize) -> Self {
        let start = Position { epoch: Epoch(1), revision: Revision(0) };
        let lead = LeadView::new(View::new(start, []), Vec::new(), Vec::new(), Vec::new());
        let followers = NODES.iter().map(|name| Follower::new(node(name))).collect();
        let mut mesh = Self { lead, log_keep, followers };
        NODES.iter().for_each(|name| mesh.entitle(name, 0));
        mesh
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Put { which, large } => self.write(which, Some(if large { LARGE_BYTES } else { 16 })),
            Event::Delete { which } => self.write(which, None),
            Event::Entitle { node, to } => self.entitle(chosen(&NODES, node), to),
            Event::Elsewhere => self.entitle("elsewhere", 0),
            Event::Trim { keep } => self.log(LogSubject::Node(node("elsewhere")), usize::from(keep)),
            Event::NewEpoch => {
                self.lead.view.position.epoch.0 += 1;
                self.followers.iter_mut().for_each(Follower::cut_off);
            }
            Event::Send { node } => self.follower(node).send(),
            Event::Receive { node, messages } => {
                let follower = self.follower(node).follower;
                (0..messages).for_each(|_| follower.receive());
            }
            Event::CutOff { node } => self.follower(node).follower.cut_off(),
        }
    }

    /// Everyone hears all there is, and no more happens.
    fn comes_to_rest(&mut self) {
        for number in 0..self.followers.len() {
            let mut steps = 0;
            while self.session(number).unfinished() {
                self.session(number).send();
                let follower = self.session(number).follower;
                while !follower.wire.is_empty() {
                    follower.receive();
                }
                steps += 1;
                assert!(steps < STEPS_MAX, "{} never catches up", follower.name);
            }
            let follower = &self.followers[number];
            assert_eq!(follower.position, self.lead.view.position, "{}", follower.name);
            assert_eq!(follower.records, self.entitled(&follower.name), "{}", follower.name);
        }
    }

    fn entitled(&self, name: &NodeName) -> BTreeMap<ScopedSecret, Record> {
        let entry = self.lead.node(name).expect("enrolled");
        let covered = self.lead.view.after(None).filter(|record| entry.entitlement.covers(name, &record.at));
        covered.map(|record| (record.at.clone(), Record::clone(record))).collect()
    }

    fn write(&mut self, which: u8, bytes: Option<usize>) {
        let at = place(which);
        let version = self.lead.view.get(&at).map_or(Version::FIRST, |record| record.version.next());
        let revision = self.lead.view.position.revision.next();
        let record = record(at.clone(), version, revision, bytes);
        let change = record.change;
        self.lead.view.insert(record);
        self.log(LogSubject::Secret { at, change, version }, self.log_keep);
    }

    fn entitle(&mut self, name: &str, to: u8) {
        let changed_at = self.lead.view.position.revision.next();
        self.lead.enrol(RosterEntry {
            name: node(name),
            role: Role::Follower,
            pin: KeyPin([1; 32]),
            sealing_key: SealingPublicKey([1; 32]),
            entitlement: entitlement(to),
            history: EntitlementHistory::beginning(Timestamp(0)),
            joined_at: Timestamp(0),
            standing: Standing::Active,
            changed_at,
        });
        self.log(LogSubject::Node(node(name)), self.log_keep);
    }

    fn log(&mut self, subject: LogSubject, keep: usize) {
        let revision = self.lead.view.position.revision.next();
        self.lead.record_change(LogEntry { revision, at: Timestamp(0), audit_seq: 0, subject }, keep);
    }

    fn follower(&mut self, number: u8) -> Session<'_> {
        self.session(usize::from(number) % NODES.len())
    }

    fn session(&mut self, number: usize) -> Session<'_> {
        Session { lead: &self.lead, follower: &mut self.followers[number] }
    }
}

/// The widest first; the others leave out a company, an environment, names, or everything.
fn entitlement(number: u8) -> Entitlement {
    let acme = CompanyId::parse("acme").expect("company");
    let (environment, companies, globs): (_, _, &[&str]) = match number % 5 {
        0 => ("prod", Companies::Only([acme].into()), &["*"]),
        1 => ("prod", Companies::default(), &["*"]),
        2 => ("prod", Companies::Only([acme].into()), &["openai/*"]),
        3 => ("dev", Companies::default(), &["hubspot/*", "openai/org"]),
        _ => ("prod", Companies::All, &[]),
    };
    let environment = EnvironmentName::parse(environment).expect("environment");
    Entitlement {
        environment,
        companies,
        globs: globs.iter().map(|glob| SecretGlob::parse(glob).expect(glob)).collect(),
    }
}

fn place(which: u8) -> ScopedSecret {
    let environment = EnvironmentName::parse(chosen(&ENVIRONMENTS, which)).expect("environment");
    let name = SecretName::parse(chosen(&NAMES, which / 2)).expect("name");
    SecretAddress { environment, name }.within(Scope::parse(chosen(&SCOPES, which / 8)).expect("scope"))
}

fn record(at: ScopedSecret, version: Version, revision: Revision, bytes: Option<usize>) -> Record {
    let stored = Record::sample(at, Generation::FIRST, vec![0; bytes.unwrap_or_default()]);
    let stored = Record { version, revision, ..stored };
    match bytes {
        Some(_) => stored,
        None => Record { change: ChangeKind::Deleted, body: RecordBody::Deleted { kept: None }, ..stored },
    }
}

fn chosen<'list>(list: &[&'list str], number: u8) -> &'list str {
    list[usize::from(number) % list.len()]
}

fn node(name: &str) -> NodeName {
    NodeName::parse(name).expect("name")
}
