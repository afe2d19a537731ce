//! A follower that is led astray, and the false lead that does it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aurora_mesh::model::identity::{KeyPin, Role};
use aurora_mesh::transport::acceptor::{Acceptor, Incoming};
use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::transport::connection::PeerConnection;
use aurora_mesh::transport::endpoint::Endpoint;
use aurora_mesh::transport::error::TransportError;
use aurora_mesh::transport::spiffe::PeerIdentity;
use aurora_mesh::transport::stream::{FrameReceiver, FrameSender};
use aurora_mesh::transport::tls::{Admission, Admittance, LeadTls};
use aurora_mesh::wire::control::{self, Heartbeat, Welcome};
use aurora_mesh::wire::entitlement::EntitlementFrame;
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::record::RecordFrame;
use aurora_mesh::wire::rules;
use aurora_mesh::wire::subscription::{Change, FromFollower, FromLead, Subscribe};
use aurora_mesh::wire::version;

use super::super::is_closed;
use crate::support::callers::{put, read};
use crate::support::clock::MovableClock;
use crate::support::forge::{Forge, Papers};
use crate::support::mesh::{TestMesh, TestNode, prod};

/// A mesh whose follower has seen two versions of a secret and is about to be misled.
pub(super) struct Trap {
    pub(super) mesh: TestMesh,
    pub(super) victim: TestNode,
    pub(super) forge: Forge,
    /// What the follower holds, as it came.
    pub(super) known: RecordFrame,
    /// Where the real lead is.
    pub(super) real: Vec<String>,
}

/// Where a follower stands.
#[derive(Clone, Copy)]
pub(super) struct Held {
    pub(super) epoch: u64,
    pub(super) revision: u64,
}

impl Held {
    pub(super) fn change(self, previous: u64, revision: u64, records: Vec<RecordFrame>) -> FromLead {
        Change { epoch: self.epoch, previous, revision, records }.into()
    }
}

impl Trap {
    pub(super) async fn set() -> Self {
        let mut mesh = TestMesh::start().await;
        let forge = Forge::of(&mut mesh.lead).await;
        let mut victim = mesh.follower("victim", prod(&[])).await;
        mesh.put(put("hubspot/api_key", "global", "first")).await;
        let stored = mesh.put(put("hubspot/api_key", "global", "second")).await;
        victim.reaches(stored.revision).await;
        victim.is_fresh().await;
        let answer = victim.read(read("hubspot/api_key", None)).await.expect("readable");
        let known = RecordFrame::from(&*answer.record);
        victim.stop().await;
        let real = victim.config.mesh.leads.clone();
        Self { mesh, victim, forge, known, real }
    }

    /// Starts the follower towards this address alone.
    pub(super) async fn lure(&mut self, to: SocketAddr) {
        self.victim.config.mesh.leads = vec![to.to_string()];
        self.victim.start().await;
    }

    /// Starts the follower towards its own lead, and returns once it follows that.
    pub(super) async fn lure_home(&mut self) {
        self.victim.config.mesh.leads = self.real.clone();
        self.victim.start().await;
        self.victim.is_fresh().await;
    }

    pub(super) fn position(&self) -> Held {
        let health = self.mesh.lead.vault().health();
        Held { epoch: health.epoch.get(), revision: health.revision.get() }
    }

