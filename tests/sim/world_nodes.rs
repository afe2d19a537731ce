//! What happens at the followers of a simulated mesh, and on the way to them.

use aurora_mesh::actors::draft::LeadState;
use aurora_mesh::model::record::Contact;

use crate::checks::{absence, canonical, freshness, openable};
use crate::follower::Ended;
use crate::names::PLACES;
use crate::read::{self, NoAnswer, Reading};
use crate::session::{Control, Records, Session, Upward};
use crate::world::{Found, Link, World};

/// The streams of a connection, each way.
const STREAMS: u64 = 6;

impl World {
    /// A follower dials a lead, whichever answers.
    pub fn somebody_connects(&mut self) -> Found {
        let number = self.any_follower();
        let to_ghost = self.ghost.is_some() && self.random.happens(400);
        let tells = self.random.happens(600);
        self.connect(number, to_ghost, tells)
    }

    /// A connection breaks: what was on its way is lost.
    pub fn a_connection_breaks(&mut self) -> Found {
        let number = self.any_follower();
        self.figures.breaks += u64::from(self.sessions[number].take().is_some());
        Ok(())
    }

    /// A connection carries nothing one way, or does so again.
    pub fn a_connection_is_cut(&mut self) -> Found {
        let (number, down) = (self.any_follower(), self.random.happens(500));
        if let Some(link) = &mut self.sessions[number] {
            let cut = if down { &mut link.down_is_cut } else { &mut link.up_is_cut };
            *cut = !*cut;
        }
        Ok(())
    }

    /// A follower sends a heartbeat.
    pub fn somebody_asks(&mut self) -> Found {
        let number = self.any_follower();
        self.heartbeat(number);
        Ok(())
    }

    /// A lead puts the next step for a follower on its way.
    pub fn somebody_is_fed(&mut self) -> Found {
        let (number, rules) = (self.any_follower(), self.random.happens(500));
        self.feed(number, rules).map(drop)
    }

    /// Some of what is on its way arrives.
    pub fn something_arrives(&mut self) -> Found {
        let number = self.any_follower();
        let times = 1 + self.random.below(4);
        (0..times).try_for_each(|_| {
            let first = self.random.below(STREAMS);
            self.deliver(number, first).map(drop)
        })
    }

    /// A follower is left in peace with its lead for a moment: it asks, and what is on the way arrives, as far as it gets.
    pub fn somebody_catches_up(&mut self) -> Found {
        let (number, rounds) = (self.any_follower(), 1 + self.random.below(8));
        self.heartbeat(number);
        for _ in 0..rounds {
            self.feed(number, true)?;
            self.feed(number, false)?;
            let first = self.random.below(STREAMS);
            for stream in 0..STREAMS {
                self.deliver(number, (first + stream) % STREAMS)?;
            }
        }
        Ok(())
    }

    /// A follower dials. `tells` is whether a goodbye reaches it.
    pub fn connect(&mut self, number: usize, to_ghost: bool, tells: bool) -> Found {
        if self.followers[number].running.is_none() || self.sessions[number].is_some() {
            return Ok(());
        }
        let Some(state) = self.led_by(to_ghost).cloned() else { return Ok(()) };
        if !state.lead.node(&self.followers[number].name).is_some_and(|entry| entry.is_member()) {
            if tells {
                let forgot = self.followers[number].forget();
                return self.ended(number, forgot);
            }
            return Ok(());
        }
        match self.followers[number].begin() {
            Ok((at, rules)) => {
                let session = Session::new(to_ghost, at, rules);
                let acknowledged = self.followers[number].held().map_or(at, |held| held.view.position);
                let link = Link { session, acknowledged, down_is_cut: false, up_is_cut: false };
                self.sessions[number] = Some(link);
                Ok(())
            }
            Err(ended) => self.ended(number, Err(ended)),
        }
    }

    /// What the lead at the other end publishes.
    pub fn led_by(&self, ghost: bool) -> Option<&LeadState> {
        if ghost { self.ghost.as_ref()?.0.published() } else { self.lead.published() }
    }

