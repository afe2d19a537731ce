//! The parts of a lead: the one writer, the doorman, sessions, the join desk, its own certificate.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use anyhow::{Context, Result};

use super::AUDIT_DIR;
use super::assemble::{Assembled, Materials, connectivity, deliveries};
use super::audit_parts::upkeep;
use super::keystore::Keystore;
use super::reigning::{Kept, first_numbers, throne};
use super::snapshot_parts;
use crate::actors::access_desk::AccessDesk;
use crate::actors::admission::RosterAdmission;
use crate::actors::audit_desk::{AuditDesk, DeskParts};
use crate::actors::audit_watch::AuditWatch;
use crate::actors::board::{Board, LeadBoard};
use crate::actors::certificate::LeadCertificate;
use crate::actors::connectivity::Connectivity;
use crate::actors::deliveries::Deliveries;
use crate::actors::discovery::Announcement;
use crate::actors::draft::{LeadState, Sealer};
use crate::actors::event_keeper::EventKeeper;
use crate::actors::heartbeat::Heartbeats;
use crate::actors::join_desk::JoinDesk;
use crate::actors::join_rate::JoinRate;
use crate::actors::key_rotation::KeyRotation;
use crate::actors::lead_sessions::{LeadSessions, ScopeSealer};
use crate::actors::leave_desk::LeaveDesk;
use crate::actors::limit_board::LimitBoard;
use crate::actors::reminders::{Known, Reminders};
use crate::actors::roles::{LeadRole, Roles};
use crate::actors::secret_lead::{LeadSecrets, LeadSecretsArguments};
use crate::actors::snapshot_desk::SnapshotDesk;
use crate::actors::snapshot_keeper::SnapshotKeeper;
use crate::actors::throne::Throne;
use crate::audit::seal::Author;
use crate::connectivity::news::News;
use crate::connectivity::told::Told;
use crate::crypto::key_ring::KeyRing;
use crate::crypto::sealing::SealingKey;
use crate::crypto::signing_keys::SigningKeys;
use crate::model::identity::{KeyPin, Role};
use crate::model::roster::RosterEntry;
use crate::model::time::Timestamp;
use crate::policy::rulebook::Rulebook;
use crate::policy::signing::Nonces;
use crate::replication::view::{LeadView, View};
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::transport::authority::Authority;
use crate::transport::credentials::Credentials;
use crate::transport::node_key::NodeKey;
use crate::transport::spiffe::PeerIdentity;
use crate::transport::tls::{LeadTls, Trust};
use crate::vault::parts::LeadParts;

/// What the door of a lead needs besides.
pub(super) struct AssembledLead {
    secrets: LeadSecrets,
    board: Arc<LeadBoard>,
    access: Arc<AccessDesk>,
    audit: Arc<AuditDesk>,
    snapshots: Arc<SnapshotDesk>,
    authority: KeyPin,
    unseal: &'static str,
    start: Timestamp,
    signed_until: Option<i64>,
}

impl AssembledLead {
    /// Join tokens carry the configured addresses, else the one that is listened on.
    pub(super) fn with_addresses(self, configured: &[String], bound: Option<SocketAddr>) -> LeadParts {
        let mut addresses = configured.to_vec();
        if addresses.is_empty() {
            addresses.extend(bound.map(reachable));
        }
        LeadParts {
            secrets: self.secrets,
            nonces: Mutex::new(Nonces::new(self.start, self.signed_until)),
            board: self.board,
            access: self.access,
            audit: self.audit,
            snapshots: self.snapshots,
            authority: self.authority,
            addresses,
            unseal: self.unseal,
        }
    }
}

/// "All interfaces" is no address to dial; the name of this machine may be one.
fn reachable(bound: SocketAddr) -> String {
    if !bound.ip().is_unspecified() {
        return bound.to_string();
    }
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{name}:{}", bound.port())
}

/// The keys a lead works with.
struct LeadKeys {
    node: Arc<NodeKey>,
    authority: Arc<Authority>,
    mesh_sealing: SealingKey,
    ring: KeyRing,
}

