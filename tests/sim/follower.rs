//! A simulated follower: the machines of a real one, put together as its `secret` actor does, over a disk that keeps what it
//! must. Nothing is in force before it is on the disk; a crash may come in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aurora_mesh::crypto::scope_key::ScopeKey;
use aurora_mesh::model::article::{Article, ArticleId, Edit};
use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::freshness::FreshnessPolicy;
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::{Generation, Position};
use aurora_mesh::model::record::{Contact, Record};
use aurora_mesh::model::secret::KeyScope;
use aurora_mesh::model::time::Moment;
use aurora_mesh::policy::rulebook::Rulebook;
use aurora_mesh::replication::acceptance::{Acceptance, Accepted, Incoming};
use aurora_mesh::replication::freshness::{self, Vouching};
use aurora_mesh::replication::history::as_kept;
use aurora_mesh::replication::lingering::Lingering;
use aurora_mesh::replication::rules_acceptance;
use aurora_mesh::replication::view::View;

use crate::clock::MachineClock;
use crate::disk::Disk;
use crate::read::Reading;

/// How long every follower's copies are fresh, and usable after that.
pub const FRESHNESS: FreshnessPolicy =
    FreshnessPolicy { ttl: Duration::from_secs(5), max_stale: Duration::from_secs(10) };

/// A contact is written when the written one is so much older.
const PERSIST_AFTER: Duration = Duration::from_millis(500);

/// The scope keys of a node.
pub type Keys = BTreeMap<KeyScope, BTreeMap<Generation, Arc<ScopeKey>>>;

/// What a follower has on its disk.
#[derive(Debug, Clone)]
pub struct Stored {
    pub member: bool,
    pub entitlement: Entitlement,
    pub view: View,
    pub keys: Keys,
    pub contact: Option<Contact>,
    pub rules: BTreeMap<ArticleId, Article>,
    pub rules_held: Option<Position>,
    pub rules_ahead: Option<Position>,
}

/// What a running follower has in memory.
pub struct Running {
    pub stored: Stored,
    staged_keys: Vec<SentKey>,
    acceptance: Acceptance,
    rules_acceptance: rules_acceptance::Acceptance,
    vouching: Vouching,
    pub contact: Option<Contact>,
    lingering: Lingering,
    pub rulebook: Rulebook,
    pub unanswered: Vec<(u64, Moment)>,
    /// Reads that are decided and not given out yet.
    pub readings: Vec<Reading>,
}

/// A scope key on its way.
#[derive(Debug, Clone)]
pub struct SentKey {
    pub at: KeyScope,
    pub generation: Generation,
    pub key: Arc<ScopeKey>,
}

/// A follower and its machine.
pub struct Follower {
    pub name: NodeName,
    pub clock: MachineClock,
    pub disk: Disk<Stored>,
    pub running: Option<Running>,
    /// The next transaction is the last thing this process does; the value says whether it arrives.
    pub crash_in_commit: Option<bool>,
}

/// Why a message did not become part of the cache.
#[derive(Debug)]
pub enum Ended {
    /// The machines refused it.
    Refused(String),
    /// The process stopped in the middle of it.
    Crashed,
}

impl Follower {
    /// A node that has just joined: it holds nothing.
    pub fn new(name: NodeName, clock: MachineClock, entitlement: Entitlement) -> Self {
        let stored = Stored {
            member: true,
            entitlement,
            view: View::new(Position::default(), []),
            keys: Keys::new(),
            contact: None,
            rules: BTreeMap::new(),
            rules_held: None,
            rules_ahead: None,
        };
        let mut follower = Self { name, clock, disk: Disk::new(stored), running: None, crash_in_commit: None };
        follower.start();
        follower
    }

    /// The process starts from what is on the disk.
    pub fn start(&mut self) {
        let mut stored = self.disk.state().clone();
        let records = stored.view.after(None).map(|record| Record::clone(record));
        stored.view = View::new(stored.view.position, records.collect::<Vec<_>>());
        let position = stored.view.position;
        let ahead = stored.rules_ahead.filter(|until| position < *until);
        let rulebook = match (stored.rules_held, ahead) {
            (Some(_), None) => Rulebook::new(stored.rules.values().cloned()),
            (None, _) | (Some(_), Some(_)) => Rulebook::unheard(),
        };
        self.running = Some(Running {
            staged_keys: Vec::new(),
            acceptance: Acceptance::new(position),
            rules_acceptance: rules_acceptance::Acceptance::new(stored.rules_held),
            vouching: Vouching::new(position),
            contact: stored.contact,
            lingering: ahead.map_or_else(Lingering::default, Lingering::forgotten),
            rulebook,
            unanswered: Vec::new(),
            readings: Vec::new(),
            stored,
        });
    }

