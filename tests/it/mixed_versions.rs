//! Nodes of this version and of the one before in one mesh, while values change: whoever is older goes on as it did, and
//! what only the newer has waits until both are there.

use std::sync::Arc;
use std::time::Duration;

use aurora_mesh::wire::version::{AUDIT_SINCE, ProtocolVersion, SPOKEN};

use crate::support::callers::{admin, node, put, read};
use crate::support::log::Log;
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::wait::eventually;

/// The version before this one, and nothing else.
const BEFORE: &[ProtocolVersion] = &[SPOKEN[1]];

/// Secrets that change, and how often each does.
const SECRETS: u64 = 5;
const CHANGES: u64 = 8;

/// A follower that joined as one of today, and runs as one of the version before.
async fn older(mesh: &TestMesh, name: &str) -> TestNode {
    let mut older = mesh.follower(name, prod(&[])).await;
    older.stop().await;
    older.speaks = BEFORE;
    older.start().await;
    older
}

/// Changes every secret again and again on the lead; gives the last revision.
async fn changes(mesh: &TestMesh, round: &str) -> aurora_mesh::model::number::Revision {
    let mut last = None;
    for number in 0..CHANGES {
        for secret in 0..SECRETS {
            let value = format!("{round} {number}");
            last = Some(mesh.put(put(&format!("service/key{secret}"), "global", &value)).await.revision);
        }
    }
    last.expect("something changed")
}

async fn has_all(follower: &TestNode, round: &str) {
    for secret in 0..SECRETS {
        let value = follower.value(read(&format!("service/key{secret}"), None)).await.expect("a value");
        assert_eq!(value, format!("{round} {}", CHANGES - 1), "{}", follower.config.node.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_of_both_versions_have_every_change_of_a_lead_of_today() {
    let mesh = Arc::new(TestMesh::start().await);
    let today = mesh.follower("today", prod(&[])).await;
    let mut before = older(&mesh, "before").await;
    let writing = tokio::spawn({
        let mesh = Arc::clone(&mesh);
        async move { changes(&mesh, "first").await }
    });
    // It is away for a part of the writes, for this one at the least, and comes back as what it was.
    before.stop().await;
    let away = mesh.put(put("service/away", "global", "while it was away")).await.revision;
    before.start().await;
    let revision = writing.await.expect("written").max(away);
    for follower in [&today, &before] {
        follower.reaches(revision).await;
        has_all(follower, "first").await;
        assert_eq!(follower.value(read("service/away", None)).await.expect("a value"), "while it was away");
        follower.is_fresh().await;
    }
    eventually("the lead names who was left behind", || async {
        let said = mesh.lead.vault().diagnosis(&admin()).await.expect("said");
        (said.oldest_follower == Some((node("before"), BEFORE[0]))).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_of_today_follows_a_lead_of_the_version_before_and_catches_up_with_its_journal_later() {
    let mut mesh = TestMesh::start().await;
    let today = mesh.follower("today", prod(&[])).await;
    mesh.lead.stop().await;
    mesh.lead.speaks = BEFORE;
    mesh.lead.start().await;
    let revision = changes(&mesh, "second").await;
    today.reaches(revision).await;
    has_all(&today, "second").await;
    today.is_fresh().await;
    // There is no stream for the journal, and no question by which a node leaves: it is told so, and stays a member.
    let refused = today.vault().leave(&admin(), None).await.expect_err("the lead has no such question");
    assert!(refused.to_string().contains("older version"), "{refused}");
    let written = today.vault().audit_tail(&admin(), 1000).await.expect("a journal").len();
    assert!(written > 0 && BEFORE[0] < AUDIT_SINCE);
    mesh.lead.stop().await;
    mesh.lead.speaks = &SPOKEN;
    mesh.lead.start().await;
    let revision = changes(&mesh, "third").await;
    today.reaches(revision).await;
    has_all(&today, "third").await;
    eventually("the lead has the journal of the follower, from its first line", || async {
        let known = mesh.lead.vault().audit_nodes(&admin()).await.expect("known").nodes;
        let lines = known.iter().find(|it| it.node == node("today")).map_or(0, |it| it.lines);
        (lines >= u64::try_from(written).expect("few")).then_some(())
    })
    .await;
}

/// A lead and a follower that have nothing in common say so, and the copies stay good for as long as they may.
#[tokio::test]
async fn nodes_two_versions_apart_do_not_speak_and_the_follower_goes_on_with_what_it_has() {
    let mesh = TestMesh::start().await;
    let mut far = mesh.follower("far", prod(&[])).await;
    let revision = changes(&mesh, "first").await;
    far.reaches(revision).await;
    far.stop().await;
    far.speaks = &[ProtocolVersion(4)];
    let log = Log::capture();
    far.start().await;
    for (who, says) in [
        ("the lead cannot be reached", "no protocol version in common"),
        ("a follower's session ended", "none of our protocol versions"),
    ] {
        eventually(&format!("{who}: {says}"), || async {
            log.lines_with(who).iter().any(|line| line.contains(says)).then_some(())
        })
        .await;
    }
    let later = changes(&mesh, "second").await;
    let heard = far.vault().health().lead_last_heard;
    eventually("its copies grow older", || async {
        (far.vault().health().lead_last_heard > heard.map(|heard| heard + Duration::from_millis(200))).then_some(())
    })
    .await;
    assert!(far.vault().health().revision < later);
    has_all(&far, "first").await;
}