impl LeadKeys {
    fn open(keystore: &Keystore, contents: &Contents) -> Result<Self> {
        let mut ring = KeyRing::default();
        for wrapped in &contents.scope_keys {
            let key = keystore.root.unwrap_scope_key(&keystore.mesh, wrapped);
            let key = key.context("a scope key does not open")?;
            ring.insert(wrapped.at.clone(), wrapped.generation, key, wrapped.made_at);
        }
        Ok(Self {
            node: Arc::new(NodeKey::from_plaintext(&keystore.get(BlobName::Identity)?)?),
            authority: Arc::new(authority(keystore)?),
            mesh_sealing: SealingKey::from_plaintext(&keystore.get(BlobName::MeshSealingKey)?)?,
            ring,
        })
    }
}

/// The authority of the mesh, out of its wrapping.
pub(super) fn authority(keystore: &Keystore) -> Result<Authority> {
    let certificate = keystore.get(BlobName::AuthorityCertificate)?;
    Ok(Authority::from_parts(&keystore.get(BlobName::AuthorityKey)?, certificate.expose().to_vec())?)
}

/// Starts the one writer and describes the rest.
pub(super) async fn assemble(from: &Materials<'_>, contents: Contents, own: &RosterEntry) -> Result<Assembled> {
    let Materials { config, keystore, store, seams, handle, .. } = *from;
    let keys = LeadKeys::open(keystore, &contents)?;
    let (known, kept, first) = (known(&contents), Kept::of(&contents)?, first_numbers(&contents)?);
    let saved = snapshot_parts::Known::of(&contents);
    let rules = Rulebook::new(contents.articles.clone());
    let view = View::new(contents.position, contents.records);
    let lead_view = LeadView::new(view, contents.articles, contents.roster, contents.log);
    let board = Board::new(lead_view.view.clone(), rules, keys.ring.clone(), own.entitlement.clone(), None);
    let board = Arc::new(Board { limits: LimitBoard::of_lead(), ..board });
    let root_since = keystore.root_since()?.unwrap_or(own.joined_at);
    let purge_due = contents.blobs.contains_key(&BlobName::RebuildDue);
    let tokens: BTreeMap<_, _> = contents.tokens.into_iter().map(|token| (token.hash, token)).collect();
    let tokens = Arc::new(tokens);
    let lead_board = Arc::new(LeadBoard::new(lead_view.clone(), Arc::clone(&tokens), root_since, purge_due));
    let signing = Arc::new(signing_keys(keystore)?);
    lead_board.signing.store(Arc::clone(&signing));
    let arguments = LeadSecretsArguments {
        state: LeadState {
            lead: lead_view,
            keys: Arc::new(keys.ring.clone()),
            root: Arc::clone(&keystore.root),
            root_since,
            signing,
            wrapped: Arc::new(keystore.wrapped()),
            tokens: Arc::clone(&tokens),
            next_secret_id: contents.next_secret_id,
            first,
        },
        store: store.clone(),
        sealer: Arc::new(Sealer {
            mesh: keystore.mesh,
            unseal: Arc::clone(&keystore.unseal),
            entropy: Arc::clone(&seams.entropy),
            log_keep: config.limits.log_revisions,
            versions_kept: config.limits.versions_kept,
        }),
        board: Arc::clone(&board),
        lead_board: Arc::clone(&lead_board),
        clock: Arc::clone(&seams.clock),
    };
    // Should the clock have been set back while the node was down, what was signed before its last change stays too old.
    let (now, last_change) = (seams.clock.now().wall, lead_board.lead_view.load().log().last().map(|entry| entry.at));
    let secrets = LeadSecrets::start(arguments, handle.supervisor()).await?;
    let throne = Arc::new(throne(from, kept, &keys.authority, (&board, &lead_board)).await?);
    let access = Arc::new(access_desk(from, contents.blobs.get(&BlobName::AccessRequests), &board));
    let authority = keys.authority.pin();
    let audit = Arc::new(audit_desk(from, &keys, &board));
    let snapshots = Arc::new(snapshot_parts::desk(from, saved, &keys.authority, &audit)?);
    let lead = AssembledLead {
        secrets: secrets.clone(),
        board: Arc::clone(&lead_board),
        access: Arc::clone(&access),
        audit: Arc::clone(&audit),
        snapshots: Arc::clone(&snapshots),
        authority: keys.authority.pin(),
        unseal: config.unseal.as_str(),
        start: last_change.map_or(now, |at| at.max(now)),
        signed_until: keystore.signed_until()?,
    };
    let spent = contents.blobs.get(&BlobName::SpentCalls).map(Vec::as_slice);
    let connectivity = connectivity(from, &board, Some(&lead_board), spent);
    let deliveries = deliveries(from, &board).await?;
    let others = (Arc::clone(&connectivity), known, Arc::clone(&deliveries));
    let snapshots = Arc::new(SnapshotKeeper::new(snapshots, Arc::clone(&board), Arc::clone(&throne), own.joined_at));
    let desks = Desks { access, audit, snapshots, throne };
    let role = role(from, keys, (&board, &lead_board), secrets, others, desks)?;
    Ok(Assembled { board, roles: Roles::Lead(Box::new(role)), connectivity, deliveries, authority, lead: Some(lead) })
}

