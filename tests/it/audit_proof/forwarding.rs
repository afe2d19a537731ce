//! Lines reach the lead in order and exactly once, whoever goes away and comes back.

use aurora_mesh::audit::heads;
use aurora_mesh::audit::verify::verify;

use super::journals::{arrives, audit_dir, copy_dir, gaps, lines};
use crate::support::callers::{put, read};
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::wait::eventually;

async fn reads(follower: &TestNode, count: usize) {
    for _ in 0..count {
        follower.value(read("hubspot/api_key", None)).await.expect("readable");
    }
}

async fn mesh() -> (TestMesh, TestNode) {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let stored = mesh.put(put("hubspot/api_key", "global", "value")).await;
    follower.reaches(stored.revision).await;
    (mesh, follower)
}

#[tokio::test]
async fn every_line_of_a_follower_is_on_the_lead_and_sealed_byte_for_byte() {
    let (mesh, follower) = mesh().await;
    reads(&follower, 20).await;
    let count = arrives(&mesh.lead, &follower, 1).await;
    assert!(count >= 20, "{count}");
    let copy = copy_dir(&mesh.lead, "vengeance", 1);
    let verdict = verify(&copy).expect("readable");
    assert_eq!((usize::try_from(verdict.lines).expect("small"), verdict.broken), (count, None));
    for kept in [copy, audit_dir(&follower)] {
        let sealed =
            || async { heads::newest(&kept).expect("readable").filter(|seal| *seal.chain_head() == verdict.head) };
        eventually("both keep a seal of the last line", sealed).await;
    }
    assert_eq!(gaps(&mesh.lead), Vec::<String>::new());
}

#[tokio::test]
async fn reads_while_the_lead_is_away_arrive_when_it_is_back() {
    let (mut mesh, follower) = mesh().await;
    reads(&follower, 1).await;
    arrives(&mesh.lead, &follower, 1).await;
    for _ in 0..3 {
        mesh.lead.stop().await;
        reads(&follower, 10).await;
        mesh.lead.start().await;
        reads(&follower, 10).await;
    }
    let count = arrives(&mesh.lead, &follower, 1).await;
    assert!(count >= 60, "{count}");
    assert_eq!(gaps(&mesh.lead), Vec::<String>::new());
}

#[tokio::test]
async fn a_follower_that_restarts_goes_on_where_the_lead_is() {
    let (mesh, mut follower) = mesh().await;
    for _ in 0..3 {
        reads(&follower, 10).await;
        follower.stop().await;
        follower.start().await;
    }
    reads(&follower, 10).await;
    let count = arrives(&mesh.lead, &follower, 1).await;
    assert!(count >= 40, "{count}");
    assert!(lines(&copy_dir(&mesh.lead, "vengeance", 2)).is_empty(), "there is one chain");
    assert_eq!(gaps(&mesh.lead), Vec::<String>::new());
}
