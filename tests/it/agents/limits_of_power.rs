//! How far an agent reaches, and who may give it what.

use aurora_mesh::model::actions::Capability;
use aurora_mesh::model::agent::{Agent, AgentOrigin};
use aurora_mesh::model::article::{Article, Edit};
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::grant::{Effect, Expiry, Grant};
use aurora_mesh::model::name::{AgentName, GrantName};
use aurora_mesh::model::principal::Principal;
use aurora_mesh::model::reach::Reach;
use aurora_mesh::model::time::Timestamp;
use serde_json::{Value, json};

use super::stage::{SECRET, agent, assert_refused, done, journal, key, mesh, owner, read, with_key};
use crate::support::callers::admin;
use crate::support::http::Answer;
use crate::support::mesh::TestMesh;

const HUBSPOT: &str = "/api/secrets/hubspot/api_key";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_reads_within_its_patterns_companies_and_environments() {
    let mesh = mesh().await;
    let socket = mesh.lead.agent_socket();
    agent(&mesh, "robot", &json!({"secrets": ["openai/*"], "companies": ["acme"]})).await;
    let text = key(&mesh, "robot", &json!({})).await;
    let for_company = async |id: &str| with_key(&socket, &text, "GET", SECRET, &[("X-Company-Id", id)], "").await;
    assert_eq!(for_company("acme").await.json()["key_value"], "not-a-real-acme-key");
    assert_refused(&for_company("globex").await, 403, "denied");
    assert_refused(&with_key(&socket, &text, "GET", HUBSPOT, &[], "").await, 403, "denied");
    let body = json!({"service": "openai", "key_name": "api_key", "key_value": "x"}).to_string();
    assert_refused(&with_key(&socket, &text, "POST", "/api/secrets", &[], &body).await, 403, "denied");

    agent(&mesh, "elsewhere", &json!({"environments": ["dev"]})).await;
    let text = key(&mesh, "elsewhere", &json!({})).await;
    assert_refused(&read(&socket, &text).await, 403, "denied");
    agent(&mesh, "companies-only", &json!({"scopes": ["company"], "companies": ["*"]})).await;
    let text = key(&mesh, "companies-only", &json!({})).await;
    assert_refused(&read(&socket, &text).await, 403, "denied");
    let acme = with_key(&socket, &text, "GET", SECRET, &[("X-Company-Id", "acme")], "").await;
    assert_eq!(acme.json()["key_value"], "not-a-real-acme-key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_narrows_its_agent_and_never_widens_it() {
    let mesh = mesh().await;
    let socket = mesh.lead.agent_socket();
    agent(&mesh, "robot", &json!({"companies": ["acme"], "secrets": ["openai/*"]})).await;
    let narrow = key(&mesh, "robot", &json!({"name": "narrow", "secrets": ["hubspot/*"]})).await;
    assert_refused(&read(&socket, &narrow).await, 403, "denied");
    assert_refused(&with_key(&socket, &narrow, "GET", HUBSPOT, &[], "").await, 403, "denied");
    let rule = journal(&mesh).await.into_iter().rfind(|line| line["secret"] == "openai/api_key").expect("a line");
    assert_eq!(rule["rule"], "apikey:robot/narrow", "{rule}");
    let dev = key(&mesh, "robot", &json!({"name": "dev", "environments": ["dev"]})).await;
    assert_refused(&read(&socket, &dev).await, 403, "denied");
    let nobodys = key(&mesh, "robot", &json!({"name": "none", "companies": []})).await;
    assert_refused(&with_key(&socket, &nobodys, "GET", SECRET, &[("X-Company-Id", "acme")], "").await, 403, "denied");
    assert_eq!(read(&socket, &nobodys).await.status, 200, "the global value is no company's");
}

/// A rotation seals every value of its scope anew and writes the file of every node that has one. Whoever might write one
/// secret of a scope could have all of that done, as often as it liked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_write_secrets_rotates_no_key_and_who_manages_the_mesh_does() {
    let mesh = mesh().await;
    let socket = mesh.lead.agent_socket();
    let scopes = ["scope=global", "scope=company&scope_id=acme", "all=true"];
    let rotate = async |text: &str, scope: &str| {
        with_key(&socket, text, "POST", &format!("/api/keys/rotate?{scope}"), &[], "").await
    };
    agent(&mesh, "writer", &json!({"capabilities": ["data_write"], "secrets": ["openai/*"], "companies": ["acme"]}))
        .await;
    agent(&mesh, "scribe", &json!({"capabilities": ["data_write"]})).await;
    for name in ["writer", "scribe"] {
        let text = key(&mesh, name, &json!({})).await;
        for scope in scopes {
            assert_refused(&rotate(&text, scope).await, 403, "denied");
        }
    }
    let keys = done(&mesh, "GET", "/api/keys", &Value::Null).await;
    let generations = |keys: &Value| keys["keys"].as_array().expect("a list").iter().all(|it| it["generation"] == 1);
    assert!(generations(&keys), "{keys}");

    let whole = json!({"capabilities": ["data_write", "system_admin"], "companies": ["*"], "environments": ["*"]});
    agent(&mesh, "steward", &whole).await;
    let text = key(&mesh, "steward", &json!({})).await;
    for scope in scopes {
        assert_eq!(rotate(&text, scope).await.status, 200, "{scope}");
    }
    assert!(!generations(&done(&mesh, "GET", "/api/keys", &Value::Null).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agent_may_is_changed_with_whose_word_that_is() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({"title": "Robot", "limit_rpm": 60, "note": "n"})).await;
    let patch = json!({
        "add_capabilities": ["data_query"], "remove_capabilities": ["data_read"], "capability_note": "only looks",
        "limit_rpm": null, "title": null, "companies": ["acme"], "signs": true,
    });
    let changed = done(&mesh, "PATCH", "/api/agents/robot", &patch).await;
    let agent = done(&mesh, "GET", "/api/agents/robot", &Value::Null).await;
    assert_eq!(agent["capabilities"], changed["agent"]["capabilities"]);
    let held = agent["capabilities"].as_array().expect("a list");
    assert_eq!((held.len(), &held[0]["capability"], &held[0]["note"]), (1, &json!("data_query"), &json!("only looks")));
    assert_eq!(held[0]["granted_by"], "admin");
    assert!(agent["limit_rpm"].is_null() && agent["title"].is_null() && agent["signs"] == true, "{agent}");
    assert_eq!(
        (&agent["note"], &agent["companies"], &agent["secrets"]),
        (&json!("n"), &json!(["acme"]), &json!(["*"]))
    );
    for refused in [
        json!({}),
        json!({"add_capabilities": ["data_read"], "remove_capabilities": ["data_read"]}),
        json!({"add_capabilities": ["everything"]}),
        json!({"limit_rpm": 0}),
        json!({"limit_rpm": 1_000_001}),
        json!({"secrets": []}),
        json!({"title": "two\nlines"}),
        json!({"note": "x".repeat(513)}),
    ] {
        assert_refused(&owner(&mesh, "PATCH", "/api/agents/robot", &refused).await, 400, "bad_value");
    }
    assert_refused(
        &owner(&mesh, "PATCH", "/api/agents/robot", &json!({"state": "active"})).await,
        400,
        "unknown_field",
    );
}

/// What is asked by an agent that manages agents, and reads what it is given to read.
async fn by_manager(mesh: &TestMesh, text: &str, method: &str, target: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    with_key(&mesh.lead.agent_socket(), text, method, target, &[], &body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_the_admin_gives_only_what_it_has_without_any_bound() {
    let mesh = mesh().await;
    let whole = json!({
        "capabilities": ["agent_manage", "data_query"], "companies": ["*"], "environments": ["*"], "secrets": ["*"]
    });
    agent(&mesh, "manager", &whole).await;
    let text = key(&mesh, "manager", &json!({})).await;
    agent(&mesh, "strong", &json!({"capabilities": ["data_write"]})).await;
    let new = |name: &str, capability: &str| json!({"name": name, "capabilities": [capability], "secrets": ["openai/*"], "environments": ["prod"]});
    let made = by_manager(&mesh, &text, "POST", "/api/agents", &new("looker", "data_query")).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(made.json()["agent"]["owner"], "agent:manager");
    assert_eq!(by_manager(&mesh, &text, "POST", "/api/agents/looker/keys", &json!({"name": "ci"})).await.status, 200);

    let refused = [
        ("POST", "/api/agents", new("reader", "data_read")),
        ("PATCH", "/api/agents/looker", json!({"add_capabilities": ["data_read"]})),
        ("PATCH", "/api/agents/manager", json!({"add_capabilities": ["system_admin"]})),
        ("PATCH", "/api/agents/strong", json!({"secrets": ["*"], "limit_rpm": 5})),
        ("POST", "/api/agents/strong/keys", json!({"name": "mine"})),
    ];
    for (method, target, body) in refused {
        let answer = by_manager(&mesh, &text, method, target, &body).await;
        assert_refused(&answer, 403, "escalation");
        assert!(answer.message().contains("without any bound"), "{}", answer.body);
    }
    key(&mesh, "strong", &json!({})).await;
    for body in [Value::Null, json!({})] {
        let rotated = by_manager(&mesh, &text, "POST", "/api/agents/strong/keys/ci/rotate", &body).await;
        assert_refused(&rotated, 403, "escalation");
    }
    let suspended = by_manager(&mesh, &text, "POST", "/api/agents/strong/suspend", &Value::Null).await;
    assert_eq!(suspended.status, 200, "taking away is not giving");
    assert_refused(
        &by_manager(&mesh, &text, "POST", "/api/agents/strong/activate", &Value::Null).await,
        403,
        "escalation",
    );
    let denials =
        journal(&mesh).await.into_iter().filter(|line| line["rule"] == "escalation" && line["decision"] == "deny");
    assert_eq!(denials.count(), 8);

    let narrow = key(&mesh, "manager", &json!({"name": "narrow", "secrets": ["openai/*"]})).await;
    for (method, target, body) in [
        ("POST", "/api/agents", new("another", "data_query")),
        ("POST", "/api/agents/looker/suspend", Value::Null),
        ("PATCH", "/api/agents/looker", json!({"remove_capabilities": ["data_query"]})),
        ("DELETE", "/api/agents/looker/keys/ci", Value::Null),
    ] {
        assert_refused(&by_manager(&mesh, &narrow, method, target, &body).await, 403, "denied");
    }
    let line = journal(&mesh).await.into_iter().rfind(|line| line["decision"] == "deny").expect("a line");
    assert_eq!(line["rule"], "bounded-grant", "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_makes_none_that_works_longer_than_itself_and_renews_itself_alone() {
    let mesh = mesh().await;
    let whole = json!({"capabilities": ["agent_manage"], "companies": ["*"], "environments": ["*"], "secrets": ["*"]});
    agent(&mesh, "manager", &whole).await;
    let lent = key(&mesh, "manager", &json!({"name": "lent", "expires_in": "1d"})).await;
    key(&mesh, "manager", &json!({"name": "other", "expires_in": "30d"})).await;
    let mint = async |name: &str, more: Value| {
        let mut body = json!({"name": name});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        by_manager(&mesh, &lent, "POST", "/api/agents/manager/keys", &body).await
    };
    for life in [json!({"expires_at": "never"}), json!({"expires_in": "2d"})] {
        assert_refused(&mint("longer", life).await, 403, "escalation");
    }
    let plain = mint("plain", json!({})).await;
    assert_eq!(plain.status, 200, "{}", plain.body);
    let rotate = |name: &str| format!("/api/agents/manager/keys/{name}/rotate");
    assert_refused(&by_manager(&mesh, &lent, "POST", &rotate("other"), &json!({})).await, 403, "escalation");
    assert_eq!(by_manager(&mesh, &lent, "POST", &rotate("lent"), &json!({})).await.status, 200, "its own next text");
    assert_refused(&by_manager(&mesh, &lent, "POST", &rotate("lent"), &json!({})).await, 403, "escalation");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_without_the_capability_neither_makes_agents_nor_keys_nor_sees_them() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let text = key(&mesh, "robot", &json!({})).await;
    let new = json!({"name": "x", "secrets": ["*"], "environments": ["*"]});
    for (method, target, body) in [
        ("POST", "/api/agents", new),
        ("GET", "/api/agents", Value::Null),
        ("GET", "/api/agents/robot", Value::Null),
        ("GET", "/api/apikeys", Value::Null),
        ("PATCH", "/api/agents/robot", json!({"title": "x"})),
        ("POST", "/api/agents/robot/suspend", Value::Null),
        ("POST", "/api/agents/robot/keys", json!({"name": "x"})),
        ("POST", "/api/agents/robot/keys/ci/rotate", json!({})),
        ("DELETE", "/api/agents/robot/keys/ci", Value::Null),
    ] {
        assert_refused(&by_manager(&mesh, &text, method, target, &body).await, 403, "denied");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_act_as_others_acts_as_them_as_far_as_that_reaches() {
    let mesh = mesh().await;
    let socket = mesh.lead.agent_socket();
    agent(&mesh, "reader", &json!({})).await;
    agent(&mesh, "actor", &json!({"capabilities": ["agent_impersonate"], "secrets": ["openai/*"]})).await;
    agent(&mesh, "plain", &json!({})).await;
    let (actor, plain) = (key(&mesh, "actor", &json!({})).await, key(&mesh, "plain", &json!({})).await);
    let acting = [("X-Aurora-Act-As", "reader")];

    assert_refused(&read(&socket, &actor).await, 403, "denied");
    let answer = with_key(&socket, &actor, "GET", SECRET, &acting, "").await;
    assert_eq!(answer.json()["key_value"], "not-a-real-global-key", "{}", answer.body);
    let line = journal(&mesh).await.into_iter().rfind(|line| line["action"] == "secret.read").expect("a line");
    let principal = line["principal"].as_str().expect("a text");
    assert!(principal.starts_with("agent:reader agent:actor user:"), "both are named: {principal}");
    let beyond = with_key(&socket, &actor, "GET", HUBSPOT, &acting, "").await;
    assert_refused(&beyond, 403, "denied");
    assert_refused(&with_key(&socket, &plain, "GET", SECRET, &acting, "").await, 403, "denied");
    let nobody = with_key(&socket, &actor, "GET", SECRET, &[("X-Aurora-Act-As", "nobody")], "").await;
    assert_refused(&nobody, 403, "denied");
    let bad = with_key(&socket, &actor, "GET", SECRET, &[("X-Aurora-Act-As", "No Body")], "").await;
    assert_refused(&bad, 400, "bad_name");

    done(&mesh, "POST", "/api/agents/reader/suspend", &Value::Null).await;
    assert_refused(&with_key(&socket, &actor, "GET", SECRET, &acting, "").await, 403, "denied");
    let line = journal(&mesh).await.into_iter().rfind(|line| line["action"] == "secret.read").expect("a line");
    assert_eq!(line["rule"], "agent-suspended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_denied_to_the_user_of_a_process_is_denied_to_the_agent_it_acts_for() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let (socket, text) = (mesh.lead.agent_socket(), key(&mesh, "robot", &json!({})).await);
    let closed = Grant {
        name: GrantName::parse("closed").expect("name"),
        principal: Principal::User(rustix::process::geteuid().as_raw()),
        capabilities: [Capability::DataRead].into(),
        reach: Reach { secrets: vec![SecretGlob::parse("openai/*").expect("glob")], ..Reach::everything() },
        expires_at: Expiry::Never,
        effect: Effect::Deny,
        granted_by: "test".to_owned(),
        granted_at: Timestamp(0),
        reason: "test".to_owned(),
    };
    let edits = vec![Edit::Put(Article::Grant(closed))];
    mesh.lead.vault().edit_rules(&admin(), edits).await.expect("edited");
    assert_refused(&read(&socket, &text).await, 403, "denied");
    let line = journal(&mesh).await.into_iter().rfind(|line| line["action"] == "secret.read").expect("a line");
    assert_eq!(line["rule"], "closed", "{line}");
    assert_eq!(with_key(&socket, &text, "GET", HUBSPOT, &[], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_of_the_policy_file_is_left_to_the_file_but_for_its_keys_and_its_suspension() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let robot = AgentName::parse("robot").expect("name");
    let of_policy = mesh.lead.vault().rules().agent(&robot).expect("there").clone();
    let of_policy = Agent { origin: AgentOrigin::Policy, ..of_policy };
    let edits = vec![Edit::Put(Article::Agent(of_policy))];
    mesh.lead.vault().edit_rules(&admin(), edits).await.expect("edited");
    let changed = owner(&mesh, "PATCH", "/api/agents/robot", &json!({"title": "x"})).await;
    assert_refused(&changed, 409, "agent_of_policy");
    assert!(changed.body.contains("aurora policy apply"), "{}", changed.body);
    assert_refused(&owner(&mesh, "POST", "/api/agents/robot/archive", &Value::Null).await, 409, "agent_of_policy");
    done(&mesh, "POST", "/api/agents/robot/suspend", &Value::Null).await;
    done(&mesh, "POST", "/api/agents/robot/activate", &Value::Null).await;
    let text = key(&mesh, "robot", &json!({})).await;
    assert_eq!(read(&mesh.lead.agent_socket(), &text).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_policy_grants_to_an_agent_counts_when_somebody_wants_a_key_of_it() {
    let mesh = mesh().await;
    let whole = json!({"capabilities": ["agent_manage"], "companies": ["*"], "environments": ["*"]});
    agent(&mesh, "manager", &whole).await;
    let text = key(&mesh, "manager", &json!({})).await;
    agent(&mesh, "plain", &json!({"capabilities": []})).await;
    let mine = json!({"name": "mine"});
    assert_eq!(by_manager(&mesh, &text, "POST", "/api/agents/plain/keys", &mine).await.status, 200);
    let writes = Grant {
        name: GrantName::parse("plain-writes").expect("name"),
        principal: Principal::Agent(AgentName::parse("plain").expect("name")),
        capabilities: [Capability::DataWrite].into(),
        reach: Reach::everything(),
        expires_at: Expiry::Never,
        effect: Effect::Allow,
        granted_by: "test".to_owned(),
        granted_at: Timestamp(0),
        reason: "test".to_owned(),
    };
    let edits = vec![Edit::Put(Article::Grant(writes))];
    mesh.lead.vault().edit_rules(&admin(), edits).await.expect("edited");
    let rotated = by_manager(&mesh, &text, "POST", "/api/agents/plain/keys/mine/rotate", &json!({})).await;
    assert_refused(&rotated, 403, "escalation");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_make_agents_at_once_all_make_them() {
    let mesh = mesh().await;
    let new = |number: usize| json!({"name": format!("a{number}"), "secrets": ["*"], "environments": ["*"]});
    let bodies: Vec<Value> = (0..40).map(new).collect();
    let made = bodies.iter().map(|body| owner(&mesh, "POST", "/api/agents", body));
    let made = futures_util::future::join_all(made).await;
    assert!(made.iter().all(|answer| answer.status == 200), "{made:?}");
    let same: Vec<Value> = (0..10).map(|_| new(100)).collect();
    let same = same.iter().map(|body| owner(&mesh, "POST", "/api/agents", body));
    let statuses: Vec<u16> = futures_util::future::join_all(same).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    let all = done(&mesh, "GET", "/api/agents", &Value::Null).await;
    assert_eq!(all["agents"].as_array().expect("agents").len(), 41);
}
