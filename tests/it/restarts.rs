//! Nodes go away and come back; nobody has to help them.

use std::net::UdpSocket;
use std::time::Duration;

use aurora_mesh::daemon::node::RunningNode;
use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::transport::error::TransportError;
use aurora_mesh::vault::answer::{NodeState, Served};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::wire::control::{FromFollower, Heartbeat, Hello};
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::version;

use crate::support::callers::{admin, place, put, read};
use crate::support::forge::join_by_hand;
use crate::support::intruder::Deed::{Hear, Stream};
use crate::support::intruder::{MEMBER, dial, name_stream, say};
use crate::support::log::Log;
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::wait::eventually;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn followers_come_back_by_themselves_when_the_lead_restarts() {
    let mut mesh = TestMesh::start().await;
    let followers = [mesh.follower("alpha", prod(&[])).await, mesh.follower("beta", prod(&[])).await];
    for follower in &followers {
        follower.is_fresh().await;
    }
    let log = Log::capture();
    mesh.lead.stop().await;
    let lines = log.lines_with("");
    let told = lines.iter().position(|line| line.contains("that the lead stops")).expect("a farewell");
    let heard = lines[..told].iter().filter(|line| line.contains("shutting down")).count();
    assert_eq!(heard, followers.len(), "a lead stays until each is told of its end and none is left to notice it");
    mesh.lead.start().await;
    let stored = mesh.put(put("hubspot/api_key", "global", "after")).await;
    for follower in &followers {
        follower.reaches(stored.revision).await;
        assert_eq!(follower.value(read("hubspot/api_key", None)).await.expect("readable"), "after");
    }
}

#[tokio::test]
async fn a_follower_that_slept_through_more_than_the_log_holds_catches_up() {
    let mut mesh = TestMesh::start().await;
    mesh.lead.stop().await;
    mesh.lead.config.limits.log_revisions = 3;
    mesh.lead.start().await;
    let mut sleeper = mesh.follower("sleeper", prod(&[])).await;
    mesh.put(put("stripe/api_key", "global", "old")).await;
    let seen = mesh.put(put("hubspot/api_key", "global", "old")).await;
    sleeper.reaches(seen.revision).await;
    sleeper.stop().await;
    mesh.delete(place("stripe/api_key", "global")).await;
    for version in 0..10 {
        mesh.put(put("hubspot/api_key", "global", &format!("new-{version}"))).await;
    }
    let last = mesh.put(put("openai/api_key", "global", "first")).await;
    sleeper.start().await;
    sleeper.reaches(last.revision).await;
    sleeper.is_fresh().await;
    assert_eq!(sleeper.value(read("hubspot/api_key", None)).await.expect("readable"), "new-9");
    assert_eq!(sleeper.value(read("openai/api_key", None)).await.expect("readable"), "first");
    let gone = sleeper.value(read("stripe/api_key", None)).await;
    assert!(matches!(gone, Err(VaultError::NotFound { .. })), "{gone:?}");
}

/// A contact that came true only when a change was applied was not written down until the next heartbeat. A follower that
/// crashed in that second found no contact on its disk, and served nothing while the lead was away.
#[tokio::test]
async fn a_follower_that_was_fresh_for_an_instant_serves_from_its_disk() {
    let mut mesh = TestMesh::start().await;
    for attempt in 0..3 {
        let value = format!("value-{attempt}");
        mesh.put(put("hubspot/api_key", "global", &value)).await;
        let mut follower = mesh.follower(&format!("brief-{attempt}"), prod(&[])).await;
        follower.is_fresh().await;
        follower.stop().await;
        mesh.lead.stop().await;
        follower.start().await;
        let answer = follower.read(read("hubspot/api_key", None)).await.expect("served from the disk");
        assert_eq!(answer.value.expose(), value.as_bytes());
        assert_eq!(answer.freshness.served, Served::Hit);
        mesh.lead.start().await;
    }
}

#[tokio::test]
async fn a_certificate_is_renewed_at_half_its_life_and_the_session_stays_up() {
    let mut mesh = TestMesh::start().await;
    let mut follower = mesh.follower("alpha", prod(&[])).await;
    follower.is_fresh().await;
    let log = Log::capture();
    both_age(&mesh, &follower, 13 * HOUR);
    let stored = mesh.put(put("hubspot/api_key", "global", "one")).await;
    follower.reaches(stored.revision).await;
    assert_eq!(log.disturbances(), Vec::<String>::new(), "ageing ends no session");
    // The next look at the certificate is up to a minute away, or comes with the next session.
    mesh.lead.stop().await;
    mesh.lead.start().await;
    let renewed = "certificate was renewed";
    eventually("it is renewed", || async { (!log.lines_with(renewed).is_empty()).then_some(()) }).await;
    let others = log.disturbances().into_iter().filter(|line| !line.contains("shutting down"));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<String>::new(), "over the session it had");
    // Without the new certificate, on disk, this would be two hours too late.
    follower.stop().await;
    mesh.lead.stop().await;
    both_age(&mesh, &follower, 13 * HOUR);
    mesh.lead.start().await;
    follower.start().await;
    let stored = mesh.put(put("hubspot/api_key", "global", "two")).await;
    follower.reaches(stored.revision).await;
}

