//! Leads that should not be: a machine with an older disk that takes itself for the lead, and reigns that begin anew from
//! such a disk. A restore gives the mesh a later epoch, every value a version that nobody has seen, and every scope a key
//! that nobody has.

use std::sync::Arc;

use aurora_mesh::actors::change::{Change, NewValue};
use aurora_mesh::actors::draft::LeadState;
use aurora_mesh::crypto::key_ring::KeyRing;
use aurora_mesh::crypto::record;
use aurora_mesh::crypto::scope_key::ScopeKey;
use aurora_mesh::model::change::ChangeKind;
use aurora_mesh::model::fields::Fields;
use aurora_mesh::model::metadata::{Metadata, SecretOptions};
use aurora_mesh::model::number::{Epoch, Position, Version};
use aurora_mesh::model::patch::Patch;
use aurora_mesh::model::record::{Record, RecordBody};
use aurora_mesh::model::secret::ScopedSecret;
use aurora_mesh::model::time::{Entropy, Timestamp};
use aurora_mesh::replication::reign::{Numbers, Reckoning, Since, reckon};
use aurora_mesh::replication::view::{LeadView, View};

use crate::lead::{Asker, Lead, Ticket};
use crate::names::{MESH, PLACES};
use crate::random::Numbered;
use crate::world::{Found, World};

/// Keys and nonces of the second machine of a mesh are numbered from here, of the third from twice that.
const NUMBERS_APART: u64 = 1 << 40;

impl World {
    /// The disk of the lead is copied.
    pub fn take_image(&mut self) -> Found {
        self.images += 1;
        self.image = Some(self.lead.image(self.images * NUMBERS_APART));
        Ok(())
    }

    /// A machine starts from the copy, and takes itself for the lead.
    pub fn ghost_appears(&mut self) -> Found {
        if self.ghost.is_none()
            && let Some(mut ghost) = self.image.take()
        {
            ghost.start()?;
            // What reached the disk as the lead died was never published there, and is here.
            let state = ghost.published().cloned();
            self.ghost = Some((ghost, false));
            self.figures.ghosts += 1;
            return state.map_or(Ok(()), |state| self.note_values(&state));
        }
        Ok(())
    }

    /// It is gone.
    pub fn ghost_ends(&mut self) -> Found {
        self.ghost = None;
        self.drop_sessions(true);
        Ok(())
    }

    /// A lead of the past that somebody still writes to.
    pub fn ghost_writes(&mut self) -> Found {
        let at = PLACES[self.random.place(PLACES.len())].clone();
        let now = self.lead_clock.read(self.now).wall;
        let Some((ghost, true)) = &mut self.ghost else { return Ok(()) };
        self.values += 1;
        let value = aurora_mesh::crypto::plaintext::Plaintext::new(self.values.to_be_bytes().to_vec());
        let change = Change::Put(Box::new(NewValue { at: at.clone(), value, patch: Patch::default(), cas: None }));
        ghost.ask(Ticket { change, asker: Asker::Nobody });
        ghost.plan(now);
        ghost.written();
        let Some(state) = ghost.published().cloned() else { return Ok(()) };
        self.written_by_ghost.extend(state.lead.view.get(&at).map(|record| (at, record.version)));
        self.note_values(&state)
    }

    /// A new reign begins from the copy of a disk: with the present disk at hand, or blind, while the lead that was may
    /// go on and know nothing of it.
    pub fn restore(&mut self) -> Found {
        let Some(image) = self.image.take() else { return Ok(()) };
        let (blind, survives) = (self.random.happens(500), self.random.happens(500));
        self.epoch += 1;
        self.figures.reigns += 1;
        let entropy = Numbered::from((self.images + 1) * NUMBERS_APART);
        self.images += 2;
        let base = if blind { image.durable().clone() } else { self.lead.durable().clone() };
        if blind && survives && self.ghost.is_none() && self.lead.runs() {
            // Whoever waits there gets no answer that counts.
            let mut ghost = self.lead.image(self.images * NUMBERS_APART);
            ghost.start()?;
            self.ghost = Some((ghost, true));
            self.figures.ghosts += 1;
            for link in self.sessions.iter_mut().flatten().filter(|link| !link.session.to_ghost) {
                link.session.to_ghost = true;
            }
            // What they asked before they asked this machine, too.
            self.asks_turn_to_the_ghost();
        }
        self.crash_lead()?;
        self.lead.crash(false);
        let base = if blind { base } else { self.lead.durable().clone() };
        let state = restored(&base, image.durable(), Epoch(self.epoch), blind, &entropy);
        self.lead.reigns(state);
        self.lead.start()?;
        let Some(state) = self.lead.published().cloned() else { return Ok(()) };
        if blind {
            self.acknowledged.reigns(&state.lead);
        }
        self.published = state.lead.view.position.revision;
        self.publishes()?;
        self.histories_end()
    }

