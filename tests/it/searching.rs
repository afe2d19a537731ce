//! Secrets are found by what is said about them, in order and page by page, and a long list passes through.

use std::process::Stdio;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::callers::{admin, put};
use crate::support::http;
use crate::support::mesh::TestMesh;
use crate::support::process::{Ended, Node, aurora, directory, run};

/// More than two pages of a thousand.
const MANY: usize = 2_300;

async fn store(lead: &Node, name: &str, more: &Value) {
    let (service, key) = name.split_once('/').expect("SERVICE/KEY");
    let mut body = json!({"service": service, "key_name": key, "key_value": "x"});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let answer = http::post(&lead.admin(), "/api/secrets", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn every_condition_narrows_the_list() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    store(&lead, "hubspot/api_key", &json!({"metadata": {"tags": ["eu west", "crm"]}})).await;
    store(&lead, "hubspot/other", &json!({"metadata": {"tags": ["crm"]}, "expires_at": "2098-01-01T00:00:00Z"})).await;
    store(&lead, "hub/key", &json!({"metadata": {"provider": "hubspot"}})).await;
    store(&lead, "a-b/key", &json!({"scope": "company", "scope_id": "acme"})).await;
    store(&lead, "zebra/key", &json!({})).await;
    let deleted = http::ask(&lead.admin(), "DELETE", "/api/secrets/zebra/key", &[], "").await;
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    let found = async |query: &str| -> String {
        let answer = http::get(&lead.agent(), &format!("/api/secrets?{query}")).await.json();
        assert_eq!(answer["next_cursor"], Value::Null, "{query}");
        let lines = answer["secrets"].as_array().expect("a list").clone();
        let names = lines.iter().map(|line| format!("{}/{}", line["service"], line["key_name"]).replace('"', ""));
        names.collect::<Vec<_>>().join(" ")
    };
    for (query, names) in [
        ("", "a-b/key hub/key hubspot/api_key hubspot/other zebra/key"),
        ("prefix=hub", "hub/key hubspot/api_key hubspot/other"),
        ("prefix=hub/", "hub/key"),
        ("prefix=HUB", ""),
        ("prefix=hubspot/a", "hubspot/api_key"),
        ("service=hubspot", "hubspot/api_key hubspot/other"),
        ("tag=crm", "hubspot/api_key hubspot/other"),
        ("tag=crm&tag=eu%20west", "hubspot/api_key"),
        ("tag=eu", ""),
        ("provider=hubspot", "hub/key hubspot/api_key hubspot/other"),
        ("scope=company&scope_id=acme", "a-b/key"),
        ("expires_before=2099-01-01T00:00:00Z", "hubspot/other"),
        ("expires_within=36500d", "hubspot/other"),
        ("expires_within=1d", ""),
        ("expired=true", ""),
        ("state=deleted", "zebra/key"),
        ("state=live&prefix=z", ""),
        ("state=unset", ""),
    ] {
        assert_eq!(found(query).await, names, "{query}");
    }
    for (query, code) in [
        ("state=dead", "bad_value"),
        ("expires_within=soon", "bad_value"),
        ("expired=1", "bad_value"),
        ("limit=0", "bad_value"),
        ("cursor=x", "bad_value"),
        ("tags=crm", "unknown_field"),
        ("state=live&state=live", "bad_value"),
    ] {
        let refused = http::get(&lead.agent(), &format!("/api/secrets?{query}")).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, code), "{query}: {}", refused.body);
    }
    let listed = lead.run(&["list", "--tag", "crm", "--tag", "eu west"], b"").await;
    assert_eq!(listed.text().lines().count(), 2, "{}", listed.text());
    let listed = lead.run(&["ls", "--state", "deleted", "-o", "json"], b"").await.json();
    assert_eq!(listed["secrets"][0]["service"], "zebra");
}

/// A lead with [`MANY`] secrets.
async fn full() -> TestMesh {
    let mesh = TestMesh::start().await;
    let caller = admin();
    for chunk in (0..MANY).collect::<Vec<_>>().chunks(400) {
        let puts = chunk.iter().map(|number| put(&format!("service-{}/key-{number:05}", number % 7), "global", "x"));
        let stored = join_all(puts.map(|request| mesh.lead.vault().put(&caller, request))).await;
        assert!(stored.iter().all(Result::is_ok), "{:?}", stored.iter().find(|stored| stored.is_err()));
    }
    mesh
}

async fn list(mesh: &TestMesh, options: &[&str]) -> Ended {
    let mut command = aurora(mesh.dir.path(), [&["list"], options].concat());
    run(command.env("AURORA_SOCKET", mesh.lead.agent_socket()), b"").await
}

#[tokio::test]
async fn a_long_list_passes_page_by_page_and_is_one_list() {
    let mesh = full().await;
    let table = list(&mesh, &[]).await;
    let lines: Vec<&str> = table.text().lines().collect();
    assert_eq!(lines.len(), MANY + 1);
    assert_eq!(lines.iter().filter(|line| line.starts_with("SECRET")).count(), 1);
    assert!(lines[1..].is_sorted(), "in order of their names");
    let json = list(&mesh, &["-o", "json"]).await.json();
    assert_eq!(json["secrets"].as_array().map(Vec::len), Some(MANY));
    assert_eq!(json["next_cursor"], Value::Null);
    let yaml = list(&mesh, &["-o", "yaml"]).await;
    assert_eq!(yaml.text().matches("\n- service:").count(), MANY);
    assert!(yaml.text().starts_with("secrets:\n- service: service-0\n"), "{}", &yaml.text()[..80]);
    let some = list(&mesh, &["--limit", "1500", "-o", "json"]).await.json();
    assert_eq!(some["secrets"].as_array().map(Vec::len), Some(1500));
    assert!(some["next_cursor"].is_string(), "{}", some["next_cursor"]);
    let part = list(&mesh, &["service-6/"]).await;
    assert_eq!(part.text().lines().count(), MANY / 7 + 1);
    assert_eq!(list(&mesh, &["--limit", "0", "-o", "json"]).await.json()["secrets"], json!([]));
    // A reader who has seen enough ends the command quietly, in the middle of the list.
    let mut command = aurora(mesh.dir.path(), ["list"]);
    command.env("AURORA_SOCKET", mesh.lead.agent_socket()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    let mut head = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    head.read_line(&mut first).await.expect("a line");
    drop(head);
    let ended = child.wait_with_output().await.expect("ends");
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]), "{first}");
}
