//! Members that lie about their journal over the wire, and members that say nothing of it.

use std::time::Duration;

use aurora_mesh::audit::head::Head;
use aurora_mesh::audit::seal::{Author, SignedHead};
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::transport::error::TransportError;
use aurora_mesh::transport::node_key::NodeKey;
use aurora_mesh::wire::audit::{
    FromFollower, FromLead, HeadFrame, LeadHead, Lines, NotTaken, NotTakenReason, Offer, SendFrom,
};
use aurora_mesh::wire::control::{self, Heartbeat, Hello};
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::version;

use super::journals::{copy_dir, gaps, lines, looks};
use crate::support::callers::node;
use crate::support::forge::{Papers, join_by_hand};
use crate::support::intruder::Deed::{Hear, Stream};
use crate::support::intruder::{Intruder, MEMBER, dial, name_stream, say};
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::wait::eventually;

/// A member of the mesh that is moved by hand.
struct Liar {
    author: Author,
    papers: Papers,
    intruder: Intruder,
}

impl Liar {
    async fn of(mesh: &TestMesh) -> Self {
        let papers = join_by_hand(mesh, "alpha", prod(&[])).await;
        let mut intruder = dial(mesh.lead.config.mesh.listen, MEMBER, Some(&papers)).await.expect("let in");
        let hello =
            Hello { versions: version::offered(), build: "0".to_owned(), epoch: 0, revision: 0, boot_id: [0; 16] };
        let beat = Heartbeat { stamp: 1, revision: 0, cache_entries: 0, load_milli: 0, uptime_ms: 0 };
        let control = [name_stream(StreamKind::Control), say::<control::FromFollower>(hello), Hear];
        intruder.act([Stream]).await;
        intruder.act(control).await;
        intruder.act([say::<control::FromFollower>(beat), Hear]).await;
        Self { author: Author { mesh: mesh.lead.vault().mesh(), node: node("alpha") }, papers, intruder }
    }

    async fn begins(mesh: &TestMesh) -> Self {
        let mut liar = Self::of(mesh).await;
        liar.intruder.act([Stream, name_stream(StreamKind::Audit)]).await;
        liar
    }

    fn head(&self, key: &NodeKey, head: Head) -> HeadFrame {
        let signed = SignedHead::sign(&self.author, head, 2, Timestamp(1), key).expect("signed");
        HeadFrame {
            mesh: self.author.mesh.0,
            node: signed.statement.node.to_string(),
            seq: head.seq,
            hash: head.hash,
            format: 2,
            time_ms: 1,
            public_key: signed.public_key,
            signature: signed.signature,
        }
    }

    async fn offers(&mut self, head: HeadFrame) -> FromLead {
        let offer = Offer { before_seq: 0, before_hash: [0; 32], head, sealed: None, lead: None };
        self.intruder.act([say::<FromFollower>(offer)]).await;
        self.answer().await
    }

    async fn sends(&mut self, first_seq: u64, lines: &[u8], head: HeadFrame) -> FromLead {
        self.intruder.act([say::<FromFollower>(Lines { first_seq, lines: lines.to_vec(), head })]).await;
        self.answer().await
    }

    /// What the lead answers; seals of its own journal come in between.
    async fn answer(&mut self) -> FromLead {
        loop {
            match self.intruder.hears().await {
                FromLead::LeadHead(LeadHead { .. }) => {}
                answer @ (FromLead::SendFrom(_) | FromLead::Taken(_) | FromLead::NotTaken(_)) => return answer,
            }
        }
    }
}

const LATER: Head = Head { seq: 9, hash: [9; 32] };

fn refused(reason: NotTakenReason) -> FromLead {
    NotTaken { reason }.into()
}

