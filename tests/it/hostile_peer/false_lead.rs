//! A false lead: what a follower does when whoever answers its dial is not, or no longer, to be followed.

use std::net::SocketAddr;
use std::sync::Arc;

use aurora_mesh::model::identity::{KeyPin, Role};
use aurora_mesh::transport::acceptor::{Acceptor, Incoming};
use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::transport::connection::PeerConnection;
use aurora_mesh::transport::endpoint::Endpoint;
use aurora_mesh::transport::error::TransportError;
use aurora_mesh::transport::spiffe::PeerIdentity;
use aurora_mesh::transport::stream::{FrameReceiver, FrameSender};
use aurora_mesh::transport::tls::{Admission, LeadTls};
use aurora_mesh::vault::answer::ReadAnswer;
use aurora_mesh::wire::control::{self, Beacon, Goodbye, GoodbyeReason, Welcome};
use aurora_mesh::wire::entitlement::EntitlementFrame;
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::record::RecordFrame;
use aurora_mesh::wire::secret::{ScopeFrame, ScopeKeyFrame, ScopeKind};
use aurora_mesh::wire::subscription::{
    Change, FromFollower, FromLead, ScopeKeys, SnapshotBegin, SnapshotEnd, SnapshotRecords, Subscribe,
};

use super::is_closed;
use crate::support::callers::{put, read};
use crate::support::clock::MovableClock;
use crate::support::forge::{Forge, Papers};
use crate::support::log::Log;
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::wait::eventually;

#[tokio::test]
async fn whoever_cannot_prove_to_be_a_lead_of_this_mesh_is_not_followed() {
    let mut trap = Trap::set().await;
    let forge = &trap.forge;
    let elsewhere = Forge::impostor(forge.mesh);
    let cases = [
        ("a follower", forge.papers(Role::Follower, "mallory"), "the certificate's role does not fit"),
        ("another authority", elsewhere.papers(Role::Lead, "aurora"), "not of this mesh's authority"),
    ];
    for (what, papers, why) in cases {
        let log = Log::capture();
        let mut false_lead = FalseLead::listen(&trap.forge, &papers);
        trap.lure(false_lead.address()).await;
        eventually(what, || async { (!log.lines_with(why).is_empty()).then_some(()) }).await;
        let let_in = tokio::time::timeout(std::time::Duration::ZERO, false_lead.acceptor.accept()).await;
        assert!(let_in.is_err(), "{what} was given a connection");
        trap.victim.stop().await;
    }
    trap.nothing_was_changed().await;
}

#[tokio::test]
async fn records_and_keys_a_follower_may_not_take_end_the_session() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.lure(false_lead.address()).await;
    let (known, held) = (trap.known.clone(), trap.position());
    let of_another =
        RecordFrame { scope: ScopeFrame { kind: ScopeKind::Company, id: "other".into() }, ..known.clone() };
    let older = RecordFrame { version: 1, ..known.clone() };
    let elsewhere = RecordFrame {
        secret: {
            let mut secret = known.secret.clone();
            secret.environment = "dev".into();
            secret
        },
        ..known
    };
    let key = ScopeKeyFrame {
        environment: "prod".into(),
        scope: ScopeFrame { kind: ScopeKind::Global, id: String::new() },
        generation: 2,
        sealed: vec![7; 80],
    };
    let change = |record| held.change(held.revision, held.revision + 1, vec![record]);
    let cases = [
        (change(of_another), CloseCode::ProtocolViolation, "not entitled"),
        (change(elsewhere), CloseCode::ProtocolViolation, "not entitled"),
        (change(older), CloseCode::ProtocolViolation, "the store did not take the change"),
        (ScopeKeys { keys: vec![key] }.into(), CloseCode::ProtocolViolation, "does not open"),
    ];
    for (frame, code, why) in cases {
        let mut session = false_lead.session().await;
        session.send(frame).await;
        session.ends(code, why).await;
    }
    trap.nothing_was_changed().await;
}

