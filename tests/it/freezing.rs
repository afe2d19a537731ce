//! The freeze ladder: each rung stops what it names on every node that hears of it, nobody is told but whoever would have
//! been allowed, and of a node that cannot be told the lead knows when it stops by itself.

mod holders;
mod ladder;
mod over_the_socket;
mod targets;

use aurora_mesh::model::freeze::{FreezeLevel, FreezeTarget};
use aurora_mesh::model::number::Revision;
use aurora_mesh::vault::answer_freezes::FreezeRequest;
use aurora_mesh::vault::error::VaultError;

use crate::support::callers::admin;
use crate::support::mesh::{TestMesh, TestNode};
use crate::support::wait::eventually;

/// What everybody is told who is refused.
const REASON: &str = "a key was seen in a log";

fn target(text: &str) -> FreezeTarget {
    FreezeTarget::parse(text).expect(text)
}

/// Freezes on the lead; gives the revision that does it.
async fn freeze(mesh: &TestMesh, text: &str, level: FreezeLevel) -> Revision {
    let ask = FreezeRequest { target: target(text), level, reason: REASON.to_owned() };
    let frozen = mesh.lead.vault().freeze(&admin(), ask).await.expect("frozen");
    assert_eq!((&frozen.freeze.target, frozen.freeze.level), (&target(text), level));
    frozen.revision
}

async fn unfreeze(mesh: &TestMesh, text: &str) -> Revision {
    mesh.lead.vault().unfreeze(&admin(), target(text), None).await.expect("unfrozen")
}

/// The target of the freeze that refused, whose reason was told.
#[track_caller]
fn frozen_by<T: std::fmt::Debug>(result: Result<T, VaultError>) -> String {
    match result {
        Err(error @ VaultError::Frozen(_)) => {
            assert!(error.code() == "frozen" && error.to_string().contains(REASON), "{error}");
            let VaultError::Frozen(freeze) = error else { unreachable!("it was one") };
            freeze.target.to_string()
        }
        other => panic!("not frozen: {other:?}"),
    }
}

/// Returns once a node knows of exactly so many freezes.
async fn hears(node: &TestNode, freezes: usize) {
    eventually(&format!("{} hears of {freezes} freezes", node.config.node.name), || async {
        (node.vault().freezes_told(&admin()).len() == freezes).then_some(())
    })
    .await;
}
