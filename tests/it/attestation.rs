//! Only the process that connected is answered, as what the kernel says it is: not whoever holds its socket after it, not
//! whoever has its pid after it, and not as a program it only looks like.

mod foreign_mount;
mod helpers;
mod inherited;
mod pid_reuse;
mod program;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aurora_mesh::model::article::Edit;
use aurora_mesh::model::attested::{Attested, Presence};
use aurora_mesh::model::caller::{Caller, Shown};
use aurora_mesh::model::grant::Effect;
use aurora_mesh::model::name::AgentName;
use aurora_mesh::vault::error::VaultError;
use futures_util::future::join_all;

use crate::rulebook::stage::{edit, grant, only};
use crate::support::callers::{admin, agent, put, read, stranger};
use crate::support::mesh::{TestMesh, TestNode};
use crate::support::wait::eventually;

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

/// What cannot be seen grants nothing. It let one past a deny, though, whoever could hide what it was in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hides_its_groups_is_denied_what_is_denied_to_any_group_or_unit() {
    let mesh = TestMesh::start().await;
    for name in ["hubspot/api_key", "openai/api_key", "stripe/api_key"] {
        mesh.put(put(name, "global", "not-a-real-key")).await;
    }
    let closed =
        [("shut-to-group", "group:777", "hubspot/api_key"), ("shut-to-unit", "unit:x.service", "openai/api_key")];
    let closed = closed.map(|(rule, whom, name)| Edit::Put(grant(rule, whom, Effect::Deny, only(name))));
    edit(&mesh, closed.into()).await;
    let hidden = || Caller { attested: Arc::new(Attested { is_unseen: true, ..Attested::default() }), ..agent() };
    for name in ["hubspot/api_key", "openai/api_key"] {
        assert!(mesh.lead.vault().read(&agent(), read(name, None)).await.is_ok(), "{name}: it is in neither");
        let refused = mesh.lead.vault().read(&hidden(), read(name, None)).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })), "{name}: {refused:?}");
    }
    assert!(mesh.lead.vault().read(&hidden(), read("stripe/api_key", None)).await.is_ok(), "nothing is said of it");
}

/// Nobody could keep them from filling the disk: whoever may do nothing had a line of the journal for each time it asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_refusals_is_written_down_as_far_as_it_tells_anything() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let vault = mesh.lead.vault();
    // Whom it would act as is its own word: it makes it no other caller, and costs that one nothing.
    let acts_as = |name: String| Shown { acts_as: Some(AgentName::parse(&name).expect("name")), ..Shown::default() };
    let flood = (0..2_000_usize).map(|number| async move {
        let shown = if number % 2 == 0 { Shown::default() } else { acts_as(format!("robot-{number}")) };
        vault.read(&Caller { shown, ..stranger() }, read("hubspot/api_key", None)).await
    });
    let outcomes = join_all(flood).await;
    let limited = |outcome: &&Result<_, VaultError>| matches!(outcome, Err(VaultError::RefusedTooOften { .. }));
    let unwritten = outcomes.iter().filter(limited).count();
    assert!(outcomes.iter().all(Result::is_err) && (500..1_000).contains(&unwritten), "{unwritten} of 2,000");
    assert!(vault.read(&agent(), read("hubspot/api_key", None)).await.is_ok(), "nobody else is held up");
    let written = vault.audit_tail(&admin(), 2_000).await.expect("the owner may read the journal");
    let refusals =
        written.iter().filter(|line| line.contains(r#""principal":"#) && line.contains("user:54321")).count();
    assert!((1_000..1_500).contains(&refusals), "{refusals} lines");
    let told = eventually("the next refusal that is written tells of those that were not", || async {
        let _ = vault.read(&stranger(), read("hubspot/api_key", None)).await;
        let lines = vault.audit_tail(&admin(), 10).await.expect("the owner may read the journal");
        lines.into_iter().find(|line| line.contains("were not written"))
    });
    assert!(told.await.contains(r#""outcome":"rate_limited""#));
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
