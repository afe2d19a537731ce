//! Nobody hears of what it may not list: not in the history, not in a stream, and not of values at all.

use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::model::time::Entropy;
use serde_json::{Value, json};

use super::stage::{history, told};
use crate::agents::stage::{admin_socket, agent, done, key, with_key};
use crate::support::callers::put;
use crate::support::mesh::TestMesh;
use crate::support::wait::eventually;
use crate::support::watcher::Watcher;

const NAMES: [&str; 6] = ["a/k1", "a/k2", "a/k10", "ab/k1", "b/k1", "b/k2"];

async fn page(mesh: &TestMesh, key: &str) -> Vec<String> {
    let answer = with_key(&mesh.lead.agent_socket(), key, "GET", "/api/events/history?limit=1000", &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut all: Vec<String> = answer.json()["events"].as_array().expect("events").iter().map(told).collect();
    all.reverse();
    all
}

async fn stored(mesh: &TestMesh) {
    for name in NAMES {
        for scope in ["global", "company:acme"] {
            mesh.put(put(name, scope, "not-a-real-canary-value")).await;
        }
    }
    let admin = admin_socket(mesh);
    eventually("all are told", || async { (history(&admin, "&type=secret.*").await.len() == 12).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_on_one_secret_hears_of_that_one_and_of_no_node_agent_or_freeze_of_another() {
    let mesh = TestMesh::start().await;
    let may = json!({"capabilities": ["event_subscribe", "data_query"], "secrets": ["a/k1"], "scopes": ["global"]});
    agent(&mesh, "narrow", &may).await;
    let narrow = key(&mesh, "narrow", &json!({})).await;
    let socket = mesh.lead.agent_socket();
    let mut stream = Watcher::open(&socket, "/api/events?after=0", &[("X-API-Key", &narrow)]).await;
    stored(&mesh).await;
    done(&mesh, "POST", "/api/freezes", &json!({"target": "secret:b/k1", "level": "read", "reason": "x"})).await;
    done(&mesh, "POST", "/api/freezes", &json!({"target": "secret:a/k1", "level": "write", "reason": "x"})).await;
    let mine = |told: &[String]| -> Vec<String> {
        told.iter().filter(|text| !text.starts_with("system.maintenance")).cloned().collect()
    };
    let wanted = ["secret.updated a/k1 1", "freeze.on secret:a/k1"];
    let seen = eventually("the freeze is told", || async {
        let all = mine(&page(&mesh, &narrow).await);
        (all.len() >= 2).then_some(all)
    })
    .await;
    assert_eq!(seen, wanted);
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let event = stream.next().await;
        if event.name != "ready" && event.name != "system.maintenance" {
            heard.push(told(&event.data));
        }
    }
    assert_eq!(heard, wanted, "the stream tells the same");
    let text = done(&mesh, "GET", "/api/events/history?limit=1000", &Value::Null).await.to_string();
    assert!(!text.contains("canary-value"), "never a value");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_granted_nobody_hears_more_than_it_may_list() {
    let mesh = TestMesh::start().await;
    stored(&mesh).await;
    let globs = ["*", "a/*", "a/k1", "a/k1*", "b/*", "ab/k1", "b/k2"];
    let mut seed = [0_u8; 24];
    SystemEntropy.fill(&mut seed).expect("random bytes");
    for (round, bytes) in seed.chunks(3).enumerate() {
        let name = format!("robot{round}");
        let pick = |byte: u8| globs[usize::from(byte) % globs.len()];
        let secrets = json!([pick(bytes[0]), pick(bytes[1])]);
        let scopes = if bytes[2] % 2 == 0 { json!(["global"]) } else { json!(["global", "company"]) };
        let companies = if bytes[2] % 3 == 0 { json!(["acme"]) } else { json!([]) };
        let may = json!({
            "capabilities": ["event_subscribe", "data_query"], "secrets": secrets, "scopes": scopes, "companies": companies
        });
        agent(&mesh, &name, &may).await;
        let key = key(&mesh, &name, &json!({})).await;
        let list = with_key(&mesh.lead.agent_socket(), &key, "GET", "/api/secrets?limit=1000", &[], "").await.json();
        let listed = list["secrets"].as_array().expect("secrets").len();
        let heard = page(&mesh, &key).await.iter().filter(|text| text.starts_with("secret.")).count();
        assert_eq!(heard, listed, "seed {seed:?}, round {round}: {may}");
        assert!(page(&mesh, &key).await.iter().all(|text| !text.starts_with("agent.") && !text.starts_with("node.")));
    }
}