async fn told(lead: &TestNode, words: &str) {
    eventually(&format!("the lead tells: {words}"), || async {
        gaps(lead).iter().any(|line| line.contains(words)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_head_by_another_key_or_of_another_node_is_refused_and_told_once() {
    let mesh = TestMesh::start().await;
    let mut liar = Liar::begins(&mesh).await;
    let other = NodeKey::generate().expect("a key");
    for _ in 0..3 {
        let forged = liar.head(&other, LATER);
        assert_eq!(liar.offers(forged).await, refused(NotTakenReason::Signature));
    }
    told(&mesh.lead, "signed with another key than the node's own").await;
    assert_eq!(gaps(&mesh.lead).len(), 1);
    let renamed = HeadFrame { node: "beta".to_owned(), ..liar.head(&liar.papers.key, LATER) };
    assert_eq!(liar.offers(renamed).await, refused(NotTakenReason::Signature));
    let longer = HeadFrame { seq: 10, ..liar.head(&liar.papers.key, LATER) };
    assert_eq!(liar.offers(longer).await, refused(NotTakenReason::Signature));
}

#[tokio::test]
async fn lines_that_are_none_or_of_another_node_or_do_not_follow_are_not_taken() {
    let mesh = TestMesh::start().await;
    let mut liar = Liar::begins(&mesh).await;
    let head = liar.head(&liar.papers.key, LATER);
    assert_eq!(liar.offers(head.clone()).await, SendFrom { seq: 0, hash: [0; 32] }.into());
    let zeros = "0".repeat(64);
    let of = |node: &str, seq: u64| format!("{{\"v\":2,\"seq\":{seq},\"prev\":\"{zeros}\",\"node\":\"{node}\"}}\n");
    for (first, text) in [
        (1, "no line\n".to_owned()),
        (1, of("beta", 1)),
        (1, of("alpha", 2)),
        (7, of("alpha", 7)),
        (1, of("alpha", 1).trim_end().to_owned()),
        (1, format!("{}\n", "x".repeat(17_000))),
    ] {
        let answer = liar.sends(first, text.as_bytes(), head.clone()).await;
        assert_eq!(answer, refused(NotTakenReason::Misfit), "{text}");
    }
    let answer = liar.sends(1, of("alpha", 1).as_bytes(), head).await;
    assert_eq!(answer, refused(NotTakenReason::Signature), "a head that is not that of the line");
    assert_eq!(lines(&copy_dir(&mesh.lead, "alpha", 1)), Vec::<String>::new());
}

#[tokio::test]
async fn a_member_that_finds_another_lie_in_each_frame_does_not_fill_the_leads_journal() {
    let mesh = TestMesh::start().await;
    let mut liar = Liar::begins(&mesh).await;
    let head = liar.head(&liar.papers.key, LATER);
    assert_eq!(liar.offers(head.clone()).await, SendFrom { seq: 0, hash: [0; 32] }.into());
    for first in 100..160 {
        assert_eq!(liar.sends(first, b"{}\n", head.clone()).await, refused(NotTakenReason::Misfit));
    }
    let before = gaps(&mesh.lead).len();
    assert!((1..=25).contains(&before), "{before} of 60 are lines of the lead's own journal");
    mesh.lead.clock.advance(Duration::from_secs(120));
    assert_eq!(liar.sends(777, b"{}\n", head).await, refused(NotTakenReason::Misfit));
    let last = gaps(&mesh.lead).pop().expect("told");
    assert!(last.contains("number 777") && last.contains("were not told"), "{last}");
}

#[tokio::test]
async fn fields_longer_than_they_can_be_end_the_session() {
    let mesh = TestMesh::start().await;
    let mut liar = Liar::begins(&mesh).await;
    let head = HeadFrame { signature: vec![0; 200], ..liar.head(&liar.papers.key, LATER) };
    let offer = Offer { before_seq: 0, before_hash: [0; 32], head, sealed: None, lead: None };
    liar.intruder.act([say::<FromFollower>(offer)]).await;
    let ended = liar.intruder.ended().await;
    assert!(matches!(ended, TransportError::Closed { code: CloseCode::ProtocolViolation, .. }), "{ended:?}");
}

#[tokio::test]
async fn a_connected_node_that_proves_nothing_is_told_after_five_minutes_and_once() {
    let mesh = TestMesh::start().await;
    let _liar = Liar::of(&mesh).await;
    eventually("the lead has looked, and then time passes", || async {
        mesh.lead.clock.advance(Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(500)).await;
        gaps(&mesh.lead).iter().any(|line| line.contains("has not proved the end of its journal")).then_some(())
    })
    .await;
    mesh.lead.clock.advance(Duration::from_secs(600));
    looks(&mesh.lead).await;
    assert_eq!(gaps(&mesh.lead).len(), 1);
}

#[tokio::test]
async fn a_node_that_is_away_for_a_day_is_told_once_also_over_a_restart() {
    let mut mesh = TestMesh::start().await;
    let mut follower = mesh.follower("alpha", prod(&[])).await;
    follower.is_fresh().await;
    follower.stop().await;
    mesh.lead.clock.advance(Duration::from_secs(25 * 60 * 60));
    told(&mesh.lead, "it was not heard for 24 hours").await;
    mesh.lead.stop().await;
    mesh.lead.start().await;
    looks(&mesh.lead).await;
    assert_eq!(gaps(&mesh.lead).len(), 1, "{:?}", gaps(&mesh.lead));
}