    /// The process stops, wherever it is.
    pub fn crash(&mut self) {
        self.running = None;
        self.crash_in_commit = None;
        self.disk.crash(false);
    }

    /// A transaction. When it answers, it is on the disk.
    fn commit(&mut self, stored: &Stored) -> Result<(), Ended> {
        self.disk.write(stored.clone());
        if let Some(luck) = self.crash_in_commit.take() {
            self.disk.crash(luck);
            self.running = None;
            return Err(Ended::Crashed);
        }
        self.disk.synchronise();
        Ok(())
    }

    fn take(&mut self) -> Running {
        self.running.take().expect("only a running node is sent anything")
    }

    /// A session begins: where records and rules stand.
    pub fn begin(&mut self) -> Result<(Position, Option<Position>), Ended> {
        let mut running = self.take();
        running.unanswered.clear();
        running.rules_acceptance = rules_acceptance::Acceptance::new(running.stored.rules_held);
        let mut begun = (Position::default(), running.stored.rules_held);
        if running.stored.member {
            self.drop_old_keys(&mut running)?;
            running.acceptance = Acceptance::new(running.stored.view.position);
            running.staged_keys.clear();
            running.vouching.begin();
            begun.0 = running.stored.view.position;
        }
        self.running = Some(running);
        Ok(begun)
    }

    /// Scope keys wait for the records they open.
    pub fn scope_keys(&mut self, keys: Vec<SentKey>) {
        self.running.as_mut().expect("running").staged_keys.extend(keys);
    }

    /// One message of the records; gives the position that is durable now.
    pub fn incoming(&mut self, incoming: Incoming) -> Result<Position, Ended> {
        let mut running = self.take();
        let accepted = match running.acceptance.accept(incoming) {
            Ok(accepted) => accepted,
            Err(refusal) => {
                self.running = Some(running);
                return Err(Ended::Refused(refusal.to_string()));
            }
        };
        let (position, records, entitlement) = match accepted {
            Accepted::Staged => {
                let position = running.stored.view.position;
                self.running = Some(running);
                return Ok(position);
            }
            Accepted::Apply { position, records } => (position, records, None),
            Accepted::Replace { position, records, entitlement } => (position, records, Some(entitlement)),
        };
        let judged = self.check_entitled(&running, entitlement.as_ref(), &records);
        if let Err(refusal) = judged {
            self.running = Some(running);
            return Err(refusal);
        }
        let kept = |record: Record| as_kept(running.stored.view.get(&record.at).map(|held| &**held), record);
        let records: Vec<Record> = records.into_iter().map(kept).collect();
        match entitlement {
            None => running.stored.view.accept(position, records),
            Some(entitlement) => {
                running.stored.view = running.stored.view.replaced(position, records);
                running.stored.keys.retain(|at, _| entitlement.covers_scope(&self.name, at));
                running.stored.entitlement = entitlement;
                running.stored.member = true;
            }
        }
        running.stored.view.position = position;
        for SentKey { at, generation, key } in running.staged_keys.drain(..) {
            running.stored.keys.entry(at).or_default().insert(generation, key);
        }
        self.commit(&running.stored)?;
        if running.lingering.reached(position) {
            publish_rules(&mut running);
        }
        let met = running.vouching.applied(position);
        self.hear(&mut running, met)?;
        self.drop_old_keys(&mut running)?;
        self.running = Some(running);
        Ok(position)
    }

    fn check_entitled(
        &self,
        running: &Running,
        entitlement: Option<&Entitlement>,
        records: &[Record],
    ) -> Result<(), Ended> {
        let entitlement = entitlement.unwrap_or(&running.stored.entitlement);
        let record = records.iter().find(|record| !entitlement.covers(&self.name, &record.at));
        let key = running.staged_keys.iter().find(|key| !entitlement.covers_scope(&self.name, &key.at));
        match (record, key) {
            (None, None) => Ok(()),
            (record, key) => Err(Ended::Refused(format!(
                "sent what it may not hold: {:?} {:?}",
                record.map(|record| record.at.to_string()),
                key.map(|key| &key.at)
            ))),
        }
    }

