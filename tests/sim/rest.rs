//! The end of a simulated mesh: nobody asks for anything any more, everything is connected, and whatever is on the way
//! arrives. Then everybody must have what they should, and the answers of the whole history must have been right.

use aurora_mesh::actors::change::Change;

use crate::checks::{convergence, right};
use crate::lead::{Asker, Ticket};
use crate::names::PLACES;
use crate::world::{Found, World};

/// Rounds in which everything must have come to rest: each is a step of every stream of every follower.
const ROUNDS_MAX: u32 = 2_000;

/// Steps in which a rotation must be over: one for each place, one to begin and one to end, for each scope.
const ROTATION_STEPS_MAX: u32 = 60;

/// Streams a message may arrive on.
const STREAMS: u64 = 6;

impl World {
    /// Lets everything come to rest, and looks at what that is.
    pub fn comes_to_rest(&mut self) -> Found {
        self.ghost = None;
        self.drop_sessions(true);
        self.start_lead()?;
        self.settles()?;
        self.rotations_end()?;
        for number in 0..self.followers.len() {
            self.followers[number].crash_in_commit = None;
            if self.followers[number].running.is_none() {
                self.followers[number].start();
            }
        }
        self.drains()?;
        for number in 0..self.followers.len() {
            self.heartbeat(number);
        }
        self.drains()?;
        self.is_right()?;
        self.histories_end()
    }

    /// Whatever waits at the lead is committed and answered.
    fn settles(&mut self) -> Found {
        self.written()?;
        self.plans()?;
        self.written()
    }

    /// Rotations that have begun end: each scope has one key then.
    fn rotations_end(&mut self) -> Found {
        for _ in 0..ROTATION_STEPS_MAX {
            let Some(state) = self.lead.published().cloned() else { return Ok(()) };
            if state.keys.unfinished().next().is_none() {
                return Ok(());
            }
            let Some(change) = self.rotation(&state) else { return Ok(()) };
            if matches!(change, Change::BeginRotation { .. }) {
                return Ok(());
            }
            self.lead.ask(Ticket { change, asker: Asker::Nobody });
            self.settles()?;
        }
        Err("a rotation of keys never ends".to_owned())
    }

    /// Everybody is connected, and everything arrives.
    pub fn drains(&mut self) -> Found {
        for round in 0..ROUNDS_MAX {
            let mut moved = false;
            for number in 0..self.followers.len() {
                let is_member = self.followers[number].held().is_some_and(|held| held.member);
                // One that was thrown out goes on dialling now and then: it may have been taken back.
                if self.sessions[number].is_none() && (is_member || round == 0) {
                    self.connect(number, false, true)?;
                    moved = true;
                }
                if let Some(link) = &mut self.sessions[number] {
                    (link.down_is_cut, link.up_is_cut) = (false, false);
                }
                moved |= self.feed(number, true)?;
                moved |= self.feed(number, false)?;
                for stream in 0..STREAMS {
                    moved |= self.deliver(number, stream)?;
                }
            }
            let quiet = self.sessions.iter().flatten().all(|link| link.session.is_quiet());
            if !moved && quiet {
                return Ok(());
            }
        }
        Err("the mesh never comes to rest".to_owned())
    }

    /// Everybody has what they should, opens it, and gives it out; and nobody gives out anything else.
    fn is_right(&mut self) -> Found {
        let Some(state) = self.lead.published().cloned() else { return Err("there is no lead".to_owned()) };
        for number in 0..self.followers.len() {
            self.look_at(number)?;
            convergence::check(&state.lead, &self.followers[number])?;
            for place in 0..PLACES.len() {
                let decided = self.decides(number, place)?;
                let (name, at) = (&self.followers[number].name, &PLACES[place]);
                let right = right::expected(&state.lead, name, at);
                let given = decided.as_ref().ok().map(|reading| reading.record.version);
                if given != right {
                    return Err(format!("{name} answers {given:?} for {at} ({decided:?}) instead of {right:?}"));
                }
                if decided.is_ok_and(|reading| !reading.fresh) {
                    return Err(format!("{name} is connected, and not fresh"));
                }
            }
        }
        Ok(())
    }
}