    fn asks_turn_to_the_ghost(&mut self) {
        for (number, follower) in self.followers.iter().enumerate() {
            let to_ghost = self.sessions[number].as_ref().is_some_and(|link| link.session.to_ghost);
            let Some(running) = follower.running.as_ref().filter(|_| to_ghost) else { continue };
            self.asked_ghost
                .extend(running.unanswered.iter().map(|(_, asked)| (number, asked.boot_id.0, asked.boot.0)));
        }
    }
}

/// The state of a new reign: the secrets of `snapshot`, everything else of `base`, and the numbers that a real one begins with.
fn restored(base: &LeadState, snapshot: &LeadState, epoch: Epoch, blind: bool, entropy: &dyn Entropy) -> LeadState {
    let since = if blind { Since::Unknown } else { Since::Known(numbers(base)) };
    let seen = Epoch(epoch.get() - 1);
    let reckoned = reckon(&numbers(snapshot), &since, Some(seen)).expect("far from the last number");
    let keys = new_keys(&reckoned, entropy);
    let mut next_secret_id = reckoned.next_secret_id;
    let mut records = Vec::new();
    for (at, version) in &reckoned.versions {
        let wanted = snapshot.lead.view.get(at);
        let sample = wanted.or_else(|| base.lead.view.get(at)).map(|record| Record::clone(record));
        let sample = sample.unwrap_or_else(|| {
            next_secret_id += 1;
            never_stored(at, next_secret_id)
        });
        let body = wanted.map_or(RecordBody::Deleted { kept: None }, |record| {
            sealed_anew(record, *version, snapshot, &keys, entropy)
        });
        let (revision, change) = (reckoned.position.revision, ChangeKind::Stored);
        records.push(Record { version: *version, revision, change, purged: None, body, ..sample });
    }
    // The history of the last reign leads nowhere: the log begins with this one.
    let view = View::new(reckoned.position, records);
    let articles = base.lead.articles.iter().map(|article| (**article).clone()).collect();
    let roster = base.lead.nodes().map(|entry| (**entry).clone()).collect();
    let lead = LeadView::new(view, articles, roster, Vec::new());
    LeadState { lead, keys: Arc::new(keys), next_secret_id: next_secret_id + 1, first: reckoned.first, ..base.clone() }
}

/// What a disk has seen given out.
fn numbers(of: &LeadState) -> Numbers {
    let records: Vec<Record> = of.lead.view.after(None).map(|record| Record::clone(record)).collect();
    let generations = of.keys.iter().map(|(at, generation, _)| (at.clone(), generation));
    let numbers = Numbers {
        position: of.lead.view.position,
        generations: generations.collect(),
        first: of.first,
        next_secret_id: of.next_secret_id,
        ..Numbers::default()
    };
    numbers.with(&records)
}

/// Every scope gets a key that no node has.
fn new_keys(reckoned: &Reckoning, entropy: &dyn Entropy) -> KeyRing {
    let mut keys = KeyRing::default();
    for (at, generation) in &reckoned.generations {
        keys.insert(at.clone(), *generation, ScopeKey::generate(entropy).expect("numbers"), None);
    }
    keys
}

/// The value of a record at its new version, under the new key of its scope.
fn sealed_anew(
    from: &Record,
    version: Version,
    snapshot: &LeadState,
    keys: &KeyRing,
    entropy: &dyn Entropy,
) -> RecordBody {
    let scope = from.at.key_scope();
    let sealed = from.kept().and_then(|sealed| {
        let before = snapshot.keys.get(&scope, sealed.generation)?;
        let value = record::open(&before, &MESH, &from.at, from.version, sealed).ok()?;
        let (generation, key) = keys.newest(&scope)?;
        record::seal(&key, generation, &MESH, &from.at, version, &value, entropy).ok()
    });
    match (&from.body, sealed) {
        (RecordBody::Sealed(_), Some(sealed)) => RecordBody::Sealed(sealed),
        (_, kept) => RecordBody::Deleted { kept },
    }
}

/// What stands for a secret that the new reign knows nothing of: a version that nobody has had, and nothing there.
fn never_stored(at: &ScopedSecret, secret_id: u64) -> Record {
    Record {
        at: at.clone(),
        secret_id,
        version: Version::FIRST,
        revision: Position::default().revision,
        change: ChangeKind::Deleted,
        purged: None,
        body: RecordBody::Deleted { kept: None },
        metadata: Metadata::default().into(),
        options: SecretOptions::default().into(),
        fields: Fields::default().into(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

/// The machine that is copied is told apart from its copy by its numbers alone.
#[test]
fn a_copy_of_a_disk_starts_where_the_disk_was() {
    let lead = Lead::new(8, &crate::names::NODES);
    let mut image = lead.image(NUMBERS_APART);
    assert_eq!(image.start(), Ok(()));
    let position = |lead: &Lead| lead.durable().lead.view.position;
    assert_eq!(position(&image), position(&lead));
}
