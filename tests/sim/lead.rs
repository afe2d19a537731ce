//! A simulated lead: the real planning of batches, over a disk that loses what was not synchronised. As its one writer, it
//! plans everything that waits on top of what is committed, and answers once that is on the disk.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use aurora_mesh::actors::batch::{Batch, Waiting};
use aurora_mesh::actors::change::{Change, Committed};
use aurora_mesh::actors::draft::{Draft, LeadState, Sealer};
use aurora_mesh::actors::error::CommitError;
use aurora_mesh::crypto::key_ring::KeyRing;
use aurora_mesh::crypto::root::RootKey;
use aurora_mesh::crypto::unseal::UnsealKey;
use aurora_mesh::model::article::{Article, ArticleId};
use aurora_mesh::model::entitlement_history::EntitlementHistory;
use aurora_mesh::model::identity::{KeyPin, Role, SealingPublicKey};
use aurora_mesh::model::log::LogEntry;
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::{Epoch, FirstNumbers, Position, Revision};
use aurora_mesh::model::record::Record;
use aurora_mesh::model::roster::{RosterEntry, Standing};
use aurora_mesh::model::secret::ScopedSecret;
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::replication::view::{LeadView, View};
use aurora_mesh::store::mutation::Mutation;

use crate::disk::Disk;
use crate::names::{ENTITLEMENTS, MESH};
use crate::random::Numbered;

/// What wraps the keys of every simulated lead: made once, because nothing here looks at it.
static UNSEAL: LazyLock<Arc<UnsealKey>> = LazyLock::new(|| {
    let text = UnsealKey::generate_key_file(&Numbered::default()).expect("numbers");
    Arc::new(UnsealKey::from_key_file(&text).expect("a key"))
});
static ROOT: LazyLock<Arc<RootKey>> =
    LazyLock::new(|| Arc::new(RootKey::generate(&Numbered::default()).expect("numbers")));

/// A change that waits, and who asked for it.
#[derive(Debug)]
pub struct Ticket {
    pub change: Change,
    pub asker: Asker,
}

/// Who waits for what came of a change.
#[derive(Debug, Clone)]
pub enum Asker {
    /// A client: the place of the secret, and the number of the operation in its history.
    Client { place: usize, operation: usize },
    /// An admin, who threw this node out.
    Bans(NodeName),
    /// Somebody whose answer nobody checks.
    Nobody,
}

/// What is told to whoever waited.
pub type Reply = (Asker, Result<Committed, CommitError>);

/// A transaction on its way to the disk.
struct InFlight {
    state: LeadState,
    mutations: Vec<Mutation>,
    replies: Vec<Reply>,
}

/// What a running lead has in memory.
struct Running {
    committed: LeadState,
    waiting: Vec<Ticket>,
    in_flight: Option<InFlight>,
}

/// The rows of the store, as the transactions wrote them.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    position: Position,
    records: BTreeMap<ScopedSecret, Record>,
    roster: BTreeMap<NodeName, RosterEntry>,
    log: BTreeMap<Revision, LogEntry>,
    articles: BTreeMap<ArticleId, Article>,
}

/// A lead and its disk.
pub struct Lead {
    /// The state besides its rows: keys above all.
    disk: Disk<LeadState>,
    rows: Rows,
    running: Option<Running>,
    sealer: Sealer,
    audit_seq: u64,
}

/// What the disk and the memory of a lead disagree about.
pub type Disagreement = String;

impl Lead {
    /// A mesh begins, with these members, of which each has the widest entitlement.
    pub fn new(log_keep: usize, members: &[NodeName]) -> Self {
        let position = Position { epoch: Epoch(1), revision: Revision(0) };
        let state = LeadState {
            lead: LeadView::new(View::new(position, []), Vec::new(), Vec::new(), Vec::new()),
            keys: Arc::new(KeyRing::default()),
            root: Arc::clone(&ROOT),
            root_since: Timestamp(0),
            signing: Arc::default(),
            wrapped: Arc::default(),
            tokens: Arc::default(),
            next_secret_id: 1,
            first: FirstNumbers::default(),
        };
        let mut lead = Self::of(state, Rows { position, ..Rows::default() }, log_keep);
        for (number, name) in members.iter().enumerate() {
            let entry = member(name, u8::try_from(number).expect("few"));
            lead.rows.roster.insert(name.clone(), entry.clone());
            lead.disk_state_mut(|state| state.lead.enrol(entry));
        }
        lead.start().expect("nothing to disagree about");
        lead
    }

