//! What the tests of this folder share.

use std::path::Path;

use serde_json::Value;

use crate::support::http;
use crate::support::wait::eventually;

/// Everything that the owner of a node may hear of, the oldest first.
pub(super) async fn history(admin: &Path, query: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = http::get(admin, &format!("/api/events/history?limit=1000{query}{cursor}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let page = answer.json();
        all.extend(page["events"].as_array().expect("events").clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    all.reverse();
    all
}

/// The types of events, and what they are about: `secret.updated openai/api_key 1`.
pub(super) fn told(event: &Value) -> String {
    let data = &event["data"];
    let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
    let about = match (data["service"].as_str(), data["key_name"].as_str()) {
        (Some(service), Some(key)) => format!("{service}/{key} {}", data["version"]),
        (_, _) => [text("node"), text("target"), text("agent")].concat(),
    };
    format!("{} {about}", event["type"].as_str().expect("a type")).trim_end().to_owned()
}

/// The events of a node but those of the node itself, once there are so many.
pub(super) async fn so_many(admin: &Path, count: usize) -> Vec<String> {
    eventually(&format!("{count} events"), || async {
        let all = history(admin, "").await;
        let all: Vec<String> = all.iter().filter(|event| event["type"] != "system.maintenance").map(told).collect();
        (all.len() >= count).then_some(all)
    })
    .await
}
