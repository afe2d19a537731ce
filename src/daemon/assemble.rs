//! From what the store holds to the parts of a lead or a follower, ready to be started.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};

use super::keystore::Keystore;
use super::seams::Seams;
use crate::actors::board::{Board, LeadBoard};
use crate::actors::certificate::{FollowerCertificate, LeadCertificate};
use crate::actors::change::{LeadState, Sealer};
use crate::actors::discovery::Announcement;
use crate::actors::follower_cache::FollowerKeys;
use crate::actors::follower_session::FollowerSessions;
use crate::actors::heartbeat::Heartbeats;
use crate::actors::join_desk::JoinDesk;
use crate::actors::lead_feed::ScopeSealer;
use crate::actors::lead_session::LeadSessions;
use crate::actors::node::NodeHandle;
use crate::actors::peers_follower::{FollowerPeers, Hints};
use crate::actors::peers_lead::RosterAdmission;
use crate::actors::roles::{FollowerRole, LeadRole, Roles};
use crate::actors::secret_follower::{FollowerSecrets, FollowerSecretsArguments};
use crate::actors::secret_lead::{LeadSecrets, LeadSecretsArguments};
use crate::audit::journal::Journal;
use crate::config::node_config::NodeConfig;
use crate::crypto::key_ring::KeyRing;
use crate::crypto::sealing::SealingKey;
use crate::model::caller::LeadAddress;
use crate::model::identity::{KeyPin, MeshId, Role, SealingPublicKey};
use crate::model::name::NodeName;
use crate::model::roster::RosterEntry;
use crate::replication::view::{LeadView, View};
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::handle::Store;
use crate::transport::authority::Authority;
use crate::transport::credentials::Credentials;
use crate::transport::endpoint::Endpoint;
use crate::transport::node_key::NodeKey;
use crate::transport::spiffe::PeerIdentity;
use crate::transport::tls::{LeadTls, MemberTls, Trust};
use crate::vault::parts::LeadParts;

/// What is on disk.
pub(super) struct Stores {
    pub(super) store: Store,
    pub(super) journal: Journal,
}

/// A node, ready to start.
pub(super) struct Assembled {
    pub(super) board: Arc<Board>,
    pub(super) roles: Roles,
    pub(super) lead: Option<AssembledLead>,
}

/// What the door of a lead needs besides.
pub(super) struct AssembledLead {
    secrets: LeadSecrets,
    board: Arc<LeadBoard>,
    authority: KeyPin,
}

impl AssembledLead {
    /// Join tokens carry the configured addresses, else the one that is listened on.
    pub(super) fn with_addresses(self, configured: &[String], bound: Option<SocketAddr>) -> LeadParts {
        let mut addresses = configured.to_vec();
        if addresses.is_empty() {
            addresses.extend(bound.map(reachable).map(|address| address.to_string()));
        }
        LeadParts { secrets: self.secrets, board: self.board, authority: self.authority, addresses }
    }
}

/// "All interfaces" is no address to dial; from this machine, loopback is.
fn reachable(bound: SocketAddr) -> SocketAddr {
    match bound {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, v4.port())),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, v6.port())),
        SocketAddr::V4(_) | SocketAddr::V6(_) => bound,
    }
}

/// Builds the parts for the role of this node; the one writer is started, the rest is described.
pub(super) async fn assemble(
    config: &NodeConfig,
    contents: Contents,
    keystore: &Keystore,
    stores: &Stores,
    seams: &Seams,
    handle: &NodeHandle,
) -> Result<Assembled> {
    let own = contents.roster.iter().find(|entry| entry.name == contents.facts.node).cloned();
    let own = own.context("the store does not know its own node")?;
    match contents.facts.role {
        Role::Lead => assemble_lead(config, contents, keystore, stores, seams, handle, &own).await,
        Role::Follower => assemble_follower(config, contents, keystore, stores, seams, handle, own).await,
    }
}

/// The keys a lead works with.
struct LeadKeys {
    node: NodeKey,
    authority: Arc<Authority>,
    mesh_sealing: SealingKey,
    ring: KeyRing,
}

