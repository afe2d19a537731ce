//! A follower without a disk: a real member of the mesh, over the node's own transport, that greets, beats, holds the rules and
//! follows every change as a follower does, and notes when each arrived. A thousand of them fit into one process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aurora_mesh::crypto::digest::sha256;
use aurora_mesh::crypto::join_token::JoinSecret;
use aurora_mesh::daemon::system_clock::SystemClock;
use aurora_mesh::model::number::Position;
use aurora_mesh::model::time::Clock;
use aurora_mesh::transport::connection::PeerConnection;
use aurora_mesh::transport::credentials::Credentials;
use aurora_mesh::transport::endpoint::Endpoint;
use aurora_mesh::transport::error::TransportError;
use aurora_mesh::transport::node_key::NodeKey;
use aurora_mesh::transport::stream::{FrameReceiver, FrameSender};
use aurora_mesh::transport::tls::{JoinTls, MemberTls, Trust};
use aurora_mesh::wire::control::{self, Heartbeat, Hello};
use aurora_mesh::wire::join::{Join, JoinAnswer, JoinAsk, Refused, RefusedReason};
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::rules::{self, FollowRules, RulesHeld};
use aurora_mesh::wire::subscription::{self, Ack, Subscribe};
use aurora_mesh::wire::version;
use tokio::sync::mpsc::UnboundedSender;

/// As a follower beats.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);

/// As a follower rests between two dials of one address.
const REST: Duration = Duration::from_secs(1);

/// A joiner that was not heard asks again after this.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// A change that arrived.
pub struct Arrival {
    /// Where the member was,
    pub before: u64,
    /// and where it is now.
    pub revision: u64,
    /// When.
    pub at: Instant,
}

/// One member, and how far it is.
pub struct Member {
    number: usize,
    tls: MemberTls,
    endpoint: Endpoint,
    position: Position,
    arrivals: UnboundedSender<Arrival>,
}

impl Member {
    /// Joins with this token.
    pub async fn join(number: usize, lead: SocketAddr, token: &str, arrivals: UnboundedSender<Arrival>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new().expect("a Linux kernel"));
        let token = JoinSecret::parse(token).expect("a token");
        let key = NodeKey::generate().expect("a key");
        let csr = key.csr().expect("a request");
        let token_secret = token.secret().expose().try_into().expect("32 bytes");
        // Nobody opens what is sealed to it: this member reads no value.
        let ask = JoinAsk::from(Join { token_secret, sealing_key: sha256(&csr), csr });
        let tls = JoinTls::new(token.ca_pin(), Arc::clone(&clock)).expect("settings");
        let endpoint = Endpoint::dialling(([127, 0, 0, 1], 0).into()).expect("binds");
        let admitted = loop {
            let (_, answer) = endpoint.join(lead, &tls, &ask).await.expect("answered");
            match answer {
                JoinAnswer::Admitted(admitted) => break admitted,
                // A lead hears so many strangers a second and no more.
                JoinAnswer::Refused(Refused { reason: RefusedReason::Busy }) => tokio::time::sleep(AGAIN_AFTER).await,
                JoinAnswer::Refused(refused) => panic!("{refused:?}"),
            }
        };
        let trust = Trust { mesh: admitted.mesh_id(), authority: admitted.authority };
        let credentials = Credentials::new(&admitted.chain, &key).expect("belong together");
        let tls = MemberTls::new(&trust, &credentials, clock).expect("settings");
        Self { number, tls, endpoint, position: Position::default(), arrivals }
    }

    /// Follows the lead for good; one that goes away is dialled again, once a second and not at the same moment as others.
    pub async fn follow(mut self, lead: SocketAddr) {
        loop {
            drop(self.session(lead).await);
            let share = u32::try_from(self.number % 16).expect("small");
            tokio::time::sleep(REST * (8 + share) / 16).await;
        }
    }

    /// One session; how it ended.
    async fn session(&mut self, lead: SocketAddr) -> Result<(), TransportError> {
        let connection = self.endpoint.connect(lead, &self.tls).await?;
        let mut control = connection.open_stream(StreamKind::Control).await?;
        let hello = Hello {
            versions: version::offered(),
            build: "0".to_owned(),
            epoch: self.position.epoch.get(),
            revision: self.position.revision.get(),
            boot_id: [0; 16],
        };
        control.0.send(&control::FromFollower::from(hello)).await?;
        let control::FromLead::Welcome(_) = control.1.expect::<control::FromLead>().await? else { return Ok(()) };
        // As many streams as a follower has; nothing is known of APIs, and there is no journal.
        let _connectivity = connection.open_stream(StreamKind::Connectivity).await?;
        let _audit = connection.open_stream(StreamKind::Audit).await?;
        tokio::select! {
            ended = beat(control) => ended,
            ended = hold_rules(&connection) => ended,
            ended = self.take_changes(&connection) => ended,
        }
    }

    async fn take_changes(&mut self, connection: &PeerConnection) -> Result<(), TransportError> {
        let (mut sender, mut receiver) = connection.open_stream(StreamKind::Subscription).await?;
        let Position { epoch, revision } = self.position;
        let subscribe = Subscribe { epoch: epoch.get(), revision: revision.get() };
        sender.send(&subscription::FromFollower::from(subscribe)).await?;
        let mut snapshot = self.position;
        while let Some(frame) = receiver.receive::<subscription::FromLead>().await? {
            let before = self.position.revision.get();
            match frame {
                subscription::FromLead::SnapshotBegin(begin) => {
                    snapshot = begin.position();
                    continue;
                }
                subscription::FromLead::SnapshotEnd(_) => self.position = snapshot,
                subscription::FromLead::Change(change) => self.position = change.position(),
                subscription::FromLead::SnapshotRecords(_) | subscription::FromLead::ScopeKeys(_) => continue,
            }
            let Position { epoch, revision } = self.position;
            let _nobody_looks = self.arrivals.send(Arrival { before, revision: revision.get(), at: Instant::now() });
            let ack = Ack { epoch: epoch.get(), revision: revision.get() };
            sender.send(&subscription::FromFollower::from(ack)).await?;
        }
        Ok(())
    }
}

async fn beat((mut sender, mut receiver): (FrameSender, FrameReceiver)) -> Result<(), TransportError> {
    let mut ticks = tokio::time::interval(HEARTBEAT_EVERY);
    let mut stamp = 0;
    let hearing = async {
        while let Some(heard) = receiver.receive::<control::FromLead>().await? {
            if matches!(heard, control::FromLead::Goodbye(_)) {
                break;
            }
        }
        Ok(())
    };
    tokio::pin!(hearing);
    loop {
        tokio::select! {
            ended = &mut hearing => return ended,
            _ = ticks.tick() => {
                stamp += 1;
                let beat = Heartbeat { stamp, revision: 0, cache_entries: 0, load_milli: 0, uptime_ms: 0 };
                sender.send(&control::FromFollower::from(beat)).await?;
            }
        }
    }
}

async fn hold_rules(connection: &PeerConnection) -> Result<(), TransportError> {
    let (mut sender, mut receiver) = connection.open_stream(StreamKind::Rules).await?;
    sender.send(&rules::FromFollower::from(FollowRules::from(None))).await?;
    while let Some(rules::FromLead::Articles(articles)) = receiver.receive().await? {
        if !articles.more {
            let position = articles.position();
            let held = RulesHeld { epoch: position.epoch.get(), revision: position.revision.get() };
            sender.send(&rules::FromFollower::from(held)).await?;
        }
    }
    Ok(())
}
