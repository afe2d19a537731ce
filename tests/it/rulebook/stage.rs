//! Articles by their words, edits on the lead, and a follower made by hand.

use std::collections::BTreeSet;
use std::time::Duration;

use aurora_mesh::model::actions::Capability;
use aurora_mesh::model::article::{Article, ArticleId, Edit};
use aurora_mesh::model::company::Companies;
use aurora_mesh::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::grant::{Effect, Expiry, Grant};
use aurora_mesh::model::name::GrantName;
use aurora_mesh::model::number::{Position, Revision};
use aurora_mesh::model::principal::Principal;
use aurora_mesh::model::reach::Reach;
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::transport::connection::PeerConnection;
use aurora_mesh::transport::endpoint::Endpoint;
use aurora_mesh::transport::stream::{FrameReceiver, FrameSender};
use aurora_mesh::transport::tls::MemberTls;
use aurora_mesh::wire::control::{self, Heartbeat, Hello};
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::rules::{self, FollowRules};
use aurora_mesh::wire::subscription::{self, Subscribe};
use aurora_mesh::wire::version;

use crate::support::callers::{admin, company};
use crate::support::forge::{Forge, Papers};
use crate::support::mesh::{TestMesh, TestNode};
use crate::support::wait::eventually;

/// A grant of reading.
pub fn grant(name: &str, principal: &str, effect: Effect, reach: Reach) -> Article {
    Article::Grant(Grant {
        name: GrantName::parse(name).expect(name),
        principal: Principal::parse(principal).expect(principal),
        capabilities: [Capability::DataRead].into(),
        reach,
        expires_at: Expiry::Never,
        effect,
        granted_by: "admin".to_owned(),
        granted_at: Timestamp(0),
        reason: "test".to_owned(),
    })
}

/// One secret, wherever it is.
pub fn only(name: &str) -> Reach {
    Reach { secrets: vec![SecretGlob::parse(name).expect(name)], ..Reach::everything() }
}

pub fn companies(names: &[&str]) -> Companies {
    Companies::Only(names.iter().map(|name| company(name)).collect())
}

/// A freeze that holds up nothing that is tried here.
pub fn freeze(target: &str) -> Article {
    Article::Freeze(Freeze {
        target: FreezeTarget::parse(target).expect(target),
        level: FreezeLevel::Write,
        reason: "test".to_owned(),
        frozen_by: "admin".to_owned(),
        frozen_at: Timestamp(0),
    })
}

pub fn drop_grant(name: &str) -> Edit {
    Edit::Drop(ArticleId::Grant(GrantName::parse(name).expect(name)))
}

/// Edits the rulebook on the lead.
pub async fn edit(mesh: &TestMesh, edits: Vec<Edit>) -> Revision {
    mesh.lead.vault().edit_rules(&admin(), edits).await.expect("edited")
}

/// The ids of what decides on a node.
pub fn held(node: &TestNode) -> BTreeSet<String> {
    let rules = node.vault().rules();
    let grants = rules.grants().cloned().map(Article::Grant);
    let agents = rules.agents().cloned().map(Article::Agent);
    let keys = rules.keys().cloned().map(Article::ApiKey);
    let freezes = rules.freezes().cloned().map(Article::Freeze);
    grants.chain(agents).chain(keys).chain(freezes).map(|article| article.id().to_string()).collect()
}

/// Returns once the lead knows that the node holds this revision.
pub async fn acknowledged(mesh: &TestMesh, node: &TestNode, revision: Revision) {
    let name = &node.config.node.name;
    eventually(&format!("{name} acknowledges {revision}"), || async {
        let nodes = mesh.lead.vault().nodes(&admin()).await.expect("listed");
        nodes.into_iter().find(|line| line.name == *name && line.acknowledged >= Some(revision))
    })
    .await;
}

/// A follower whose every frame is sent by the test.
pub struct ByHand {
    connection: PeerConnection,
    control: (FrameSender, FrameReceiver),
    _endpoint: Endpoint,
}

impl ByHand {
    /// Connects, and is welcomed.
    pub async fn connect(mesh: &TestMesh, forge: &Forge, papers: &Papers) -> Self {
        let tls = MemberTls::new(&forge.trust(), &papers.credentials(), mesh.lead.clock.clone()).expect("settings");
        let endpoint = Endpoint::dialling(([127, 0, 0, 1], 0).into()).expect("binds");
        let lead = mesh.lead.running().address().expect("the lead listens");
        let connection = endpoint.connect(lead, &tls).await.expect("connects");
        let mut control = connection.open_stream(StreamKind::Control).await.expect("a stream");
        let hello =
            Hello { versions: version::offered(), build: "0".to_owned(), epoch: 0, revision: 0, boot_id: [1; 16] };
        control.0.send(&control::FromFollower::from(hello)).await.expect("sent");
        let welcome = control.1.expect::<control::FromLead>().await.expect("welcomed");
        assert!(matches!(welcome, control::FromLead::Welcome(_)), "{welcome:?}");
        Self { connection, control, _endpoint: endpoint }
    }

    /// Asks for all records.
    pub async fn subscribe(&mut self) -> (FrameSender, FrameReceiver) {
        let (mut sender, receiver) = self.connection.open_stream(StreamKind::Subscription).await.expect("a stream");
        let subscribe = subscription::FromFollower::from(Subscribe { epoch: 0, revision: 0 });
        sender.send(&subscribe).await.expect("sent");
        (sender, receiver)
    }

    /// Asks for the rules after this.
    pub async fn follow(&mut self, at: Option<Position>) -> (FrameSender, FrameReceiver) {
        let (mut sender, receiver) = self.connection.open_stream(StreamKind::Rules).await.expect("a stream");
        sender.send(&rules::FromFollower::from(FollowRules::from(at))).await.expect("sent");
        (sender, receiver)
    }

    /// The lead goes on serving this session: it answers a heartbeat.
    pub async fn is_served(&mut self) {
        let heartbeat = Heartbeat { stamp: 1, revision: 0, cache_entries: 0, load_milli: 0, uptime_ms: 0 };
        self.control.0.send(&control::FromFollower::from(heartbeat)).await.expect("sent");
        let mut beacon = self.control.1.expect::<control::FromLead>().await.expect("answered");
        // Which reign it is comes after the welcome.
        if matches!(beacon, control::FromLead::SuccessionFrame(_)) {
            beacon = self.control.1.expect().await.expect("answered");
        }
        assert!(matches!(beacon, control::FromLead::Beacon(_)), "{beacon:?}");
    }

    /// Whether there is nothing to receive. A negative, so it can only miss what comes late, and never fail without reason.
    pub async fn nothing_came(stream: &mut (FrameSender, FrameReceiver)) -> bool {
        let received = stream.1.receive::<subscription::FromLead>();
        tokio::time::timeout(Duration::from_millis(200), received).await.is_err()
    }
}
