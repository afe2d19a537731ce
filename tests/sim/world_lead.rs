//! What happens at the lead of a simulated mesh: clients and admins ask, batches are planned and arrive on the disk, the
//! process dies and starts again.

use aurora_mesh::actors::change::{Change, Committed, KeyTarget, NewValue};
use aurora_mesh::actors::draft::LeadState;
use aurora_mesh::actors::error::CommitError;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::record;
use aurora_mesh::model::article::{Article, Edit};
use aurora_mesh::model::patch::Patch;
use aurora_mesh::model::secret::KeyScope;

use crate::history::register::Register;
use crate::history::{Answer, Call, History};
use crate::lead::{Asker, Reply, Ticket};
use crate::names::{ENTITLEMENTS, MESH, PLACES, TARGETS};
use crate::rules::{closed, freeze, readers};
use crate::world::{Found, World};

/// What clients ask for.
#[derive(Debug, Clone, Copy)]
pub enum Asked {
    Put,
    Cas,
    Delete,
    Undelete,
    Read,
}

impl World {
    /// The mesh begins with the grant that lets people read, and with a few values.
    pub fn begins(&mut self) -> Found {
        let change = Change::Rules { seen: Default::default(), edits: vec![Edit::Put(readers())] };
        self.lead.ask(Ticket { change, asker: Asker::Nobody });
        for _ in 0..self.random.below(8) {
            self.client(Asked::Put)?;
        }
        self.plans()?;
        self.written()?;
        // Mostly everybody is there from the start; joining late is met too.
        if self.random.happens(800) { self.drains() } else { Ok(()) }
    }

    /// A client asks for something about one secret.
    pub fn client(&mut self, asked: Asked) -> Found {
        let place = self.random.place(PLACES.len());
        let at = PLACES[place].clone();
        let Some(state) = self.lead.published() else { return Ok(()) };
        let current = state.lead.view.get(&at).map(|record| (record.version.get(), record.sealed().is_some()));
        let (version, live) = current.unwrap_or((0, false));
        let read = register_of(state, &at);
        let tick = self.next_tick();
        let call = match asked {
            Asked::Put => Call::Put { value: self.next_value() },
            Asked::Cas => {
                let likely = [if live { version } else { 0 }, version.saturating_sub(1), 0, version + 1];
                let expected = likely[self.random.place(likely.len()).min(self.random.place(likely.len()))];
                Call::Cas { value: self.next_value(), expected }
            }
            Asked::Delete => Call::Delete,
            Asked::Undelete => Call::Undelete,
            Asked::Read => Call::Read,
        };
        let operation = self.histories[place].invoke(call, tick);
        let change = match call {
            Call::Put { value } => put(&at, value, None),
            Call::Cas { value, expected } => put(&at, value, Some(expected)),
            Call::Delete => Change::Delete { at },
            Call::Undelete => Change::Undelete { at },
            Call::Read => {
                let answered = self.next_tick();
                self.histories[place].complete(operation, read.step(Call::Read).1, answered);
                return Ok(());
            }
        };
        self.lead.ask(Ticket { change, asker: Asker::Client { place, operation } });
        Ok(())
    }

    fn next_value(&mut self) -> u64 {
        self.values += 1;
        self.values
    }

    /// An admin asks for something, if there is anybody to ask.
    pub fn admin(&mut self, wants: fn(&mut Self, &LeadState) -> Option<Ticket>) -> Found {
        let Some(state) = self.lead.published().cloned() else { return Ok(()) };
        if let Some(ticket) = wants(self, &state) {
            self.lead.ask(ticket);
        }
        Ok(())
    }

    /// A node is entitled to something else.
    pub fn entitles(&mut self, _: &LeadState) -> Option<Ticket> {
        let number = self.any_follower();
        let node = self.followers[number].name.clone();
        let entitlement = ENTITLEMENTS[self.random.place(ENTITLEMENTS.len())].clone();
        Some(Ticket { change: Change::Entitle { node, entitlement }, asker: Asker::Nobody })
    }