    /// The follower still holds what it held, and follows its lead again.
    pub(super) async fn nothing_was_changed(mut self) {
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
pub(super) struct Anybody;

impl Admission for Anybody {
    fn judge(&self, _: &PeerIdentity, _: &KeyPin) -> Admittance {
        Admittance::Member
    }
}

pub(super) struct FalseLead {
    pub(super) endpoint: Endpoint,
    pub(super) acceptor: Acceptor,
}

impl FalseLead {
    pub(super) fn listen(forge: &Forge, papers: &Papers) -> Self {
        let clock = Arc::new(MovableClock::new());
        let tls = LeadTls::new(&forge.trust(), &papers.credentials(), Arc::new(Anybody), clock).expect("settings");
        let (endpoint, acceptor) = Endpoint::listening(([127, 0, 0, 1], 0).into(), tls).expect("binds");
        Self { endpoint, acceptor }
    }

    /// As whoever has stolen the mesh's authority, but not its sealing key. One for each start of a follower: a follower
    /// that dials again before it is stopped would leave its connection to the next.
    pub(super) fn with_the_real_key(forge: &Forge) -> Self {
        Self::listen(forge, &forge.papers(Role::Lead, "aurora"))
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.endpoint.local_address().expect("bound")
    }

    /// A follower that has said hello.
    pub(super) async fn greeted(&mut self) -> (PeerConnection, FrameSender, FrameReceiver) {
        let accepted = tokio::time::timeout(Duration::from_secs(20), self.acceptor.accept());
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
    pub(super) async fn session(&mut self) -> Session {
        let (victim, mut control, mut heartbeats) = self.greeted().await;
        control.send(&control::FromLead::from(welcome("aurora"))).await.expect("sent");
        let promise = heartbeats.expect::<control::FromFollower>().await.expect("says how long it goes on alone");
        assert!(matches!(promise, control::FromFollower::Promise(_)), "{promise:?}");
        let (mut records, mut rules, mut others) = (None, None, Vec::new());
        while records.is_none() || rules.is_none() {
            let (kind, sender, receiver) = victim.accept_stream().await.expect("a stream");
            match kind {
                StreamKind::Subscription => records = Some((sender, receiver)),
                StreamKind::Rules => rules = Some((sender, receiver)),
                // What the victim knows of APIs, and what it asks, is its own affair here.
                StreamKind::Connectivity | StreamKind::Request | StreamKind::Audit => others.push((sender, receiver)),
                StreamKind::Control => panic!("{kind:?}"),
            }
        }
        let ((subscription, mut acks), mut rules) = (records.expect("subscribed"), rules.expect("followed"));
        let FromFollower::Subscribe(Subscribe { .. }) = acks.expect().await.expect("subscribes") else {
            panic!("no subscription")
        };
        let rules::FromFollower::FollowRules(follows) = rules.1.expect().await.expect("follows") else {
            panic!("the rules are not followed")
        };
        Session { victim, control, subscription, heartbeats, rules, follows, _acks: acks, _others: others }
    }
}

pub(super) struct Session {
    pub(super) victim: PeerConnection,
    pub(super) control: FrameSender,
    pub(super) subscription: FrameSender,
    pub(super) heartbeats: FrameReceiver,
    pub(super) rules: (FrameSender, FrameReceiver),
    /// Where the follower says that its rules stand.
    pub(super) follows: rules::FollowRules,
    pub(super) _acks: FrameReceiver,
    /// Held open, because the end of a stream ends the session.
    pub(super) _others: Vec<(FrameSender, FrameReceiver)>,
}

impl Session {
    pub(super) async fn send(&mut self, frame: FromLead) {
        self.subscription.send(&frame).await.expect("sent");
    }

    pub(super) async fn rule(&mut self, articles: rules::Articles) {
        self.rules.0.send(&rules::FromLead::from(articles)).await.expect("sent");
    }

    /// The next question of the follower whether it is up to date.
    pub(super) async fn asked(&mut self) -> Heartbeat {
        loop {
            match self.heartbeats.expect().await.expect("asks") {
                control::FromFollower::Heartbeat(asked) => return asked,
                control::FromFollower::Promise(_)
                | control::FromFollower::Tally(_)
                | control::FromFollower::SuccessionFrame(_) => {}
                control::FromFollower::Hello(_) => panic!("a second hello"),
            }
        }
    }

    /// Says this on the control stream.
    pub(super) async fn say(&mut self, frame: impl Into<control::FromLead>) {
        self.control.send(&frame.into()).await.expect("sent");
    }

    pub(super) async fn ends(self, code: CloseCode, why: &str) {
        let ended = tokio::time::timeout(Duration::from_secs(20), self.victim.closed()).await;
        let ended: TransportError = ended.unwrap_or_else(|_| panic!("the follower should have left: {why}"));
        assert!(is_closed(&ended, code, why), "wanted {code} {why:?}: {ended:?}");
    }
}

pub(super) fn welcome(lead: &str) -> Welcome {
    // The older version that is spoken: journals are not this lead's affair.
    let version = version::offered().into_iter().min().expect("one is spoken");
    Welcome { version, epoch: 1, lead: lead.to_owned(), entitlement: EntitlementFrame::from(&prod(&[])) }
}