    /// Every connection to that machine ends.
    pub fn drop_sessions(&mut self, to_ghost: bool) {
        for link in &mut self.sessions {
            if link.as_ref().is_some_and(|link| link.session.to_ghost == to_ghost) {
                *link = None;
                self.figures.breaks += 1;
            }
        }
    }

    /// A follower asks whether its cache is current.
    pub fn heartbeat(&mut self, number: usize) {
        let follower = &mut self.followers[number];
        let (Some(running), Some(link)) = (&mut follower.running, &mut self.sessions[number]) else { return };
        let now = follower.clock.read(self.now);
        self.stamps += 1;
        running.unanswered.push((self.stamps, now));
        link.session.heartbeats.push_back(Upward::Heartbeat { stamp: self.stamps });
        if link.session.to_ghost {
            self.asked_ghost.insert((number, now.boot_id.0, now.boot.0));
        }
    }

    /// The lead's end of a connection takes its next step. Gives whether it had one.
    pub fn feed(&mut self, number: usize, rules: bool) -> Result<bool, String> {
        let Some(to_ghost) = self.sessions[number].as_ref().map(|link| link.session.to_ghost) else { return Ok(false) };
        let Some(state) = self.led_by(to_ghost).cloned() else { return Ok(false) };
        let Some(link) = &mut self.sessions[number] else { return Ok(false) };
        let node = &self.followers[number].name;
        if rules {
            return Ok(link.session.feed_rules(&state, node));
        }
        let Some(sent) = link.session.feed_records(&state, node) else { return Ok(false) };
        self.trace.note(format_args!("sent {} records and {} keys to {node}", sent.records.len(), sent.keys.len()));
        self.entitled.sent(&state.lead, node, &sent)?;
        Ok(true)
    }

    /// The next message of one of the streams arrives, beginning the search with this one. Gives whether there was any.
    pub fn deliver(&mut self, number: usize, first: u64) -> Result<bool, String> {
        for stream in (0..STREAMS).map(|stream| (first + stream) % STREAMS) {
            let Some(link) = &mut self.sessions[number] else { return Ok(false) };
            let (down, up) = (!link.down_is_cut, !link.up_is_cut);
            let session = &mut link.session;
            let upward = match stream {
                0 if down => match session.records.pop_front() {
                    Some(message) => return self.records_arrive(number, message).map(|()| true),
                    None => None,
                },
                1 if down => match session.rules.pop_front() {
                    Some(message) => return self.rules_arrive(number, message).map(|()| true),
                    None => None,
                },
                2 if down => match session.control.pop_front() {
                    Some(message) => return self.control_arrives(number, message).map(|()| true),
                    None => None,
                },
                3 if up => session.heartbeats.pop_front(),
                4 if up => session.rules_up.pop_front(),
                5 if up => session.records_up.pop_front(),
                _ => None,
            };
            if let Some(message) = upward {
                return self.lead_hears(number, message).map(|()| true);
            }
        }
        Ok(false)
    }

    fn lead_hears(&mut self, number: usize, message: Upward) -> Found {
        let Some(to_ghost) = self.sessions[number].as_ref().map(|link| link.session.to_ghost) else { return Ok(()) };
        let Some(state) = self.led_by(to_ghost).cloned() else { return Ok(()) };
        let Some(link) = &mut self.sessions[number] else { return Ok(()) };
        let heard = link.session.hear(message, &state);
        heard.map_err(|mistaken| format!("{} sent {}", self.followers[number].name, mistaken.0))
    }

    fn records_arrive(&mut self, number: usize, message: Records) -> Found {
        let follower = &mut self.followers[number];
        let incoming = match message {
            Records::Keys(keys) => {
                follower.scope_keys(keys);
                return Ok(());
            }
            Records::Incoming(incoming) => incoming,
        };
        match follower.incoming(incoming) {
            Ok(durable) => {
                if let Some(link) = self.sessions[number].as_mut().filter(|link| link.acknowledged != durable) {
                    link.acknowledged = durable;
                    link.session.records_up.push_back(Upward::Acknowledged(durable));
                }
                self.look_at(number)
            }
            Err(ended) => self.ended(number, Err(ended)),
        }
    }