#[tokio::test]
async fn a_history_that_does_not_follow_on_ends_the_session() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    let at = trap.position();
    let begin = |epoch, revision| SnapshotBegin { epoch, revision, entitlement: (&prod(&[])).into() };
    let lower = Held { epoch: at.epoch - 1, ..at };
    let higher = Held { epoch: at.epoch + 1, ..at };
    let cases: Vec<(Vec<FromLead>, &str)> = vec![
        (vec![at.change(at.revision + 5, at.revision + 6, vec![])], "a change follows revision"),
        (vec![at.change(at.revision, at.revision, vec![])], "was set back"),
        (vec![lower.change(at.revision, at.revision + 1, vec![])], "speaks for epoch"),
        (vec![higher.change(at.revision, at.revision + 1, vec![])], "came before its snapshot"),
        (vec![begin(at.epoch - 1, at.revision + 9).into()], "speaks for epoch"),
        (vec![begin(at.epoch, at.revision - 1).into()], "was set back"),
        (vec![SnapshotRecords { records: vec![] }.into()], "out of order"),
        (vec![begin(at.epoch, at.revision + 1).into(), SnapshotEnd { count: 3 }.into()], "of 3 records had 0"),
        (
            vec![begin(at.epoch, at.revision + 1).into(), at.change(at.revision, at.revision + 1, vec![])],
            "out of order",
        ),
    ];
    for (frames, why) in cases {
        trap.lure(false_lead.address()).await;
        let mut session = false_lead.session().await;
        for frame in frames {
            session.send(frame).await;
        }
        session.ends(CloseCode::ProtocolViolation, why).await;
        trap.victim.stop().await;
    }
    trap.nothing_was_changed().await;
}

#[tokio::test]
async fn a_lead_that_breaks_the_control_stream_is_left() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.lure(false_lead.address()).await;
    let mut session = false_lead.session().await;
    session.control.send(&control::FromLead::from(welcome("aurora"))).await.expect("sent");
    session.ends(CloseCode::ProtocolViolation, "a second welcome").await;
    let mut session = false_lead.session().await;
    let goodbye = Goodbye { reason: GoodbyeReason::ShuttingDown };
    session.control.send(&control::FromLead::from(goodbye)).await.expect("sent");
    session.ends(CloseCode::ShuttingDown, "the lead ended the session").await;
    let log = Log::capture();
    let (_kept, mut control, _receiver) = false_lead.greeted().await;
    control.send(&control::FromLead::from(welcome("somebody-else"))).await.expect("sent");
    let why = "calls itself by another name";
    eventually(why, || async { (!log.lines_with(why).is_empty()).then_some(()) }).await;
    trap.nothing_was_changed().await;
}

/// A beacon counts from the heartbeat it answers. One that answers none must not make an old cache young.
#[tokio::test]
async fn a_beacon_that_answers_no_heartbeat_vouches_for_nothing() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.victim.clock.advance(trap.mesh.freshness.ttl * 2);
    trap.lure(false_lead.address()).await;
    let at = trap.position();
    let beacon = |stamp| Beacon { stamp, epoch: at.epoch, revision: at.revision, lead_time_ms: 0 };
    let mut session = false_lead.session().await;
    for stamp in [0, 999, u64::MAX] {
        session.control.send(&control::FromLead::from(beacon(stamp))).await.expect("sent");
    }
    // Frames are heard in order: whoever has heard the goodbye has heard the beacons.
    let goodbye = Goodbye { reason: GoodbyeReason::ShuttingDown };
    session.control.send(&control::FromLead::from(goodbye)).await.expect("sent");
    session.ends(CloseCode::ShuttingDown, "the lead ended the session").await;
    assert_eq!(trap.victim.vault().health().freshness, "stale");
    let mut session = false_lead.session().await;
    let control::FromFollower::Heartbeat(asked) = session.heartbeats.expect().await.expect("asks") else {
        panic!("a second hello")
    };
    session.control.send(&control::FromLead::from(beacon(asked.stamp))).await.expect("sent");
    trap.victim.is_fresh().await;
}

/// A mesh whose follower has seen two versions of a secret and is about to be misled.
struct Trap {
    mesh: TestMesh,
    victim: TestNode,
    forge: Forge,
    /// What the follower holds, as it came.
    known: RecordFrame,
    /// Where the real lead is.
    real: Vec<String>,
}

/// Where a follower stands.
#[derive(Clone, Copy)]
struct Held {
    epoch: u64,
    revision: u64,
}

impl Held {
    fn change(self, previous: u64, revision: u64, records: Vec<RecordFrame>) -> FromLead {
        Change { epoch: self.epoch, previous, revision, records }.into()
    }
}

impl Trap {
    async fn set() -> Self {
        let mut mesh = TestMesh::start().await;
        let forge = Forge::of(&mut mesh.lead).await;
        let mut victim = mesh.follower("victim", prod(&[])).await;
        mesh.put(put("hubspot/api_key", "global", "first")).await;
        let stored = mesh.put(put("hubspot/api_key", "global", "second")).await;
        victim.reaches(stored.revision).await;
        victim.is_fresh().await;
        let answer: ReadAnswer = victim.read(read("hubspot/api_key", None)).await.expect("readable");
        let known = RecordFrame::from(&*answer.record);
        victim.stop().await;
        let real = victim.config.mesh.leads.clone();
        Self { mesh, victim, forge, known, real }
    }

