//! Peers with the wrong papers, at the lead's door.

use aurora_mesh::model::identity::{MeshId, Role};
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::transport::authority::NODE_LIFETIME;
use aurora_mesh::transport::error::Refusal;
use aurora_mesh::transport::node_key::NodeKey;

use super::{Siege, is_refusal};
use crate::support::forge::{Forge, join_by_hand, now};
use crate::support::intruder::turned_away;
use crate::support::mesh::{TestMesh, prod};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[tokio::test]
async fn a_peer_with_the_wrong_papers_is_turned_away_and_nobody_notices() {
    let mut mesh = TestMesh::start().await;
    let forge = Forge::of(&mut mesh.lead).await;
    let siege = Siege::of(mesh).await;
    let lead = siege.lead();
    let key = || NodeKey::generate().expect("a key");
    let impostor = Forge::impostor(forge.mesh);
    let elsewhere = Forge { mesh: MeshId([9; 16]), authority: forge_again(&forge) };
    let mallory = join_by_hand(&siege.mesh, "mallory", prod(&[])).await.key;
    let (yesterday, tomorrow) = (Timestamp(now().0 - 2 * DAY_MS), Timestamp(now().0 + DAY_MS));
    let cases = [
        ("no certificate", None, Refusal::NoCertificate),
        ("another authority", Some(impostor.papers(Role::Follower, "alpha")), Refusal::ForeignAuthority),
        ("a key that is not pinned", Some(forge.papers(Role::Follower, "alpha")), Refusal::NotAdmitted),
        ("nobody of the roster", Some(forge.papers(Role::Follower, "nobody")), Refusal::NotAdmitted),
        ("a second lead", Some(forge.papers(Role::Lead, "aurora")), Refusal::NotAdmitted),
        ("another mesh", Some(elsewhere.papers(Role::Follower, "alpha")), Refusal::BadIdentity),
        (
            "an expired certificate",
            Some(forge.issue(key(), Role::Follower, "alpha", yesterday, NODE_LIFETIME)),
            Refusal::Expired,
        ),
        (
            "a certificate of tomorrow",
            Some(forge.issue(key(), Role::Follower, "alpha", tomorrow, NODE_LIFETIME)),
            Refusal::Expired,
        ),
        (
            "a member who calls herself the lead",
            Some(forge.issue(again(&mallory), Role::Lead, "mallory", now(), NODE_LIFETIME)),
            Refusal::NotAdmitted,
        ),
        (
            "a member in another's name",
            Some(forge.issue(mallory, Role::Follower, "alpha", now(), NODE_LIFETIME)),
            Refusal::NotAdmitted,
        ),
    ];
    for (what, papers, wanted) in cases {
        let refused = turned_away(lead, papers.as_ref()).await;
        assert!(is_refusal(&refused, wanted), "{what}: {refused:?}");
    }
    siege.nobody_noticed("strangers").await;
}

/// The positive control of the test above: the same intruder with real papers is let in.
#[tokio::test]
async fn a_peer_with_the_right_papers_is_let_in() {
    use crate::support::intruder::{Deed, MEMBER, dial, name_stream, say};
    use aurora_mesh::transport::error::TransportError;
    use aurora_mesh::wire::control::{FromFollower, Heartbeat};
    use aurora_mesh::wire::open::StreamKind;

    let mesh = TestMesh::start().await;
    let papers = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let lead = mesh.lead.running().address().expect("the lead listens");
    let mut member = dial(lead, MEMBER, Some(&papers)).await.expect("let in");
    let early = Heartbeat { stamp: 1, revision: 0, cache_entries: 0, load_milli: 0, uptime_ms: 0 };
    member.act([Deed::Stream, name_stream(StreamKind::Control), say::<FromFollower>(early)]).await;
    // What ends it is what it said, not who it is.
    let ended = member.ended().await;
    assert!(matches!(&ended, TransportError::Closed { reason, .. } if reason.contains("hello")), "{ended:?}");
}

fn forge_again(forge: &Forge) -> aurora_mesh::transport::authority::Authority {
    let certificate = forge.authority.certificate_der().to_vec();
    aurora_mesh::transport::authority::Authority::from_parts(&forge.authority.key(), certificate).expect("the same")
}

fn again(key: &NodeKey) -> NodeKey {
    NodeKey::from_plaintext(&key.to_plaintext()).expect("the same")
}
