//! What is to be checked when. The paths each minute, the keys at the intervals of the catalogue, and soon whatever changed
//! or is in doubt: never the same key twice at once, never more than a few checks together, and never more calls a day than
//! this node's share of the budget.
//!
//! Waiting is counted on the clock since boot; the wall clock only dates what was found and says which day it is. An actor
//! asks what is due, makes the checks and hands in the answers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::flights::Flights;
use super::pace::{Draw, jittered, spread};
use super::slot::{Slot, Usual, later};
use super::spent::{self, Reason, Spent};
use super::subject::{Subject, Watched};
use crate::model::api_check::{Cell, KEYS_MAX, KeyCheck, PATH_EVERY, PathCheck, SERVICES_MAX};
use crate::model::name::ServiceName;
use crate::model::time::{BootTime, Moment};

/// A reported failure makes the keys of a service be asked about at most so often: whoever reports may do so in a loop.
pub const FAILURE_EVERY: Duration = Duration::from_secs(60);

/// No two calls by routine are kept further apart: a new day is a new budget.
const APART_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// One check to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Whether the host of a service answers, without a credential.
    Path(ServiceName),
    /// Whether a credential is good.
    Key(Subject),
}

/// What this node watches, what it believes of it, and when it looks again.
#[derive(Debug)]
pub struct Schedule {
    services: BTreeMap<ServiceName, Service>,
    flights: Flights,
    spent: Spent,
    day: i64,
}

#[derive(Debug)]
struct Service {
    name: ServiceName,
    check_every: Duration,
    calls_per_day: Option<u32>,
    /// This node's part of them, as it was last told.
    share: u32,
    path: Option<PathCheck>,
    /// None without a host.
    path_due: Option<BootTime>,
    failed_at: Option<BootTime>,
    slots: Vec<Slot>,
}

/// What could begin now.
struct Candidate {
    due: BootTime,
    service: ServiceName,
    /// The place of the key and why it is asked about; none for the path.
    key: Option<(usize, Reason)>,
}

impl Schedule {
    /// A schedule of nothing, on a node that has made these calls before.
    #[must_use]
    pub fn new(spent: Spent) -> Self {
        Self { services: BTreeMap::new(), flights: Flights::default(), spent, day: i64::MIN }
    }

    /// This is what the node would use from now on. What is as it was keeps its times and what is believed of it; a value
    /// that is new is checked soon, spread by the number of nodes that may have seen the same change; what is not named
    /// is forgotten, and a late answer about it too.
    pub fn watch(&mut self, watched: Vec<Watched>, now: &Moment, nodes: usize, draw: &mut dyn FnMut() -> u64) {
        self.day = spent::day(now.wall);
        let mut before = std::mem::take(&mut self.services);
        for watched in watched.into_iter().take(SERVICES_MAX) {
            let old = before.remove(&watched.service);
            let name = watched.service.clone();
            self.services.insert(name, Service::watched(watched, old, now, nodes, draw));
        }
    }

    /// What is to be begun now; it counts as begun, and its calls as made. `share` is this node's part of a budget a day;
    /// while that is none, it is not known, and nothing of the service is asked.
    pub fn due(
        &mut self,
        now: &Moment,
        share: &dyn Fn(&ServiceName, u32) -> Option<u32>,
        draw: &mut dyn FnMut() -> u64,
    ) -> Vec<Task> {
        self.day = spent::day(now.wall);
        self.flights.drop_lost(now.boot);
        let mut candidates: Vec<Candidate> =
            self.services.values().flat_map(|service| service.candidates(now.boot, &self.flights)).collect();
        candidates.sort_by_key(|candidate| candidate.due);
        let mut tasks = Vec::new();
        for candidate in candidates {
            if self.flights.full() {
                break;
            }
            tasks.extend(self.begin(candidate, now, share, draw));
        }
        tasks
    }

