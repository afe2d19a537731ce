//! One simulated mesh: its machines, what is between them, and the checkers that look at everything anybody is told. What
//! happens at a step follows from the seed and the number of the step alone; how long a mesh lives, and how large it is, too.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use aurora_mesh::model::entitlement::Entitlement;
use tempfile::TempDir;
use turmoil::Sim;

use crate::events::draw;
use crate::figures::Figures;
use crate::lies::Lie;
use crate::life::live;
use crate::machine::{Machine, address};
use crate::names::{ENTITLEMENTS, NODES};
use crate::random::Random;
use crate::told::{Ask, State, TokenText, Told};
use crate::trace::Trace;
use crate::watch::Watch;

/// The step of the simulation: what is sent arrives at the beginning of one.
const TICK: Duration = Duration::from_millis(20);

/// What a run is.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// From which everything follows.
    pub seed: u64,
    /// Steps; 0: as many as the seed says.
    pub steps: u64,
    /// Followers; 0: as many as the seed says.
    pub followers: usize,
    /// Whether the lines of the trace are kept.
    pub keep_trace: bool,
    /// What is told falsely, to see that it is found.
    pub lie: Option<Lie>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The hash of the trace.
    pub hash: u64,
    pub figures: Figures,
    pub lines: Vec<String>,
    /// What was wrong, and when, in milliseconds of the simulation.
    pub violation: Option<(u64, String)>,
}

/// What is between a follower and the lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Open,
    Cut,
    Held,
}

/// What the world knows of a machine.
pub struct Place {
    pub up: bool,
    /// When somebody switches it on again.
    pub starts: Option<u64>,
    pub link: Link,
    pub entitlement: Entitlement,
    /// What its node showed last.
    pub state: Option<State>,
    /// Whether it is to become a member, and the question that is to bring it about, if one is under way.
    pub joins: bool,
    pub joining: Option<u64>,
    /// The token it was given, which it tries first.
    pub token: Option<TokenText>,
    /// By how much its wall clock was set, and whether it was rebooted: then its ages may be off by so much.
    pub set_by: u64,
    pub rebooted: bool,
}

/// A question that has no answer yet.
#[derive(Debug, Clone)]
pub struct Asked {
    pub machine: usize,
    pub at: u64,
    pub ask: Ask,
}

/// The mesh.
pub struct World {
    pub sim: Sim<'static>,
    pub machines: Vec<Rc<Machine>>,
    pub places: Vec<Place>,
    pub random: Random,
    pub trace: Trace,
    pub figures: Figures,
    pub pending: BTreeMap<u64, Asked>,
    pub watch: Watch,
    pub values: u64,
    pub lie: Option<Lie>,
    /// What somebody was told in the last tick.
    pub last: Vec<Told>,
    told: Rc<RefCell<Vec<Told>>>,
    asked: u64,
    _dir: TempDir,
}

impl World {
    /// A lead, and machines that are on and belong to nobody yet.
    pub fn new(settings: &Settings) -> Self {
        let mut random = Random::new(settings.seed);
        let followers = if settings.followers == 0 { size(&mut random) } else { settings.followers };
        let name = |number: usize| match number {
            0 => "aurora".to_owned(),
            1..=3 => NODES[number - 1].to_string(),
            _ => format!("node-{number}"),
        };
        let dir = directory();
        let told = Rc::default();
        let machine = |number| Rc::new(Machine::new(number, &name(number), dir.path(), settings.seed, &told));
        let machines: Vec<Rc<Machine>> = (0..=followers).map(machine).collect();
        let mut sim = simulation(settings.seed);
        for machine in &machines {
            let software = Rc::clone(machine);
            sim.host(machine.name.as_str(), move || live(Rc::clone(&software)));
        }
        let lead = address(sim.lookup(machines[0].name.as_str()));
        for machine in &machines {
            machine.config.borrow_mut().mesh.leads = vec![lead.clone()];
        }
        let places = machines.iter().map(|machine| place(machine.number != 0, random.place(3))).collect();
        let figures = Figures { meshes: 1, nodes: u64::try_from(machines.len()).expect("few"), ..Figures::default() };
        let watch = Watch::new(machines.len());
        let trace = Trace::new(settings.keep_trace);
        Self {
            sim,
            machines,
            places,
            random,
            trace,
            figures,
            pending: BTreeMap::new(),
            watch,
            values: 0,
            lie: settings.lie,
            last: Vec::new(),
            told,
            asked: 0,
            _dir: dir,
        }
    }