    fn of(state: LeadState, rows: Rows, log_keep: usize) -> Self {
        let sealer = Sealer {
            mesh: MESH,
            unseal: Arc::clone(&UNSEAL),
            entropy: Arc::new(Numbered::default()),
            log_keep,
            versions_kept: 4,
        };
        Self { disk: Disk::new(state), rows, running: None, sealer, audit_seq: 0 }
    }

    fn disk_state_mut(&mut self, change: impl FnOnce(&mut LeadState)) {
        let mut state = self.disk.state().clone();
        change(&mut state);
        self.disk = Disk::new(state);
    }

    /// A second machine with the same disk, as it is now: its keys go on with numbers of its own.
    pub fn image(&self, numbered_from: u64) -> Self {
        let mut image = Self::of(self.disk.state().clone(), self.rows.clone(), self.sealer.log_keep);
        let entropy = Numbered::from(numbered_from);
        image.sealer.entropy = Arc::new(entropy);
        image
    }

    /// The process starts from its rows.
    ///
    /// # Errors
    /// When what the rows say is not what the last transaction was to make.
    pub fn start(&mut self) -> Result<(), Disagreement> {
        let rows = self.rows.clone();
        let view = View::new(rows.position, rows.records.into_values());
        let (articles, roster) = (rows.articles.into_values().collect(), rows.roster.into_values().collect());
        let lead = LeadView::new(view, articles, roster, rows.log.into_values().collect());
        let written = &self.disk.state().lead;
        let differs = difference(&lead, written);
        let committed = LeadState { lead, ..self.disk.state().clone() };
        self.running = Some(Running { committed, waiting: Vec::new(), in_flight: None });
        differs.map_or(Ok(()), Err)
    }

    /// The process stops. Whoever waits never hears.
    pub fn crash(&mut self, luck: bool) {
        let Some(running) = self.running.take() else { return };
        if let Some(in_flight) = running.in_flight.filter(|_| luck) {
            self.arrived(in_flight.state, &in_flight.mutations);
        }
    }

    fn arrived(&mut self, state: LeadState, mutations: &[Mutation]) {
        self.disk.write(state);
        self.disk.synchronise();
        mutations.iter().for_each(|mutation| self.rows.apply(mutation));
    }

    /// Whether it runs.
    pub fn runs(&self) -> bool {
        self.running.is_some()
    }

    /// What it answers and feeds from, if it runs.
    pub fn published(&self) -> Option<&LeadState> {
        self.running.as_ref().map(|running| &running.committed)
    }

    /// What is surely on its disk.
    pub fn durable(&self) -> &LeadState {
        self.disk.state()
    }

    /// Asks for a change. `false` if nobody is there to ask.
    pub fn ask(&mut self, ticket: Ticket) -> bool {
        let Some(running) = &mut self.running else { return false };
        running.waiting.push(ticket);
        true
    }

    /// Plans what waits; gives the replies of a batch that changes nothing.
    pub fn plan(&mut self, now: Timestamp) -> Vec<Reply> {
        let Some(running) = self.running.as_mut().filter(|running| running.in_flight.is_none()) else {
            return Vec::new();
        };
        let (mut batch, mut askers) = (Batch::on(&running.committed), Vec::new());
        for Ticket { change, asker } in running.waiting.drain(..) {
            self.audit_seq += 1;
            batch.add(Waiting { change, audit_seq: self.audit_seq }, &self.sealer, now);
            askers.push(asker);
        }
        let (Draft { state, mutations, .. }, outcomes) = batch.concluded(&self.sealer);
        let replies: Vec<Reply> = askers.into_iter().zip(outcomes).collect();
        if mutations.is_empty() {
            return replies;
        }
        running.in_flight = Some(InFlight { state, mutations, replies });
        Vec::new()
    }

