//! The end of a mesh: everything that was done to it is undone, and then it must be whole again. Machines that were thrown
//! out know it, and all others have what the lead has.

use std::sync::atomic::Ordering;

use crate::checks::Found;
use crate::disk::Stop;
use crate::names::PLACES;
use crate::told::{Answer, Ask, What};
use crate::world::{Asked, World};

/// By then every mesh is whole again: twice the longest pause between two dials, and a handshake.
const WHOLE_WITHIN_MS: u64 = 120_000;

impl World {
    /// Lets the mesh come to rest, and looks at everything once more.
    pub fn rests(&mut self) -> Found {
        for machine in 0..self.machines.len() {
            if !self.places[machine].up {
                self.switches_on(machine);
            }
            if machine > 0 {
                self.mends(machine);
            }
            let node = &self.machines[machine];
            node.disk.light(0);
            for rate in [&node.air.lost, &node.air.doubled, &node.air.overtaken, &node.crew.slow_ms] {
                rate.store(0, Ordering::Relaxed);
            }
        }
        let until = self.now() + WHOLE_WITHIN_MS;
        loop {
            self.admits();
            self.passes(500)?;
            let Err(why) = self.is_whole() else { break };
            if self.now() > until {
                return Err(format!("the mesh is not whole again after two minutes of peace: {why}"));
            }
        }
        self.reads_everything()?;
        for machine in 0..self.machines.len() {
            self.switches_off(machine, Stop::Killed);
            self.watch_disk(machine)?;
        }
        Ok(())
    }

    fn is_whole(&self) -> Found {
        let lead = self.places[0].state.clone().ok_or("the lead does not run")?;
        for (machine, place) in self.machines.iter().zip(&self.places).skip(1) {
            let name = &machine.name;
            let state = place.state.as_ref().ok_or_else(|| format!("{name} does not run"))?;
            if self.watch.banned.is_out(name) {
                if state.freshness != "banned" {
                    return Err(format!("{name} was thrown out and shows {state:?}"));
                }
            } else if state.freshness != "fresh" || (state.epoch, state.revision) != (lead.epoch, lead.revision) {
                return Err(format!("{name} shows {state:?}, and the lead {lead:?}"));
            }
        }
        Ok(())
    }

    /// Everybody reads everything: what was acknowledged last is what everybody gets who may.
    fn reads_everything(&mut self) -> Found {
        for machine in 0..self.machines.len() {
            for place in [0, 3] {
                let name = PLACES[place].secret.name.clone();
                let id = self.ask(machine, Ask::Read { name });
                let asked = self.pending[&id].clone();
                let mut refused = None;
                while self.pending.contains_key(&id) {
                    refused = self.passes_until(id)?;
                }
                let node = &self.machines[machine].name;
                if refused == Some("not_found") && !self.watch.banned.is_out(node) {
                    self.is_missing(machine, &asked)?;
                }
            }
        }
        Ok(())
    }

    /// One tick more. Gives why the question was refused, if it was.
    fn passes_until(&mut self, id: u64) -> Result<Option<&'static str>, String> {
        self.passes(1)?;
        Ok(self.last.iter().find_map(|told| match &told.what {
            What::Answer(other, Answer::Refused(code)) if *other == id => Some(*code),
            What::Answer(..) | What::State(_) | What::Unfit(_) | What::NotStarted(_) => None,
        }))
    }

    fn is_missing(&self, machine: usize, asked: &Asked) -> Found {
        let Ask::Read { name } = &asked.ask else { return Ok(()) };
        let (node, may) = (&self.machines[machine].name, &self.places[machine].entitlement);
        let mut candidates = self.candidates(machine, name);
        candidates.retain(|place| machine == 0 || may.covers(node, place));
        self.watch.values.missing(&candidates, asked.at, self.now()).map_err(|what| format!("{node}, at peace: {what}"))
    }

    /// What is counted elsewhere.
    pub fn sums_up(&mut self) {
        self.figures.mesh_ms = self.now();
        for machine in &self.machines {
            self.figures.datagrams += machine.air.touched.load(Ordering::Relaxed);
            self.figures.torn_writes += machine.disk.torn.load(Ordering::Relaxed);
        }
    }
}
