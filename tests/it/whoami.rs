//! A caller can ask what it is here and what it may do; it is answered by the same policy as the deed, and audited as it.

use aurora_mesh::model::actions::Action;
use aurora_mesh::model::caller::{Caller, UID_NOBODY};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::Context;
use aurora_mesh::vault::whoami::MayRequest;

use crate::support::callers::{admin, agent, company, put, scope, secret, stranger};
use crate::support::http;
use crate::support::mesh::{TestMesh, prod};
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

fn may(action: Action) -> MayRequest {
    MayRequest { action, secret: None, scope: None, context: Context::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anybody_may_ask_about_itself_and_nobody_may_not() {
    let mesh = TestMesh::start().await;
    let vault = mesh.lead.vault();
    let told = vault.whoami(&stranger(), None).await.expect("somebody");
    let texts: Vec<String> = told.principals.iter().map(ToString::to_string).collect();
    assert_eq!((told.uid, texts.as_slice()), (54_321, &["user:54321".to_owned(), "group:54321".to_owned()][..]));
    assert!(told.allowed.is_none() && told.key.is_none());
    let nobody = Caller { uid: UID_NOBODY, ..agent() };
    assert!(matches!(vault.whoami(&nobody, None).await, Err(VaultError::NoIdentity)));
    let lines = vault.audit_tail(&admin(), 3).await.expect("the owner may read the journal");
    assert!(lines[0].contains(r#""action":"whoami""#) && lines[0].contains(r#""rule":"self""#), "{lines:?}");
    assert!(lines[1].contains(r#""decision":"deny""#), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_the_41_actions_is_refused_to_a_stranger_and_allowed_to_the_owner_and_written_down_as_itself() {
    let mesh = TestMesh::start().await;
    let vault = mesh.lead.vault();
    for &action in Action::ALL {
        let ask = MayRequest { secret: Some(secret("hubspot/api_key")), ..may(action) };
        let refused = vault.whoami(&stranger(), Some(&ask)).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })), "{action:?}: {refused:?}");
        let told = vault.whoami(&admin(), Some(&ask)).await.expect("the owner may do everything");
        assert_eq!(told.allowed.map(|allowed| (allowed.action, allowed.rule)), Some((action, "admin".to_owned())));
        let lines = vault.audit_tail(&admin(), 3).await.expect("the owner may read the journal");
        let named = format!(r#""action":"{}""#, action.as_str());
        let denied = [&named, r#""decision":"deny""#, r#""rule":"default-deny""#, r#""outcome":"denied""#];
        assert!(denied.iter().all(|part| lines[0].contains(*part)), "{}", lines[0]);
        let allowed = [&named, r#""decision":"allow""#, r#""rule":"admin""#, r#""outcome":"checked""#];
        assert!(allowed.iter().all(|part| lines[1].contains(*part)), "{}", lines[1]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_the_node_may_not_speak_for_is_refused_by_the_roster() {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&["acme"])).await;
    let ask = |name: &str, in_scope: Option<&str>| MayRequest {
        secret: Some(secret("hubspot/api_key")),
        scope: in_scope.map(scope),
        context: Context { company: in_scope.is_none().then(|| company(name)), ..Context::default() },
        ..may(Action::SecretRead)
    };
    for in_scope in [false, true] {
        let asked = |name: &str| ask(name, in_scope.then(|| format!("company:{name}")).as_deref());
        eventually("the follower has heard of the rules", || async {
            follower.vault().whoami(&agent(), Some(&asked("acme"))).await.ok()
        })
        .await;
        let refused = follower.vault().whoami(&agent(), Some(&asked("other"))).await;
        assert!(matches!(&refused, Err(VaultError::Denied { rule }) if rule == "roster"), "{refused:?}");
    }
}

/// Whoever asks whether it may read has read nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_no_read_in_the_list_of_what_somebody_read() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let ask =
        MayRequest { secret: Some(secret("hubspot/api_key")), scope: Some(scope("global")), ..may(Action::SecretRead) };
    mesh.lead.vault().whoami(&agent(), Some(&ask)).await.expect("a reader may");
    let of = aurora_mesh::vault::request::ExposureOf::Principal(format!("user:{}", agent().uid));
    let exposure = mesh.lead.vault().exposure(&admin(), &of).await.expect("the owner may");
    assert_eq!((exposure.values.len(), exposure.unreadable_lines), (0, 0), "{exposure:?}");
}

#[tokio::test]
async fn the_command_prints_what_the_node_sees_and_ends_with_4_where_policy_refuses() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let shown = lead.run(&["whoami"], b"").await;
    for part in ["agent socket", "user:", "program", "attested"] {
        assert!(shown.text().contains(part), "{}", shown.text());
    }
    let may = lead.run(&["whoami", "--may", "secret.read", "hubspot/api_key"], b"").await;
    assert!(may.text().contains("secret.read: allowed by rule"), "{}", may.text());
    let refused = lead.run(&["whoami", "--may", "node.manage"], b"").await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    let owner = lead.run(&["whoami", "--admin", "--may", "node.manage", "-o", "json"], b"").await.json();
    assert_eq!((&owner["door"], &owner["may"]["rule"]), (&"admin".into(), &"admin".into()), "{owner}");
    let unknown = lead.run(&["whoami", "--may", "secret.steal"], b"").await;
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.err.contains("secret.read"), "{}", unknown.err);
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused_by_name() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let table = [
        ("action=secret.steal", "bad_value"),
        ("action=", "ok"),
        ("secret=hubspot/api_key", "bad_value"),
        ("action=secret.read&secret=HUBSPOT/x", "bad_name"),
        ("action=secret.read&scope=team&scope_id=x", "bad_scope"),
        ("action=secret.read&company=Acme", "bad_name"),
        ("actoin=secret.read", "unknown_field"),
        ("action=secret.read&action=secret.read", "bad_value"),
    ];
    for (query, expected) in table {
        let answer = http::get(&lead.agent(), &format!("/api/whoami?{query}")).await;
        let code = if answer.status == 200 { "ok".to_owned() } else { answer.code() };
        assert_eq!(code, expected, "{query}: {}", answer.body);
    }
}