/// The keys agents sign their commands with.
fn signing_keys(keystore: &Keystore) -> Result<SigningKeys> {
    let kept = keystore.find(BlobName::SigningKeys)?.map(|keys| SigningKeys::from_plaintext(&keys)).transpose()?;
    Ok(kept.unwrap_or_default())
}

/// Where the journals of all nodes come together.
fn audit_desk(from: &Materials<'_>, keys: &LeadKeys, board: &Arc<Board>) -> AuditDesk {
    let Materials { config, keystore, journal, seams, .. } = *from;
    AuditDesk::new(DeskParts {
        audit_dir: config.node.state_dir.join(AUDIT_DIR),
        own: Author { mesh: keystore.mesh, node: config.node.name.clone() },
        file_bytes_max: config.audit.file_bytes_max,
        reserve_bytes: config.audit.reserve_bytes,
        authority: Arc::clone(&keys.authority),
        key: Arc::clone(&keys.node),
        journal: journal.clone(),
        board: Arc::clone(board),
        clock: Arc::clone(&seams.clock),
    })
}

fn access_desk(from: &Materials<'_>, kept: Option<&Vec<u8>>, board: &Arc<Board>) -> AccessDesk {
    let Materials { store, journal, seams, .. } = *from;
    let clock = Arc::clone(&seams.clock);
    AccessDesk::new(kept.map(Vec::as_slice), Arc::clone(board), store.clone(), journal.clone(), clock)
}

/// What people were told before the lead was started. What cannot be read is told again.
fn known(contents: &Contents) -> Known {
    let told = contents.blobs.get(&BlobName::Told).map(|bytes| Told::parse(bytes));
    let told = told.transpose().unwrap_or_else(|error| {
        tracing::warn!(%error, "what falls due is told again");
        None
    });
    let news = contents.blobs.get(&BlobName::News).map(|bytes| News::parse(bytes));
    Known { told: told.unwrap_or_default(), news: news.unwrap_or_default() }
}

/// Who admits joiners.
fn join_desk(
    from: &Materials<'_>,
    keys: &LeadKeys,
    (board, lead_board): (&Arc<Board>, &Arc<LeadBoard>),
    secrets: &LeadSecrets,
) -> JoinDesk {
    let Materials { config, keystore, journal, seams, .. } = *from;
    JoinDesk {
        mesh: keystore.mesh,
        lead: config.node.name.clone(),
        secrets: secrets.clone(),
        board: Arc::clone(lead_board),
        published: Arc::clone(board),
        authority: Arc::clone(&keys.authority),
        mesh_sealing: keys.mesh_sealing.public(),
        journal: journal.clone(),
        clock: Arc::clone(&seams.clock),
        rate: Mutex::new(JoinRate::new(seams.clock.now().boot)),
    }
}

/// What keeps the events of a lead, which knows what nobody reads by its journals.
fn event_keeper(from: &Materials<'_>, board: &Arc<Board>, lead_board: &Arc<LeadBoard>) -> EventKeeper {
    let Materials { config, events, posts, seams, .. } = *from;
    let lead = Some((Arc::clone(lead_board), config.node.state_dir.join(AUDIT_DIR)));
    EventKeeper::new((events.clone(), Arc::clone(posts)), Arc::clone(board), lead, Arc::clone(&seams.clock))
}

/// What sessions and the calendar of a lead turn to.
struct Desks {
    access: Arc<AccessDesk>,
    audit: Arc<AuditDesk>,
    snapshots: Arc<SnapshotKeeper>,
    throne: Arc<Throne>,
}

