//! The checkers of one mesh, and what of all that anybody is told goes to which.

use aurora_mesh::model::freeze::FreezeTarget;
use aurora_mesh::model::number::Position;
use aurora_mesh::model::secret::{Scope, ScopedSecret, SecretName};
use aurora_mesh::replication::view::{LeadView, View};
use aurora_mesh::store::handle::Store;
use aurora_mesh::vault::answer::Served;

use crate::checks::Found;
use crate::checks::acknowledged::Acknowledged;
use crate::checks::audited::Audited;
use crate::checks::banned::Banned;
use crate::checks::entitled;
use crate::checks::follows::Follows;
use crate::checks::freshness::{Silence, milliseconds};
use crate::checks::frozen::Frozen;
use crate::checks::values::Values;
use crate::checks::versions::Versions;
use crate::deeds::USED;
use crate::lies::Lie;
use crate::names::PLACES;
use crate::told::{Answer, Ask, Given, State, Told, What};
use crate::world::{Asked, World};

/// All of them.
#[derive(Debug, Default)]
pub struct Watch {
    pub values: Values,
    pub silence: Silence,
    pub banned: Banned,
    pub frozen: Frozen,
    acknowledged: Acknowledged,
    /// Of each machine.
    served: Vec<Versions>,
    follows: Vec<Follows>,
    audited: Vec<Audited>,
}

impl Watch {
    /// For so many machines.
    pub fn new(machines: usize) -> Self {
        let mut watch = Self::default();
        watch.served.resize_with(machines, Versions::default);
        watch.follows.resize_with(machines, Follows::default);
        watch.audited.resize_with(machines, Audited::default);
        watch
    }

    /// A machine is set up anew and knows nothing of before.
    pub fn renewed(&mut self, machine: usize) {
        self.served[machine] = Versions::default();
        self.follows[machine] = Follows::default();
        self.audited[machine] = Audited::default();
    }
}

impl World {
    /// Somebody is told something.
    pub fn hears(&mut self, told: Told) -> Found {
        let Told { machine, at, what } = told;
        match self.lie.map_or(what.clone(), |lie| lie.tell(what)) {
            What::State(state) => self.shows(machine, at, state),
            What::Answer(id, answer) => {
                self.trace.note(format_args!("{at} {machine} answers {id} {answer:?}"));
                let Some(asked) = self.pending.remove(&id) else { return Ok(()) };
                let about = format!("{} to {:?}, asked at {}", self.machines[machine].name, asked.ask, asked.at);
                self.answered(id, &asked, at, answer).map_err(|what| format!("{what} ({about})"))
            }
            What::Unfit(reason) if !self.machines[machine].disk.is_blown() => {
                Err(format!("{} is unfit, and nothing is wrong with its disk: {reason}", self.machines[machine].name))
            }
            What::Unfit(reason) => {
                self.trace.note(format_args!("{at} {machine} is unfit: {reason}"));
                self.figures.unfit += 1;
                Ok(())
            }
            // Its power went out while it started, and somebody is about to notice.
            What::NotStarted(_) if self.machines[machine].disk.is_blown() => Ok(()),
            What::NotStarted(reason) if self.machines[machine].is_member() => {
                Err(format!("{} does not start: {reason}", self.machines[machine].name))
            }
            What::NotStarted(reason) => {
                self.trace.note(format_args!("{at} {machine} does not join: {reason}"));
                Ok(())
            }
        }
    }

    fn shows(&mut self, machine: usize, at: u64, state: State) -> Found {
        let node = self.machines[machine].name.clone();
        if self.places[machine].state.as_ref() != Some(&state) {
            self.trace.note(format_args!("{at} {machine} shows {state:?}"));
        }
        match state.freshness {
            "banned" => self.watch.banned.knows(&node, at)?,
            "fresh" => self.watch.silence.is_fresh(machine, at, self.skew(machine))?,
            _ => {}
        }
        let stands = Position { epoch: state.epoch, revision: state.revision };
        self.places[machine].state = Some(state);
        // Whoever is thrown out forgets everything, where it stood included.
        if self.watch.banned.is_out(&node) {
            self.watch.follows[machine] = Follows::default();
            return Ok(());
        }
        self.watch.follows[machine].stands(&node, stands)
    }