    /// Starts the follower towards this address alone.
    async fn lure(&mut self, to: SocketAddr) {
        self.victim.config.mesh.leads = vec![to.to_string()];
        self.victim.start().await;
    }

    fn position(&self) -> Held {
        let health = self.mesh.lead.vault().health();
        Held { epoch: health.epoch.get(), revision: health.revision.get() }
    }

    /// The follower still holds what it held, and follows its lead again.
    async fn nothing_was_changed(mut self) {
        if self.victim.is_running() {
            self.victim.stop().await;
        }
        self.victim.config.mesh.leads = self.real;
        self.victim.start().await;
        assert_eq!(self.victim.value(read("hubspot/api_key", None)).await.expect("readable"), "second");
        let stored = self.mesh.put(put("hubspot/api_key", "global", "third")).await;
        self.victim.reaches(stored.revision).await;
        assert_eq!(self.victim.value(read("hubspot/api_key", None)).await.expect("readable"), "third");
    }
}

/// Lets everybody in.
struct Anybody;

impl Admission for Anybody {
    fn admits(&self, _: &PeerIdentity, _: &KeyPin) -> bool {
        true
    }
}

struct FalseLead {
    endpoint: Endpoint,
    acceptor: Acceptor,
}

impl FalseLead {
    fn listen(forge: &Forge, papers: &Papers) -> Self {
        let clock = Arc::new(MovableClock::new());
        let tls = LeadTls::new(&forge.trust(), &papers.credentials(), Arc::new(Anybody), clock).expect("settings");
        let (endpoint, acceptor) = Endpoint::listening(([127, 0, 0, 1], 0).into(), tls).expect("binds");
        Self { endpoint, acceptor }
    }

    /// As whoever has stolen the mesh's authority, but not its sealing key.
    fn with_the_real_key(forge: &Forge) -> Self {
        Self::listen(forge, &forge.papers(Role::Lead, "aurora"))
    }

    fn address(&self) -> SocketAddr {
        self.endpoint.local_address().expect("bound")
    }

    /// A follower that has said hello.
    async fn greeted(&mut self) -> (PeerConnection, FrameSender, FrameReceiver) {
        let accepted = tokio::time::timeout(std::time::Duration::from_secs(20), self.acceptor.accept());
        let Incoming::Member(victim) = accepted.await.expect("the follower dials").expect("accepts") else {
            panic!("a joiner")
        };
        let (kind, sender, mut receiver) = victim.accept_stream().await.expect("a stream");
        assert_eq!(kind, StreamKind::Control);
        let hello = receiver.expect::<control::FromFollower>().await.expect("hello");
        assert!(matches!(hello, control::FromFollower::Hello(_)), "{hello:?}");
        (victim, sender, receiver)
    }

    /// A follower that was welcomed and has subscribed.
    async fn session(&mut self) -> Session {
        let (victim, mut control, heartbeats) = self.greeted().await;
        control.send(&control::FromLead::from(welcome("aurora"))).await.expect("sent");
        let (kind, subscription, mut receiver) = victim.accept_stream().await.expect("a stream");
        assert_eq!(kind, StreamKind::Subscription);
        let FromFollower::Subscribe(Subscribe { .. }) = receiver.expect().await.expect("subscribes") else {
            panic!("no subscription")
        };
        Session { victim, control, subscription, heartbeats, _acks: receiver }
    }
}

struct Session {
    victim: PeerConnection,
    control: FrameSender,
    subscription: FrameSender,
    heartbeats: FrameReceiver,
    _acks: FrameReceiver,
}

impl Session {
    async fn send(&mut self, frame: FromLead) {
        self.subscription.send(&frame).await.expect("sent");
    }

    async fn ends(self, code: CloseCode, why: &str) {
        let ended = tokio::time::timeout(std::time::Duration::from_secs(20), self.victim.closed()).await;
        let ended: TransportError = ended.unwrap_or_else(|_| panic!("the follower should have left: {why}"));
        assert!(is_closed(&ended, code, why), "wanted {code} {why:?}: {ended:?}");
    }
}

fn welcome(lead: &str) -> Welcome {
    Welcome { version: 1, epoch: 1, lead: lead.to_owned(), entitlement: EntitlementFrame::from(&prod(&[])) }
}