    /// The transaction on its way has arrived: it is published, and whoever waited is told.
    pub fn written(&mut self) -> Option<Vec<Reply>> {
        let in_flight = self.running.as_mut()?.in_flight.take()?;
        self.arrived(in_flight.state.clone(), &in_flight.mutations);
        self.running.as_mut()?.committed = in_flight.state;
        Some(in_flight.replies)
    }

    /// A new reign begins on this disk, from this state.
    pub fn reigns(&mut self, state: LeadState) {
        self.rows = Rows::of(&state.lead);
        self.disk = Disk::new(state);
        self.running = None;
    }
}

/// What two views of the same history differ in.
fn difference(rows: &LeadView, written: &LeadView) -> Option<Disagreement> {
    let records = |lead: &LeadView| lead.view.after(None).map(|record| Record::clone(record)).collect::<Vec<_>>();
    let log = |lead: &LeadView| lead.log().map(|entry| LogEntry::clone(entry)).collect::<Vec<_>>();
    let roster = |lead: &LeadView| lead.nodes().map(|entry| RosterEntry::clone(entry)).collect::<Vec<_>>();
    let articles = |lead: &LeadView| lead.articles.iter().map(|article| Article::clone(article)).collect::<Vec<_>>();
    if rows.view.position != written.view.position {
        return Some(format!("position {:?} instead of {:?}", rows.view.position, written.view.position));
    }
    let differing = [
        (records(rows) != records(written), "records"),
        (log(rows) != log(written), "log"),
        (roster(rows) != roster(written), "roster"),
        (articles(rows) != articles(written), "articles"),
    ];
    differing.into_iter().find(|(differs, _)| *differs).map(|(_, what)| format!("the {what} of the disk are others"))
}

impl Rows {
    fn of(lead: &LeadView) -> Self {
        Self {
            position: lead.view.position,
            records: lead.view.after(None).map(|record| (record.at.clone(), Record::clone(record))).collect(),
            roster: lead.nodes().map(|entry| (entry.name.clone(), RosterEntry::clone(entry))).collect(),
            log: lead.log().map(|entry| (entry.revision, LogEntry::clone(entry))).collect(),
            articles: lead.articles.iter().map(|article| (article.id(), Article::clone(article))).collect(),
        }
    }

    /// What the store does with a mutation, as far as rows are concerned that this lead is started from.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what else a store holds is kept beside the rows")]
    fn apply(&mut self, mutation: &Mutation) {
        match mutation {
            Mutation::PutRecord(record) => drop(self.records.insert(record.at.clone(), record.clone())),
            Mutation::PutNode(entry) => drop(self.roster.insert(entry.name.clone(), entry.clone())),
            Mutation::DropNode(name) => drop(self.roster.remove(name)),
            Mutation::AppendLog(entry) => drop(self.log.insert(entry.revision, entry.clone())),
            Mutation::TrimLog { keep } => {
                while self.log.len() > *keep {
                    self.log.pop_first();
                }
            }
            Mutation::PutArticle(article) => drop(self.articles.insert(article.id(), article.clone())),
            Mutation::DropArticle(id) => drop(self.articles.remove(id)),
            Mutation::ForgetArticles => self.articles.clear(),
            Mutation::Advance(position) => self.position = *position,
            _ => {}
        }
    }
}

fn member(name: &NodeName, number: u8) -> RosterEntry {
    RosterEntry {
        name: name.clone(),
        role: Role::Follower,
        pin: KeyPin([number + 1; 32]),
        sealing_key: SealingPublicKey([number + 1; 32]),
        entitlement: ENTITLEMENTS[0].clone(),
        history: EntitlementHistory::beginning(Timestamp(0)),
        joined_at: Timestamp(0),
        standing: Standing::Active,
        changed_at: Revision(0),
    }
}
