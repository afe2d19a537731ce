//! What the door stands on.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::flights::Flights;
use super::notice_pace::NoticePace;
use super::refusals::Refusals;
use crate::actors::access_desk::AccessDesk;
use crate::actors::audit_desk::AuditDesk;
use crate::actors::board::{Board, LeadBoard};
use crate::actors::deliveries::Deliveries;
use crate::actors::event_log::EventLog;
use crate::actors::event_posts::EventPosts;
use crate::actors::secret_lead::LeadSecrets;
use crate::actors::snapshot_desk::SnapshotDesk;
use crate::audit::journal::Journal;
use crate::catalogue::lookup::Catalogue;
use crate::egress::client::Egress;
use crate::metrics::readings::ProcessReading;
use crate::model::channel::Notify;
use crate::model::freshness::FreshnessPolicy;
use crate::model::identity::{KeyPin, MeshId, Role};
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::time::{Clock, Entropy, Moment};
use crate::policy::identify::House;
use crate::policy::signing::Nonces;
use crate::store::handle::Store;
use crate::transport::workload_authority::WorkloadAuthority;

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    pub(super) parts: Arc<Parts>,
    pub(super) flights: Flights,
    pub(super) purpose: Purpose,
}

/// What becomes of the changes that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// They are made.
    Make,
    /// They are decided, audited and planned, and what they would come to is told; nothing is written but the audit.
    Rehearse,
}

/// Everything the door uses; built once by the daemon.
pub struct Parts {
    /// The mesh.
    pub mesh: MeshId,
    /// This node.
    pub node: NodeName,
    /// Its environment.
    pub environment: EnvironmentName,
    /// Who is special here.
    pub house: House,
    /// Pins the mesh CA: whose seals are believed.
    pub authority: KeyPin,
    /// What only a lead has.
    pub lead: Option<LeadParts>,
    /// What reads are answered from.
    pub board: Arc<Board>,
    /// Older versions; current ones are on the board.
    pub store: Store,
    /// The journal.
    pub journal: Journal,
    /// The history of events.
    pub events: EventLog,
    /// Where events of programs come in.
    pub posts: Arc<EventPosts>,
    /// Whether the journal took the last line it was given.
    pub journal_works: AtomicBool,
    /// How often callers were refused lately.
    pub refusals: Refusals,
    /// Where the journal's files are, to be read back.
    pub audit_dir: PathBuf,
    /// The providers, and how their credentials are checked.
    pub catalogue: Arc<Catalogue>,
    /// The way to them.
    pub egress: Arc<Egress>,
    /// What is sent to those who want to hear of events.
    pub deliveries: Arc<Deliveries>,
    /// Whom this node tells of events.
    pub notify: Notify,
    /// Who sent messages to channels lately.
    pub notice_pace: Mutex<NoticePace>,
    /// Signs the identities of this node's programs.
    pub workloads: WorkloadAuthority,
    /// The node's own freshness durations.
    pub freshness: FreshnessPolicy,
    /// Largest value, in bytes.
    pub value_bytes_max: usize,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The random source.
    pub entropy: Arc<dyn Entropy>,
    /// How busy this machine is, in thousandths of a waiting process.
    pub load_milli: fn() -> u32,
    /// What this process uses.
    pub process_reading: fn() -> ProcessReading,
    /// Whether everybody on loopback may look at the numbers.
    pub metrics_on_loopback: bool,
    /// When the node started.
    pub started: Moment,
}

/// What only a lead has.
pub struct LeadParts {
    /// The one writer.
    pub secrets: LeadSecrets,
    /// Roster, log and presence.
    pub board: Arc<LeadBoard>,
    /// Where access requests are kept.
    pub access: Arc<AccessDesk>,
    /// Where the journals of all nodes come together.
    pub audit: Arc<AuditDesk>,
    /// Where the lead is saved, and what was saved is examined.
    pub snapshots: Arc<SnapshotDesk>,
    /// The nonces of signed commands that were used.
    pub nonces: Mutex<Nonces>,
    /// Pins the mesh CA in join tokens.
    pub authority: KeyPin,
    /// Where joiners and followers find the lead.
    pub addresses: Vec<String>,
    /// What opens the root key at start.
    pub unseal: &'static str,
}

impl Vault {
    /// A door on these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts), flights: Flights::default(), purpose: Purpose::Make }
    }

    /// The mesh this node is of.
    #[must_use]
    pub fn mesh(&self) -> MeshId {
        self.parts.mesh
    }

    /// The same door, at which changes of secrets, mirrors and key rotations are only rehearsed.
    #[must_use]
    pub fn rehearsing(&self) -> Self {
        Self { purpose: Purpose::Rehearse, ..self.clone() }
    }

    pub(super) fn role(&self) -> Role {
        match self.parts.lead {
            Some(_) => Role::Lead,
            None => Role::Follower,
        }
    }
}
