//! Whoever is refused can ask: the request grants nothing, tells nothing of the secret, and reaches the lead or fails aloud.

use std::path::Path;

use serde_json::{Value, json};

use crate::agents::stage::{agent, assert_refused, done, journal, key, with_key};
use crate::denied_caller::by_route::under;
use crate::support::callers::{admin, put};
use crate::support::http::{self, Answer};
use crate::support::mesh::{TestMesh, prod};
use crate::support::process::{aurora, run};
use crate::support::wait::eventually;

const REQUESTS: &str = "/api/access-requests";

/// A lead with one secret, and the key of an agent that may ask but not read.
async fn asking() -> (TestMesh, String) {
    let mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    agent(&mesh, "robot", &json!({"capabilities": ["event_publish", "data_query"]})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    (mesh, key)
}

async fn ask(socket: &Path, key: &str, body: &Value) -> Answer {
    with_key(socket, key, "POST", REQUESTS, &[], &body.to_string()).await
}

fn for_reading(name: &str) -> Value {
    json!({"name": name, "reason": "nightly \"report\""})
}

async fn apply(mesh: &TestMesh, policy: &str) {
    let vault = mesh.lead.vault();
    let seen = vault.plan_policy(&admin(), policy).await.expect("a plan").revision;
    vault.apply_policy(&admin(), policy, seen, None).await.expect("applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_waits_until_the_grant_it_proposes_is_applied_and_is_the_same_again_until_then() {
    let (mesh, key) = asking().await;
    let socket = mesh.lead.agent_socket();
    let first = ask(&socket, &key, &for_reading("openai/api_key")).await.json();
    assert_eq!(
        (&first["status"], &first["id"], &first["new"]),
        (&json!("pending"), &json!(1), &json!(true)),
        "{first}"
    );
    let again = ask(&socket, &key, &for_reading("openai/api_key")).await.json();
    assert_eq!((&again["id"], &again["new"]), (&json!(1), &json!(false)));
    let absent = ask(&socket, &key, &for_reading("nothing/absent")).await.json();
    let same = |answer: &Value, name: &str| answer.to_string().replace(name, "NAME").replace("access-2", "access-1");
    let of_absent = same(&absent, "nothing/absent").replace("\"id\":2", "\"id\":1");
    let without_end = |text: &str| text.split("expires_at").next().expect("a part").to_owned();
    assert_eq!(without_end(&of_absent), without_end(&same(&first, "openai/api_key")), "absent or not is not told");
    let list = done(&mesh, "GET", REQUESTS, &Value::Null).await;
    assert_eq!((&list["of"], list["requests"].as_array().map(Vec::len)), (&json!("mesh"), Some(2)), "{list}");
    let grant = list["requests"][0]["grant"].as_str().expect("lines").to_owned();
    apply(&mesh, &grant).await;
    let list = done(&mesh, "GET", REQUESTS, &Value::Null).await;
    assert_eq!(
        (&list["requests"][0]["status"], &list["requests"][1]["status"]),
        (&json!("granted"), &json!("pending"))
    );
    let read = with_key(&socket, &key, "GET", "/api/secrets/openai/api_key", &[], "").await;
    assert_eq!(read.json()["key_value"], "not-a-real-key");
    let allowed = ask(&socket, &key, &for_reading("openai/api_key")).await.json();
    assert_eq!(
        (&allowed["status"], &allowed["id"], &allowed["rule"]),
        (&json!("already_allowed"), &Value::Null, &json!("access-1"))
    );
    let dismissed = done(&mesh, "DELETE", "/api/access-requests/1", &Value::Null).await;
    assert_eq!(dismissed["name"], "openai/api_key");
    let gone =
        http::ask(&mesh.lead.config.api.socket_dir.join("admin.sock"), "DELETE", "/api/access-requests/1", &[], "")
            .await;
    assert_refused(&gone, 404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_ask_and_what_cannot_be_asked_for_is_refused_and_a_caller_has_so_many_requests_at_once() {
    let (mesh, key) = asking().await;
    let socket = mesh.lead.agent_socket();
    for (body, code) in [
        (json!({"name": "openai/api_key", "reason": "x", "capability": "system_admin"}), "bad_value"),
        (json!({"name": "../api_key", "reason": "x"}), "bad_name"),
        (json!({"name": "openai/api_key", "reason": " "}), "bad_value"),
        (json!({"name": "openai/api_key", "reason": "a\nb"}), "bad_value"),
        (json!({"name": "openai/api_key", "reason": "x".repeat(257)}), "bad_value"),
        (json!({"name": "openai/api_key"}), "bad_json"),
        (json!({"name": "openai/api_key", "reason": "x", "more": 1}), "unknown_field"),
    ] {
        assert_refused(&ask(&socket, &key, &body).await, 400, code);
    }
    for id in ["0", "-1", "+1", "1x", "x", "18446744073709551616", "%D9%A1"] {
        let target = format!("{REQUESTS}/{id}");
        assert_refused(&with_key(&socket, &key, "DELETE", &target, &[], "").await, 400, "bad_value");
    }
    for number in 0..20 {
        assert_eq!(ask(&socket, &key, &for_reading(&format!("openai/k{number}"))).await.status, 200);
    }
    assert_refused(&ask(&socket, &key, &for_reading("openai/more")).await, 409, "too_many");
    assert_eq!(ask(&socket, &key, &for_reading("openai/k7")).await.json()["id"], 8, "the same one needs no room");
    let own = with_key(&socket, &key, "GET", REQUESTS, &[], "").await.json();
    assert_eq!((&own["of"], own["requests"].as_array().map(Vec::len)), (&json!("own"), Some(20)));
    assert_refused(&with_key(&socket, &key, "DELETE", "/api/access-requests/1", &[], "").await, 403, "denied");
    let nobody = under("").await;
    assert_refused(&http::post(&nobody.lead.agent_socket(), REQUESTS, &for_reading("a/b")).await, 403, "denied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_hands_a_request_to_its_lead_and_says_so_when_it_cannot() {
    let (mut mesh, key) = asking().await;
    let follower = mesh.follower("vengeance", prod(&["acme"])).await;
    let socket = follower.agent_socket();
    let asked = eventually("the follower knows the key and its lead", || async {
        let answer = ask(&socket, &key, &for_reading("openai/api_key")).await;
        (answer.status == 200).then(|| answer.json())
    })
    .await;
    assert_eq!((&asked["status"], &asked["id"]), (&json!("pending"), &json!(1)), "{asked}");
    let own = with_key(&socket, &key, "GET", REQUESTS, &[], "").await.json();
    assert_eq!(
        (&own["requests"][0]["node"], &own["requests"][0]["principal"]),
        (&json!("vengeance"), &json!("agent:robot"))
    );
    let list = done(&mesh, "GET", REQUESTS, &Value::Null).await;
    assert_eq!(list["requests"][0]["node"], "vengeance");
    let line = journal(&mesh)
        .await
        .into_iter()
        .find(|line| line["principal"] == "node:vengeance")
        .expect("it is written down");
    assert_eq!((&line["action"], &line["secret"]), (&json!("event.publish"), &json!("openai/api_key")), "{line}");
    let reason = line["reason"].as_str().expect("a reason");
    assert!(reason.contains("agent:robot asks for data_read") && reason.contains("nightly"), "{reason}");
    let company = json!({"name": "openai/api_key", "reason": "x", "company": "globex"});
    assert_refused(&ask(&socket, &key, &company).await, 403, "denied");
    assert_refused(
        &http::ask(&socket.with_file_name("admin.sock"), "DELETE", "/api/access-requests/1", &[], "").await,
        409,
        "not_lead",
    );
    mesh.lead.stop().await;
    eventually("the follower says that its lead is away", || async {
        let answer = ask(&socket, &key, &for_reading("openai/other")).await;
        (answer.status == 503 && answer.code() == "no_lead").then_some(())
    })
    .await;
    mesh.lead.start().await;
    let again = eventually("the lead is back, and has kept the request", || async {
        let answer = ask(&socket, &key, &for_reading("openai/api_key")).await;
        (answer.status == 200).then(|| answer.json())
    })
    .await;
    assert_eq!((&again["id"], &again["new"]), (&json!(1), &json!(false)), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_asks_lists_with_the_grant_and_dismisses() {
    let (mesh, key) = asking().await;
    let of_agent = |arguments: &'static [&'static str]| {
        let mut command = aurora(mesh.dir.path(), arguments);
        command.env("AURORA_SOCKET", mesh.lead.agent_socket()).env("AURORA_TOKEN", &key);
        command
    };
    let asked = run(&mut of_agent(&["access", "request", "openai/api_key", "--reason", "nightly"]), b"").await;
    assert!(asked.text().starts_with("request 1 is noted; an admin of the lead"), "{asked:?}");
    let unsaid = run(&mut of_agent(&["access", "request", "openai/api_key"]), b"").await;
    assert_eq!(unsaid.code, Some(1), "{unsaid:?}");
    assert!(unsaid.err.contains("--reason TEXT"), "{unsaid:?}");
    let mut list = aurora(mesh.dir.path(), ["access", "list"]);
    list.env("AURORA_SOCKET", mesh.lead.agent_socket());
    let listed = run(&mut list, b"").await;
    for part in ["agent:robot", "aurora", "openai/api_key", "nightly", "[[grant]]", "name = \"access-1\""] {
        assert!(listed.text().contains(part), "{part}: {}", listed.text());
    }
    let refused = run(&mut of_agent(&["access", "dismiss", "1"]), b"").await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    let mut dismiss = aurora(mesh.dir.path(), ["access", "dismiss", "1"]);
    dismiss.env("AURORA_SOCKET", mesh.lead.agent_socket());
    assert_eq!(run(&mut dismiss, b"").await.text(), "request 1 of agent:robot for openai/api_key is dismissed\n");
}