/// What the lead shows to others: a certificate that it has just issued to itself. The board has it too, for whoever asks
/// how long it is good.
fn credentials(keys: &LeadKeys, identity: &PeerIdentity, board: &Board, now: Timestamp) -> Result<Credentials> {
    let chain = LeadCertificate::issue(&keys.authority, &keys.node, identity, now)?;
    let credentials = Credentials::new(&chain, &keys.node)?;
    // Nobody else has this board yet.
    let _first = board.credentials.set(credentials.clone());
    Ok(credentials)
}

/// What sessions with followers share.
fn sessions(
    from: &Materials<'_>,
    (authority, sealer): (&Arc<Authority>, ScopeSealer),
    (board, lead_board): (&Arc<Board>, &Arc<LeadBoard>),
    (secrets, heartbeats): (&LeadSecrets, &Heartbeats),
    (access, audit, throne): (Arc<AccessDesk>, Arc<AuditDesk>, Arc<Throne>),
) -> LeadSessions {
    let Materials { config, journal, posts, seams, .. } = *from;
    LeadSessions {
        lead: config.node.name.clone(),
        board: Arc::clone(board),
        lead_board: Arc::clone(lead_board),
        heartbeats: heartbeats.clone(),
        access,
        audit,
        posts: Arc::clone(posts),
        leave: LeaveDesk { secrets: secrets.clone(), board: Arc::clone(lead_board), journal: journal.clone() },
        throne,
        sealer,
        authority: Arc::clone(authority),
        clock: Arc::clone(&seams.clock),
        speaks: seams.speaks,
    }
}

fn role(
    from: &Materials<'_>,
    keys: LeadKeys,
    (board, lead_board): (&Arc<Board>, &Arc<LeadBoard>),
    secrets: LeadSecrets,
    (connectivity, known, deliveries): (Arc<Connectivity>, Known, Arc<Deliveries>),
    Desks { access, audit, snapshots, throne }: Desks,
) -> Result<LeadRole> {
    let Materials { config, keystore, store, journal, seams, .. } = *from;
    let mesh = keystore.mesh;
    let name = config.node.name.clone();
    let identity = PeerIdentity { mesh, role: Role::Lead, node: name.clone() };
    let credentials = credentials(&keys, &identity, board, seams.clock.now().wall)?;
    let trust = Trust { mesh, authority: keys.authority.certificate_der().to_vec() };
    let admission = Arc::new(RosterAdmission(Arc::clone(lead_board)));
    let tls = LeadTls::new(&trust, &credentials, admission, Arc::clone(&seams.clock))?;
    let heartbeats = Heartbeats::new();
    let desk = join_desk(from, &keys, (board, lead_board), &secrets);
    let asked = (access, Arc::clone(&audit), Arc::clone(&throne));
    let sealer = ScopeSealer { mesh, mesh_sealing: keys.mesh_sealing, entropy: Arc::clone(&seams.entropy) };
    let sessions = sessions(from, (&keys.authority, sealer), (board, lead_board), (&secrets, &heartbeats), asked);
    let upkeep = upkeep(from, Arc::<Authority>::clone(&keys.authority));
    let certificate = LeadCertificate {
        key: keys.node,
        identity,
        authority: keys.authority,
        credentials,
        clock: Arc::clone(&seams.clock),
    };
    let rotation = KeyRotation {
        secrets: secrets.clone(),
        store: store.clone(),
        board: Arc::clone(board),
        lead_board: Arc::clone(lead_board),
        journal: journal.clone(),
    };
    let reminders = Reminders::new(Arc::clone(board), journal.clone(), store.clone(), Arc::clone(&seams.clock), known);
    Ok(LeadRole {
        secrets,
        audit: Arc::new(AuditWatch { desk: audit, lead_board: Arc::clone(lead_board) }),
        events: Arc::new(event_keeper(from, board, lead_board)),
        deliveries,
        reminders: Arc::new(reminders),
        upkeep,
        snapshots,
        rotation: Arc::new(rotation),
        heartbeats,
        board: Arc::clone(lead_board),
        listen: config.mesh.listen,
        network: Arc::clone(&seams.network),
        bound: OnceLock::new(),
        tls,
        sessions: Arc::new(sessions),
        desk: Arc::new(desk),
        certificate: Arc::new(certificate),
        connectivity,
        // Nobody is to look for a lead here whose reign is over.
        announcement: (config.mesh.discovery && !throne.is_over()).then_some(Announcement { mesh, lead: name }),
    })
}
