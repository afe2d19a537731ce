//! The rulebook of a lead and of its followers together, without a network: whatever is edited, however entitlements change
//! and however often followers are cut off, each of them ends with exactly the articles that concern it, refuses nothing on
//! the way, and is never sent one that it may not know.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use super::rules_acceptance::{Acceptance, Accepted, Head, Incoming};
use super::rules_feed::{self, Cursor, Step};
use super::view::{LeadView, View};
use crate::model::actions::Capability;
use crate::model::article::{Article, ArticleId, Edit};
use crate::model::company::Companies;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::EntitlementHistory;
use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
use crate::model::glob::SecretGlob;
use crate::model::grant::{Effect, Expiry, Grant};
use crate::model::identity::{KeyPin, Role, SealingPublicKey};
use crate::model::log::{LogEntry, LogSubject};
use crate::model::name::{CompanyId, EnvironmentName, GrantName, NodeName};
use crate::model::number::{Epoch, Position, Revision};
use crate::model::principal::Principal;
use crate::model::reach::{Environments, Reach};
use crate::model::roster::{RosterEntry, Standing};
use crate::model::time::Timestamp;

const NODES: [&str; 3] = ["vengeance", "runpod-tx", "laptop"];
const TARGETS: [&str; 7] =
    ["mesh", "agent:a", "secret:openai/api_key", "secret:b/c", "node:laptop", "company:acme", "company:globex"];
const PRINCIPALS: [&str; 4] = ["user:1", "node:laptop", "node:vengeance", "agent:a"];

/// Steps within which a follower that is left alone must have caught up.
const STEPS_MAX: usize = 20;

/// One thing that happens. Numbers choose, modulo how many there are.
#[derive(Debug, Clone)]
enum Event {
    Put { edits: Vec<(u8, u8)> },
    Drop { which: u8 },
    Entitle { node: u8, to: u8 },
    Elsewhere,
    Trim { keep: u8 },
    NewEpoch,
    Send { node: u8 },
    Receive { node: u8, messages: u8 },
    CutOff { node: u8 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => proptest::collection::vec((any::<u8>(), any::<u8>()), 1..4).prop_map(|edits| Event::Put { edits }),
        4 => any::<u8>().prop_map(|which| Event::Drop { which }),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(node, to)| Event::Entitle { node, to }),
        2 => Just(Event::Elsewhere),
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
    fn every_follower_converges_on_the_articles_that_concern_it(
        log_keep in 1_usize..12,
        events in proptest::collection::vec(event(), 0..120),
    ) {
        let mut mesh = Mesh::new(log_keep);
        events.into_iter().for_each(|event| mesh.happens(event));
        (0..NODES.len()).for_each(|number| mesh.comes_to_rest(number));
    }
}

/// What a follower has durably, and the one connection to it.
struct Follower {
    name: NodeName,
    held: Option<Position>,
    articles: BTreeMap<ArticleId, Article>,
    acceptance: Acceptance,
    cursor: Cursor,
    wire: VecDeque<Incoming>,
    /// What the lead waits for before it sends more.
    awaited: Option<Position>,
}

impl Follower {
    fn new(name: &str) -> Self {
        Self {
            name: node(name),
            held: None,
            articles: BTreeMap::new(),
            acceptance: Acceptance::new(None),
            cursor: Cursor::new(None),
            wire: VecDeque::new(),
            awaited: None,
        }
    }

    /// The next step, cut into parts of one article each. The lead goes on only once the last one is acknowledged.
    fn is_sent(&mut self, lead: &LeadView) {
        if self.awaited.is_some() {
            return;
        }
        let (at, previous, whole, edits) = match rules_feed::next(lead, &self.name, self.cursor) {
            Step::Current { at } => {
                self.cursor.looked = at;
                return;
            }
            Step::Expelled => panic!("{} is in the roster", self.name),
            Step::Whole { at, articles } => (at, Revision(0), true, articles.into_iter().map(Edit::Put).collect()),
            Step::Delta { previous, at, edits } => (at, previous, false, edits),
        };
        let entry = lead.node(&self.name).expect("enrolled");
        for edit in &edits {
            let Edit::Put(article) = edit else { continue };
            let known = article.for_node(&self.name, &entry.entitlement);
            assert_eq!(known.as_ref(), Some(article), "sent to the wrong node, or too much of it");
        }
        let head = Head { position: at, previous, whole };
        let parts = rules_feed::chunks(edits, |_| 1, 1);
        let last = parts.len();
        for (number, edits) in parts.into_iter().enumerate() {
            self.wire.push_back(Incoming { head, more: number + 1 < last, edits });
        }
        self.awaited = Some(at);
    }

    /// Takes in one message, which it must not refuse.
    fn receive(&mut self) {
        let Some(incoming) = self.wire.pop_front() else { return };
        let position = match self.acceptance.accept(incoming).expect("a lead that does its part is never refused") {
            Accepted::Staged => return,
            Accepted::Replace { position, articles } => {
                self.articles = articles.into_iter().map(|article| (article.id(), article)).collect();
                position
            }
            Accepted::Apply { position, edits } => {
                for edit in edits {
                    match edit {
                        Edit::Put(article) => drop(self.articles.insert(article.id(), article)),
                        Edit::Drop(id) => drop(self.articles.remove(&id)),
                    }
                }
                position
            }
        };
        assert!(self.held.is_none_or(|held| held <= position), "{} went back", self.name);
        assert_eq!(self.awaited.take(), Some(position));
        self.held = Some(position);
        self.cursor = Cursor::told(position);
    }

