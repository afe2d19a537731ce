//! A stream of events can be resumed without a gap or a repetition, and ends when its reader may not hear any more.

use serde_json::{Value, json};

use super::stage::{history, told};
use crate::agents::stage::{admin_socket, agent, done, key};
use crate::support::callers::put;
use crate::support::http::post;
use crate::support::mesh::TestMesh;
use crate::support::process::{Node, directory};
use crate::support::watcher::Watcher;

async fn tell(mesh: &TestMesh, number: u64) {
    let body = json!({"type": "data.created", "data": {"number": number}});
    let answer = post(&admin_socket(mesh), "/api/events", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_resumes_hears_everything_once_also_after_the_node_was_away() {
    let mut mesh = TestMesh::start().await;
    let admin = admin_socket(&mesh);
    let target = "/api/events?type=data.*";
    let mut stream = Watcher::from_now(&admin, target).await;
    let (mut seen, mut numbers) = (String::new(), Vec::new());
    for round in 0..6_u64 {
        for number in round * 10..round * 10 + 10 {
            tell(&mesh, number).await;
        }
        // Some are taken from the stream, then it is cut; in between the lead starts anew.
        while u64::try_from(numbers.len()).expect("few") < round * 10 + 5 {
            let event = stream.next().await;
            if event.name == "data.created" {
                seen.clone_from(&event.id);
                numbers.push(event.data["data"]["number"].as_u64().expect("a number"));
            }
        }
        drop(stream);
        if round % 2 == 1 {
            mesh.lead.stop().await;
            mesh.lead.start().await;
        }
        stream = Watcher::open(&admin, target, &[("Last-Event-ID", &seen)]).await;
    }
    while numbers.len() < 60 {
        let event = stream.next().await;
        if event.name == "data.created" {
            numbers.push(event.data["data"]["number"].as_u64().expect("a number"));
        }
    }
    assert_eq!(numbers, (0..60).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_when_the_key_of_its_reader_is_revoked_and_tells_when_it_cannot_go_on() {
    let mesh = TestMesh::start().await;
    agent(&mesh, "reader", &json!({"capabilities": ["event_subscribe"]})).await;
    let text = key(&mesh, "reader", &json!({})).await;
    let socket = mesh.lead.agent_socket();
    let mut stream = Watcher::open(&socket, "/api/events", &[("X-API-Key", &text)]).await;
    assert_eq!(stream.next().await.name, "ready");
    tell(&mesh, 1).await;
    assert_eq!(stream.next().await.name, "data.created");
    done(&mesh, "DELETE", "/api/agents/reader/keys/ci", &Value::Null).await;
    tell(&mesh, 2).await;
    assert_eq!(stream.try_next().await, None);
    let mut ahead = Watcher::open(&admin_socket(&mesh), "/api/events?after=100000", &[]).await;
    assert_eq!(ahead.next().await.name, "reset");
    assert_eq!(told(&ahead.next().await.data), "system.maintenance", "from the oldest");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_tells_lists_tails_and_shows_the_types() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let published =
        lead.run(&["events", "publish", "workflow.completed", "--data", r#"{"items":3}"#, "-o", "json"], b"");
    assert_eq!(published.await.json()["new"], json!(true));
    let from_input =
        lead.run(&["events", "publish", "data.created", "--data", "-", "--key", "k"], br#"{"a":"b"}"#).await;
    assert!(from_input.text().starts_with("evt_"), "{}", from_input.text());
    let refused = lead.run(&["events", "publish", "secret.updated"], b"").await;
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    let list =
        lead.run(&["events", "list", "--type", "workflow.*", "--type", "data.*", "-o", "json"], b"").await.json();
    let kinds: Vec<&str> =
        list["events"].as_array().expect("events").iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(kinds, ["data.created", "workflow.completed"]);
    let tail = lead.run(&["events", "tail", "--after", "0", "--type", "data.*", "--count", "1"], b"").await;
    assert!(tail.text().contains("data.created") && tail.text().contains("a=b"), "{}", tail.text());
    let types = lead.run(&["events", "types"], b"").await;
    assert!(types.text().contains("secret.rotated") && types.text().contains("audit.gap"), "{}", types.text());
    let schema = lead.run(&["events", "types", "node.lost"], b"").await.json();
    assert_eq!(schema["properties"]["type"]["const"], "node.lost");
    let since = lead.run(&["events", "list", "--since", "1h", "-o", "json"], b"").await.json();
    assert!(!since["events"].as_array().expect("events").is_empty());
    assert!(history(&lead.admin(), "&since=1h").await.len() >= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_narrows_a_stream() {
    let mesh = TestMesh::start().await;
    let mut stream = Watcher::from_now(&admin_socket(&mesh), "/api/events?service=stripe&type=secret.*").await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    mesh.put(put("stripe/key", "global", "not-a-real-key")).await;
    assert_eq!(told(&stream.next().await.data), "secret.updated stripe/key 1");
}
