//! Who has heard of a freeze; and of who cannot, when it stops by itself, and that it does.

use std::time::Duration;

use aurora_mesh::model::freeze::FreezeLevel;
use aurora_mesh::model::freshness::FreshnessPolicy;
use aurora_mesh::model::metadata::SecretOptions;
use aurora_mesh::model::number::Revision;
use aurora_mesh::model::patch::{Patch, Wish};
use aurora_mesh::model::time::{Clock, Timestamp};
use aurora_mesh::vault::answer_freezes::HolderState;
use aurora_mesh::vault::error::VaultError;

use super::{freeze, target};
use crate::support::callers::{admin, node, put, read};
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::wait::eventually;

const NAME: &str = "hubspot/api_key";

const LEADS: FreshnessPolicy = FreshnessPolicy { ttl: Duration::from_secs(30), max_stale: Duration::from_secs(60) };

const FOLLOWERS: FreshnessPolicy =
    FreshnessPolicy { ttl: Duration::from_secs(60), max_stale: Duration::from_secs(140) };

/// More than a heartbeat is late on a busy machine.
const SLACK: Duration = Duration::from_secs(20);

async fn state(mesh: &TestMesh, of: &str, revision: Revision, about: &str) -> HolderState {
    let holders = mesh.lead.vault().freeze_holders(&admin(), revision, Some(target(about))).await.expect("told");
    holders.nodes.iter().find(|line| line.node == node(of)).expect("every node is told of").state
}

async fn stage() -> (TestMesh, TestNode) {
    let mut mesh = TestMesh::with_freshness(LEADS).await;
    let stored = mesh.put(put(NAME, "global", "not-a-real-key")).await;
    mesh.freshness = FOLLOWERS;
    let follower = mesh.follower("vengeance", prod(&["acme"])).await;
    follower.reaches(stored.revision).await;
    follower.is_fresh().await;
    (mesh, follower)
}

/// The follower runs, and there is no way to its lead.
async fn cut_off(follower: &mut TestNode) {
    follower.stop().await;
    follower.config.mesh.leads = vec!["127.0.0.1:9".to_owned()];
    follower.start().await;
}

async fn stops_by(mesh: &TestMesh, revision: Revision, about: &str) -> (Timestamp, bool, bool) {
    eventually("the follower is given up", || async {
        match state(mesh, "vengeance", revision, about).await {
            HolderState::Unreachable { stops_by, heard, assumed } => Some((stops_by, heard, assumed)),
            HolderState::Frozen | HolderState::Waiting | HolderState::NotConcerned => None,
        }
    })
    .await
}

/// Serves before that time, and does not from then on.
async fn stops_then(follower: &TestNode, at: Timestamp) {
    let left = at.since(follower.clock.now().wall).expect("still to come");
    // The contact on the follower's disk is up to a tenth of its ttl older than the one the lead knows of.
    follower.clock.advance(left.saturating_sub(SLACK));
    follower.value(read(NAME, None)).await.expect("its time is not over");
    follower.clock.advance(SLACK);
    let stopped = follower.read(read(NAME, None)).await;
    assert!(matches!(stopped, Err(VaultError::StaleCache { .. })), "{stopped:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connected_node_is_frozen_once_it_says_so_and_others_may_not_be_concerned() {
    let (mesh, follower) = stage().await;
    let other = mesh.follower("runpod", prod(&[])).await;
    let revision = freeze(&mesh, "company:acme", FreezeLevel::Read).await;
    assert_eq!(state(&mesh, "aurora", revision, "company:acme").await, HolderState::Frozen);
    assert_eq!(state(&mesh, "runpod", revision, "company:acme").await, HolderState::NotConcerned);
    eventually("it is acknowledged", || async {
        (state(&mesh, "vengeance", revision, "company:acme").await == HolderState::Frozen).then_some(())
    })
    .await;
    let frozen = follower.read(read(NAME, Some("acme"))).await;
    assert_eq!(super::frozen_by(frozen), "company:acme", "what is acknowledged holds");
    other.value(read(NAME, None)).await.expect("not concerned");
    let refused = follower.vault().freeze_holders(&admin(), revision, None).await;
    assert!(matches!(refused, Err(VaultError::NotLead { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_cut_off_stops_at_the_time_that_is_told() {
    let (mesh, mut follower) = stage().await;
    let before = mesh.lead.clock.now().wall;
    cut_off(&mut follower).await;
    let revision = freeze(&mesh, "mesh", FreezeLevel::Read).await;
    let (at, heard, assumed) = stops_by(&mesh, revision, "mesh").await;
    assert!(heard && !assumed, "it was connected, and has told its durations");
    let lasts = FOLLOWERS.ttl + FOLLOWERS.max_stale;
    let heard_at = at.minus(lasts);
    assert!(heard_at >= before.minus(SLACK) && heard_at <= mesh.lead.clock.now().wall, "{at} by its own durations");
    stops_then(&follower, at).await;
}

/// The lead that starts again does not know when a node was heard last. It was before the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_not_heard_since_the_lead_started_is_counted_from_that_start() {
    let (mut mesh, mut follower) = stage().await;
    cut_off(&mut follower).await;
    mesh.lead.stop().await;
    mesh.lead.config.cache = FreshnessPolicy { ttl: FOLLOWERS.ttl, max_stale: FOLLOWERS.max_stale };
    let before = mesh.lead.clock.now().wall;
    mesh.lead.start().await;
    let started = mesh.lead.clock.now().wall;
    let revision = freeze(&mesh, "mesh", FreezeLevel::Read).await;
    let (at, heard, assumed) = stops_by(&mesh, revision, "mesh").await;
    assert!(!heard && assumed);
    let counted_from = at.minus(FOLLOWERS.ttl + FOLLOWERS.max_stale);
    assert!(counted_from >= before && counted_from <= started, "{counted_from} between {before} and {started}");
    let late = at.since(follower.clock.now().wall).expect("still to come");
    follower.clock.advance(late);
    let stopped = follower.read(read(NAME, None)).await;
    assert!(matches!(stopped, Err(VaultError::StaleCache { .. })), "{stopped:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_with_durations_of_its_own_counts_by_them() {
    let (mesh, mut follower) = stage().await;
    let long = Duration::from_secs(7_200);
    let patch = Patch { max_stale: Wish::Set(long), ..Patch::default() };
    let mut special = put("stripe/key", "global", "not-a-real-key-either");
    special.patch = patch;
    let stored = mesh.put(special).await;
    follower.reaches(stored.revision).await;
    cut_off(&mut follower).await;
    let revision = freeze(&mesh, "mesh", FreezeLevel::Read).await;
    let own = SecretOptions { max_stale: Some(long), ..SecretOptions::default() }.freshness(FOLLOWERS);
    let (longest, ..) = stops_by(&mesh, revision, "mesh").await;
    let (of_one, ..) = stops_by(&mesh, revision, "secret:stripe/key").await;
    let (of_other, ..) = stops_by(&mesh, revision, "secret:hubspot/api_key").await;
    let close = |left: Timestamp, right: Timestamp| (left.0 - right.0).abs() < 1_000;
    assert!(close(longest, of_one), "{longest} {of_one}");
    let difference = (own.ttl + own.max_stale) - (FOLLOWERS.ttl + FOLLOWERS.max_stale);
    assert!(close(longest, of_other.plus(difference)), "{longest} {of_other}");
}
