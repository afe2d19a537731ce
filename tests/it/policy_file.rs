//! The policy is a file: what would change is shown first, all of it is applied or nothing, and it holds at once.

mod command;
mod drift;
mod over_http;

use std::sync::Arc;

use aurora_mesh::model::attested::Attested;
use aurora_mesh::model::caller::Caller;
use aurora_mesh::model::name::GrantName;
use aurora_mesh::vault::agent_error::AgentError;
use aurora_mesh::vault::error::VaultError;

use crate::support::callers::{admin, agent, put, read, stranger};
use crate::support::mesh::{TestMesh, prod};
use crate::support::wait::eventually;

/// Somebody may read one service, in prod, for ever.
pub fn grant(name: &str, principal: &str, service: &str) -> String {
    format!(
        "[[grant]]\nname = \"{name}\"\nprincipal = \"{principal}\"\ncapabilities = [\"data_read\"]\n\
         secrets = [\"{service}/*\"]\nenvironments = [\"prod\"]\nexpires_at = \"never\"\nreason = \"test\"\n"
    )
}

/// What the mesh starts with.
pub const SAMPLE: &str = include_str!("../../mesh-config/policy.toml");

async fn apply(mesh: &TestMesh, text: &str) {
    let vault = mesh.lead.vault();
    let seen = vault.plan_policy(&admin(), text).await.expect("a plan").revision;
    vault.apply_policy(&admin(), text, seen, Some("TICKET-1")).await.expect("applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_holds_on_the_lead_and_on_its_followers_once_it_is_applied() {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let stored = mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    follower.reaches(stored.revision).await;
    assert_eq!(follower.value(read("hubspot/api_key", None)).await.expect("the starting grants"), "not-a-real-key");
    apply(&mesh, &(SAMPLE.to_owned() + &grant("stranger", "user:54321", "hubspot"))).await;
    for node in [&mesh.lead, &follower] {
        eventually("the stranger may read", || async {
            node.vault().read(&stranger(), read("hubspot/api_key", None)).await.ok()
        })
        .await;
    }
    apply(&mesh, "").await;
    for node in [&mesh.lead, &follower] {
        for caller in [agent(), stranger()] {
            eventually("nobody may read any more", || async {
                let refused = node.vault().read(&caller, read("hubspot/api_key", None)).await;
                matches!(refused, Err(VaultError::Denied { .. })).then_some(())
            })
            .await;
        }
    }
    assert_eq!(mesh.lead.vault().policy(&admin()).await.expect("the owner still may").grants.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_others_have_overtaken_is_not_applied() {
    let mesh = TestMesh::start().await;
    let vault = mesh.lead.vault();
    let (mine, theirs) = (grant("mine", "user:alice", "a"), grant("theirs", "user:bob", "b"));
    let seen = vault.plan_policy(&admin(), &mine).await.expect("a plan").revision;
    apply(&mesh, &theirs).await;
    let refused = vault.apply_policy(&admin(), &mine, seen, None).await;
    assert!(matches!(refused, Err(VaultError::RulesMoved)), "{refused:?}");
    let names: Vec<String> =
        vault.policy(&admin()).await.expect("listed").grants.iter().map(|grant| grant.name.to_string()).collect();
    assert_eq!(names, ["theirs"], "nothing of it was applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_would_lock_the_owner_out_is_planned_but_not_applied() {
    let mesh = TestMesh::start().await;
    let vault = mesh.lead.vault();
    for principal in ["owner", &format!("user:{}", rustix::process::geteuid().as_raw())] {
        let deny = grant("shut", principal, "x")
            .replace("[\"data_read\"]", "[\"system_admin\"]")
            .replace("[\"x/*\"]", "\"*\"")
            + "effect = \"deny\"\ncompanies = \"*\"\n";
        let planned = vault.plan_policy(&admin(), &deny).await.expect("a plan");
        assert!(planned.plan.obstacles[0].contains("could not apply another"), "{planned:?}");
        let refused = vault.apply_policy(&admin(), &deny, planned.revision, None).await;
        assert!(matches!(refused, Err(VaultError::PolicyRefused { .. })), "{refused:?}");
    }
    assert_eq!(vault.policy(&admin()).await.expect("listed").grants.len(), 2);
}

/// Which group it is in cannot be seen, so it could be that one: the deny would be about it from then on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_whose_groups_are_hidden_does_not_lock_itself_out_by_a_deny_of_any_group() {
    let mesh = TestMesh::start().await;
    let vault = mesh.lead.vault();
    let deny =
        grant("shut", "group:777", "x").replace("[\"data_read\"]", "[\"system_admin\"]").replace("[\"x/*\"]", "\"*\"")
            + "effect = \"deny\"\ncompanies = \"*\"\n";
    let hidden = Caller { attested: Arc::new(Attested { is_unseen: true, ..Attested::default() }), ..admin() };
    let planned = vault.plan_policy(&hidden, &deny).await.expect("a plan");
    let refused = vault.apply_policy(&hidden, &deny, planned.revision, None).await;
    assert!(matches!(refused, Err(VaultError::PolicyRefused { .. })), "{refused:?}");
    let planned = vault.plan_policy(&admin(), &deny).await.expect("a plan");
    assert!(planned.plan.obstacles.is_empty(), "an owner who is seen is in no such group: {planned:?}");
}

/// Whoever manages policies for a while could else make that for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_that_ends_by_itself_plans_a_policy_and_does_not_set_one() {
    let mesh = TestMesh::start().await;
    let vault = mesh.lead.vault();
    let for_ever = grant("deputy", "user:54321", "x")
        .replace("[\"data_read\"]", "[\"system_admin\"]")
        .replace("[\"x/*\"]", "\"*\"")
        .replace("[\"prod\"]", "\"*\"")
        + "companies = \"*\"\n";
    apply(&mesh, &for_ever.replace("\"never\"", "\"2099-01-01T00:00:00Z\"")).await;
    let planned = vault.plan_policy(&stranger(), &for_ever).await.expect("it may look");
    let refused = vault.apply_policy(&stranger(), &for_ever, planned.revision, None).await;
    assert!(matches!(refused, Err(VaultError::Agent(AgentError::Escalation(_)))), "{refused:?}");
    let lines = mesh.lead.vault().audit_tail(&admin(), 2).await.expect("the journal");
    assert!(lines.iter().any(|line| line.contains("\"rule\":\"escalation\"")), "{lines:?}");
    apply(&mesh, &for_ever).await;
    let planned = vault.plan_policy(&stranger(), "").await.expect("it may look");
    vault.apply_policy(&stranger(), "", planned.revision, None).await.expect("it has that for good");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_not_manage_policies_sees_and_changes_nothing_and_a_follower_changes_none() {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let name = GrantName::parse("owner").expect("name");
    for caller in [agent(), stranger()] {
        let vault = mesh.lead.vault();
        let refused = [
            vault.policy(&caller).await.err(),
            vault.policy_grant(&caller, &name).await.err(),
            vault.plan_policy(&caller, "no TOML, and nobody says so").await.err(),
            vault.apply_policy(&caller, "", Default::default(), None).await.err(),
            vault.test_policy(&caller, "", 30).await.err(),
        ];
        for refused in refused {
            assert!(matches!(&refused, Some(VaultError::Denied { rule }) if rule == "default-deny"), "{refused:?}");
        }
    }
    let lines = mesh.lead.vault().audit_tail(&admin(), 11).await.expect("the journal");
    let denied = |line: &&String| line.contains("\"policy.manage\"") && line.contains("\"decision\":\"deny\"");
    assert_eq!(lines.iter().filter(denied).count(), 10, "{lines:?}");
    let vault = follower.vault();
    eventually("the follower has its rules", || async {
        (vault.policy(&admin()).await.expect("listed").grants.len() == 2).then_some(())
    })
    .await;
    assert_eq!(vault.policy(&admin()).await.expect("listed").changed_at, None);
    let refused = [
        vault.plan_policy(&admin(), "").await.err(),
        vault.apply_policy(&admin(), "", Default::default(), None).await.err(),
    ];
    for refused in refused {
        assert!(matches!(refused, Some(VaultError::NotLead { .. })), "{refused:?}");
    }
    vault.test_policy(&admin(), "", 30).await.expect("its own journal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_kept_over_a_restart() {
    let mut mesh = TestMesh::start().await;
    apply(&mesh, &grant("kept", "user:alice", "a")).await;
    mesh.lead.stop().await;
    mesh.lead.start().await;
    let vault = mesh.lead.vault();
    let kept = vault.policy_grant(&admin(), &GrantName::parse("kept").expect("name")).await.expect("there");
    assert_eq!((kept.reason.as_str(), kept.granted_by.as_str()), ("test", "admin"));
    let planned = vault.plan_policy(&admin(), &grant("kept", "user:alice", "a")).await.expect("a plan");
    assert!(planned.plan.is_empty(), "{planned:?}");
}