#[tokio::test]
async fn a_follower_that_slept_past_its_certificate_comes_back_with_the_key_the_roster_pins() {
    let mut mesh = TestMesh::start().await;
    let mut follower = mesh.follower("alpha", prod(&[])).await;
    let stored = mesh.put(put("hubspot/api_key", "global", "one")).await;
    follower.reaches(stored.revision).await;
    follower.is_fresh().await;
    follower.stop().await;
    mesh.lead.stop().await;
    both_age(&mesh, &follower, 25 * HOUR);
    mesh.lead.start().await;
    let log = Log::capture();
    follower.start().await;
    let stored = mesh.put(put("hubspot/api_key", "global", "two")).await;
    follower.reaches(stored.revision).await;
    // An answer that came too late is asked for again.
    assert!(!log.lines_with("the lead renewed the certificate that had run out").is_empty());
    let lines = mesh.lead.vault().audit_tail(&admin(), 20).await.expect("the journal");
    let noted = |line: &String| line.contains("node.rejoin") && line.contains("alpha from 127.0.0.1");
    assert!(lines.iter().any(noted), "{lines:?}");
}

#[tokio::test]
async fn a_newer_connection_of_a_node_takes_the_place_of_the_older_one() {
    let mesh = TestMesh::start().await;
    let papers = join_by_hand(&mesh, "twice", prod(&[])).await;
    let lead = mesh.lead.running().address().expect("the lead listens");
    let hello = || {
        let hello =
            Hello { versions: version::offered(), build: "0".to_owned(), epoch: 0, revision: 0, boot_id: [0; 16] };
        [Stream, name_stream(StreamKind::Control), say::<FromFollower>(hello), Hear]
    };
    let mut older = dial(lead, MEMBER, Some(&papers)).await.expect("let in");
    older.act(hello()).await;
    let mut newer = dial(lead, MEMBER, Some(&papers)).await.expect("let in");
    newer.act(hello()).await;
    let ended = older.ended().await;
    assert!(matches!(ended, TransportError::Closed { code: CloseCode::Superseded, .. }), "{ended:?}");
    let beat = Heartbeat { stamp: 1, revision: 0, cache_entries: 0, load_milli: 0, uptime_ms: 0 };
    newer.act([say::<FromFollower>(beat), Hear]).await;
    assert!(newer.connection.close_reason().is_none());
}

#[tokio::test]
async fn a_silent_node_is_suspected_and_then_lost_until_it_speaks_again() {
    let mesh = TestMesh::start().await;
    let mut follower = mesh.follower("alpha", prod(&[])).await;
    is_seen(&mesh, NodeState::Alive).await;
    follower.stop().await;
    // The lead's clock is moved between the end of the session and its next look: no heartbeat can come in between.
    mesh.lead.clock.advance(Duration::from_secs(5));
    is_seen(&mesh, NodeState::Suspect).await;
    mesh.lead.clock.advance(Duration::from_secs(11));
    is_seen(&mesh, NodeState::Lost).await;
    follower.start().await;
    is_seen(&mesh, NodeState::Alive).await;
}

/// A node that could not bind its port left its store open in the process: nothing could start it again.
#[tokio::test]
async fn a_start_that_failed_can_be_repeated() {
    let mut mesh = TestMesh::start().await;
    mesh.lead.stop().await;
    let taken = UdpSocket::bind(mesh.lead.config.mesh.listen).expect("free");
    let refused = RunningNode::start(&mesh.lead.config, None, &mesh.lead.seams()).await;
    let refused = format!("{:#}", refused.err().expect("the port is taken"));
    assert!(refused.contains("cannot use UDP address"), "{refused}");
    drop(taken);
    mesh.lead.start().await;
    mesh.put(put("hubspot/api_key", "global", "works")).await;
}

fn both_age(mesh: &TestMesh, follower: &TestNode, by: Duration) {
    mesh.lead.clock.advance(by);
    follower.clock.advance(by);
}

async fn is_seen(mesh: &TestMesh, wanted: NodeState) {
    eventually(&format!("alpha is {wanted:?}"), || async {
        let nodes = mesh.lead.vault().nodes(&admin()).await.expect("listed");
        nodes.iter().any(|line| line.name.as_str() == "alpha" && line.state == wanted).then_some(())
    })
    .await;
}
