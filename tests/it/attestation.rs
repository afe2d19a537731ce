//! Only the process that connected is answered, as what the kernel says it is: not whoever holds its socket after it, not
//! whoever has its pid after it, and not as a program it only looks like.

mod foreign_mount;
mod helpers;
mod inherited;
mod pid_reuse;
mod program;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aurora_mesh::model::attested::{Attested, Presence};
use aurora_mesh::model::caller::Caller;
use aurora_mesh::vault::error::VaultError;

use crate::support::callers::{admin, agent, put, read};
use crate::support::mesh::{TestMesh, TestNode};

/// The caller, which is there so many times and then no more.
fn there(times: usize, caller: Caller) -> Caller {
    let left = Arc::new(AtomicUsize::new(times));
    let asked = move || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    Caller { attested: Arc::new(Attested { presence: Presence::new(asked), ..Attested::default() }), ..caller }
}

/// The last line of the journal.
async fn last_line(node: &TestNode) -> String {
    let mut lines = node.vault().audit_tail(&admin(), 2).await.expect("the owner may read the journal");
    lines.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_has_ended_is_nobody_and_that_is_written_down() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    for caller in [there(0, agent()), there(0, admin())] {
        let refused = mesh.lead.vault().read(&caller, read("hubspot/api_key", None)).await;
        assert!(matches!(refused, Err(VaultError::CallerGone)), "{refused:?}");
        let line = last_line(&mesh.lead).await;
        let parts = [r#""decision":"deny""#, r#""rule":"caller gone""#, r#""outcome":"caller_gone""#];
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        assert!(line.contains(&format!(r#""principal":"user:{}","#, caller.uid)), "its id and nothing more: {line}");
    }
}

/// Looked at before the line is written, and once more after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_while_it_is_answered_has_no_answer() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    for (times, outcome) in [(1, "caller_gone"), (2, "ok")] {
        let refused = mesh.lead.vault().read(&there(times, agent()), read("hubspot/api_key", None)).await;
        assert!(matches!(refused, Err(VaultError::CallerGone)), "{refused:?}");
        let line = last_line(&mesh.lead).await;
        assert!(line.contains(&format!(r#""outcome":"{outcome}""#)), "{line}");
    }
    assert!(mesh.lead.vault().read(&there(3, agent()), read("hubspot/api_key", None)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_a_process_that_ends_meanwhile_is_made_and_accounted_for_and_not_answered() {
    let mesh = TestMesh::start().await;
    let vault = mesh.lead.vault();
    let refused = vault.put(&there(1, admin()), put("hubspot/api_key", "global", "not-a-real-key")).await;
    assert!(matches!(refused, Err(VaultError::CallerGone)), "{refused:?}");
    let line = last_line(&mesh.lead).await;
    assert!(line.contains("secret.write") && line.contains(r#""outcome":"ok""#), "{line}");
    assert_eq!(mesh.lead.value(read("hubspot/api_key", None)).await.expect("stored"), "not-a-real-key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_older_kernel_said_is_called_weak_in_the_journal() {
    let mesh = TestMesh::start().await;
    let asked = mesh.lead.vault().whoami(&agent(), None).await;
    asked.expect("anybody may ask about itself");
    let line = last_line(&mesh.lead).await;
    assert!(line.contains(r#""established":"peer-credentials, agent socket","attest":"weak""#), "{line}");
}
