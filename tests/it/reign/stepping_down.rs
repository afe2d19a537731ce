//! What a lead believes of those who say that its reign is over: what the authority of its mesh has signed, whoever brings it.

use std::time::Duration;

use aurora_mesh::crypto::succession;
use aurora_mesh::model::identity::{MeshId, StoreId};
use aurora_mesh::model::number::Epoch;
use aurora_mesh::model::reign::{Reign, Succession};
use aurora_mesh::transport::error::TransportError;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::wire::control::{FromFollower, FromLead, GoodbyeReason, Hello};
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::succession::SuccessionFrame;
use aurora_mesh::wire::version;
use serde_json::json;

use crate::agents::stage::{agent, key, with_key};
use crate::audit_proof::journals::{gaps, looks};
use crate::support::callers::{admin, node, put, read};
use crate::support::forge::{Forge, Papers, join_by_hand, now};
use crate::support::http;
use crate::support::intruder::Deed::Stream;
use crate::support::intruder::{Intruder, MEMBER, dial, name_stream, say};
use crate::support::mesh::{TestMesh, prod};
use crate::support::wait::eventually;

fn reign(mesh: MeshId, epoch: u64, store: u8) -> Reign {
    Reign { mesh, store: StoreId([store; 16]), epoch: Epoch(epoch), lead: node("usurper"), begins_at: now() }
}

fn signed(forge: &Forge, reign: Reign) -> Succession {
    succession::sign(reign, &forge.authority).expect("signed")
}

/// Connects as a member, and gives the reign that the lead states.
async fn greeted(mesh: &TestMesh, papers: &Papers) -> (Intruder, Succession) {
    let address = mesh.lead.running().address().expect("the lead listens");
    let mut member = dial(address, MEMBER, Some(papers)).await.expect("let in");
    let hello = Hello { versions: version::offered(), build: "0".to_owned(), epoch: 0, revision: 0, boot_id: [1; 16] };
    member.act([Stream, name_stream(StreamKind::Control), say::<FromFollower>(hello)]).await;
    let FromLead::Welcome(_) = member.hears().await else { panic!("no welcome") };
    let FromLead::SuccessionFrame(stated) = member.hears().await else { panic!("no succession") };
    (member, Succession::try_from(stated).expect("a succession"))
}

fn show(told: &Succession) -> crate::support::intruder::Deed {
    say::<FromFollower>(SuccessionFrame::from(told))
}

