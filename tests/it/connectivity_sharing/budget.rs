//! A provider that allows so many calls a day allows them to all nodes together, whether they see each other or not.

use std::sync::atomic::Ordering;

use aurora_mesh::model::api_check::{Cell, Elsewhere};

use super::stage::{Scripted, matrix, probing, service};
use crate::support::callers::node;
use crate::support::mesh::{TestMesh, TestNode, entitlement, prod};
use crate::support::wait::eventually;

/// A node of another environment that made one call.
async fn in_dev(mesh: &TestMesh) -> TestNode {
    let mut other = mesh.stranger("other");
    other.config.connectivity.probe = true;
    let token = mesh.token("other", entitlement("dev", &[], &["*"])).await;
    other.join(&token).await.expect("joined");
    other.start().await;
    other.running().connectivity().begin(Scripted::openai(&[], &other));
    eventually("the lead knows of the call", || async {
        let cell = matrix(&mesh.lead).row(&node("other"))?.cells.get(&service("openai"))?.clone();
        (cell.spent_today == 1).then_some(())
    })
    .await;
    other
}

fn own_cell(of: &TestNode) -> Option<Cell> {
    let cell = matrix(of).row(&of.config.node.name)?.cells.get(&service("openai"))?.clone();
    Some(Cell::clone(&cell))
}

#[tokio::test]
async fn a_node_is_told_how_many_watch_an_api_elsewhere_and_nothing_else_of_them() {
    let mesh = TestMesh::start().await;
    let _other = in_dev(&mesh).await;
    let alpha = probing(&mesh, "alpha", prod(&[])).await;
    assert_eq!(matrix(&alpha).elsewhere(&service("openai")), None, "it does not watch it yet");
    alpha.running().connectivity().begin(Scripted::openai(&[], &alpha));
    let told = eventually("alpha is told", || async { matrix(&alpha).elsewhere(&service("openai")) }).await;
    assert_eq!(told, Elsewhere { nodes: 1, before: 0 }, "alpha comes before it");
    assert_eq!(matrix(&alpha).elsewhere(&service("slack")), None);
    assert!(matrix(&alpha).row(&node("other")).is_none());
    eventually("the key is asked about", || async { (own_cell(&alpha)?.spent_today == 1).then_some(()) }).await;
}

#[tokio::test]
async fn a_node_that_starts_while_its_lead_is_away_takes_no_part_of_a_budget_before_it_was_told() {
    let mut mesh = TestMesh::start().await;
    let mut alpha = probing(&mesh, "alpha", prod(&[])).await;
    mesh.lead.stop().await;
    alpha.stop().await;
    alpha.start().await;
    let checks = Scripted::openai(&[], &alpha);
    alpha.running().connectivity().begin(checks.clone());
    let cell = eventually("alpha says why", || async {
        own_cell(&alpha).filter(|cell| cell.path.is_some() && cell.keys[0].detail.starts_with("not asked for now"))
    })
    .await;
    assert_eq!((cell.keys[0].verdict, cell.spent_today), (None, 0));
    assert_eq!(checks.calls.load(Ordering::Relaxed), 0);
    mesh.lead.start().await;
    eventually("the key is asked about", || async { (own_cell(&alpha)?.spent_today == 1).then_some(()) }).await;
    assert_eq!(matrix(&alpha).elsewhere(&service("openai")), Some(Elsewhere::default()));
}
