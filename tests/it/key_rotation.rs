//! New keys while the mesh works: what is read and written meanwhile, who gets a key no more, and who may ask for it.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::http;
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

async fn key(lead: &Node, scope: &str, scope_id: Option<&str>) -> Value {
    let keys = http::get(&lead.admin(), "/api/keys").await.json();
    let keys = keys["keys"].as_array().expect("keys").clone();
    let found = keys.into_iter().find(|key| key["scope"] == scope && key["scope_id"] == json!(scope_id));
    found.unwrap_or_else(|| panic!("no key of {scope} {scope_id:?}"))
}

async fn revision(node: &Node) -> u64 {
    node.health().await["revision"].as_u64().expect("a revision")
}

/// Puts one secret again and again until it is told to stop; gives the last version and value that were acknowledged.
async fn write(socket: std::path::PathBuf, writer: usize, stop: tokio::sync::watch::Receiver<bool>) -> (u64, String) {
    let mut last = (0, String::new());
    for turn in 0_u64.. {
        let value = format!("writer {writer} turn {turn}");
        let body = json!({"service": "stream", "key_name": format!("w{writer}"), "key_value": value});
        let answer = http::post(&socket, "/api/secrets", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        last = (answer.json()["version"].as_u64().expect("a version"), value);
        if *stop.borrow() {
            break;
        }
    }
    last
}

#[tokio::test]
async fn programs_read_and_write_on_while_keys_are_rotated() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let follower = lead.follower("vengeance", &[]).await;
    lead.put("still/there", "global", "unchanged").await;
    for number in 0..60 {
        lead.put(&format!("many/k{number:02}"), "global", "unchanged too").await;
    }
    follower.reaches(revision(&lead).await).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (admin, stopped) = (lead.admin(), stopped.clone());
        writers.spawn(async move { (writer, write(admin, writer, stopped).await) });
    }
    let mut readers = JoinSet::new();
    for agent in [lead.agent(), follower.agent()] {
        let stopped = stopped.clone();
        readers.spawn(async move {
            let mut reads = 0;
            while !*stopped.borrow() {
                let answer = http::get(&agent, "/api/secrets/still/there").await;
                assert_eq!((answer.status, &answer.json()["key_value"]), (200, &json!("unchanged")), "{}", answer.body);
                reads += 1;
            }
            reads
        });
    }
    let mut exporters = JoinSet::new();
    for agent in [lead.agent(), follower.agent()] {
        let stopped = stopped.clone();
        exporters.spawn(async move {
            while !*stopped.borrow() {
                let answer = http::get(&agent, "/api/export").await;
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
        });
    }
    for generation in 2..=4 {
        lead.run(&["key", "rotate"], b"").await.text();
        let key = key(&lead, "global", None).await;
        assert_eq!((&key["generation"], &key["unfinished"]), (&json!(generation), &json!(false)));
    }
    stop.send_replace(true);
    while let Some(reads) = readers.join_next().await {
        assert!(reads.expect("every read was right") > 0);
    }
    while let Some(exported) = exporters.join_next().await {
        exported.expect("every export was whole");
    }
    let mut last = Vec::new();
    while let Some(written) = writers.join_next().await {
        last.push(written.expect("every put was acknowledged"));
    }
    follower.reaches(revision(&lead).await).await;
    for (writer, (version, value)) in last {
        for node in [&lead, &follower] {
            let answer = http::get(&node.agent(), &format!("/api/secrets/stream/w{writer}")).await.json();
            assert_eq!((&answer["version"], &answer["key_value"]), (&json!(version), &json!(value)), "{}", node.name);
        }
    }
}

#[tokio::test]
async fn a_node_that_loses_a_company_never_sees_its_next_key() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let loser = lead.follower("vengeance", &["acme"]).await;
    let keeper = lead.follower("runpod-tx", &["acme"]).await;
    lead.put("hubspot/api_key", "company:acme", "of acme").await;
    lead.put("hubspot/api_key", "global", "of all").await;
    for node in [&loser, &keeper] {
        node.reaches(revision(&lead).await).await;
    }
    lead.run(&["nodes", "entitle", "vengeance", "--no-company"], b"").await.text();
    eventually("the company's values are under the key the node never saw", || async {
        let key = key(&lead, "company", Some("acme")).await;
        (key["generation"] == 2 && key["unfinished"] == false).then_some(())
    })
    .await;
    assert_eq!(key(&lead, "global", None).await["generation"], 1, "what it may still hold stays as it is");
    let head = [("X-Company-Id", "acme")];
    for node in [&loser, &keeper] {
        node.reaches(revision(&lead).await).await;
    }
    let answer = http::ask(&keeper.agent(), "GET", "/api/secrets/hubspot/api_key", &head, "").await;
    assert_eq!(answer.json()["key_value"], "of acme");
    let answer = http::ask(&loser.agent(), "GET", "/api/secrets/hubspot/api_key", &head, "").await;
    assert_eq!((answer.status, answer.code()), (403, "denied".to_owned()));
    let journal = lead.run(&["audit", "tail", "-o", "json"], b"").await;
    assert!(journal.text().contains("done: company:acme in prod to generation 2"), "{}", journal.text());
}