    /// What the clocks of a machine may take off an age: only a wall clock that was set counts, and only across a boot.
    fn skew(&self, machine: usize) -> u64 {
        let place = &self.places[machine];
        if place.rebooted { place.set_by } else { 0 }
    }

    /// A question was put to the lead.
    pub fn watch_asks(&mut self, id: u64) {
        let Some(asked) = self.pending.get(&id) else { return };
        let at = |name: &SecretName, scope: &Scope| place(name, scope);
        match &asked.ask {
            Ask::Put { name, scope, value } => {
                self.watch.values.asks(id, &at(name, scope), true, Some(value), asked.at)
            }
            Ask::Undelete { name, scope } => self.watch.values.asks(id, &at(name, scope), true, None, asked.at),
            Ask::Delete { name, scope } => self.watch.values.asks(id, &at(name, scope), false, None, asked.at),
            Ask::Unfreeze(FreezeTarget::Secret(name)) => self.watch.frozen.lifts(name, asked.at),
            Ask::Ban(node) | Ask::Remove(node) => self.watch.banned.asks(node),
            Ask::Unfreeze(_) | Ask::Read { .. } | Ask::Rotate | Ask::Freeze(_) | Ask::Token(..) | Ask::Join(_) => {}
        }
    }

    fn answered(&mut self, id: u64, asked: &Asked, now: u64, answer: Answer) -> Found {
        match (&asked.ask, answer) {
            (ask, Answer::Refused(code)) => self.is_refused(id, asked, ask, code, now),
            (
                Ask::Put { name, scope, .. } | Ask::Delete { name, scope } | Ask::Undelete { name, scope },
                Answer::Stored { version, revision },
            ) => {
                self.figures.acknowledged += 1;
                self.watch.audited[0].answered(id);
                self.watch.acknowledged.secret(&place(name, scope), version, revision);
                let value = if let Ask::Put { value, .. } = &asked.ask { Some(value.as_str()) } else { None };
                self.watch.values.acknowledged(id, version, revision, value, now)
            }
            (Ask::Ban(node) | Ask::Remove(node), Answer::Changed(revision)) => {
                self.figures.bans += u64::from(matches!(asked.ask, Ask::Ban(_)));
                self.watch.audited[0].answered(id);
                self.watch.banned.thrown_out(node, revision, now);
                Ok(())
            }
            (Ask::Freeze(FreezeTarget::Secret(name)), Answer::Changed(_)) => {
                self.figures.freezes += 1;
                // Somebody may have asked to lift it meanwhile.
                let lifted = self.pending.values().any(|other| matches!(&other.ask, Ask::Unfreeze(_)));
                if !lifted && self.watch.frozen.last_lift() < asked.at {
                    self.watch.frozen.frozen(name, now);
                }
                Ok(())
            }
            (Ask::Rotate, Answer::Rotating(_)) => {
                self.figures.rotations += 1;
                Ok(())
            }
            (Ask::Read { name }, Answer::Given(given)) => self.is_given(id, asked, now, name, &given),
            (Ask::Token(node, _), Answer::Token(token)) => {
                if let Some(number) = self.machines.iter().position(|machine| machine.name == *node) {
                    self.places[number].token = Some(token);
                    self.places[number].joining = None;
                }
                Ok(())
            }
            (Ask::Join(_), Answer::Joined) => {
                let place = &mut self.places[asked.machine];
                (place.joins, place.joining) = (false, None);
                let name = self.machines[asked.machine].name.clone();
                self.watch.banned.admitted(&name);
                Ok(())
            }
            (_, _) => Ok(()),
        }
    }

