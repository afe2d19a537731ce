//! Very many followers come back at one moment, because their lead was away: all are let in, and the reads of others go on.
//!
//! `AURORA_HERD` sets how many; `AURORA_HERD=1000 cargo test --test it -- --exact herd::…` is the campaign, and prints figures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aurora_mesh::wire::control::{FromFollower, FromLead, Hello};
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::version;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::callers::{put, read};
use crate::support::forge::{Papers, join_by_hand};
use crate::support::intruder::{Deed, Intruder, MEMBER, dial, name_stream, say};
use crate::support::mesh::{TestMesh, prod};

/// Enough to be felt, few enough for an ordinary run.
const HERD: usize = 40;

/// Attempts of one follower: more would be a storm of their own.
const ATTEMPTS_MAX: usize = 3;

fn herd() -> usize {
    std::env::var("AURORA_HERD").map_or(HERD, |text| text.parse().expect("a number"))
}

/// One line on standard error, past the test runner's capture: a campaign reads it.
fn tell(line: &str) {
    use std::io::Write;
    let _nobody_reads = writeln!(std::io::stderr(), "{line}");
}

/// Dials until the lead welcomes it; gives the session and the attempts it took.
async fn welcomed(lead: SocketAddr, papers: &Papers) -> (Intruder, usize) {
    for attempt in 1..=ATTEMPTS_MAX {
        let Ok(mut member) = dial(lead, MEMBER, Some(papers)).await else { continue };
        let hello =
            Hello { versions: version::offered(), build: "0".to_owned(), epoch: 0, revision: 0, boot_id: [0; 16] };
        member.act([Deed::Stream, name_stream(StreamKind::Control), say::<FromFollower>(hello)]).await;
        if matches!(member.hears::<FromLead>().await, FromLead::Welcome(_)) {
            return (member, attempt);
        }
    }
    panic!("not let in after {ATTEMPTS_MAX} attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_that_dials_at_once_is_let_in_within_three_attempts_and_a_follower_beside_it_goes_on_reading() {
    let mut mesh = TestMesh::start().await;
    let stored = mesh.put(put("hubspot/api_key", "global", "before")).await;
    let honest = mesh.follower("alpha", prod(&[])).await;
    honest.reaches(stored.revision).await;
    let mut members = Vec::new();
    for number in 0..herd() {
        members.push(join_by_hand(&mesh, &format!("herd-{number}"), prod(&[])).await);
    }
    mesh.lead.stop().await;
    mesh.lead.start().await;
    let lead = mesh.lead.running().address().expect("the lead listens");

    let (began, together) = (Instant::now(), Arc::new(Barrier::new(members.len())));
    let mut coming = JoinSet::new();
    for papers in members {
        let together = Arc::clone(&together);
        coming.spawn(async move {
            together.wait().await;
            welcomed(lead, &papers).await
        });
    }
    let (mut sessions, mut took) = (Vec::new(), Vec::new());
    let mut every = tokio::time::interval(Duration::from_millis(5));
    while sessions.len() < herd() {
        tokio::select! {
            come = coming.join_next() => sessions.push(come.expect("all are awaited").expect("let in")),
            _ = every.tick() => {
                let asked = Instant::now();
                assert_eq!(honest.value(read("hubspot/api_key", None)).await.expect("readable"), "before");
                took.push(asked.elapsed());
            }
        }
    }
    let all = began.elapsed();
    let again = sessions.iter().filter(|(_, attempts)| *attempts > 1).count();
    assert!(!took.is_empty(), "somebody read meanwhile");
    took.sort_unstable();
    let slow = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
    tell(&format!("herd: {} let in within {all:?}, {again} by a later attempt; reads beside it p99 {slow:?}", herd()));

    let stored = mesh.put(put("hubspot/api_key", "global", "after")).await;
    honest.reaches(stored.revision).await;
    assert!(sessions.iter().all(|(member, _)| member.connection.close_reason().is_none()), "a welcome holds");
}