    /// When something is due; in the past if something is already. None if nothing ever is.
    #[must_use]
    pub fn next(&self) -> Option<BootTime> {
        let lost = self.flights.first_lost();
        if self.flights.full() {
            return lost;
        }
        self.services.values().flat_map(|service| service.times(&self.flights)).map(|(due, _)| due).chain(lost).min()
    }

    /// The answer about a path. One that nobody waits for any more is dropped.
    pub fn path_checked(
        &mut self,
        service: &ServiceName,
        check: PathCheck,
        now: &Moment,
        draw: &mut dyn FnMut() -> u64,
    ) {
        self.day = spent::day(now.wall);
        let awaited = self.flights.end(&Task::Path(service.clone()));
        let Some(service) = self.services.get_mut(service).filter(|service| awaited && service.path_due.is_some())
        else {
            return;
        };
        service.path_due = Some(later(now, jittered(PATH_EVERY, draw)));
        let was_fine = service.path.as_ref().is_some_and(|path| path.fault.is_none());
        if check.fault.is_none() && !was_fine {
            service.slots.iter_mut().filter(|slot| slot.had_no_path()).for_each(|slot| slot.doubt(now));
        }
        service.path = Some(check);
    }

    /// The answer about a key. One about a key that is not the one in use any more, or that nobody waits for, is dropped.
    pub fn key_checked(&mut self, subject: &Subject, check: KeyCheck, now: &Moment, draw: &mut dyn FnMut() -> u64) {
        self.day = spent::day(now.wall);
        if !self.flights.end(&Task::Key(subject.clone())) {
            return;
        }
        let Some(service) = self.services.get_mut(&subject.service) else { return };
        let usual = Usual {
            check_every: service.check_every,
            apart: service.apart(self.spent.routine_left(&subject.service, service.share, now), now),
        };
        let Some(slot) = service.slots.iter_mut().find(|slot| slot.subject == *subject) else { return };
        slot.answered(check, now, usual, draw);
    }

    /// Somebody who uses a key of this service met a failure: its path and its keys are looked at now, unless that was done
    /// for the same reason less than [`FAILURE_EVERY`] ago.
    pub fn failure(&mut self, service: &ServiceName, now: &Moment) {
        let Some(service) = self.services.get_mut(service) else { return };
        if service.failed_at.is_some_and(|at| now.boot.since(at) < FAILURE_EVERY) {
            return;
        }
        service.failed_at = Some(now.boot);
        service.path_due = service.path_due.map(|at| at.min(now.boot));
        service.slots.iter_mut().for_each(|slot| slot.doubt(now));
    }

    /// Somebody asked about keys of this service, and so many calls were made for it. What is left to the schedule is less.
    pub fn asked(&mut self, service: &ServiceName, calls: u32, now: &Moment) {
        self.day = spent::day(now.wall);
        self.spent.count_asked(service, calls, now);
    }

    /// What is believed now, by service; without what monitors say. Of a service that is not watched and was called today,
    /// the calls are told: they are gone from what the mesh may make.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let spent: BTreeMap<&ServiceName, u32> = self.spent.on_day(self.day).collect();
        let cell = |(name, service): (&ServiceName, &Service)| Cell {
            path: service.path.clone(),
            keys: service.slots.iter().map(Slot::check).collect(),
            spent_today: spent.get(name).copied().unwrap_or_default(),
            ..Cell::new(name.clone())
        };
        let mut cells: Vec<Cell> = self.services.iter().map(cell).collect();
        let others = spent.iter().filter(|(name, calls)| **calls > 0 && !self.services.contains_key(**name));
        let others = others.map(|(name, calls)| Cell { spent_today: *calls, ..Cell::new((*name).clone()) });
        cells.extend(others.take(SERVICES_MAX.saturating_sub(self.services.len())));
        cells
    }

    /// The calls this node has made.
    #[must_use]
    pub fn spent(&self) -> &Spent {
        &self.spent
    }

    fn begin(
        &mut self,
        candidate: Candidate,
        now: &Moment,
        share: &dyn Fn(&ServiceName, u32) -> Option<u32>,
        draw: Draw<'_>,
    ) -> Option<Task> {
        let Candidate { service: name, key, due: _ } = candidate;
        let service = self.services.get_mut(&name)?;
        let task = match key {
            None => Task::Path(name),
            Some((place, reason)) => {
                let slot = service.slots.get_mut(place)?;
                // Another candidate of the same key may have begun just now.
                if slot.callable().is_none_or(|mark| self.flights.key(mark)) {
                    return None;
                }
                if let Some(budget) = service.calls_per_day {
                    let Some(part) = share(&name, budget) else {
                        slot.put_off(reason, now);
                        return None;
                    };
                    service.share = part;
                    if !self.spent.allows(&name, reason, service.share, now) {
                        slot.refused(reason, now, service.check_every, draw);
                        return None;
                    }
                }
                self.spent.count(&name, reason, now);
                slot.begun(now);
                Task::Key(slot.subject.clone())
            }
        };
        self.flights.begin(task.clone(), now.boot);
        Some(task)
    }
}