impl LeadKeys {
    fn open(keystore: &Keystore, contents: &Contents) -> Result<Self> {
        let certificate = keystore.get(BlobName::AuthorityCertificate)?;
        let authority = Authority::from_parts(&keystore.get(BlobName::AuthorityKey)?, certificate.expose().to_vec())?;
        let mut ring = KeyRing::default();
        for wrapped in &contents.scope_keys {
            let key = keystore.root.unwrap_scope_key(&keystore.mesh, wrapped);
            ring.insert(wrapped.at.clone(), wrapped.generation, key.context("a scope key does not open")?);
        }
        Ok(Self {
            node: NodeKey::from_plaintext(&keystore.get(BlobName::Identity)?)?,
            authority: Arc::new(authority),
            mesh_sealing: SealingKey::from_plaintext(&keystore.get(BlobName::MeshSealingKey)?)?,
            ring,
        })
    }
}

async fn assemble_lead(
    config: &NodeConfig,
    contents: Contents,
    keystore: &Keystore,
    stores: &Stores,
    seams: &Seams,
    handle: &NodeHandle,
    own: &RosterEntry,
) -> Result<Assembled> {
    let keys = LeadKeys::open(keystore, &contents)?;
    let lead_view = LeadView::new(View::new(contents.position, contents.records), contents.roster, contents.log);
    let board = Arc::new(Board::new(lead_view.view.clone(), keys.ring.clone(), own.entitlement.clone(), None));
    let lead_board = Arc::new(LeadBoard::new(lead_view.clone()));
    let arguments = LeadSecretsArguments {
        state: LeadState {
            lead: lead_view,
            keys: Arc::new(keys.ring.clone()),
            tokens: contents.tokens.into_iter().map(|token| (token.hash, token)).collect(),
            next_secret_id: contents.next_secret_id,
        },
        store: stores.store.clone(),
        sealer: Sealer {
            mesh: keystore.mesh,
            root: Arc::clone(&keystore.root),
            entropy: Arc::clone(&seams.entropy),
            log_keep: config.limits.log_revisions,
        },
        board: Arc::clone(&board),
        lead_board: Arc::clone(&lead_board),
        clock: Arc::clone(&seams.clock),
    };
    let secrets = LeadSecrets::start(arguments, handle.supervisor()).await?;
    let lead =
        AssembledLead { secrets: secrets.clone(), board: Arc::clone(&lead_board), authority: keys.authority.pin() };
    let role = lead_role(config, keys, (&board, &lead_board), secrets, (keystore.mesh, stores), seams)?;
    Ok(Assembled { board, roles: Roles::Lead(Box::new(role)), lead: Some(lead) })
}

fn lead_role(
    config: &NodeConfig,
    keys: LeadKeys,
    (board, lead_board): (&Arc<Board>, &Arc<LeadBoard>),
    secrets: LeadSecrets,
    (mesh, stores): (MeshId, &Stores),
    seams: &Seams,
) -> Result<LeadRole> {
    let name = config.node.name.clone();
    let identity = PeerIdentity { mesh, role: Role::Lead, node: name.clone() };
    let chain = LeadCertificate::issue(&keys.authority, &keys.node, &identity, seams.clock.now().wall)?;
    let credentials = Credentials::new(&chain, &keys.node)?;
    let trust = Trust { mesh, authority: keys.authority.certificate_der().to_vec() };
    let admission = Arc::new(RosterAdmission(Arc::clone(lead_board)));
    let tls = LeadTls::new(&trust, &credentials, admission, Arc::clone(&seams.clock))?;
    let heartbeats = Heartbeats::new();
    let desk = JoinDesk {
        mesh,
        lead: name.clone(),
        secrets: secrets.clone(),
        authority: Arc::clone(&keys.authority),
        mesh_sealing: keys.mesh_sealing.public(),
        journal: stores.journal.clone(),
        clock: Arc::clone(&seams.clock),
    };
    let sessions = LeadSessions {
        lead: name.clone(),
        board: Arc::clone(board),
        lead_board: Arc::clone(lead_board),
        heartbeats: heartbeats.clone(),
        sealer: ScopeSealer { mesh, mesh_sealing: keys.mesh_sealing, entropy: Arc::clone(&seams.entropy) },
        authority: Arc::clone(&keys.authority),
        clock: Arc::clone(&seams.clock),
    };
    let certificate = LeadCertificate {
        key: keys.node,
        identity,
        authority: keys.authority,
        credentials,
        clock: Arc::clone(&seams.clock),
    };
    Ok(LeadRole {
        secrets,
        heartbeats,
        board: Arc::clone(lead_board),
        listen: config.mesh.listen,
        bound: OnceLock::new(),
        tls,
        sessions: Arc::new(sessions),
        desk: Arc::new(desk),
        certificate: Arc::new(certificate),
        announcement: config.mesh.discovery.then_some(Announcement { mesh, lead: name }),
    })
}

