//! When all seats are taken: the few that are kept back tell whether the node is well, and nobody sits on one by saying half a
//! sentence.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::HUBSPOT;
use crate::support::http;
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

#[tokio::test]
async fn a_full_house_still_answers_health_and_closes_who_does_not_finish_asking() {
    let dir = directory();
    let mut lead = Node::new(dir.path(), "aurora", "info");
    lead.init().await;
    lead.configure("connections_per_uid = 256", "connections_per_uid = 1");
    lead.start().await;
    let agent = lead.agent();
    // Whoever asked while the node started may still sit on the one seat; on a kept one an answer is the last.
    let sitting = eventually("the one seat is taken", || async {
        let mut sitting = UnixStream::connect(&agent).await.expect("listens");
        sitting.write_all(b"GET /health HTTP/1.1\r\nHost: aurora\r\n\r\n").await.expect("open");
        let mut answer = [0; 4096];
        let read = sitting.read(&mut answer).await.expect("open");
        let text = String::from_utf8_lossy(&answer[..read]).to_lowercase();
        (read > 0 && !text.contains("connection: close")).then_some(sitting)
    })
    .await;
    assert_eq!(http::get(&agent, "/health").await.json()["node"], "aurora");
    for target in ["/v1/sys/health", "/ping"] {
        let well = http::get(&agent, target).await;
        assert_eq!(well.status, 200, "clients of other systems ask so: {target}: {}", well.body);
        let head = format!("HEAD {target} HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\n\r\n");
        let well = String::from_utf8(http::send(&agent, head.as_bytes()).await.expect("listens")).expect("text");
        assert!(well.starts_with("HTTP/1.1 200"), "{target}: {well}");
    }
    assert_eq!(http::get(&agent, "/v1/sys/seal-status").await.status, 429);
    let refused = http::get(&agent, HUBSPOT).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limited"));
    assert_eq!((refused.header("retry-after"), refused.header("x-ratelimit-remaining")), (Some("1"), Some("0")));
    // Its own programs, gone wild, could keep the owner from freezing them.
    assert_eq!(http::get(&lead.admin(), HUBSPOT).await.code(), "not_found", "the admin socket has seats of its own");
    let half = http::send(&agent, b"GET /health HTTP/1.1\r\nHost: aur").await.expect("listens");
    let text = String::from_utf8(half).expect("text");
    assert!(!text.contains("\"node\""), "half a request has no answer: {text}");
    drop(sitting);
    let freed = eventually("the seat is free again", || async {
        Some(http::get(&agent, HUBSPOT).await).filter(|answer| answer.status != 429)
    });
    assert_eq!(freed.await.code(), "not_found");
}
