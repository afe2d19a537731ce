//! How each part of a lead and of a follower is started, and started again.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use ractor::{Actor, ActorCell, ActorProcessingErr};
use tokio::sync::oneshot;

use super::audit_watch::AuditWatch;
use super::board::LeadBoard;
use super::certificate::LeadCertificate;
use super::connectivity::Connectivity;
use super::deliveries::Deliveries;
use super::discovery::{self, Announcement};
use super::event_keeper::EventKeeper;
use super::heartbeat::Heartbeats;
use super::join_desk::JoinDesk;
use super::key_rotation::KeyRotation;
use super::lead_sessions::LeadSessions;
use super::peers_follower::{FollowerPeers, Hints};
use super::peers_lead::{self, LeadPeersArguments};
use super::reminders::Reminders;
use super::restart::Part;
use super::secret_follower::FollowerSecrets;
use super::secret_lead::LeadSecrets;
use super::snapshot_keeper::SnapshotKeeper;
use super::task::{Task, Work};
use super::upkeep::Upkeep;
use crate::model::event::Event;
use crate::model::identity::MeshId;
use crate::transport::network::Network;
use crate::transport::tls::LeadTls;

/// What a node is made of.
pub enum Roles {
    /// A lead.
    Lead(Box<LeadRole>),
    /// A follower.
    Follower(Box<FollowerRole>),
}

/// What starting the node gave.
#[derive(Debug, Clone, Copy)]
pub struct Started {
    /// The lead's address, with the port the system chose.
    pub address: Option<SocketAddr>,
}

/// The parts of a lead.
pub struct LeadRole {
    /// The one writer, started before everything else.
    pub secrets: LeadSecrets,
    /// Who was heard when.
    pub heartbeats: Heartbeats,
    /// What the heartbeat actor publishes on.
    pub board: Arc<LeadBoard>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whose sockets it listens on.
    pub network: Arc<dyn Network>,
    /// Where it did listen when it first started: a restart takes the same port.
    pub bound: OnceLock<SocketAddr>,
    /// How to answer.
    pub tls: LeadTls,
    /// What sessions share.
    pub sessions: Arc<LeadSessions>,
    /// Admits joiners.
    pub desk: Arc<JoinDesk>,
    /// Renewed at half life.
    pub certificate: Arc<LeadCertificate>,
    /// Seals values anew after a scope got a new key.
    pub rotation: Arc<KeyRotation>,
    /// Which APIs work from here.
    pub connectivity: Arc<Connectivity>,
    /// Looks after the journals of all nodes.
    pub audit: Arc<AuditWatch>,
    /// Tells what happens to credentials and APIs.
    pub reminders: Arc<Reminders>,
    /// Keeps what happens.
    pub events: Arc<EventKeeper>,
    /// Sends what happens to those who want to hear of it.
    pub deliveries: Arc<Deliveries>,
    /// Sees to the files of the journals.
    pub upkeep: Arc<Upkeep>,
    /// Saves the lead.
    pub snapshots: Arc<SnapshotKeeper>,
    /// What is announced on the local network, if anything.
    pub announcement: Option<Announcement>,
}

/// The parts of a follower.
pub struct FollowerRole {
    /// Applies what comes; started before everything else.
    pub secrets: FollowerSecrets,
    /// The way to the lead.
    pub peers: Arc<FollowerPeers>,
    /// Which APIs work from here.
    pub connectivity: Arc<Connectivity>,
    /// Sees to the files of the journal.
    pub upkeep: Arc<Upkeep>,
    /// The mesh whose lead is looked for on the local network, if it is.
    pub discover: Option<MeshId>,
    /// Where what was found goes.
    pub hints: Arc<Hints>,
    /// Sends what happens to those who want to hear of it.
    pub deliveries: Arc<Deliveries>,
    /// Keeps what happens.
    pub events: Arc<EventKeeper>,
}

/// One part that runs.
pub(super) struct StartedPart {
    pub(super) cell: ActorCell,
    pub(super) address: Option<SocketAddr>,
}

impl From<ActorCell> for StartedPart {
    fn from(cell: ActorCell) -> Self {
        Self { cell, address: None }
    }
}

