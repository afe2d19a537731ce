//! One simulated mesh: a lead, followers, what is on the way between them, and the checkers that look at every step. What
//! happens at a step follows from the seed and the number of the step alone, so that a step can be left out and the others
//! stay what they were.

use std::collections::{BTreeMap, BTreeSet};

use aurora_mesh::model::number::{Revision, Version};
use aurora_mesh::model::secret::ScopedSecret;

use crate::checks::acknowledged::Acknowledged;
use crate::checks::entitled::Entitled;
use crate::checks::follows::Follows;
use crate::checks::right::Timeline;
use crate::checks::versions::Versions;
use crate::clock::MachineClock;
use crate::events::{Event, draw};
use crate::follower::Follower;
use crate::history::History;
use crate::lead::Lead;
use crate::names::{ENTITLEMENTS, NODES, PLACES};
use crate::random::Random;
use crate::session::Session;
use crate::trace::Trace;
use crate::world_lead::Asked;

/// What a run is.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// From which everything follows.
    pub seed: u64,
    /// Steps; 0: as many as the seed says.
    pub steps: u64,
    /// Steps that are left out.
    pub without: BTreeSet<u64>,
    /// Whether the lines of the trace are kept.
    pub keep_trace: bool,
    /// What is to happen more often.
    pub more: &'static [Event],
}

/// How much happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub steps: u64,
    pub acknowledged: u64,
    pub given_out: u64,
    pub refused: u64,
    pub crashes: u64,
    pub breaks: u64,
    pub reigns: u64,
    pub ghosts: u64,
    pub clock_jumps: u64,
    pub longest_history: u64,
}

impl Figures {
    /// With what happened in another mesh.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.acknowledged += other.acknowledged;
        self.given_out += other.given_out;
        self.refused += other.refused;
        self.crashes += other.crashes;
        self.breaks += other.breaks;
        self.reigns += other.reigns;
        self.ghosts += other.ghosts;
        self.clock_jumps += other.clock_jumps;
        self.longest_history = self.longest_history.max(other.longest_history);
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The hash of the trace.
    pub hash: u64,
    pub figures: Figures,
    pub lines: Vec<String>,
    /// What was wrong, and after how many steps.
    pub violation: Option<(u64, String)>,
}

/// What a checker found; the run ends with it.
pub type Found = Result<(), String>;

/// The mesh.
pub struct World {
    pub random: Random,
    /// True time, in milliseconds.
    pub now: u64,
    /// Counts everything that is asked and answered.
    pub tick: u64,
    pub trace: Trace,
    pub figures: Figures,
    pub lead: Lead,
    pub lead_clock: MachineClock,
    /// A machine that takes itself for the lead, and whether anybody writes to it.
    pub ghost: Option<(Lead, bool)>,
    /// The disk of the lead, as it was once.
    pub image: Option<Lead>,
    pub images: u64,
    pub epoch: u64,
    pub followers: Vec<Follower>,
    pub sessions: Vec<Option<Link>>,
    /// The moments at which followers asked a machine that does not reign.
    pub asked_ghost: BTreeSet<(usize, [u8; 16], std::time::Duration)>,
    /// What a machine wrote that did not reign any more: whoever still followed it could not know.
    pub written_by_ghost: BTreeSet<(ScopedSecret, Version)>,
    pub stamps: u64,
    pub values: u64,
    pub value_of: BTreeMap<(ScopedSecret, Version), u64>,
    pub published: Revision,
    pub histories: Vec<History>,
    pub acknowledged: Acknowledged,
    pub entitled: Entitled,
    pub follows: Follows,
    pub held: Versions,
    pub served: Versions,
    pub timeline: Timeline,
}

/// A connection, and which way nothing gets through at present.
pub struct Link {
    pub session: Session,
    pub acknowledged: aurora_mesh::model::number::Position,
    pub down_is_cut: bool,
    pub up_is_cut: bool,
}

