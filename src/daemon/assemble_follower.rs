//! The parts of a follower: its cache, its identity, and the way to the lead.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::AUDIT_DIR;
use super::assemble::{Assembled, Materials, connectivity, deliveries};
use super::audit_parts::upkeep;
use super::keystore::Keystore;
use super::load::load_milli;
use super::reigning::succession_of;
use crate::actors::board::Board;
use crate::actors::certificate::FollowerCertificate;
use crate::actors::event_keeper::EventKeeper;
use crate::actors::follower_audit::Forwarded;
use crate::actors::follower_cache::CacheParts;
use crate::actors::follower_keys::FollowerKeys;
use crate::actors::follower_rules::StoredRules;
use crate::actors::follower_session::FollowerSessions;
use crate::actors::follower_succession::FollowerSuccession;
use crate::actors::peers_follower::{FollowerPeers, Hints};
use crate::actors::roles::{FollowerRole, Roles};
use crate::actors::secret_follower::FollowerSecrets;
use crate::crypto::key_ring::KeyRing;
use crate::crypto::sealing::SealingKey;
use crate::model::caller::LeadAddress;
use crate::model::identity::{KeyPin, SealingPublicKey};
use crate::model::name::NodeName;
use crate::model::roster::{RosterEntry, Standing};
use crate::replication::view::View;
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::transport::certificate;
use crate::transport::credentials::Credentials;
use crate::transport::endpoint::Endpoint;
use crate::transport::node_key::NodeKey;
use crate::transport::tls::{JoinTls, MemberTls, Trust};

/// The keys and certificates a follower works with.
pub(super) struct FollowerIdentity {
    pub(super) node: NodeKey,
    pub(super) sealing: SealingKey,
    pub(super) mesh_sealing: SealingPublicKey,
    pub(super) trust: Trust,
    pub(super) authority: KeyPin,
    pub(super) credentials: Credentials,
    pub(super) lead: NodeName,
}

impl FollowerIdentity {
    pub(super) fn open(keystore: &Keystore) -> Result<Self> {
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
            authority: certificate::pin(authority.expose()).context("the CA certificate is damaged")?,
            trust: Trust { mesh: keystore.mesh, authority: authority.expose().to_vec() },
            lead: NodeName::parse(std::str::from_utf8(lead.expose())?)?,
        })
    }
}

/// Starts the writer of the cache and describes the rest.
pub(super) async fn assemble(from: &Materials<'_>, contents: Contents, own: RosterEntry) -> Result<Assembled> {
    let Materials { config, keystore, store, events, posts, seams, handle, .. } = *from;
    let identity = FollowerIdentity::open(keystore)?;
    let kept = succession_of(&contents)?;
    let keys = FollowerKeys { mesh: keystore.mesh, sealing: identity.sealing, mesh_sealing: identity.mesh_sealing };
    let mut ring = KeyRing::default();
    for sealed in &contents.scope_keys {
        let key = keys.open(&own.name, sealed).context("a scope key in the cache does not open: it was altered")?;
        ring.insert(sealed.at.clone(), sealed.generation, key, None);
    }
    let ahead = contents.blobs.get(&BlobName::RulesAhead).map(Vec::as_slice);
    let rules = StoredRules::of(contents.articles, contents.rules_position, ahead, contents.position);
    let view = View::new(contents.position, contents.records);
    let board = Arc::new(Board::new(view, rules.rulebook(), ring, own.entitlement.clone(), contents.contact));
    if let Standing::Banned { at, .. } = own.standing {
        board.banned.store(Some(Arc::new(at)));
    }
    let address = config.mesh.leads.first().cloned();
    // Who leads may be another than when this node joined.
    let lead = kept.as_ref().map_or(identity.lead, |told| told.reign.lead.clone());
    board.lead.store(Arc::new(LeadAddress { name: Some(lead), address }));
    let own_name = own.name.clone();
    let arguments = CacheParts {
        own,
        store: store.clone(),
        rules,
        keys,
        board: Arc::clone(&board),
        freshness: config.cache,
        clock: Arc::clone(&seams.clock),
    };
    let secrets = FollowerSecrets::start(arguments, handle.supervisor()).await?;
    let authority = identity.authority;
    let hints = Arc::new(Hints::default());
    let FollowerIdentity { node, trust, credentials, .. } = identity;
    // Nobody else has this board yet.
    let _first = board.credentials.set(credentials.clone());
    let certificate = FollowerCertificate {
        key: node,
        credentials,
        store: store.clone(),
        root: Arc::clone(&keystore.root),
        mesh: keystore.mesh,
        node: own_name,
        entropy: Arc::clone(&seams.entropy),
    };
    let succession = FollowerSuccession::new(kept, (keystore.mesh, authority), store.clone(), Arc::clone(&board));
    let peers = peers(from, (certificate, succession), (&trust, authority), (&secrets, &board), &hints)?;
    let discover = config.mesh.discovery.then_some(keystore.mesh);
    let connectivity = connectivity(from, &board, None, contents.blobs.get(&BlobName::SpentCalls).map(Vec::as_slice));
    let with = Arc::clone(&connectivity);
    let deliveries = deliveries(from, &board).await?;
    let sends = Arc::clone(&deliveries);
    let events = (events.clone(), Arc::clone(posts));
    let events = Arc::new(EventKeeper::new(events, Arc::clone(&board), None, Arc::clone(&seams.clock)));
    let upkeep = upkeep(from, Arc::new(NodeKey::from_plaintext(&keystore.get(BlobName::Identity)?)?));
    let role = FollowerRole {
        secrets,
        peers: Arc::new(peers),
        connectivity: with,
        upkeep,
        discover,
        hints,
        events,
        deliveries: sends,
    };
    Ok(Assembled { board, roles: Roles::Follower(Box::new(role)), connectivity, deliveries, authority, lead: None })
}

/// The way to the lead.
fn peers(
    from: &Materials<'_>,
    (certificate, succession): (FollowerCertificate, FollowerSuccession),
    (trust, authority): (&Trust, KeyPin),
    (secrets, board): (&FollowerSecrets, &Arc<Board>),
    hints: &Arc<Hints>,
) -> Result<FollowerPeers> {
    let Materials { config, journal, seams, .. } = *from;
    let rejoin_tls = JoinTls::new(authority, Arc::clone(&seams.clock))?;
    let tls = MemberTls::new(trust, &certificate.credentials, Arc::clone(&seams.clock))?;
    let audit_dir = config.node.state_dir.join(AUDIT_DIR);
    let sessions = FollowerSessions {
        secrets: secrets.clone(),
        board: Arc::clone(board),
        certificate,
        succession,
        forwarded: Forwarded { journal: journal.clone(), audit_dir, authority },
        clock: Arc::clone(&seams.clock),
        freshness: config.cache,
        load_milli,
        started: seams.clock.now(),
        build: env!("CARGO_PKG_VERSION"),
        speaks: seams.speaks,
    };
    Ok(FollowerPeers {
        endpoint: Endpoint::dialling_in(&*seams.network, dialling_address(config.mesh.listen))?,
        tls,
        rejoin_tls,
        leads: config.mesh.leads.clone(),
        hints: Arc::clone(hints),
        sessions: Arc::new(sessions),
        entropy: Arc::clone(&seams.entropy),
    })
}

/// A follower only dials: any port will do, and a lead on the same machine keeps its own.
fn dialling_address(listen: SocketAddr) -> SocketAddr {
    SocketAddr::new(listen.ip(), 0)
}