    /// A node is thrown out.
    pub fn bans(&mut self, _: &LeadState) -> Option<Ticket> {
        let number = self.any_follower();
        let node = self.followers[number].name.clone();
        let change = Change::Ban { node: node.clone(), reason: "drill".to_owned() };
        Some(Ticket { change, asker: Asker::Bans(node) })
    }

    /// Something is frozen, or is no more.
    pub fn freezes(&mut self, state: &LeadState) -> Option<Ticket> {
        let target = TARGETS[self.random.place(TARGETS.len())].clone();
        Some(self.toggles(state, freeze(target)))
    }

    /// The grant or the deny is there, or is no more.
    pub fn grants(&mut self, state: &LeadState) -> Option<Ticket> {
        let article = if self.random.happens(150) { readers() } else { closed() };
        Some(self.toggles(state, article))
    }

    /// The rotation of keys takes a step.
    pub fn rotates(&mut self, state: &LeadState) -> Option<Ticket> {
        Some(Ticket { change: self.rotation(state)?, asker: Asker::Nobody })
    }

    fn toggles(&self, state: &LeadState, article: Article) -> Ticket {
        let id = article.id();
        let edit = if state.lead.articles.get(&id).is_some() { Edit::Drop(id) } else { Edit::Put(article) };
        let change = Change::Rules { seen: state.lead.articles.changed_at(), edits: vec![edit] };
        Ticket { change, asker: Asker::Nobody }
    }

    /// The next step of the rotation that is going on, or the first of a new one.
    pub fn rotation(&mut self, state: &LeadState) -> Option<Change> {
        let unfinished = state.keys.unfinished().next().map(|(at, newest)| (at.clone(), newest));
        let Some((at, generation)) = unfinished else {
            let scopes: Vec<KeyScope> = state.keys.scopes().cloned().collect();
            let scopes =
                if scopes.is_empty() { return None } else { vec![scopes[self.random.place(scopes.len())].clone()] };
            return Some(Change::BeginRotation { scopes });
        };
        if state.lead.view.sealed_by().count_before(&at, generation) == 0 {
            return Some(Change::FinishRotation { targets: vec![KeyTarget { at, generation }] });
        }
        let left = state.lead.view.after(None).filter(|record| {
            record.at.key_scope() == at && record.kept().is_some_and(|sealed| sealed.generation < generation)
        });
        Some(Change::Reseal { at: left.take(1).map(|record| record.at.clone()).collect() })
    }

    /// The lead plans what waits.
    pub fn plans(&mut self) -> Found {
        let now = self.lead_clock.read(self.now).wall;
        let replies = self.lead.plan(now);
        self.replied(replies)
    }

    /// What it planned is on the disk: it is published, then answered.
    pub fn written(&mut self) -> Found {
        let Some(replies) = self.lead.written() else { return Ok(()) };
        self.publishes()?;
        self.replied(replies)
    }

    fn replied(&mut self, replies: Vec<Reply>) -> Found {
        for (asker, outcome) in replies {
            match asker {
                Asker::Client { place, operation } => {
                    let answer = self.answer(place, &outcome)?;
                    let tick = self.next_tick();
                    self.histories[place].complete(operation, answer, tick);
                }
                Asker::Bans(node) => {
                    if outcome.is_ok() {
                        self.acknowledged.banned(node);
                    }
                }
                Asker::Nobody => {}
            }
        }
        Ok(())
    }

    fn answer(&mut self, place: usize, outcome: &Result<Committed, CommitError>) -> Result<Answer, String> {
        match outcome {
            Ok(Committed::Secret(secret)) => {
                self.figures.acknowledged += 1;
                self.acknowledged.secret(&PLACES[place], secret.version, secret.revision);
                Ok(Answer::Done { version: secret.version.get() })
            }
            Err(CommitError::Conflict { current }) => {
                Ok(Answer::Conflict { current: current.map_or(0, |version| version.get()) })
            }
            Err(CommitError::NoSuchSecret | CommitError::Destroyed(_)) => Ok(Answer::Absent),
            Err(CommitError::NotDeleted) => Ok(Answer::NotDeleted),
            other => Err(format!("a client was answered {other:?}")),
        }
    }

