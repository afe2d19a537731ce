//! A read on a simulated follower, in the two steps of a real one: decided, then given out, with time in between.

use std::sync::Arc;
use std::time::Duration;

use aurora_mesh::crypto::record;
use aurora_mesh::model::actions::Action;
use aurora_mesh::model::principal::Principal;
use aurora_mesh::model::record::{Contact, Record};
use aurora_mesh::model::secret::{Scope, ScopedSecret};
use aurora_mesh::model::time::Moment;
use aurora_mesh::policy::decide::{Decision, Question, decide};
use aurora_mesh::policy::frozen::{FrozenQuestion, frozen};
use aurora_mesh::replication::freshness::{self, Standing};

use crate::clock::MachineClock;
use crate::follower::{FRESHNESS, Follower, Running};
use crate::names::MESH;

/// A read that is decided.
#[derive(Debug, Clone)]
pub struct Reading {
    pub record: Arc<Record>,
    pub value: u64,
    pub contact: Contact,
    pub fresh: bool,
    pub decided: Moment,
    servable_for: Duration,
}

impl Reading {
    /// When it was decided, in true time.
    pub fn decided_at(&self, clock: &MachineClock) -> u64 {
        clock.true_time(&self.decided)
    }
}

/// Why nothing was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    Down,
    Banned,
    NotEntitled,
    Denied,
    Frozen,
    Absent,
    NoKey,
    Closed,
}

/// Whoever reads: a member of the group that may open the socket.
fn caller() -> [Principal; 1] {
    [Principal::SocketGroup]
}

/// Decides one read.
pub fn decide_read(follower: &Follower, at: &ScopedSecret, now: &Moment) -> Result<Reading, NoAnswer> {
    let running = follower.running.as_ref().ok_or(NoAnswer::Down)?;
    let stored = &running.stored;
    if !stored.member {
        return Err(NoAnswer::Banned);
    }
    if !stored.entitlement.covers(&follower.name, at) {
        return Err(NoAnswer::NotEntitled);
    }
    let (principals, company) = (caller(), company(at));
    let question = Question {
        principals: &principals,
        besides: &[],
        within: None,
        action: Action::SecretRead,
        secret: Some(&at.secret.name),
        scope: Some(&at.scope),
        company,
        environment: &at.secret.environment,
        now: now.wall,
    };
    if !matches!(decide(&running.rulebook, &question), Decision::Allowed { .. }) {
        return Err(NoAnswer::Denied);
    }
    if is_frozen(follower, running, at) {
        return Err(NoAnswer::Frozen);
    }
    let record = stored.view.get(at).filter(|record| record.sealed().is_some()).ok_or(NoAnswer::Absent)?;
    let (fresh, age) = match freshness::judge(running.contact.as_ref(), FRESHNESS, now) {
        Standing::Fresh { age } => (true, age),
        Standing::Stale { age } => (false, age),
        Standing::Closed { .. } => return Err(NoAnswer::Closed),
    };
    let contact = running.contact.ok_or(NoAnswer::Closed)?;
    let value = open(running, record).ok_or(NoAnswer::NoKey)?;
    let servable_for = FRESHNESS.ttl.saturating_add(FRESHNESS.max_stale).saturating_sub(age);
    Ok(Reading { record: Arc::clone(record), value, contact, fresh, decided: *now, servable_for })
}

/// Looks again just before the answer is written, as the door does.
pub fn confirm(follower: &Follower, reading: &Reading, now: &Moment) -> Result<(), NoAnswer> {
    let running = follower.running.as_ref().ok_or(NoAnswer::Down)?;
    if !running.stored.member {
        return Err(NoAnswer::Banned);
    }
    if is_frozen(follower, running, &reading.record.at) {
        return Err(NoAnswer::Frozen);
    }
    if now.boot.since(reading.decided.boot) > reading.servable_for { Err(NoAnswer::Closed) } else { Ok(()) }
}

/// The number in a value, if the node has the key that opens it, at this place and version.
pub fn open(running: &Running, record: &Record) -> Option<u64> {
    let sealed = record.sealed()?;
    let key = running.stored.keys.get(&record.at.key_scope())?.get(&sealed.generation)?;
    let value = record::open(key, &MESH, &record.at, record.version, sealed).ok()?;
    Some(u64::from_be_bytes(value.expose().try_into().ok()?))
}

fn is_frozen(follower: &Follower, running: &Running, at: &ScopedSecret) -> bool {
    let question = FrozenQuestion {
        node: &follower.name,
        principals: &caller(),
        besides: &[],
        action: Action::SecretRead,
        secret: Some(&at.secret.name),
        scope: Some(&at.scope),
        company: company(at),
    };
    frozen(&running.rulebook, &question).is_some()
}

fn company(at: &ScopedSecret) -> Option<&aurora_mesh::model::name::CompanyId> {
    match &at.scope {
        Scope::Company(company) => Some(company),
        Scope::Global | Scope::Node(_) => None,
    }
}
