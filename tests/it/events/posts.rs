//! What programs tell: in either shape, once however often they try, bounded, and never a credential.

use serde_json::{Value, json};

use super::stage::history;
use crate::agents::stage::{admin_socket, agent, assert_refused, key, with_key};
use crate::support::http::{Answer, ask, post};
use crate::support::mesh::{TestMesh, prod};
use crate::support::wait::eventually;

async fn posting() -> (TestMesh, String) {
    let mesh = TestMesh::start().await;
    agent(&mesh, "n8n", &json!({"capabilities": ["event_publish", "event_subscribe"]})).await;
    let key = key(&mesh, "n8n", &json!({})).await;
    (mesh, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_shapes_are_taken_and_a_second_try_is_the_same_event() {
    let (mesh, key) = posting().await;
    let (socket, admin) = (mesh.lead.agent_socket(), admin_socket(&mesh));
    let tell = async |body: Value, more: &[(&str, &str)]| {
        let answer = with_key(&socket, &key, "POST", "/events", more, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    };
    let body = json!({"type": "workflow.completed", "data": {"workflow": "nightly", "items": 120}});
    let first = tell(body.clone(), &[("Idempotency-Key", "run-17")]).await;
    let again = tell(body.clone(), &[("Idempotency-Key", "run-17")]).await;
    assert_eq!((&first["new"], &again["new"], &again["id"]), (&json!(true), &json!(false), &first["id"]));
    let by_id = tell(json!({"type": "workflow.failed", "id": "run-17"}), &[]).await;
    assert_eq!(by_id["id"], first["id"], "the id of a body is the same thing");
    let other = tell(body, &[]).await;
    assert_ne!(other["id"], first["id"], "without a key every try is an event");
    let older = json!({"source_agent": "n8n", "action": "data_updated", "target": "orders", "details": {"rows": 3}});
    tell(older.clone(), &[]).await;
    let all = history(&admin, "&type=workflow.*&type=data.*").await;
    let kinds: Vec<&str> = all.iter().map(|event| event["type"].as_str().expect("a type")).collect();
    assert_eq!(kinds, ["workflow.completed", "workflow.completed", "data.updated"]);
    assert_eq!((&all[0]["by"], &all[0]["node"]), (&json!("agent:n8n"), &json!("aurora")));
    assert_eq!(all[0]["data"], json!({"workflow": "nightly", "items": 120}));
    assert_eq!(all[2]["data"]["details"], older["details"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_program_may_tell_is_refused_and_not_kept() {
    let (mesh, key) = posting().await;
    let (socket, admin) = (mesh.lead.agent_socket(), admin_socket(&mesh));
    // That there is an agent is told a moment after it was made.
    let kept = async || {
        let all = history(&admin, "").await;
        all.iter().filter(|event| !event["type"].as_str().is_some_and(|kind| kind.starts_with("agent."))).count()
    };
    let before = kept().await;
    let token = format!("ghp_{}", "x1".repeat(18));
    let deep = (0..60).fold(json!(1), |inner, _| json!({ "a": inner }));
    let cases: [(String, u16, &str); 12] = [
        (json!({"type": "secret.updated"}).to_string(), 400, "bad_event_type"),
        (json!({"type": "audit.gap", "data": {"node": "aurora"}}).to_string(), 400, "bad_event_type"),
        (json!({"type": "nothing.known"}).to_string(), 400, "bad_event_type"),
        (json!({"source_agent": "x", "action": "email_sent"}).to_string(), 400, "bad_event_type"),
        (json!({"type": "data.created", "data": {"note": token}}).to_string(), 422, "looks_like_credential"),
        (
            json!({"source_agent": "x", "action": "data.created", "details": {"password": "hunter2hunter2"}})
                .to_string(),
            422,
            "looks_like_credential",
        ),
        (json!({"type": "data.created", "data": {"a": "x".repeat(17 << 10)}}).to_string(), 413, "value_too_large"),
        (json!({"type": "data.created", "data": deep}).to_string(), 400, "bad_value"),
        (json!({"type": "data.created", "id": "a b"}).to_string(), 400, "bad_value"),
        (json!({"type": "data.created", "action": "data.created"}).to_string(), 400, "bad_value"),
        (json!({"type": "data.created", "data": {}, "more": 1}).to_string(), 400, "unknown_field"),
        ("[".repeat(100_000), 413, "value_too_large"),
    ];
    for (body, status, code) in cases {
        let answer = with_key(&socket, &key, "POST", "/api/events", &[], &body).await;
        assert_refused(&answer, status, code);
        assert!(!answer.body.contains("x1x1x1") && !answer.body.contains("hunter2"), "{}", answer.body);
    }
    let other =
        with_key(&socket, &key, "POST", "/api/events", &[("X-Company-Id", "acme")], r#"{"type":"data.created"}"#);
    assert_refused(&other.await, 403, "denied");
    assert_eq!(kept().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_on_a_follower_reaches_the_lead_once_also_when_the_lead_was_away() {
    let (mut mesh, key) = posting().await;
    let mut follower = mesh.follower("vengeance", prod(&[])).await;
    let (socket, lead) = (follower.agent_socket(), admin_socket(&mesh));
    let tell = async |number: u64| -> Answer {
        let body = json!({"type": "data.created", "data": {"number": number}, "id": format!("try-{number}")});
        with_key(&socket, &key, "POST", "/api/events", &[], &body.to_string()).await
    };
    let told = tell(0).await;
    assert_eq!(told.status, 200, "{}", told.body);
    let first = told.json()["id"].clone();
    let arrived = async |count: usize| {
        eventually("they reach the lead", || async {
            let all = history(&lead, "&type=data.created").await;
            (all.len() >= count).then_some(all)
        })
        .await
    };
    let all = arrived(1).await;
    assert_eq!((&all[0]["id"], &all[0]["node"], &all[0]["by"]), (&first, &json!("vengeance"), &json!("agent:n8n")));
    mesh.lead.stop().await;
    for number in 1..=5 {
        assert_eq!(tell(number).await.status, 200);
        assert_eq!(tell(number).await.json()["new"], json!(false));
    }
    follower.stop().await;
    follower.start().await;
    mesh.lead.start().await;
    let all = arrived(6).await;
    let numbers: Vec<u64> = all.iter().filter_map(|event| event["data"]["number"].as_u64()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5], "once, and in order");
    let own = history(&follower.config.api.socket_dir.join("admin.sock"), "&type=data.created").await;
    let ids = |events: &[Value]| events.iter().map(|event| event["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&own), ids(&all), "under the same ids");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_is_listed_with_its_schema() {
    let mesh = TestMesh::start().await;
    let admin = admin_socket(&mesh);
    let types = ask(&admin, "GET", "/api/events/types", &[], "").await.json();
    let types = types["types"].as_array().expect("types");
    assert_eq!(types.len(), 32);
    assert_eq!(types.iter().filter(|view| view["programs"] == true).count(), 15);
    for view in types {
        assert_eq!(view["schema"]["properties"]["type"]["const"], view["type"]);
    }
    let one = ask(&admin, "GET", "/api/events/types?type=node.lost", &[], "").await.json();
    assert_eq!(one["types"][0]["type"], "node.lost");
    assert_refused(&ask(&admin, "GET", "/api/events/types?type=nothing", &[], "").await, 400, "bad_event_type");
    let published = post(&admin, "/api/events", &json!({"type": "system.error"})).await;
    assert_eq!(published.status, 200, "{}", published.body);
}