    /// Ends the keys that open nothing any more, once no scope is half way.
    fn drop_old_keys(&mut self, running: &mut Running) -> Result<(), Ended> {
        let several = running.stored.keys.iter().filter(|(_, keys)| keys.len() > 1);
        let newest = several.filter_map(|(at, keys)| Some((at.clone(), *keys.last_key_value()?.0)));
        let old: Vec<(KeyScope, Generation)> = newest.collect();
        let sealed_by = running.stored.view.sealed_by();
        if old.is_empty() || old.iter().any(|(at, newest)| sealed_by.count_before(at, *newest) > 0) {
            return Ok(());
        }
        for (at, newest) in &old {
            running.stored.keys.entry(at.clone()).or_default().retain(|held, _| held >= newest);
        }
        self.commit(&running.stored)
    }

    /// The lead answered a heartbeat that was sent at `asked`. Gives the contact if it vouches for the cache.
    pub fn beacon(&mut self, asked: Moment, position: Position) -> Result<Option<Contact>, Ended> {
        let mut running = self.take();
        let heard = running.vouching.heard(asked, position);
        self.hear(&mut running, heard)?;
        self.running = Some(running);
        Ok(heard)
    }

    fn hear(&mut self, running: &mut Running, contact: Option<Contact>) -> Result<(), Ended> {
        let Some(contact) = contact else { return Ok(()) };
        running.contact = Some(contact);
        let due = running.stored.contact.is_none_or(|written| {
            freshness::age(&written, &contact.at).is_none_or(|age| age >= PERSIST_AFTER)
                || written.position.epoch != contact.position.epoch
        });
        if due {
            running.stored.contact = Some(contact);
            self.commit(&running.stored)?;
        }
        Ok(())
    }

    /// One message of the rules; gives the position they came to, if this completed it.
    pub fn rules(&mut self, incoming: rules_acceptance::Incoming) -> Result<Option<Position>, Ended> {
        let mut running = self.take();
        let accepted = match running.rules_acceptance.accept(incoming) {
            Ok(accepted) => accepted,
            Err(refusal) => {
                self.running = Some(running);
                return Err(Ended::Refused(refusal.to_string()));
            }
        };
        let mut articles = running.stored.rules.clone();
        let position = match accepted {
            rules_acceptance::Accepted::Staged => {
                self.running = Some(running);
                return Ok(None);
            }
            rules_acceptance::Accepted::Replace { position, articles: whole } => {
                articles = whole.into_iter().map(|article| (article.id(), article)).collect();
                position
            }
            rules_acceptance::Accepted::Apply { position, edits } => {
                for edit in edits {
                    match edit {
                        Edit::Put(article) => drop(articles.insert(article.id(), article)),
                        Edit::Drop(id) => drop(articles.remove(&id)),
                    }
                }
                position
            }
        };
        let mut lingering = running.lingering.clone();
        lingering.changed(&running.stored.rules, &articles, position);
        lingering.reached(running.stored.view.position);
        running.stored.rules = articles;
        running.stored.rules_held = Some(position);
        running.stored.rules_ahead = lingering.until().or(running.stored.rules_ahead);
        self.commit(&running.stored)?;
        running.lingering = lingering;
        publish_rules(&mut running);
        self.running = Some(running);
        Ok(Some(position))
    }

    /// The lead has thrown this node out: everything it held goes.
    pub fn forget(&mut self) -> Result<(), Ended> {
        let mut running = self.take();
        running.staged_keys.clear();
        if running.stored.member || !running.stored.rules.is_empty() {
            let position = running.stored.view.position;
            running.contact = None;
            running.stored = Stored {
                member: false,
                view: View::new(position, []),
                keys: Keys::new(),
                contact: None,
                rules: BTreeMap::new(),
                rules_held: Some(Position::default()),
                ..running.stored
            };
            running.acceptance = Acceptance::new(position);
            running.rules_acceptance = rules_acceptance::Acceptance::new(running.stored.rules_held);
            running.vouching = Vouching::new(position);
            running.lingering = Lingering::default();
            publish_rules(&mut running);
            self.commit(&running.stored)?;
        }
        self.running = Some(running);
        Ok(())
    }

    /// What it holds now, if it runs.
    pub fn held(&self) -> Option<&Stored> {
        self.running.as_ref().map(|running| &running.stored)
    }
}

fn publish_rules(running: &mut Running) {
    if running.lingering.is_forgotten() {
        running.rulebook = Rulebook::unheard();
        return;
    }
    let rules = Rulebook::new(running.stored.rules.values().cloned());
    running.rulebook = rules.still_closing(running.lingering.articles().iter().cloned());
}