    fn rules_arrive(&mut self, number: usize, message: aurora_mesh::replication::rules_acceptance::Incoming) -> Found {
        match self.followers[number].rules(message) {
            Ok(held) => {
                if let (Some(position), Some(link)) = (held, &mut self.sessions[number]) {
                    link.session.rules_up.push_back(Upward::RulesHeld(position));
                }
                Ok(())
            }
            Err(ended) => self.ended(number, Err(ended)),
        }
    }

    fn control_arrives(&mut self, number: usize, message: Control) -> Found {
        let (to_ghost, floor) = match &self.sessions[number] {
            Some(link) => (link.session.to_ghost, link.session.floor),
            None => return Ok(()),
        };
        let follower = &mut self.followers[number];
        let Control::Beacon { stamp, position } = message else {
            self.sessions[number] = None;
            let forgot = follower.forget();
            return self.ended(number, forgot);
        };
        let Some(running) = &mut follower.running else { return Ok(()) };
        let Some(place) = running.unanswered.iter().position(|(sent, _)| *sent == stamp) else { return Ok(()) };
        let Some((_, asked)) = running.unanswered.drain(..=place).next_back() else { return Ok(()) };
        match follower.beacon(asked, position) {
            Ok(contact) => {
                let name = &follower.name;
                self.trace.note(format_args!("{name} heard {position:?}, vouched: {}", contact.is_some()));
                if to_ghost && contact.is_some() {
                    self.follows.vouched_by_ghost(name, floor, position)?;
                }
                Ok(())
            }
            Err(ended) => self.ended(number, Err(ended)),
        }
    }

    /// A session, or a process, came to its end.
    fn ended(&mut self, number: usize, outcome: Result<(), Ended>) -> Found {
        let Err(ended) = outcome else { return self.look_at(number) };
        let by_ghost = self.sessions[number].take().is_some_and(|link| link.session.to_ghost);
        match ended {
            Ended::Crashed => {
                self.figures.crashes += 1;
                self.trace.note(format_args!("{} crashed in a transaction", self.followers[number].name));
                Ok(())
            }
            Ended::Refused(why) => {
                self.trace.note(format_args!("{} refused: {why}", self.followers[number].name));
                self.follows.refused(&self.followers[number].name, by_ghost, &why)
            }
        }
    }

    /// What must hold of a follower at every moment.
    pub fn look_at(&mut self, number: usize) -> Found {
        let follower = &self.followers[number];
        let stored = follower.disk.state();
        self.follows.stands(&follower.name, stored.view.position)?;
        for record in stored.view.after(None) {
            self.held.seen(&follower.name, &record.at, record.version)?;
        }
        openable::check(follower)
    }

    /// The process of a follower dies.
    pub fn crash_follower(&mut self) -> Found {
        let number = self.any_follower();
        self.stops(number);
        Ok(())
    }

    /// A machine boots again; its processes start later.
    pub fn reboot(&mut self) -> Found {
        let number = self.any_follower();
        self.stops(number);
        self.followers[number].clock.reboot(self.now);
        Ok(())
    }

    fn stops(&mut self, number: usize) {
        self.figures.crashes += u64::from(self.followers[number].running.is_some());
        self.followers[number].crash();
        self.sessions[number] = None;
    }

    /// The next transaction of a follower will be its last.
    pub fn will_crash(&mut self) -> Found {
        let (number, luck) = (self.any_follower(), self.random.happens(500));
        let follower = &mut self.followers[number];
        follower.crash_in_commit = follower.running.is_some().then_some(luck);
        Ok(())
    }

    /// A follower that stopped starts again.
    pub fn starts_follower(&mut self) -> Found {
        let number = self.any_follower();
        if self.followers[number].running.is_none() {
            self.followers[number].start();
        }
        Ok(())
    }