#[tokio::test]
async fn only_the_owner_of_the_lead_rotates_keys_and_only_those_there_are() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let follower = lead.follower("vengeance", &[]).await;
    let nothing = Value::Null;
    for path in ["/api/keys/rotate", "/api/keys/rotate-root"] {
        let refused = http::post(&lead.agent(), path, &nothing).await;
        assert_eq!((refused.status, refused.code()), (403, "denied".to_owned()), "{path}");
        let refused = http::post(&follower.admin(), path, &nothing).await;
        assert_eq!((refused.status, refused.code()), (409, "not_lead".to_owned()), "{path}");
    }
    assert_eq!(http::get(&lead.agent(), "/api/keys").await.status, 403);
    assert_eq!(http::get(&follower.admin(), "/api/keys").await.status, 409);
    let refused = lead.run(&["key", "rotate", "company:nobody"], b"").await;
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.err.contains("there is no key of company:nobody in prod"), "{}", refused.err);
    assert_eq!(lead.run(&["key", "rotate", "--all", "global"], b"").await.code, Some(1));
    assert_eq!(lead.run(&["key", "rotate", "--scope", "global"], b"").await.code, Some(1));
    let none = lead.run(&["key", "rotate", "--all"], b"").await;
    assert!(none.text().contains("no key to rotate"), "{none:?}");
    assert_eq!(http::post(&lead.admin(), "/api/keys/rotate?all=true&scope=global", &nothing).await.status, 400);
}

#[tokio::test]
async fn every_scope_is_rotated_at_once_and_the_status_says_how_the_keys_stand() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    for scope in ["global", "company:acme", "node:vengeance"] {
        lead.put("hubspot/api_key", scope, &format!("of {scope}")).await;
    }
    let in_dev = json!({"service": "a", "key_name": "b", "key_value": "c", "environment": "dev"});
    assert_eq!(http::post(&lead.admin(), "/api/secrets", &in_dev).await.status, 200);
    let before = revision(&lead).await;
    let rehearsed = lead.run(&["key", "rotate", "--all", "--dry-run", "-o", "json"], b"").await.json();
    assert_eq!((rehearsed["started"].as_array().map(Vec::len), &rehearsed["dry_run"]), (Some(4), &json!(true)));
    let text = lead.run(&["key", "rotate", "--dry-run"], b"").await.text().to_owned();
    assert!(text.starts_with("dry run: these scopes would come under keys") && text.contains("global"), "{text}");
    let status = http::get(&lead.admin(), "/api/keys").await.json();
    let generations = status["keys"].as_array().expect("keys").iter().map(|key| key["generation"].as_u64());
    assert!(generations.eq([Some(1); 4]) && status["rotation"].is_null(), "nothing was begun: {status}");
    assert_eq!(revision(&lead).await, before);
    let of_dev = lead.run(&["key", "rotate", "--all", "--environment", "dev", "-o", "json"], b"").await.json();
    assert_eq!(of_dev["started"].as_array().map(Vec::len), Some(1), "{of_dev}");
    let all = lead.run(&["key", "rotate", "--all", "--reason", "yearly", "-o", "json"], b"").await.json();
    assert_eq!(all["started"].as_array().map(Vec::len), Some(4), "{all}");
    let status = http::get(&lead.admin(), "/api/keys").await.json();
    let keys = status["keys"].as_array().expect("keys");
    assert_eq!(keys.iter().map(|key| key["generation"].as_u64()).collect::<Vec<_>>(), [3, 2, 2, 2].map(Some));
    assert!(keys.iter().all(|key| key["since"].is_string() && key["values"] == 1), "{status}");
    assert_eq!((&status["root"]["unseal"], &status["rotation"]), (&json!("file"), &Value::Null));
    let before = status["root"]["since"].clone();
    lead.run(&["key", "rotate-root"], b"").await.text();
    let status = http::get(&lead.admin(), "/api/keys").await.json();
    assert_ne!(status["root"]["since"], before);
    let table = lead.run(&["key", "status"], b"").await;
    assert!(table.text().contains("opened by file"), "{table:?}");
    lead.put("hubspot/api_key", "company:new", "a key under the new root").await;
    let read = lead.run(&["get", "hubspot/api_key", "--scope", "company:new"], b"").await;
    assert_eq!(read.text(), "a key under the new root");
    let journal = lead.run(&["audit", "tail", "--lines", "100", "-o", "json"], b"").await;
    assert!(journal.text().contains(r#""action":"secret.rotate""#) && journal.text().contains("yearly"));
}