    fn is_refused(&mut self, id: u64, asked: &Asked, ask: &Ask, code: &str, now: u64) -> Found {
        self.figures.refused += 1;
        match ask {
            // Whether it happened, only the disk knows.
            Ask::Put { .. } | Ask::Delete { .. } | Ask::Undelete { .. } if may_have_happened(code) => {
                self.watch.values.lost(id, now);
                Ok(())
            }
            Ask::Put { .. } | Ask::Delete { .. } | Ask::Undelete { .. } => {
                self.watch.values.refused(id, now);
                Ok(())
            }
            Ask::Read { name } if code == "not_found" && asked.machine == 0 => {
                self.watch.values.missing(&self.candidates(0, name), asked.at, now)
            }
            Ask::Join(_) if code == "no_lead" => Ok(()),
            Ask::Join(_) => {
                // The token was used or has expired: another is asked for.
                self.places[asked.machine].token = None;
                Ok(())
            }
            // The lead went down before it forgot the node that is to come back; or the node was thrown out before it had
            // heard that it is in.
            Ask::Token(node, _) if self.watch.banned.is_out(node) => {
                self.watch.banned.may_return(node);
                self.of_lead(Ask::Remove(node.clone()));
                Ok(())
            }
            Ask::Read { .. }
            | Ask::Ban(_)
            | Ask::Remove(_)
            | Ask::Rotate
            | Ask::Freeze(_)
            | Ask::Unfreeze(_)
            | Ask::Token(..) => Ok(()),
        }
    }

    fn is_given(&mut self, id: u64, asked: &Asked, now: u64, name: &SecretName, given: &Given) -> Found {
        self.figures.given += 1;
        let machine = asked.machine;
        let node = self.machines[machine].name.clone();
        let skew = self.skew(machine);
        let age = if given.served == Served::Lead { 0 } else { milliseconds(given.age) + skew };
        let vouched = asked.at.saturating_sub(age);
        if machine != 0 {
            entitled::given(&node, &self.places[machine].entitlement, &given.at)?;
        }
        self.watch.silence.given(machine, asked.at, skew, given)?;
        let candidates = self.candidates(machine, name);
        self.watch.values.given(&candidates, vouched, now, given)?;
        self.watch.served[machine].seen(&node, &given.at, given.version)?;
        self.watch.banned.given(&node, vouched, given)?;
        self.watch.frozen.given(name, vouched)?;
        self.watch.audited[machine].answered(if self.lie == Some(Lie::Answered) { id + 1_000_000 } else { id });
        Ok(())
    }

    /// Where a value of this name may be from on this machine, what goes before first.
    pub fn candidates(&self, machine: usize, name: &SecretName) -> Vec<ScopedSecret> {
        let own = Scope::Node(self.machines[machine].name.clone());
        let used = USED.iter().map(|number| &PLACES[*number]).filter(|place| place.secret.name == *name);
        let mut places: Vec<ScopedSecret> =
            used.filter(|place| place.scope == own || place.scope == Scope::Global).cloned().collect();
        places.sort_by_key(|place| place.scope == Scope::Global);
        places
    }

    /// What is on the disk of a machine that is off.
    pub fn watch_disk(&mut self, machine: usize) -> Found {
        let node = &self.machines[machine];
        let (config, name) = (node.config.borrow(), node.name.clone());
        if !node.is_member() {
            return Ok(());
        }
        let lines = self.watch.audited[machine].check(&config.node.state_dir.join("audit"))?;
        self.figures.lines += u64::try_from(lines).expect("few");
        let contents = Store::look(&config.node.state_dir.join("store.redb"))
            .map_err(|error| format!("the store of {name} cannot be read after it stopped: {error:?}"))?;
        if machine != 0 {
            return entitled::held(&name, &self.places[machine].entitlement, &contents);
        }
        let view = View::new(contents.position, contents.records);
        let lead = LeadView::new(view, contents.articles, contents.roster, contents.log);
        self.watch.acknowledged.check(&lead)?;
        self.watch.banned.check(&lead)
    }
}

/// Errors after which nobody knows whether the change was made.
fn may_have_happened(code: &str) -> bool {
    matches!(code, "internal" | "audit_unavailable" | "overloaded" | "purge_due")
}

fn place(name: &SecretName, scope: &Scope) -> ScopedSecret {
    let known = PLACES.iter().find(|place| place.secret.name == *name && place.scope == *scope);
    known.expect("one of those that are used").clone()
}
