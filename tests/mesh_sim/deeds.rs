//! What happens to a simulated mesh: what clients ask, and what goes wrong.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aurora_mesh::model::freeze::FreezeTarget;
use aurora_mesh::model::secret::ScopedSecret;

use crate::checks::Found;
use crate::disk::Stop;
use crate::events::Event;
use crate::names::PLACES;
use crate::told::Ask;
use crate::world::{Link, World};

/// The places that are used here: one for all, one of a node, and one of another service. The lead's own environment has no
/// others that a node reads without a company.
pub const USED: [usize; 3] = [0, 2, 3];

impl World {
    /// An event happens.
    pub fn happens(&mut self, event: Event) -> Found {
        match event {
            Event::Put => self.puts(),
            Event::Delete => self.changes(|at| Ask::Delete { name: at.secret.name, scope: at.scope }),
            Event::Undelete => self.changes(|at| Ask::Undelete { name: at.secret.name, scope: at.scope }),
            Event::ReadLead => self.reads(0),
            Event::Read => {
                let machine = self.any_follower();
                self.reads(machine);
            }
            Event::Ban => {
                let machine = self.any_follower();
                let node = self.machines[machine].name.clone();
                self.of_lead(Ask::Ban(node));
            }
            Event::Readmit => return self.readmits(),
            Event::Rotate => self.of_lead(Ask::Rotate),
            Event::Freeze => {
                let target = FreezeTarget::Secret(self.any_place().secret.name);
                self.of_lead(Ask::Freeze(target));
            }
            Event::Unfreeze => {
                let target = FreezeTarget::Secret(self.any_place().secret.name);
                self.of_lead(Ask::Unfreeze(target));
            }
            Event::StopLead => return self.stops(0),
            Event::StopFollower => {
                let machine = self.any_follower();
                return self.stops(machine);
            }
            Event::CutInCommit => {
                let machine = self.any_machine();
                let writes = 1 + self.random.below(60);
                self.machines[machine].disk.light(writes);
            }
            Event::Cut => self.cuts(),
            Event::Hold => self.holds(),
            Event::Mend => {
                let machine = self.any_follower();
                self.mends(machine);
            }
            Event::Weather => self.weather(),
            Event::SlowDisk => self.slow_disk(),
            Event::SetWall => self.set_wall(),
            Event::Pass => {
                let long = self.random.below(15_000);
                return self.passes(long);
            }
        }
        Ok(())
    }

    pub fn any_follower(&mut self) -> usize {
        1 + self.random.place(self.machines.len() - 1)
    }

    fn any_machine(&mut self) -> usize {
        self.random.place(self.machines.len())
    }

    fn any_place(&mut self) -> ScopedSecret {
        PLACES[USED[self.random.place(USED.len())]].clone()
    }

    /// Asks the lead, if it is on.
    pub fn of_lead(&mut self, ask: Ask) {
        if self.places[0].up {
            let id = self.ask(0, ask);
            self.watch_asks(id);
        }
    }

    fn puts(&mut self) {
        let at = self.any_place();
        self.values += 1;
        let value = format!("value-{}", self.values);
        self.of_lead(Ask::Put { name: at.secret.name, scope: at.scope, value });
    }

    fn changes(&mut self, ask: impl FnOnce(ScopedSecret) -> Ask) {
        let at = self.any_place();
        self.of_lead(ask(at));
    }

    fn reads(&mut self, machine: usize) {
        let name = self.any_place().secret.name;
        if self.places[machine].up && !self.places[machine].joins {
            self.ask(machine, Ask::Read { name });
        }
    }

    /// A machine stops, one way or another.
    pub fn stops(&mut self, machine: usize) -> Found {
        let how = if self.random.happens(500) { Stop::Killed } else { Stop::PowerCut };
        if self.places[machine].up { self.stops_so(machine, how) } else { Ok(()) }
    }

    /// Machines that lost their power while they wrote are off.
    pub fn blown_fuses(&mut self) -> Found {
        for machine in 0..self.machines.len() {
            if self.places[machine].up && self.machines[machine].disk.is_blown() {
                self.stops_so(machine, Stop::PowerCut)?;
            }
        }
        Ok(())
    }

    /// A machine stops, and is switched on a while later. What is on its disk is looked at.
    fn stops_so(&mut self, machine: usize, how: Stop) -> Found {
        let down_for = 500 + self.random.below(25_000);
        let now = self.now();
        self.switches_off(machine, how);
        let place = &mut self.places[machine];
        place.starts = Some(now + down_for);
        match how {
            Stop::Killed => self.figures.kills += 1,
            Stop::PowerCut => {
                self.figures.power_cuts += 1;
                place.rebooted = true;
                self.figures.reboots += 1;
                self.machines[machine].clock.reboot(Duration::from_millis(now));
            }
        }
        self.watch_disk(machine)
    }

