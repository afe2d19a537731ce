//! What a path means: its versions, what a write replaces, and how it goes with what is stored key by key.

use serde_json::{Value, json};

use super::stage::{ask, ask_for, errors, mesh, writer};
use crate::agents::stage::journal;
use crate::support::callers::{place, put, read};
use crate::support::mesh::TestMesh;

const PATH: &str = "/v1/secret/data/crm";

async fn write(mesh: &TestMesh, token: &str, body: &Value) -> (u16, u64) {
    let answer = ask(&mesh.lead.agent_socket(), token, "POST", PATH, body).await;
    (answer.status, answer.json()["data"]["version"].as_u64().unwrap_or(0))
}

async fn path(mesh: &TestMesh, token: &str, query: &str) -> Value {
    ask(&mesh.lead.agent_socket(), token, "GET", &format!("{PATH}{query}"), &Value::Null).await.json()["data"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_written_together_go_in_step_and_what_is_left_out_goes() {
    let (mesh, token) = mesh().await;
    assert_eq!(write(&mesh, &token, &json!({"data": {"a": "1", "b": "1"}})).await, (200, 1));
    assert_eq!(
        write(&mesh, &token, &json!({"data": {"a": "1", "b": "1"}})).await,
        (200, 2),
        "the same is a new version"
    );
    assert_eq!(write(&mesh, &token, &json!({"data": {"a": "3", "c": "3"}})).await, (200, 3));
    assert_eq!(path(&mesh, &token, "").await["data"], json!({"a": "3", "c": "3"}));
    assert_eq!(mesh.lead.value(read("crm/c", None)).await.expect("a secret like any other"), "3");
    assert!(mesh.lead.value(read("crm/b", None)).await.is_err(), "left out, so deleted");
    let second = path(&mesh, &token, "?version=2").await;
    assert_eq!(second["data"], json!({"a": "1"}));
    let older = ask(&mesh.lead.agent_socket(), &token, "GET", &format!("{PATH}?version=2"), &Value::Null).await.json();
    assert_eq!(older["warnings"], json!(["the field b of this version was deleted since"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_by_hand_is_a_version_of_the_path_and_a_client_that_does_not_know_it_is_refused() {
    let (mesh, token) = mesh().await;
    write(&mesh, &token, &json!({"data": {"a": "1", "b": "1"}})).await;
    mesh.put(put("crm/b", "global", "by hand")).await;
    assert_eq!(path(&mesh, &token, "").await["metadata"]["version"], 2);
    assert_eq!(path(&mesh, &token, "?version=1").await["data"], json!({"a": "1", "b": "1"}));
    let late = json!({"options": {"cas": 1}, "data": {"a": "2", "b": "2"}});
    let refused = ask(&mesh.lead.agent_socket(), &token, "POST", PATH, &late).await;
    assert_eq!(refused.status, 400);
    assert_eq!(errors(&refused)[0], "check-and-set parameter did not match the current version");
    assert_eq!(path(&mesh, &token, "").await["data"], json!({"a": "1", "b": "by hand"}), "no part of it was stored");
    assert_eq!(write(&mesh, &token, &json!({"options": {"cas": 2}, "data": {"a": "3", "b": "3"}})).await, (200, 3));
    assert_eq!(write(&mesh, &token, &json!({"options": {"cas": 0}, "data": {"a": "4"}})).await.0, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_version_is_deleted_and_undeleted_without_touching_the_current_one() {
    let (mesh, token) = mesh().await;
    for value in ["1", "2", "3"] {
        write(&mesh, &token, &json!({"data": {"a": value, "b": value}})).await;
    }
    let versions = |deed: &'static str, versions: Value| {
        let (socket, token) = (mesh.lead.agent_socket(), token.clone());
        async move {
            let body = json!({ "versions": versions });
            ask(&socket, &token, "POST", &format!("/v1/secret/{deed}/crm"), &body).await.status
        }
    };
    assert_eq!(versions("delete", json!([1, 2, 9])).await, 204);
    assert_eq!(path(&mesh, &token, "").await["data"], json!({"a": "3", "b": "3"}));
    let gone = path(&mesh, &token, "?version=2").await;
    assert_eq!((&gone["data"], gone["metadata"]["deletion_time"] == ""), (&Value::Null, false), "{gone}");
    assert_eq!(versions("undelete", json!([2])).await, 204);
    assert_eq!(path(&mesh, &token, "?version=2").await["data"], json!({"a": "2", "b": "2"}));
    assert_eq!(path(&mesh, &token, "?version=1").await["data"], Value::Null);
    assert_eq!(versions("delete", json!([3, 2])).await, 204, "both at once");
    assert_eq!(path(&mesh, &token, "").await["data"], Value::Null);
    assert_eq!(versions("undelete", json!([3, 2, 1])).await, 204);
    for (number, value) in [("1", "1"), ("2", "2"), ("3", "3")] {
        let back = path(&mesh, &token, &format!("?version={number}")).await;
        assert_eq!(back["data"], json!({"a": value, "b": value}), "{number}");
    }
    assert_eq!(versions("destroy", json!([1])).await, 204);
    assert_eq!(versions("undelete", json!([1])).await, 204, "nothing is left of it");
    assert_eq!(path(&mesh, &token, "?version=1").await["data"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_writers_that_expect_the_same_version_one_is_served() {
    let (mesh, token) = mesh().await;
    write(&mesh, &token, &json!({"data": {"a": "0", "b": "0"}})).await;
    let attempts = (0..8).map(|number| {
        let body = json!({"options": {"cas": 1}, "data": {"a": number.to_string(), "b": number.to_string()}});
        let (socket, token) = (mesh.lead.agent_socket(), token.clone());
        async move { ask(&socket, &token, "POST", PATH, &body).await.status }
    });
    let statuses = futures_util::future::join_all(attempts).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    let now = path(&mesh, &token, "").await["data"].take();
    assert_eq!(now["a"], now["b"], "never a part of two");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_takes_the_path_and_its_undoing_brings_back_what_it_took() {
    let (mesh, token) = mesh().await;
    let socket = mesh.lead.agent_socket();
    write(&mesh, &token, &json!({"data": {"a": "1", "b": "1"}})).await;
    write(&mesh, &token, &json!({"data": {"a": "2"}})).await;
    for _ in 0..2 {
        assert_eq!(ask(&socket, &token, "DELETE", PATH, &Value::Null).await.status, 204, "again changes nothing");
    }
    let gone = ask(&socket, &token, "GET", PATH, &Value::Null).await;
    assert_eq!(gone.status, 404);
    let told = &gone.json()["data"];
    assert_eq!((&told["data"], &told["metadata"]["version"]), (&Value::Null, &json!(2)));
    assert!(told["metadata"]["deletion_time"].as_str().is_some_and(|time| !time.is_empty()), "{told}");
    assert_eq!(ask(&socket, &token, "POST", "/v1/secret/undelete/crm", &json!({"versions": [2]})).await.status, 204);
    assert_eq!(path(&mesh, &token, "").await["data"], json!({"a": "2"}), "what was left out before stays away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_is_a_company_and_reads_resolve_like_any_read() {
    let (mesh, token) = mesh().await;
    mesh.put(put("crm/a", "global", "everybody's")).await;
    mesh.put(put("crm/b", "global", "everybody's")).await;
    let socket = mesh.lead.agent_socket();
    let acme = Some("acme/");
    let body = json!({"options": {"cas": 0}, "data": {"b": "acme's"}});
    assert_eq!(ask_for(&socket, &token, acme, "POST", PATH, &body).await.status, 200);
    let resolved = ask_for(&socket, &token, acme, "GET", PATH, &Value::Null).await.json();
    assert_eq!(resolved["data"]["data"], json!({"a": "everybody's", "b": "acme's"}));
    assert_eq!(path(&mesh, &token, "").await["data"], json!({"a": "everybody's", "b": "everybody's"}));
    mesh.delete(place("crm/b", "company:acme")).await;
    let without = ask_for(&socket, &token, acme, "GET", PATH, &Value::Null).await.json();
    assert_eq!(without["data"]["data"]["b"], "everybody's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_has_its_line_in_the_journal_whatever_is_done() {
    let (mesh, token) = mesh().await;
    write(&mesh, &token, &json!({"data": {"a": "not-a-real-key", "b": "not-a-real-key"}})).await;
    path(&mesh, &token, "").await;
    write(&mesh, &token, &json!({"data": {"a": "not-a-real-key"}})).await;
    let lines = journal(&mesh).await;
    let count = |action: &str, key: &str, outcome: &str| {
        let is = |line: &&Value| {
            line["action"] == action && line["secret"] == format!("crm/{key}") && line["outcome"] == outcome
        };
        lines.iter().filter(is).count()
    };
    assert_eq!((count("secret.read", "a", "ok"), count("secret.read", "b", "ok")), (1, 1));
    assert_eq!((count("secret.write", "a", "planned"), count("secret.write", "b", "planned")), (2, 1));
    assert_eq!(count("secret.delete", "b", "planned"), 1);
    assert!(lines.iter().all(|line| !line.to_string().contains("not-a-real")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_whose_value_is_no_text_is_refused_as_a_whole() {
    let (mesh, _) = mesh().await;
    let token = writer(&mesh, "other", "crm/*").await;
    write(&mesh, &token, &json!({"data": {"a": "1"}})).await;
    let binary = aurora_mesh::crypto::plaintext::Plaintext::new(vec![0xff, 0xfe]);
    mesh.put(aurora_mesh::vault::request::PutRequest { value: binary, ..put("crm/b", "global", "") }).await;
    let refused = ask(&mesh.lead.agent_socket(), &token, "GET", PATH, &Value::Null).await;
    assert_eq!(refused.status, 400, "left out, a client that writes what it read would delete it: {}", refused.body);
    assert!(errors(&refused)[0].starts_with("not_text"), "{}", refused.body);
}