    /// The lead that reigns shows a new state.
    pub fn publishes(&mut self) -> Found {
        let Some(state) = self.lead.published().cloned() else { return Ok(()) };
        self.trace.note(format_args!("published {:?}", state.lead.view.position));
        self.note_values(&state)?;
        self.entitled.published(&state.lead, self.published)?;
        self.acknowledged.check(&state.lead)?;
        self.published = state.lead.view.position.revision;
        self.timeline.published(state.lead, self.now, 0);
        Ok(())
    }

    /// A version has one value, for ever and at every lead.
    pub fn note_values(&mut self, state: &LeadState) -> Found {
        for record in state.lead.view.after(None) {
            let Some(sealed) = record.sealed() else { continue };
            let key = state.keys.get(&record.at.key_scope(), sealed.generation);
            let key = key.ok_or_else(|| format!("the lead has no key for {}", record.at))?;
            let opened = record::open(&key, &MESH, &record.at, record.version, sealed);
            let opened = opened.map_err(|error| format!("the lead cannot open {}: {error}", record.at))?;
            let value = u64::from_be_bytes(opened.expose().try_into().map_err(|_| "a torn value")?);
            let known = *self.value_of.entry((record.at.clone(), record.version)).or_insert(value);
            if known != value {
                return Err(format!("version {} of {} was {known} and is {value}", record.version, record.at));
            }
        }
        Ok(())
    }

    /// The process of the lead dies.
    pub fn crash_lead(&mut self) -> Found {
        if self.lead.runs() {
            let luck = self.random.happens(500);
            self.lead.crash(luck);
            self.figures.crashes += 1;
            self.drop_sessions(false);
        }
        Ok(())
    }

    /// It starts again.
    pub fn start_lead(&mut self) -> Found {
        if self.lead.runs() {
            return Ok(());
        }
        self.lead.start()?;
        self.publishes()
    }

    /// What was recorded of the reign that is over is judged, and a new record begins.
    pub fn histories_end(&mut self) -> Found {
        for (place, history) in self.histories.iter_mut().enumerate() {
            history.check().map_err(|what| format!("{}: {what}", PLACES[place]))?;
            let length = u64::try_from(history.operations().len()).expect("short");
            self.figures.longest_history = self.figures.longest_history.max(length);
            let begins = self.lead.published().map(|state| register_of(state, &PLACES[place])).unwrap_or_default();
            *history = History::after(begins);
        }
        Ok(())
    }
}

/// A secret as the lead has it. One that it never heard of begins where this reign begins them.
fn register_of(state: &LeadState, at: &aurora_mesh::model::secret::ScopedSecret) -> Register {
    let Some(current) = state.lead.view.get(at) else {
        return Register { version: state.first.version.get() - 1, gone: true, ..Register::default() };
    };
    let value = current.kept().and_then(|sealed| {
        let key = state.keys.get(&at.key_scope(), sealed.generation)?;
        let value = record::open(&key, &MESH, at, current.version, sealed).ok()?;
        Some(u64::from_be_bytes(value.expose().try_into().ok()?))
    });
    let (version, live, gone) = (current.version.get(), current.sealed().is_some(), current.kept().is_none());
    Register { version, value: value.unwrap_or(0), live, gone }
}

fn put(at: &aurora_mesh::model::secret::ScopedSecret, value: u64, cas: Option<u64>) -> Change {
    let value = Plaintext::new(value.to_be_bytes().to_vec());
    Change::Put(Box::new(NewValue { at: at.clone(), value, patch: Patch::default(), cas }))
}