    pub fn switches_off(&mut self, machine: usize, how: Stop) {
        let now = self.now();
        self.trace.note(format_args!("{now} {machine} stops: {how:?}"));
        let node = self.machines[machine].clone();
        if how == Stop::PowerCut && node.disk.is_blown() {
            self.watch.banned.torn(&node.name, now);
        }
        let open = node.disk.stop();
        self.sim.crash(node.name.as_str());
        node.disk.settle(&open, how, &mut self.random);
        node.turn_away();
        let place = &mut self.places[machine];
        (place.up, place.state) = (false, None);
        let lost: Vec<u64> =
            self.pending.iter().filter(|(_, asked)| asked.machine == machine).map(|(id, _)| *id).collect();
        for id in lost {
            self.pending.remove(&id);
            self.figures.lost += 1;
            self.watch.values.lost(id, now);
        }
        self.hearing();
    }

    pub fn starts_what_is_due(&mut self) {
        let now = self.now();
        for machine in 0..self.machines.len() {
            if self.places[machine].starts.is_some_and(|at| at <= now) {
                self.switches_on(machine);
            }
        }
    }

    pub fn switches_on(&mut self, machine: usize) {
        let now = self.now();
        self.trace.note(format_args!("{now} {machine} starts"));
        (self.places[machine].up, self.places[machine].starts) = (true, None);
        let name = self.machines[machine].name.clone();
        self.sim.bounce(name.as_str());
        self.hearing();
    }

    /// Who can hear the lead, after something changed.
    fn hearing(&mut self) {
        let now = self.now();
        for machine in 1..self.places.len() {
            let hears = self.places[0].up && self.places[machine].link == Link::Open;
            self.watch.silence.hears(machine, hears, now);
        }
    }

    fn cuts(&mut self) {
        let machine = self.any_follower();
        let (node, lead) = (self.machines[machine].name.clone(), self.machines[0].name.clone());
        if self.places[machine].link == Link::Open {
            match self.random.below(3) {
                0 => self.sim.partition(node.as_str(), lead.as_str()),
                1 => self.sim.partition_oneway(node.as_str(), lead.as_str()),
                _ => self.sim.partition_oneway(lead.as_str(), node.as_str()),
            }
            self.figures.cuts += 1;
            self.places[machine].link = Link::Cut;
            self.hearing();
        }
    }

    fn holds(&mut self) {
        let machine = self.any_follower();
        if self.places[machine].link == Link::Open {
            self.sim.hold(self.machines[machine].name.as_str(), self.machines[0].name.as_str());
            self.figures.holds += 1;
            self.places[machine].link = Link::Held;
            self.hearing();
        }
    }

    pub fn mends(&mut self, machine: usize) {
        let (node, lead) = (self.machines[machine].name.clone(), self.machines[0].name.clone());
        match self.places[machine].link {
            Link::Open => {}
            Link::Cut => self.sim.repair(node.as_str(), lead.as_str()),
            Link::Held => self.sim.release(node.as_str(), lead.as_str()),
        }
        self.places[machine].link = Link::Open;
        self.hearing();
    }

    fn weather(&mut self) {
        let machine = self.any_machine();
        let bad = self.random.happens(600);
        let mut draw = |most: u64| if bad { self.random.below(most) } else { 0 };
        let (lost, doubled, overtaken) = (draw(250), draw(80), draw(80));
        let air = &self.machines[machine].air;
        air.lost.store(lost, Ordering::Relaxed);
        air.doubled.store(doubled, Ordering::Relaxed);
        air.overtaken.store(overtaken, Ordering::Relaxed);
    }

    fn slow_disk(&mut self) {
        let machine = self.any_machine();
        let slow = if self.random.happens(500) { self.random.below(700) } else { 0 };
        self.figures.slow_disks += u64::from(slow > 0);
        self.machines[machine].crew.slow_ms.store(slow, Ordering::Relaxed);
    }

    fn set_wall(&mut self) {
        let machine = self.any_machine();
        let by = self.random.below(20_000);
        self.places[machine].set_by += by;
        let by = i64::try_from(by).expect("small");
        self.machines[machine].clock.set_wall(if self.random.happens(500) { by } else { -by });
        self.figures.clock_jumps += 1;
    }
}