impl Roles {
    /// The parts that every node of the role has, in the order they start.
    pub(super) fn parts(&self) -> &'static [Part] {
        const LEAD: &[Part] = &[
            Part::Secret,
            Part::Events,
            Part::Heartbeat,
            Part::Certificate,
            Part::Rotation,
            Part::Connectivity,
            Part::Reminders,
            Part::Audit,
            Part::Deliveries,
            Part::Upkeep,
            Part::Snapshots,
            Part::Peers,
        ];
        const FOLLOWER: &[Part] =
            &[Part::Secret, Part::Events, Part::Connectivity, Part::Deliveries, Part::Upkeep, Part::Peers];
        match self {
            Self::Lead(_) => LEAD,
            Self::Follower(_) => FOLLOWER,
        }
    }

    /// Whether the lead is announced, or looked for, on the local network; that part starts last.
    pub(super) fn discovers(&self) -> bool {
        match self {
            Self::Lead(role) => role.announcement.is_some(),
            Self::Follower(role) => role.discover.is_some(),
        }
    }

    /// Sends the one writer a message, and gives what tells when it has read it.
    pub(super) fn ask_writer(&self) -> oneshot::Receiver<()> {
        match self {
            Self::Lead(role) => role.secrets.ask_whether_it_reads(),
            Self::Follower(role) => role.secrets.ask_whether_it_reads(),
        }
    }

    /// Keeps what happens.
    #[must_use]
    pub fn events(&self) -> &EventKeeper {
        match self {
            Self::Lead(role) => &role.events,
            Self::Follower(role) => &role.events,
        }
    }

    /// Tells an event of the node itself.
    pub(super) fn tell(&self, event: Event) {
        match self {
            Self::Lead(role) => role.events.tell(event),
            Self::Follower(role) => role.events.tell(event),
        }
    }

    /// Starts one part under the supervisor.
    pub(super) async fn start(&self, part: Part, supervisor: ActorCell) -> Result<StartedPart, ActorProcessingErr> {
        match self {
            Self::Lead(role) => role.start(part, supervisor).await,
            Self::Follower(role) => role.start(part, supervisor).await,
        }
    }
}

impl LeadRole {
    async fn start(&self, part: Part, supervisor: ActorCell) -> Result<StartedPart, ActorProcessingErr> {
        match part {
            Part::Secret => Ok(self.secrets.cell().into()),
            Part::Heartbeat => Ok(self.heartbeats.start(Arc::clone(&self.board), supervisor).await?.into()),
            Part::Certificate => task(Box::pin(Arc::clone(&self.certificate).keep_fresh()), supervisor).await,
            Part::Rotation => task(Box::pin(Arc::clone(&self.rotation).keep_rotating()), supervisor).await,
            Part::Connectivity => task(Box::pin(Arc::clone(&self.connectivity).keep_watching()), supervisor).await,
            Part::Reminders => task(Box::pin(Arc::clone(&self.reminders).keep_telling()), supervisor).await,
            Part::Audit => task(Box::pin(Arc::clone(&self.audit).keep_watching()), supervisor).await,
            Part::Events => task(Box::pin(Arc::clone(&self.events).keep_going()), supervisor).await,
            Part::Deliveries => task(Box::pin(Arc::clone(&self.deliveries).keep_delivering()), supervisor).await,
            Part::Upkeep => task(Box::pin(Arc::clone(&self.upkeep).keep_up()), supervisor).await,
            Part::Snapshots => task(Box::pin(Arc::clone(&self.snapshots).keep_saving()), supervisor).await,
            Part::Discovery => {
                let announcement = self.announcement.clone().ok_or("nothing is to be announced")?;
                let port = self.bound.get().map_or(self.listen, |bound| *bound).port();
                task(Box::pin(discovery::announce(announcement, port)), supervisor).await
            }
            Part::Peers => {
                let arguments = LeadPeersArguments {
                    listen: self.bound.get().map_or(self.listen, |bound| *bound),
                    network: Arc::clone(&self.network),
                    tls: self.tls.clone(),
                    sessions: Arc::clone(&self.sessions),
                    desk: Arc::clone(&self.desk),
                };
                let (cell, address) = peers_lead::start(arguments, supervisor).await?;
                self.bound.get_or_init(|| address);
                Ok(StartedPart { cell, address: Some(address) })
            }
        }
    }
}

impl FollowerRole {
    async fn start(&self, part: Part, supervisor: ActorCell) -> Result<StartedPart, ActorProcessingErr> {
        match part {
            Part::Secret => Ok(self.secrets.cell().into()),
            Part::Connectivity => task(Box::pin(Arc::clone(&self.connectivity).keep_watching()), supervisor).await,
            Part::Upkeep => task(Box::pin(Arc::clone(&self.upkeep).keep_up()), supervisor).await,
            Part::Peers => task(Box::pin(Arc::clone(&self.peers).keep_connected()), supervisor).await,
            Part::Discovery => match self.discover {
                Some(mesh) => task(Box::pin(discovery::listen(mesh, Arc::clone(&self.hints))), supervisor).await,
                None => Err("nothing is to be looked for".into()),
            },
            Part::Events => task(Box::pin(Arc::clone(&self.events).keep_going()), supervisor).await,
            Part::Deliveries => task(Box::pin(Arc::clone(&self.deliveries).keep_delivering()), supervisor).await,
            Part::Heartbeat | Part::Certificate | Part::Rotation | Part::Reminders | Part::Audit | Part::Snapshots => {
                Err("a follower has no such part".into())
            }
        }
    }
}

async fn task(work: Work, supervisor: ActorCell) -> Result<StartedPart, ActorProcessingErr> {
    let (actor, _) = Actor::spawn_linked(None, Task, work, supervisor).await?;
    Ok(actor.get_cell().into())
}