/// The keys and certificates a follower works with.
struct FollowerIdentity {
    node: NodeKey,
    sealing: SealingKey,
    mesh_sealing: SealingPublicKey,
    trust: Trust,
    credentials: Credentials,
    lead: NodeName,
}

impl FollowerIdentity {
    fn open(keystore: &Keystore) -> Result<Self> {
        let node = NodeKey::from_plaintext(&keystore.get(BlobName::Identity)?)?;
        let certificate = keystore.get(BlobName::Certificate)?;
        let authority = keystore.get(BlobName::AuthorityCertificate)?;
        let mesh_sealing = keystore.get(BlobName::MeshSealingPublicKey)?;
        let mesh_sealing = mesh_sealing.expose().try_into().context("the mesh's sealing key is damaged")?;
        let lead = keystore.get(BlobName::LeadName)?;
        Ok(Self {
            credentials: Credentials::new(&[certificate.expose().to_vec()], &node)?,
            node,
            sealing: SealingKey::from_plaintext(&keystore.get(BlobName::SealingKey)?)?,
            mesh_sealing: SealingPublicKey(mesh_sealing),
            trust: Trust { mesh: keystore.mesh, authority: authority.expose().to_vec() },
            lead: NodeName::parse(std::str::from_utf8(lead.expose())?)?,
        })
    }
}

async fn assemble_follower(
    config: &NodeConfig,
    contents: Contents,
    keystore: &Keystore,
    stores: &Stores,
    seams: &Seams,
    handle: &NodeHandle,
    own: RosterEntry,
) -> Result<Assembled> {
    let identity = FollowerIdentity::open(keystore)?;
    let keys = FollowerKeys { mesh: keystore.mesh, sealing: identity.sealing, mesh_sealing: identity.mesh_sealing };
    let mut ring = KeyRing::default();
    for sealed in &contents.scope_keys {
        let key = keys.open(&own.name, sealed).context("a scope key in the cache does not open: it was altered")?;
        ring.insert(sealed.at.clone(), sealed.generation, key);
    }
    let view = View::new(contents.position, contents.records);
    let board = Arc::new(Board::new(view, ring, own.entitlement.clone(), contents.contact));
    let address = config.mesh.leads.first().cloned();
    board.lead.store(Arc::new(LeadAddress { name: Some(identity.lead), address }));
    let arguments = FollowerSecretsArguments {
        own,
        store: stores.store.clone(),
        keys,
        board: Arc::clone(&board),
        freshness: config.cache,
        clock: Arc::clone(&seams.clock),
    };
    let secrets = FollowerSecrets::start(arguments, handle.supervisor()).await?;
    let tls = MemberTls::new(&identity.trust, &identity.credentials, Arc::clone(&seams.clock))?;
    let sessions = FollowerSessions {
        secrets: secrets.clone(),
        board: Arc::clone(&board),
        certificate: FollowerCertificate {
            key: identity.node,
            credentials: identity.credentials,
            store: stores.store.clone(),
            root: Arc::clone(&keystore.root),
            mesh: keystore.mesh,
            entropy: Arc::clone(&seams.entropy),
        },
        clock: Arc::clone(&seams.clock),
        started: seams.clock.now(),
        build: env!("CARGO_PKG_VERSION"),
    };
    let hints = Arc::new(Hints::default());
    let peers = FollowerPeers {
        endpoint: Endpoint::dialling(dialling_address(config.mesh.listen))?,
        tls,
        leads: config.mesh.leads.clone(),
        hints: Arc::clone(&hints),
        sessions: Arc::new(sessions),
        entropy: Arc::clone(&seams.entropy),
    };
    let discover = config.mesh.discovery.then_some(keystore.mesh);
    let role = FollowerRole { secrets, peers: Arc::new(peers), discover, hints };
    Ok(Assembled { board, roles: Roles::Follower(Box::new(role)), lead: None })
}

/// A follower only dials: any port will do, and a lead on the same machine keeps its own.
fn dialling_address(listen: SocketAddr) -> SocketAddr {
    SocketAddr::new(listen.ip(), 0)
}