    fn cut_off(&mut self) {
        self.wire.clear();
        self.awaited = None;
        self.acceptance = Acceptance::new(self.held);
        self.cursor = Cursor::new(self.held);
    }
}

struct Mesh {
    lead: LeadView,
    log_keep: usize,
    followers: Vec<Follower>,
}

impl Mesh {
    fn new(log_keep: usize) -> Self {
        let start = Position { epoch: Epoch(1), revision: Revision(0) };
        let lead = LeadView::new(View::new(start, []), Vec::new(), Vec::new(), Vec::new());
        let mut mesh = Self { lead, log_keep, followers: NODES.iter().map(|name| Follower::new(name)).collect() };
        NODES.iter().for_each(|name| mesh.entitle(name, 0));
        mesh
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Put { edits } => {
                edits.into_iter().for_each(|(which, how)| self.edit(Edit::Put(article(which, how))))
            }
            Event::Drop { which } => self.edit(Edit::Drop(article(which, 0).id())),
            Event::Entitle { node, to } => self.entitle(NODES[usize::from(node) % NODES.len()], to),
            Event::Elsewhere => self.log(LogSubject::Node(node("elsewhere")), self.log_keep),
            Event::Trim { keep } => self.log(LogSubject::Node(node("elsewhere")), usize::from(keep)),
            Event::NewEpoch => {
                self.lead.view.position.epoch.0 += 1;
                self.followers.iter_mut().for_each(Follower::cut_off);
            }
            Event::Send { node } => self.followers[usize::from(node) % NODES.len()].is_sent(&self.lead),
            Event::Receive { node, messages } => {
                (0..messages).for_each(|_| self.followers[usize::from(node) % NODES.len()].receive());
            }
            Event::CutOff { node } => self.followers[usize::from(node) % NODES.len()].cut_off(),
        }
    }

    /// The follower hears all there is, and no more happens.
    fn comes_to_rest(&mut self, number: usize) {
        let follower = &mut self.followers[number];
        let mut steps = 0;
        while !follower.wire.is_empty() || follower.cursor.looked != self.lead.view.position {
            while !follower.wire.is_empty() {
                follower.receive();
            }
            follower.is_sent(&self.lead);
            steps += 1;
            assert!(steps < STEPS_MAX, "{} never catches up", follower.name);
        }
        let entry = self.lead.node(&follower.name).expect("enrolled");
        let concern = self.lead.articles.iter().filter_map(|article| article.for_node(&entry.name, &entry.entitlement));
        let concern: BTreeMap<_, _> = concern.map(|article| (article.id(), article)).collect();
        assert_eq!(follower.articles, concern, "{}", follower.name);
        assert!(rules_feed::suffices(Some(follower.cursor.looked), rules_feed::needed(&self.lead, entry)));
    }

    fn edit(&mut self, edit: Edit) {
        let subject = LogSubject::Article(edit.id());
        self.lead.articles.edit(edit, self.lead.view.position.revision.next());
        self.log(subject, self.log_keep);
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
}

/// The widest first; the others leave out companies, names, or everything.
fn entitlement(number: u8) -> Entitlement {
    let (companies, globs): (_, &[&str]) = match number % 4 {
        0 => (companies(0b11), &["*"]),
        1 => (companies(0b01), &["openai/*"]),
        2 => (companies(0b10), &["*"]),
        _ => (Companies::default(), &[]),
    };
    let globs = globs.iter().map(|glob| SecretGlob::parse(glob).expect(glob)).collect();
    Entitlement { environment: environment("prod"), companies, globs }
}

/// Grants of every kind of reach, and freezes of every kind of target: `which` says of what id, `how` what it says.
fn article(which: u8, how: u8) -> Article {
    let number = usize::from(which) % (TARGETS.len() + 4);
    if let Some(target) = TARGETS.get(number) {
        let level = FreezeLevel::ALL[usize::from(how) % FreezeLevel::ALL.len()];
        let (reason, frozen_by) = ("test".to_owned(), "admin".to_owned());
        let target = FreezeTarget::parse(target).expect(target);
        return Article::Freeze(Freeze { target, level, reason, frozen_by, frozen_at: Timestamp(0) });
    }
    let environments = match how & 3 {
        0 => Environments::All,
        1 => Environments::Only([environment("prod"), environment("dev")].into()),
        2 => Environments::Only([environment("dev")].into()),
        _ => Environments::Only(BTreeSet::from([environment("prod")])),
    };
    let companies = if how & 4 == 0 { Companies::All } else { companies(how >> 3) };
    Article::Grant(Grant {
        name: GrantName::parse(&format!("grant-{number}")).expect("name"),
        principal: Principal::parse(PRINCIPALS[usize::from(how >> 5) % PRINCIPALS.len()]).expect("principal"),
        capabilities: [Capability::DataRead].into(),
        reach: Reach { companies, environments, ..Reach::everything() },
        expires_at: Expiry::Never,
        effect: if how & 16 == 0 { Effect::Allow } else { Effect::Deny },
        granted_by: "admin".to_owned(),
        granted_at: Timestamp(0),
        reason: "test".to_owned(),
    })
}

fn companies(bits: u8) -> Companies {
    let names = ["acme", "globex"].into_iter().enumerate().filter(|(place, _)| bits & (1 << place) != 0);
    Companies::Only(names.map(|(_, name)| CompanyId::parse(name).expect(name)).collect())
}

fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::parse(name).expect(name)
}

fn node(name: &str) -> NodeName {
    NodeName::parse(name).expect(name)
}
