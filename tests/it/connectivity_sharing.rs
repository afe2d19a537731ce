//! What one node finds out about an API, every node that may know of it knows soon; and no other does.

mod budget;
mod hostile;
mod older;
mod stage;

use std::sync::atomic::Ordering;
use std::time::Duration;

use aurora_mesh::model::api_check::Cell;
use aurora_mesh::model::connectivity::{ApiState, PathFault};

use self::stage::{Scripted, hears, known, knows, matrix, probing, service, verdicts};
use crate::support::callers::{admin, company, node};
use crate::support::mesh::{TestMesh, entitlement, prod};
use crate::support::wait::eventually;

#[tokio::test]
async fn three_nodes_see_the_same_after_a_change() {
    let mesh = TestMesh::start().await;
    let (alpha, beta) = (mesh.follower("alpha", prod(&[])).await, mesh.follower("beta", prod(&[])).await);
    hears(&alpha, "openai", ApiState::Healthy);
    hears(&beta, "openai", ApiState::Healthy);
    hears(&mesh.lead, "slack", ApiState::Degraded);
    let all = ["alpha/openai=healthy", "aurora/slack=degraded", "beta/openai=healthy"];
    for viewer in [&alpha, &beta, &mesh.lead] {
        knows(viewer, &all).await;
    }
    hears(&alpha, "openai", ApiState::Down);
    for viewer in [&beta, &mesh.lead] {
        knows(viewer, &["alpha/openai=down", all[1], all[2]]).await;
    }
    hears(&mesh.lead, "slack", ApiState::Healthy);
    for viewer in [&alpha, &beta] {
        knows(viewer, &["alpha/openai=down", "aurora/slack=healthy", all[2]]).await;
    }
    let rows = (matrix(&beta), matrix(&mesh.lead));
    let cell = |matrix: &aurora_mesh::connectivity::matrix::Matrix| {
        let row = matrix.row(&node("alpha")).expect("a row");
        (Cell::clone(&row.cells[&service("openai")]), row.environment.clone())
    };
    assert_eq!(cell(&rows.0), cell(&rows.1), "to the last field");
}

#[tokio::test]
async fn a_lead_that_starts_anew_learns_everything_again_and_followers_keep_what_they_know_meanwhile() {
    let mut mesh = TestMesh::start().await;
    let (alpha, beta) = (mesh.follower("alpha", prod(&[])).await, mesh.follower("beta", prod(&[])).await);
    hears(&alpha, "openai", ApiState::Down);
    hears(&beta, "slack", ApiState::Healthy);
    let all = ["alpha/openai=down", "beta/slack=healthy"];
    knows(&alpha, &all).await;
    mesh.lead.stop().await;
    assert_eq!(known(&alpha), all, "what it was told stays");
    // A monitor that has nothing more to say while the lead is away: it must not be known for ever.
    hears(&beta, "slack", ApiState::Degraded);
    mesh.lead.start().await;
    for viewer in [&mesh.lead, &alpha, &beta] {
        knows(viewer, &["alpha/openai=down", "beta/slack=degraded"]).await;
    }
}

#[tokio::test]
async fn a_node_is_told_nothing_of_another_environment_nor_of_services_it_may_not_hold() {
    let mesh = TestMesh::start().await;
    let mut elsewhere = mesh.stranger("elsewhere");
    let token = mesh.token("elsewhere", entitlement("dev", &[], &["*"])).await;
    elsewhere.join(&token).await.expect("joined");
    elsewhere.start().await;
    let pod = mesh.follower("pod", entitlement("prod", &[], &["openai/*"])).await;
    hears(&mesh.lead, "openai", ApiState::Healthy);
    hears(&mesh.lead, "slack", ApiState::Healthy);
    hears(&elsewhere, "openai", ApiState::Down);
    knows(&pod, &["aurora/openai=healthy"]).await;
    let all = ["aurora/openai=healthy", "aurora/slack=healthy", "elsewhere/openai=down"];
    knows(&mesh.lead, &all).await;
    assert_eq!(known(&elsewhere), ["elsewhere/openai=down"]);
    // It may hold more now, and is told of it; then less.
    mesh.lead.vault().entitle(&admin(), node("pod"), prod(&[])).await.expect("entitled");
    knows(&pod, &["aurora/openai=healthy", "aurora/slack=healthy"]).await;
    mesh.lead.vault().entitle(&admin(), node("pod"), entitlement("prod", &[], &["slack/*"])).await.expect("entitled");
    knows(&pod, &["aurora/slack=healthy"]).await;
}

