//! A node that is thrown out is out at once and everywhere: on its connection, at the door, at the join desk, and in its own
//! memory and file. And nobody but its lead can make it believe that.

mod at_the_desk;
mod false_lead;
mod stage;

use std::time::Duration;

use aurora_mesh::model::identity::Role;
use aurora_mesh::model::roster::Standing;
use aurora_mesh::transport::error::{Refusal, TransportError};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::ExposureOf;
use aurora_mesh::vault::roster_error::RosterError;

use crate::support::callers::{admin, node, place, put, read};
use crate::support::forge::{Forge, join_by_hand};
use crate::support::intruder::turned_away;
use crate::support::mesh::{TestMesh, prod};
use crate::support::raw::holds;
use crate::support::wait::eventually;
use stage::{NAME, VALUE, ban, has_forgotten, is_banned, remove, sealed_bytes, stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connected_follower_is_out_and_has_wiped_what_it_held() {
    let (mesh, mut follower) = stage().await;
    let sealed = sealed_bytes(&mesh, &mut follower).await;
    assert!(sealed.iter().all(|bytes| holds(&follower, bytes)), "the search finds them");
    let out = ban(&mesh, "vengeance").await;
    let cut_off = eventually("the session is over on the lead", || async {
        let nodes = mesh.lead.vault().nodes(&admin()).await.expect("listed");
        let line = nodes.into_iter().find(|line| line.name == node("vengeance")).expect("still known");
        line.address.is_none().then_some(())
    });
    let refused = eventually("reads are refused", || async {
        matches!(follower.value(read(NAME, None)).await, Err(VaultError::Banned { .. })).then_some(())
    });
    tokio::join!(cut_off, refused);
    assert_eq!(out.scopes, 1, "the one scope that has a key");
    is_banned(&follower).await;
    has_forgotten(&mut follower, &sealed).await;
    // It stays so when it is started again, also without hearing the lead.
    follower.start().await;
    assert_eq!(follower.vault().health().freshness, "banned");
    let refused = follower.value(read(NAME, None)).await;
    assert!(matches!(refused, Err(VaultError::Banned { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_it_held_is_replaced_and_the_other_nodes_go_on() {
    let (mesh, _follower) = stage().await;
    let other = mesh.follower("other", prod(&["acme"])).await;
    mesh.put(put(NAME, "company:acme", "not its business")).await;
    mesh.put(put(NAME, "node:vengeance", "its own")).await;
    let of_other = mesh.put(put(NAME, "node:other", "not its own")).await;
    other.reaches(of_other.revision).await;
    let out = ban(&mesh, "vengeance").await;
    assert_eq!(out.scopes, 2, "global and its own; the company's and the other node's keys it never had");
    let generations = || async {
        let report = mesh.lead.vault().keys(&admin()).await.expect("told");
        let mut keys: Vec<(String, u32)> =
            report.keys.iter().map(|key| (key.at.scope.to_string(), key.generation.get())).collect();
        keys.sort();
        keys
    };
    let wanted = [("company:acme", 1), ("global", 2), ("node:other", 1), ("node:vengeance", 2)];
    assert_eq!(generations().await, wanted.map(|(scope, generation)| (scope.to_owned(), generation)));
    let stored = mesh.put(put(NAME, "global", "after the ban")).await;
    other.reaches(stored.revision).await;
    assert_eq!(other.value(read(NAME, None)).await.expect("readable"), "not its own");
}

/// The list is loaded before the socket opens: there is no moment in which the lead does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_was_away_is_refused_at_its_first_handshake_after_a_restart_of_the_lead_and_wipes() {
    let (mut mesh, mut follower) = stage().await;
    let sealed = sealed_bytes(&mesh, &mut follower).await;
    follower.stop().await;
    ban(&mesh, "vengeance").await;
    mesh.lead.stop().await;
    assert!(sealed.iter().all(|bytes| holds(&follower, bytes)), "nobody can reach a file that is away");
    // It dials while the lead is down, so that its handshake is the first thing the lead hears.
    follower.start().await;
    assert_eq!(follower.value(read(NAME, None)).await.expect("its contract still holds"), VALUE);
    mesh.lead.start().await;
    is_banned(&follower).await;
    let welcomed = mesh.lead.vault().nodes(&admin()).await.expect("listed");
    let line = welcomed.into_iter().find(|line| line.name == node("vengeance")).expect("known");
    assert_eq!(line.last_heard, None, "it was never let in");
    assert!(matches!(line.standing, Standing::Banned { ref reason, .. } if reason == "its disk was stolen"));
    has_forgotten(&mut follower, &sealed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_banned_node_is_told_by_an_alert_of_its_own_and_a_removed_one_is_nobody() {
    let mut mesh = TestMesh::start().await;
    let address = mesh.lead.config.mesh.listen;
    let banned = join_by_hand(&mesh, "banned", prod(&[])).await;
    let removed = join_by_hand(&mesh, "removed", prod(&[])).await;
    ban(&mesh, "banned").await;
    remove(&mesh, "removed").await;
    let forge = Forge::of(&mut mesh.lead).await;
    let stranger = forge.papers(Role::Follower, "banned");
    let why = |ended| {
        let TransportError::PeerRefusedUs { refusal } = ended else { panic!("{ended:?}") };
        refusal
    };
    assert_eq!(why(turned_away(address, Some(&banned)).await), Refusal::Revoked);
    assert_eq!(why(turned_away(address, Some(&removed)).await), Refusal::NotAdmitted);
    assert_eq!(why(turned_away(address, Some(&stranger)).await), Refusal::NotAdmitted, "its name with another key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_follower_is_sent_away_and_wipes_and_its_name_can_be_given_again() {
    let (mesh, mut follower) = stage().await;
    let sealed = sealed_bytes(&mesh, &mut follower).await;
    assert_eq!(remove(&mesh, "vengeance").await.scopes, 1);
    is_banned(&follower).await;
    has_forgotten(&mut follower, &sealed).await;
    let nodes = mesh.lead.vault().nodes(&admin()).await.expect("listed");
    assert!(nodes.iter().all(|line| line.name != node("vengeance")));
    let token = mesh.token("vengeance", prod(&[])).await;
    let mut machine = mesh.stranger("another-machine");
    machine.join(&token).await.expect("joined");
    machine.start().await;
    machine.is_fresh().await;
    assert_eq!(machine.value(read(NAME, None)).await.expect("readable"), VALUE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lead_stays_and_what_is_not_there_cannot_be_thrown_out() {
    let (mesh, follower) = stage().await;
    let vault = mesh.lead.vault();
    let why = || "a mistake".to_owned();
    assert!(matches!(
        vault.ban(&admin(), node("aurora"), why()).await,
        Err(VaultError::Roster(RosterError::LeadStays))
    ));
    assert!(matches!(
        vault.remove(&admin(), node("aurora"), None).await,
        Err(VaultError::Roster(RosterError::LeadStays))
    ));
    assert!(matches!(vault.ban(&admin(), node("nobody"), why()).await, Err(VaultError::NoSuchNode(_))));
    let elsewhere = follower.vault().ban(&admin(), node("vengeance"), why()).await;
    assert!(matches!(elsewhere, Err(VaultError::NotLead { .. })), "{elsewhere:?}");
    ban(&mesh, "vengeance").await;
    assert!(matches!(
        vault.ban(&admin(), node("vengeance"), why()).await,
        Err(VaultError::Roster(RosterError::Banned(_)))
    ));
    let entitled = vault.entitle(&admin(), node("vengeance"), prod(&[])).await;
    assert!(matches!(entitled, Err(VaultError::Roster(RosterError::Banned(_)))), "{entitled:?}");
}

/// What it could have read is asked for after it was thrown out, not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_banned_node_could_have_read_is_still_known() {
    let (mesh, _follower) = stage().await;
    ban(&mesh, "vengeance").await;
    mesh.put(put("openai/api_key", "global", "stored after the ban")).await;
    let exposure = mesh.lead.vault().exposure(&admin(), &ExposureOf::Node(node("vengeance"))).await.expect("told");
    let names: Vec<String> = exposure.values.iter().map(|value| value.at.secret.name.to_string()).collect();
    assert_eq!(names, [NAME], "and nothing that came after");
    let holders = mesh.lead.vault().versions(&admin(), place(NAME, "global")).await.expect("told").holders;
    assert!(holders.iter().all(|holder| holder.node != node("vengeance")), "it counts for no convergence");
}

/// It heard nothing of the ban: its own contract ends it, at the second that was promised.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partitioned_follower_stops_at_its_promised_second() {
    let (mut mesh, follower) = stage::brief().await;
    follower.clock.hold();
    stage::vouched_for_now(&follower).await;
    ban_unheard(&mut mesh).await;
    let closes = stage::TTL + stage::MAX_STALE;
    follower.clock.advance(closes);
    assert_eq!(follower.value(read(NAME, None)).await.expect("the last moment"), VALUE);
    follower.clock.advance(Duration::from_millis(1));
    let refused = follower.value(read(NAME, None)).await;
    assert!(matches!(refused, Err(VaultError::StaleCache { .. })), "{refused:?}");
}

/// Bans the follower while no word of it gets through: the lead is started where nobody looks for it.
async fn ban_unheard(mesh: &mut TestMesh) {
    mesh.lead.stop().await;
    let known = mesh.lead.config.mesh.listen;
    mesh.lead.config.mesh.listen = ([127, 0, 0, 1], 0).into();
    mesh.lead.start().await;
    assert_ne!(mesh.lead.running().address(), Some(known));
    ban(mesh, "vengeance").await;
}