async fn refusals(mesh: &TestMesh) -> usize {
    let lines = mesh.lead.vault().audit_tail(&admin(), 100).await.expect("the journal");
    lines.iter().filter(|line| line.contains("\"lead.succession\"") && line.contains("\"refused\"")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_false_statement_changes_nothing_and_is_written_down() {
    let mut mesh = TestMesh::start().await;
    let forge = Forge::of(&mut mesh.lead).await;
    let impostor = Forge::impostor(forge.mesh);
    let papers = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let true_one = signed(&forge, reign(forge.mesh, 2, 9));
    let false_ones = [
        ("of another authority", signed(&impostor, reign(forge.mesh, 9, 9))),
        ("of another mesh", signed(&forge, reign(MeshId([1; 16]), 9, 9))),
        ("altered", Succession { reign: reign(forge.mesh, 9, 9), ..true_one }),
        ("of another lead of the same epoch", signed(&forge, reign(forge.mesh, 1, 9))),
    ];
    for (number, (what, told)) in false_ones.into_iter().enumerate() {
        let (mut mallory, _) = greeted(&mesh, &papers).await;
        mallory.act([show(&told)]).await;
        let ended = mallory.ended().await;
        let TransportError::Closed { reason, .. } = &ended else { panic!("{what}: {ended:?}") };
        assert!(reason.contains("succession"), "{what}: {reason}");
        eventually("it is written down", || async { (refusals(&mesh).await == number + 1).then_some(()) }).await;
        mesh.put(put("hubspot/api_key", "global", &format!("not-a-real-{number}"))).await;
        assert_eq!(mesh.lead.vault().health().freshness, "lead", "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_of_an_earlier_or_of_the_same_reign_ends_nothing() {
    let mut mesh = TestMesh::start().await;
    let forge = Forge::of(&mut mesh.lead).await;
    let papers = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let (mut mallory, stated) = greeted(&mesh, &papers).await;
    assert_eq!((stated.reign.epoch, &stated.reign.lead), (Epoch(1), &node("aurora")));
    mallory.act([show(&signed(&forge, reign(forge.mesh, 0, 9))), show(&stated)]).await;
    let asked =
        aurora_mesh::wire::control::Heartbeat { stamp: 7, revision: 0, cache_entries: 0, load_milli: 0, uptime_ms: 0 };
    mallory.act([say::<FromFollower>(asked)]).await;
    let FromLead::Beacon(beacon) = mallory.hears().await else { panic!("the session goes on") };
    assert_eq!(beacon.stamp, 7);
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    assert_eq!(refusals(&mesh).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_that_is_shown_a_later_reign_sends_everybody_away_and_stays_down() {
    let mut mesh = TestMesh::start().await;
    let forge = Forge::of(&mut mesh.lead).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let papers = join_by_hand(&mesh, "witness", prod(&[])).await;
    let other = join_by_hand(&mesh, "bystander", prod(&[])).await;
    let (mut bystander, _) = greeted(&mesh, &other).await;
    let (mut witness, _) = greeted(&mesh, &papers).await;
    witness.act([show(&signed(&forge, reign(forge.mesh, 2, 9)))]).await;
    for member in [&mut witness, &mut bystander] {
        let FromLead::Goodbye(goodbye) = member.hears().await else { panic!("no goodbye") };
        assert_eq!(goodbye.reason, GoodbyeReason::NotLead);
    }
    for _ in 0..2 {
        assert_eq!(mesh.lead.vault().health().freshness, "stepped_down");
        let refused = mesh.lead.vault().put(&admin(), put("a/b", "global", "not-a-real-one")).await;
        assert!(matches!(refused, Err(VaultError::NotLead { lead }) if lead.name == Some(node("usurper"))));
        let address = mesh.lead.running().address().expect("the lead listens");
        let mut late = dial(address, MEMBER, Some(&other)).await.expect("let in");
        let hello =
            Hello { versions: version::offered(), build: "0".to_owned(), epoch: 0, revision: 0, boot_id: [1; 16] };
        late.act([Stream, name_stream(StreamKind::Control), say::<FromFollower>(hello)]).await;
        let FromLead::Goodbye(goodbye) = late.hears().await else { panic!("no goodbye") };
        assert_eq!(goodbye.reason, GoodbyeReason::NotLead);
        eventually("it is kept", || async {
            let lines = mesh.lead.vault().audit_tail(&admin(), 100).await.expect("the journal");
            lines.iter().any(|line| line.contains("stepped down from epoch 1")).then_some(())
        })
        .await;
        mesh.lead.stop().await;
        mesh.lead.start().await;
    }
    // Nobody vouches for what it holds any more, and it has not heard since when.
    let closed = mesh.lead.value(read("hubspot/api_key", None)).await;
    assert!(matches!(closed, Err(VaultError::StaleCache { .. })), "{closed:?}");
}

/// A lead that stepped down took requests for access into its own store, where nobody ever looks, and told a day later of each
/// follower, which it had sent away itself, that it proves nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_that_stepped_down_keeps_no_requests_and_misses_nobody_it_sent_away() {
    let mut mesh = TestMesh::start().await;
    let forge = Forge::of(&mut mesh.lead).await;
    agent(&mesh, "robot", &json!({"capabilities": ["event_publish", "data_query"]})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let papers = join_by_hand(&mesh, "witness", prod(&[])).await;
    let (mut witness, _) = greeted(&mesh, &papers).await;
    witness.act([show(&signed(&forge, reign(forge.mesh, 2, 9)))]).await;
    let FromLead::Goodbye(_) = witness.hears().await else { panic!("no goodbye") };
    let wish = json!({"name": "openai/api_key", "reason": "nightly report"}).to_string();
    let asked = with_key(&mesh.lead.agent_socket(), &key, "POST", "/api/access-requests", &[], &wish).await;
    assert_eq!((asked.status, asked.code().as_str()), (409, "not_lead"), "{}", asked.body);
    let admin_socket = mesh.lead.config.api.socket_dir.join("admin.sock");
    let listed = http::get(&admin_socket, "/api/access-requests").await;
    assert_eq!((listed.status, listed.code().as_str()), (409, "not_lead"), "{}", listed.body);
    mesh.lead.clock.advance(Duration::from_secs(25 * 60 * 60));
    looks(&mesh.lead).await;
    assert_eq!(gaps(&mesh.lead), [""; 0]);
}
