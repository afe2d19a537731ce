//! A member with real papers that keeps to the frames and lies in them: about what it holds, who asks there, how much there is.
//! The lead believes of a member what is a member's to say, and nothing more.

use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::transport::node_key::NodeKey;
use aurora_mesh::wire::control;
use aurora_mesh::wire::event::PublishEvent;
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::request::{self, Renew};
use aurora_mesh::wire::tally::{BUCKETS_MAX, BucketCounts, LastUse, Tally, USES_MAX};

use super::frames::{ConcatAll, follow, greeting, heartbeat, subscribe};
use super::{Siege, is_closed};
use crate::support::callers::put;
use crate::support::forge::{Papers, join_by_hand};
use crate::support::intruder::Deed::{Hear, Stream};
use crate::support::intruder::{Deed, Intruder, MEMBER, dial, name_stream, say};
use crate::support::mesh::{TestMesh, prod};

/// Honest nodes, and the papers of one that is not.
async fn siege() -> (Siege, Papers) {
    let siege = Siege::of(TestMesh::start().await).await;
    let papers = join_by_hand(&siege.mesh, "mallory", prod(&["acme"])).await;
    (siege, papers)
}

async fn session(siege: &Siege, papers: &Papers, more: impl IntoIterator<Item = Deed>) -> Intruder {
    let mut member = dial(siege.lead(), MEMBER, Some(papers)).await.expect("let in");
    member.act(greeting()).await;
    member.act(more).await;
    member
}

fn asking() -> Vec<Deed> {
    vec![Stream, name_stream(StreamKind::Request)]
}

fn ask(question: impl Into<request::FromFollower>) -> Deed {
    say::<request::FromFollower>(question)
}

/// What a program told there is that node's word, within its environment and its companies; a credential in it is nobody's word.
#[tokio::test]
async fn a_member_tells_events_of_itself_alone() {
    let (siege, papers) = Box::pin(siege()).await;
    let told = |kind: &str, company: Option<&str>, data: &str| PublishEvent {
        id: 1,
        event: "evt_01JD0000000000000000000000".to_owned(),
        kind: kind.to_owned(),
        by: "user:1000".to_owned(),
        company: company.map(str::to_owned),
        at_ms: 1_795_248_000_123,
        data: data.to_owned(),
    };
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(2_000), "]".repeat(2_000));
    let lies = [
        told("secret.updated", None, "{}"),
        told("node.banned", None, "{}"),
        told("agent.started", Some("beta"), "{}"),
        told("agent.started", Some("../x"), "{}"),
        told("agent.started", None, "[]"),
        told("agent.started", None, &deep),
        told("agent.started", None, &format!("{{\"a\":{:?}}}", "x".repeat(900_000))),
        told("no.such.type", None, "{}"),
        PublishEvent { event: "evt_of_mine".to_owned(), ..told("agent.started", None, "{}") },
        PublishEvent { by: "x".repeat(100_000), ..told("agent.started", None, "{}") },
    ];
    for lie in lies {
        let what = format!("{:.160?}", lie);
        let mut member = session(&siege, &papers, asking()).await;
        member.act([ask(lie)]).await;
        let connection = member.connection.clone();
        tokio::select! {
            biased;
            _ended = connection.closed() => {}
            answer = member.hears::<request::FromLead>() => {
                assert!(matches!(answer, request::FromLead::Failed(_)), "{what}: {answer:?}");
            }
        }
    }
    siege.nobody_noticed("events of others").await;
}

#[tokio::test]
async fn counts_beyond_all_sense_end_the_session_of_who_tells_them() {
    let (siege, papers) = Box::pin(siege()).await;
    let bucket = |agent: &str| BucketCounts { agent: agent.to_owned(), company: None, key: None, by_age: vec![1] };
    let used = |key: &str| LastUse { agent: "robot".to_owned(), key: key.to_owned(), at_ms: i64::MAX };
    let lies = [
        Tally { buckets: vec![bucket("robot"); BUCKETS_MAX + 1], uses: Vec::new() },
        Tally { buckets: vec![BucketCounts { by_age: vec![u32::MAX; 100_000], ..bucket("robot") }], uses: Vec::new() },
        Tally { buckets: vec![bucket("../robot")], uses: Vec::new() },
        Tally {
            buckets: vec![BucketCounts { company: Some("acme".into()), key: Some("ci".into()), ..bucket("robot") }],
            uses: Vec::new(),
        },
        Tally { buckets: Vec::new(), uses: vec![used("ci"); USES_MAX + 1] },
        Tally { buckets: Vec::new(), uses: vec![used("C I")] },
    ];
    for lie in lies {
        let what = format!("{:.160?}", lie);
        let mut member = dial(siege.lead(), MEMBER, Some(&papers)).await.expect("let in");
        member.act([greeting(), vec![say::<control::FromFollower>(lie)]].concat_all()).await;
        let ended = member.ended().await;
        assert!(is_closed(&ended, CloseCode::ProtocolViolation, ""), "{what}: {ended:?}");
    }
    siege.nobody_noticed("counts beyond sense").await;
}

/// Questions without end, and none of their answers read: the lead keeps no more of them than a connection may hold.
#[tokio::test]
async fn a_member_that_asks_without_end_holds_nobody_up() {
    let (siege, papers) = Box::pin(siege()).await;
    let other = NodeKey::generate().expect("a key").csr().expect("csr");
    let mut member = session(&siege, &papers, asking()).await;
    let flood = async {
        for id in 0..4_000 {
            member.act([ask(Renew { id, csr: other.clone() })]).await;
        }
    };
    let _blocked = tokio::time::timeout(std::time::Duration::from_secs(2), flood).await;
    siege.nobody_noticed("questions without end").await;
}

/// Everything is asked for and nothing is read: what is kept for such a member is bounded, and the others get theirs.
#[tokio::test]
async fn a_member_that_never_reads_what_it_subscribed_to_holds_nobody_up() {
    let (siege, papers) = Box::pin(siege()).await;
    let rules = vec![Stream, name_stream(StreamKind::Rules), follow(), Hear];
    let subscribing = vec![Stream, name_stream(StreamKind::Subscription), subscribe()];
    let _deaf = session(&siege, &papers, [rules, subscribing, vec![]].concat_all()).await;
    let value = "x".repeat(60_000);
    for number in 0..60 {
        siege.mesh.put(put(&format!("bulk/key-{number}"), "global", &value)).await;
    }
    siege.nobody_noticed("a deaf member").await;
}

/// One node is one session: a second takes the place of the first, and the first hears why.
#[tokio::test]
async fn a_second_session_of_one_member_ends_the_first() {
    let (siege, papers) = Box::pin(siege()).await;
    let first = session(&siege, &papers, [heartbeat(0)]).await;
    let second = session(&siege, &papers, [heartbeat(0), Hear]).await;
    let ended = first.ended().await;
    assert!(is_closed(&ended, CloseCode::Superseded, ""), "{ended:?}");
    assert!(second.connection.close_reason().is_none());
    siege.nobody_noticed("two of one").await;
}
