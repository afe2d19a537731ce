//! A simulated machine: its disk, its clocks, its network, and who comes to it with questions.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aurora_mesh::config::node_config::{
    ApiSection, AuditSection, ConnectivitySection, LimitsSection, LogSection, MeshSection, MetricsSection, NodeConfig,
    NodeSection, SnapshotSection, UnsealSource,
};
use aurora_mesh::daemon::seams::Seams;
use aurora_mesh::model::channel::Notify as Notices;
use aurora_mesh::model::freshness::FreshnessPolicy;
use aurora_mesh::model::identity::Role;
use aurora_mesh::model::name::{EnvironmentName, NodeName};
use aurora_mesh::store::ground::Ground;
use tokio::sync::Notify;

use crate::clock::SimClock;
use crate::crew::SimCrew;
use crate::disk::SimDisk;
use crate::network::{Air, SimNetwork};
use crate::random::Numbered;
use crate::told::{Ask, Told, What};

/// The port of the lead.
const PORT: u16 = 7400;

/// The contract of every node: short, so that its ends are reached.
pub const FRESHNESS: FreshnessPolicy =
    FreshnessPolicy { ttl: Duration::from_secs(20), max_stale: Duration::from_secs(60) };

/// Everything that outlives a crash of the node on it.
pub struct Machine {
    pub number: usize,
    pub name: NodeName,
    pub clock: Arc<SimClock>,
    pub crew: Arc<SimCrew>,
    pub disk: Arc<SimDisk>,
    pub air: Arc<Air>,
    /// What the node is started with; a follower has another once it has joined.
    pub config: RefCell<NodeConfig>,
    pub seams: Seams,
    inbox: RefCell<VecDeque<(u64, Ask)>>,
    bell: Notify,
    told: Rc<RefCell<Vec<Told>>>,
}

impl Machine {
    /// The first machine is the lead's.
    pub fn new(number: usize, name: &str, dir: &Path, seed: u64, told: &Rc<RefCell<Vec<Told>>>) -> Self {
        let role = if number == 0 { Role::Lead } else { Role::Follower };
        let own = seed.wrapping_mul(1_000).wrapping_add(u64::try_from(number).expect("few"));
        let clock = Arc::new(SimClock::new(u8::try_from(number).expect("few")));
        let (crew, disk, air) = (Arc::new(SimCrew::default()), Arc::new(SimDisk::default()), Arc::new(Air::default()));
        let seams = Seams {
            clock: Arc::<SimClock>::clone(&clock),
            entropy: Arc::new(Numbered::from(own << 32)),
            network: Arc::new(SimNetwork::new(Arc::clone(&air), !own)),
            ground: Ground { crew: Arc::<SimCrew>::clone(&crew), medium: Arc::<SimDisk>::clone(&disk) },
            ..Seams::system().expect("a Linux kernel")
        };
        let name = NodeName::parse(name).expect("a name");
        Self {
            number,
            config: RefCell::new(config(dir, &name, role)),
            name,
            clock,
            crew,
            disk,
            air,
            seams,
            inbox: RefCell::default(),
            bell: Notify::new(),
            told: Rc::clone(told),
        }
    }

    pub fn config_file(&self) -> PathBuf {
        self.config.borrow().node.state_dir.with_extension("toml")
    }

    /// Whether it has what a node starts with.
    pub fn is_member(&self) -> bool {
        self.config_file().exists()
    }

    /// A client comes with a question.
    pub fn ask(&self, id: u64, ask: Ask) {
        self.inbox.borrow_mut().push_back((id, ask));
        self.bell.notify_one();
    }

    /// The next question.
    pub async fn asked(&self) -> (u64, Ask) {
        loop {
            let next = self.inbox.borrow_mut().pop_front();
            match next {
                Some(next) => return next,
                None => self.bell.notified().await,
            }
        }
    }

    /// Whoever waits at the door of a machine that stops goes away.
    pub fn turn_away(&self) {
        self.inbox.borrow_mut().clear();
    }

    /// Somebody is told something, now.
    pub fn tell(&self, what: What) {
        let at = turmoil::sim_elapsed().expect("in the simulation");
        let at = u64::try_from(at.as_millis()).expect("short");
        self.told.borrow_mut().push(Told { machine: self.number, at, what });
    }
}

fn config(dir: &Path, name: &NodeName, role: Role) -> NodeConfig {
    let state_dir = dir.join(name.as_str());
    NodeConfig {
        node: NodeSection {
            name: name.clone(),
            role,
            environment: EnvironmentName::parse("prod").expect("a name"),
            state_dir: state_dir.clone(),
        },
        mesh: MeshSection { listen: ([0, 0, 0, 0], PORT).into(), leads: Vec::new(), discovery: false },
        cache: FRESHNESS,
        unseal: UnsealSource::File { path: state_dir.join("unseal.key") },
        audit: AuditSection::default(),
        api: ApiSection { socket_dir: dir.join(format!("{name}.run")), socket_group: None, listen: None },
        limits: LimitsSection::default(),
        connectivity: ConnectivitySection { probe: false, ..ConnectivitySection::default() },
        metrics: MetricsSection::default(),
        log: LogSection::default(),
        notify: Notices::default(),
        snapshot: SnapshotSection::default(),
        credentials: BTreeMap::new(),
    }
}

/// Where followers find the lead.
pub fn address(lead: std::net::IpAddr) -> String {
    format!("{lead}:{PORT}")
}