    /// Somebody sets the wall clock of a machine: by seconds, or by up to an hour.
    pub fn set_wall(&mut self) -> Found {
        let number = self.any_follower();
        let most = if self.random.happens(500) { 20 } else { 3_600 };
        let seconds = i64::try_from(self.random.below(2 * most)).expect("small") - i64::try_from(most).expect("small");
        self.followers[number].clock.set_wall(seconds * 1_000);
        self.figures.clock_jumps += 1;
        Ok(())
    }

    /// Somebody reads on a follower.
    pub fn somebody_reads(&mut self) -> Found {
        let (number, drawn) = (self.any_follower(), self.random.place(PLACES.len()));
        // Mostly of what is there; what is not is asked for too.
        let held =
            |place: &usize| self.followers[number].held().is_some_and(|held| held.view.get(&PLACES[*place]).is_some());
        let place = (drawn..PLACES.len()).chain(0..drawn).find(held).unwrap_or(drawn);
        let decided = self.decides(number, place)?;
        if let (Ok(reading), Some(running)) = (decided, &mut self.followers[number].running) {
            running.readings.push(reading);
        }
        Ok(())
    }

    /// A read that was decided some time ago is given out.
    pub fn something_is_given_out(&mut self) -> Found {
        let number = self.any_follower();
        let reading = self.followers[number].running.as_mut().and_then(|running| running.readings.pop());
        reading.map_or(Ok(()), |reading| self.gives_out(number, &reading))
    }

    /// Somebody spells a name otherwise.
    pub fn somebody_spells(&mut self) -> Found {
        let name = &PLACES[self.random.place(PLACES.len())].secret.name;
        let mut spellings = canonical::spellings(&name.to_string()).into_iter();
        spellings.try_for_each(|text| canonical::check(&text, name))
    }

    /// A read is decided on a follower.
    pub fn decides(&mut self, number: usize, place: usize) -> Result<Result<Reading, NoAnswer>, String> {
        let follower = &self.followers[number];
        let at = &PLACES[place];
        let decided = read::decide_read(follower, at, &follower.clock.read(self.now));
        match &decided {
            Ok(reading) => {
                let running = follower.running.as_ref().ok_or("a node that does not run answers")?;
                absence::check(&follower.name, &running.stored, running.contact.is_some(), &reading.record)?;
                self.served.seen(&follower.name, at, reading.record.version)?;
                let known = self.value_of.get(&(at.clone(), reading.record.version));
                if known != Some(&reading.value) {
                    return Err(format!("{} opens {} as {}, not {known:?}", follower.name, at, reading.value));
                }
                self.trace.note(format_args!("{} reads version {}", follower.name, reading.record.version));
            }
            Err(NoAnswer::NoKey) => return Err(format!("{} cannot open {at}", follower.name)),
            Err(why) => {
                self.trace.note(format_args!("{} gives nothing out: {why:?}", follower.name));
                self.figures.refused += 1;
            }
        }
        Ok(decided)
    }

    /// A read that was decided is given out, if it still may be.
    fn gives_out(&mut self, number: usize, reading: &Reading) -> Found {
        let follower = &self.followers[number];
        if read::confirm(follower, reading, &follower.clock.read(self.now)).is_err() {
            self.figures.refused += 1;
            return Ok(());
        }
        self.figures.given_out += 1;
        let Contact { at: asked, .. } = reading.contact;
        let underrated = follower.clock.underrates(&asked, &reading.decided);
        let vouched = follower.clock.true_time(&asked);
        let decided = reading.decided_at(&follower.clock);
        let given = freshness::Given { vouched, decided, given: self.now, underrated, fresh: reading.fresh };
        freshness::check(given)?;
        // What a machine that does not reign vouched for, or wrote, may be wrong: nobody could know.
        let by_ghost = (reading.record.at.clone(), reading.record.version);
        if self.asked_ghost.contains(&(number, asked.boot_id.0, asked.boot.0))
            || self.written_by_ghost.contains(&by_ghost)
        {
            return Ok(());
        }
        self.timeline.check(&follower.name, &reading.record, vouched)
    }
}