impl Service {
    fn watched(watched: Watched, old: Option<Self>, now: &Moment, nodes: usize, draw: Draw<'_>) -> Self {
        let (path, path_due, failed_at, share, slots) = match old {
            Some(old) => (old.path, old.path_due, old.failed_at, old.share, old.slots),
            None => (None, None, None, 0, Vec::new()),
        };
        let mut before: BTreeMap<Subject, Slot> = slots.into_iter().map(|slot| (slot.subject.clone(), slot)).collect();
        let mut slots = Vec::with_capacity(watched.subjects.len());
        for subject in watched.subjects.into_iter().take(KEYS_MAX) {
            let slot = before.remove(&subject).unwrap_or_else(|| Slot::new(subject, now, nodes, draw));
            slots.push(slot);
        }
        let (path, path_due) = match (watched.has_host, path_due) {
            (false, _) => (None, None),
            (true, Some(due)) => (path, Some(due)),
            (true, None) => (path, Some(later(now, spread(nodes, draw)))),
        };
        let (check_every, calls_per_day) = (watched.check_every, watched.calls_per_day);
        Self { name: watched.service, check_every, calls_per_day, share, path, path_due, failed_at, slots }
    }

    /// Its path and its keys that are due, but for those that are being checked.
    fn candidates(&self, now: BootTime, flights: &Flights) -> impl Iterator<Item = Candidate> {
        self.times(flights).filter(move |(due, _)| *due <= now).map(|(due, key)| Candidate {
            due,
            service: self.name.clone(),
            key,
        })
    }

    /// When its path and its keys are due, but for those that are being checked.
    fn times(&self, flights: &Flights) -> impl Iterator<Item = (BootTime, Option<(usize, Reason)>)> {
        let path = self.path_due.filter(|_| !flights.path(&self.name)).map(|due| (due, None));
        let idle = move |slot: &&Slot| slot.callable().is_some_and(|mark| !flights.key(mark));
        let idle = self.slots.iter().enumerate().filter(move |(_, slot)| idle(slot));
        let keys = idle.filter_map(|(place, slot)| slot.due().map(|(due, reason)| (due, Some((place, reason)))));
        path.into_iter().chain(keys)
    }

    /// How far apart calls by routine are to be so that those that are left last the day; zero without a budget.
    fn apart(&self, left: u32, now: &Moment) -> Duration {
        let keys = self.slots.iter().filter(|slot| slot.callable().is_some()).count();
        let keys = u32::try_from(keys).unwrap_or(u32::MAX);
        match self.calls_per_day {
            // Without any left, nothing is begun anyway; whether that is still so is looked at again at the interval.
            Some(_) if left > 0 => (spent::until_midnight(now.wall).saturating_mul(keys) / left).min(APART_MAX),
            Some(_) | None => Duration::ZERO,
        }
    }
}
