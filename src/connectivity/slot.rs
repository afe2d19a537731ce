//! One credential in the schedule: what is believed of it, and when it is asked about again.

use std::time::Duration;

use super::belief::{Again, Belief, CONFIRM_AFTER, joined};
use super::flights::LOST_AFTER;
use super::pace::{Draw, backoff, jittered, spread};
use super::spent::Reason;
use super::subject::Subject;
use crate::model::api_check::{KeyCheck, KeyMark};
use crate::model::connectivity::Verdict;
use crate::model::time::{BootTime, Moment};

/// What is said of a key that may not be asked about.
const WITHHELD: &str = "not asked again for now: this node's calls of the day are used up";

/// What is said of a key while nobody has told which part of the calls of the day is this node's.
const UNTOLD: &str = "not asked for now: the lead has not told how many nodes share the calls of the day";

/// How soon it is looked at again whether that was told: a lead tells within a quarter of a second.
const TOLD_AFTER: Duration = Duration::from_millis(500);

/// A credential and its times.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) subject: Subject,
    belief: Belief,
    /// When it is asked about by routine; none while it never was.
    routine: Option<BootTime>,
    /// When it is asked about besides, and why.
    urgent: Option<(BootTime, Reason)>,
    /// Why it is not asked about though it is time.
    withheld: Option<&'static str>,
}

impl Slot {
    /// A key that is new here: asked about soon, if there is anything to ask.
    pub(super) fn new(subject: Subject, now: &Moment, nodes: usize, draw: Draw<'_>) -> Self {
        let belief = Belief::new(&subject, now.wall);
        let mut slot = Self { subject, belief, routine: None, urgent: None, withheld: None };
        if slot.callable().is_some() {
            slot.urgent = Some((later(now, spread(nodes, draw)), Reason::Change));
        }
        slot
    }

    /// The key, if there is one and a check for it.
    pub(super) fn callable(&self) -> Option<&KeyMark> {
        self.subject.credential.as_ref().and(self.subject.key.as_ref())
    }

    /// When it is to be asked about, and why.
    pub(super) fn due(&self) -> Option<(BootTime, Reason)> {
        let routine = self.routine.map(|at| (at, Reason::Routine));
        self.urgent.into_iter().chain(routine).min()
    }

    /// It is being asked about.
    pub(super) fn begun(&mut self, now: &Moment) {
        self.withheld = None;
        self.urgent = None;
        self.routine = Some(later(now, LOST_AFTER));
    }

    /// It may not be asked about for this reason, today. Whether it may is looked at again at the usual interval: the day
    /// may end or the share may grow before.
    pub(super) fn refused(&mut self, reason: Reason, now: &Moment, check_every: Duration, draw: Draw<'_>) {
        let again = later(now, jittered(check_every, draw));
        match reason {
            Reason::Change => self.urgent = Some((again, reason)),
            // The routine goes on as if nothing had been reported.
            Reason::Failure => {
                self.urgent = None;
                return;
            }
            Reason::Routine => self.routine = Some(again),
        }
        self.withheld = Some(WITHHELD);
    }

    /// Which part of the calls of the day is this node's is not known yet.
    pub(super) fn put_off(&mut self, reason: Reason, now: &Moment) {
        let again = later(now, TOLD_AFTER);
        match reason {
            Reason::Change | Reason::Failure => self.urgent = Some((again, reason)),
            Reason::Routine => self.routine = Some(again),
        }
        self.withheld = Some(UNTOLD);
    }

    /// Somebody met a failure, or a broken path works again: it is asked about now.
    pub(super) fn doubt(&mut self, now: &Moment) {
        if self.callable().is_some() && self.urgent.is_none() {
            self.urgent = Some((now.boot, Reason::Failure));
        }
    }

    /// Whether it was not reached when it was last asked about.
    pub(super) fn had_no_path(&self) -> bool {
        matches!(self.belief.check().verdict, Some(Verdict::NoPath(_)))
    }

    /// An answer came. What is asked by routine keeps this distance at least.
    pub(super) fn answered(&mut self, answer: KeyCheck, now: &Moment, usual: Usual, draw: Draw<'_>) {
        self.urgent = None;
        if answer.key != self.subject.key {
            // The key changed on the way; the new one is told of by the next watch.
            self.routine = Some(later(now, jittered(usual.check_every, draw)));
            return;
        }
        let pause = match self.belief.hear(answer) {
            Again::Confirm => {
                self.urgent = Some((later(now, CONFIRM_AFTER), Reason::Change));
                usual.check_every
            }
            Again::Usual => usual.check_every,
            Again::Failing(failures, verdict) => backoff(failures, verdict, usual.check_every),
        };
        self.routine = Some(later(now, jittered(pause.max(usual.apart), draw)));
    }

    /// What is believed now.
    pub(super) fn check(&self) -> KeyCheck {
        let mut check = self.belief.check().clone();
        if let Some(why) = self.withheld {
            check.detail = joined(why, &check.detail);
        }
        check
    }
}

/// How a key of a service is asked about when all is well.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual {
    /// The interval.
    pub(super) check_every: Duration,
    /// How far apart calls by routine are, so that the budget lasts the day; zero without one.
    pub(super) apart: Duration,
}

pub(super) fn later(now: &Moment, duration: Duration) -> BootTime {
    BootTime(now.boot.0.saturating_add(duration))
}