#[tokio::test]
async fn the_key_of_a_company_is_told_to_the_nodes_that_may_speak_for_it() {
    let mesh = TestMesh::start().await;
    let alpha = probing(&mesh, "alpha", prod(&["acme", "globex"])).await;
    let beta = mesh.follower("beta", prod(&["acme"])).await;
    let checks = Scripted::openai(&["acme", "globex"], &alpha);
    checks.refused.lock().expect("not poisoned").push(company("acme"));
    alpha.running().connectivity().begin(checks.clone());
    let refused = ["own=Accepted", "acme=Rejected", "globex=Accepted"];
    eventually("alpha has heard the second refusal", || async { (verdicts(&alpha, "alpha") == refused).then_some(()) })
        .await;
    eventually("the lead knows", || async { (verdicts(&mesh.lead, "alpha") == refused).then_some(()) }).await;
    eventually("beta knows", || async { (verdicts(&beta, "alpha") == refused[..2]).then_some(()) }).await;
    let row = matrix(&beta).row(&node("alpha")).cloned().expect("a row");
    let path = row.cells[&service("openai")].path.clone().expect("a path");
    assert_eq!((path.fault, path.response_time), (None, Some(Duration::from_millis(20))));
}

#[tokio::test]
async fn a_reported_failure_makes_a_node_look_and_what_it_finds_is_known_everywhere() {
    let mesh = TestMesh::start().await;
    let alpha = probing(&mesh, "alpha", prod(&[])).await;
    let checks = Scripted::openai(&[], &alpha);
    alpha.running().connectivity().begin(checks.clone());
    let fault = |viewer| {
        let matrix = matrix(viewer);
        let row = matrix.row(&node("alpha"))?;
        row.cells.get(&service("openai"))?.path.as_ref()?.fault
    };
    eventually("the lead knows of the path", || async {
        let matrix = matrix(&mesh.lead);
        matrix.row(&node("alpha")).map(drop)
    })
    .await;
    checks.has_path.store(false, Ordering::Relaxed);
    alpha.running().connectivity().board().report_failure(service("openai"));
    eventually("the lead knows of the fault", || async { (fault(&mesh.lead) == Some(PathFault::Dns)).then_some(()) })
        .await;
}

#[tokio::test]
async fn the_calls_of_today_are_counted_across_a_restart() {
    let mesh = TestMesh::start().await;
    let mut alpha = probing(&mesh, "alpha", prod(&[])).await;
    for calls in 1..=2 {
        let checks = Scripted::openai(&[], &alpha);
        alpha.running().connectivity().begin(checks.clone());
        eventually("the call is counted", || async {
            let matrix = matrix(&alpha);
            let cell = matrix.row(&node("alpha"))?.cells.get(&service("openai"))?.clone();
            (cell.spent_today == calls && cell.keys[0].checked_at.is_some()).then_some(())
        })
        .await;
        assert_eq!(checks.calls.load(Ordering::Relaxed), 1);
        alpha.stop().await;
        alpha.start().await;
    }
}

#[tokio::test]
async fn a_node_that_was_thrown_out_is_forgotten_and_forgets() {
    let mesh = TestMesh::start().await;
    let (alpha, beta) = (mesh.follower("alpha", prod(&[])).await, mesh.follower("beta", prod(&[])).await);
    hears(&alpha, "openai", ApiState::Down);
    hears(&beta, "slack", ApiState::Healthy);
    let all = ["alpha/openai=down", "beta/slack=healthy"];
    for viewer in [&mesh.lead, &alpha, &beta] {
        knows(viewer, &all).await;
    }
    mesh.lead.vault().ban(&admin(), node("alpha"), "stolen".to_owned()).await.expect("banned");
    for viewer in [&mesh.lead, &beta] {
        knows(viewer, &["beta/slack=healthy"]).await;
    }
    knows(&alpha, &[]).await;
}