impl World {
    fn new(settings: &Settings) -> Self {
        let mut random = Random::new(settings.seed);
        let members = 1 + random.place(NODES.len());
        let nodes = &NODES[..members];
        let clock = |number: usize| MachineClock::new(u8::try_from(number).expect("few"), 0);
        let follower =
            |(number, name): (usize, &_)| Follower::new(Clone::clone(name), clock(number + 1), ENTITLEMENTS[0].clone());
        let log_keep = 3 + random.place(30);
        Self {
            now: 0,
            tick: 0,
            trace: Trace::new(settings.keep_trace),
            figures: Figures::default(),
            lead: Lead::new(log_keep, nodes),
            lead_clock: clock(0),
            ghost: None,
            image: None,
            images: 0,
            epoch: 1,
            followers: nodes.iter().enumerate().map(follower).collect(),
            sessions: nodes.iter().map(|_| None).collect(),
            asked_ghost: BTreeSet::new(),
            written_by_ghost: BTreeSet::new(),
            stamps: 0,
            values: 0,
            value_of: BTreeMap::new(),
            published: Revision(0),
            histories: PLACES.iter().map(|_| History::default()).collect(),
            acknowledged: Acknowledged::default(),
            entitled: Entitled::default(),
            follows: Follows::default(),
            held: Versions::default(),
            served: Versions::default(),
            timeline: Timeline::default(),
            random,
        }
    }

    fn step(&mut self, settings: &Settings, step: u64) -> Found {
        self.random = Random::new(settings.seed ^ step.wrapping_add(1).wrapping_mul(0xd6e8_feb8_6659_fd93));
        self.now += self.random.below(60);
        self.figures.steps += 1;
        let event = draw(&mut self.random, settings.more);
        self.trace.note(format_args!("{step} {} {event:?}", self.now));
        self.happens(event)
    }

    fn happens(&mut self, event: Event) -> Found {
        match event {
            Event::Put => self.client(Asked::Put),
            Event::Cas => self.client(Asked::Cas),
            Event::Delete => self.client(Asked::Delete),
            Event::Undelete => self.client(Asked::Undelete),
            Event::ReadLead => self.client(Asked::Read),
            Event::Entitle => self.admin(World::entitles),
            Event::Ban => self.admin(World::bans),
            Event::Freeze => self.admin(World::freezes),
            Event::Grant => self.admin(World::grants),
            Event::Rotate => self.admin(World::rotates),
            Event::Plan => self.plans(),
            Event::Written => self.written(),
            Event::CrashLead => self.crash_lead(),
            Event::StartLead => self.start_lead(),
            Event::TakeImage => self.take_image(),
            Event::Ghost => self.ghost_appears(),
            Event::GhostEnds => self.ghost_ends(),
            Event::GhostWrites => self.ghost_writes(),
            Event::Restore => self.restore(),
            Event::Connect => self.somebody_connects(),
            Event::Break => self.a_connection_breaks(),
            Event::Cut => self.a_connection_is_cut(),
            Event::Heartbeat => self.somebody_asks(),
            Event::Feed => self.somebody_is_fed(),
            Event::Deliver => self.something_arrives(),
            Event::CatchUp => self.somebody_catches_up(),
            Event::CrashFollower => self.crash_follower(),
            Event::CrashInCommit => self.will_crash(),
            Event::StartFollower => self.starts_follower(),
            Event::Reboot => self.reboot(),
            Event::SetWall => self.set_wall(),
            Event::Pass => self.time_passes(),
            Event::Read => self.somebody_reads(),
            Event::GiveOut => self.something_is_given_out(),
            Event::Spell => self.somebody_spells(),
        }
    }

    fn time_passes(&mut self) -> Found {
        self.now += self.random.below(20_000);
        Ok(())
    }

    /// The number of a follower.
    pub fn any_follower(&mut self) -> usize {
        self.random.place(self.followers.len())
    }

    /// The next moment at which something is asked or answered.
    pub fn next_tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }
}

/// Runs one mesh, to its end or to the first thing that is wrong.
pub fn run(settings: &Settings) -> Outcome {
    let mut world = World::new(settings);
    let steps = if settings.steps == 0 { 40 + world.random.below(260) } else { settings.steps };
    let mut step = 0;
    let mut found = world.begins();
    while found.is_ok() && step < steps {
        if !settings.without.contains(&step) {
            found = world.step(settings, step);
        }
        step += 1;
    }
    let found = found.and_then(|()| {
        world.random = Random::new(settings.seed ^ u64::MAX);
        world.trace.note(format_args!("comes to rest at {}", world.now));
        world.comes_to_rest()
    });
    Outcome {
        hash: world.trace.hash(),
        figures: world.figures,
        lines: world.trace.lines().to_vec(),
        violation: found.err().map(|what| (step, what)),
    }
}