    /// Milliseconds since the mesh began.
    pub fn now(&self) -> u64 {
        u64::try_from(self.sim.elapsed().as_millis()).expect("short")
    }

    /// A client asks a node something.
    pub fn ask(&mut self, machine: usize, ask: Ask) -> u64 {
        self.asked += 1;
        self.figures.asked += 1;
        let (id, at) = (self.asked, self.now());
        self.trace.note(format_args!("{at} {machine} is asked {id} {ask:?}"));
        self.machines[machine].ask(id, ask.clone());
        self.pending.insert(id, Asked { machine, at, ask });
        id
    }

    /// Lets time pass.
    pub fn passes(&mut self, milliseconds: u64) -> Result<(), String> {
        let until = self.now() + milliseconds;
        while self.now() < until {
            self.sim.step().map_err(|error| format!("a machine ended by itself: {error}"))?;
            self.last = self.told.take();
            for told in self.last.clone() {
                self.hears(told)?;
            }
            self.starts_what_is_due();
            self.blown_fuses()?;
        }
        Ok(())
    }

    fn step(&mut self, settings: &Settings, step: u64) -> Result<(), String> {
        self.random = Random::new(settings.seed ^ step.wrapping_add(1).wrapping_mul(0xd6e8_feb8_6659_fd93));
        let event = draw(&mut self.random);
        let now = self.now();
        self.trace.note(format_args!("{now} step {step} {event:?}"));
        self.happens(event)?;
        self.admits();
        let pause = 50 + self.random.below(1_200);
        self.passes(pause)
    }

    fn lives(&mut self, settings: &Settings) -> Result<(), String> {
        let steps = if settings.steps == 0 { 60 + self.random.below(240) } else { settings.steps };
        self.admits();
        self.passes(3_000)?;
        for step in 0..steps {
            self.step(settings, step)?;
        }
        self.rests()
    }
}

/// Runs one mesh.
pub fn run(settings: &Settings) -> Outcome {
    let mut world = World::new(settings);
    let violation = world.lives(settings).err().map(|what| (world.now(), what));
    world.sums_up();
    Outcome { hash: world.trace.hash(), figures: world.figures, lines: world.trace.lines().to_vec(), violation }
}

/// Most meshes are small, so that much happens to each node; one in fifty is large.
fn size(random: &mut Random) -> usize {
    if random.happens(20) { 5 + random.place(46) } else { 1 + random.place(4) }
}

/// In memory if there is such a directory: what is lost with a power cut is simulated, and what is not need not be waited
/// for.
fn directory() -> TempDir {
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("aurora-");
        builder
    };
    builder().tempdir_in("/dev/shm").or_else(|_| builder().tempdir()).expect("a directory")
}

fn simulation(seed: u64) -> Sim<'static> {
    turmoil::Builder::new()
        .simulation_duration(Duration::from_secs(365 * 86_400))
        .tick_duration(TICK)
        // The sockets delay what is sent; this only brings it over.
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(1))
        .udp_capacity(1 << 14)
        .enable_tokio_io()
        .rng_seed(seed)
        .build()
}

fn place(follows: bool, entitlement: usize) -> Place {
    Place {
        up: true,
        starts: None,
        link: Link::Open,
        entitlement: ENTITLEMENTS[entitlement].clone(),
        state: None,
        joins: follows,
        joining: None,
        token: None,
        set_by: 0,
        rebooted: false,
    }
}
