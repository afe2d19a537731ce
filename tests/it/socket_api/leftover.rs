//! A request that is answered before all of it has come: whoever still sends has the answer, and the connection.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{Example, HUBSPOT};
use crate::support::http::Answer;

/// A body whose head is answered before it is there.
const LATE: &str = r#"{"late":true}"#;

/// Sends a head that announces this much, and gives what is answered to that alone.
async fn answered(stream: &mut UnixStream, request: &str, announced: usize) -> Answer {
    let head = format!("{request} HTTP/1.1\r\nHost: aurora\r\nContent-Length: {announced}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("open");
    let mut came = Vec::new();
    loop {
        let read = stream.read_buf(&mut came).await.expect("open");
        assert!(read > 0, "it ended behind {:?}", String::from_utf8_lossy(&came));
        if let Some(answer) = Answer::parse_if_whole(&came) {
            return answer;
        }
    }
}

/// Clients that send head and body apart met a broken pipe instead of why they were refused.
#[tokio::test]
async fn a_body_that_comes_after_its_answer_is_taken_in_and_the_connection_goes_on() {
    let example = Example::start().await;
    let mut stream = UnixStream::connect(example.lead.agent()).await.expect("listens");
    for (request, status) in [
        ("POST /api/nowhere", 404),
        ("POST /api/unseal", 409),
        ("POST /v1/auth/token/create", 400),
        (&*format!("PUT {HUBSPOT}"), 405),
        (&*format!("GET {HUBSPOT}"), 200),
        ("GET /health", 200),
    ] {
        assert_eq!(answered(&mut stream, request, LATE.len()).await.status, status, "{request}");
        stream.write_all(LATE.as_bytes()).await.expect("the connection is open");
    }
}

#[tokio::test]
async fn who_sends_more_than_a_little_after_the_answer_finds_the_connection_closed() {
    let example = Example::start().await;
    let mut stream = UnixStream::connect(example.lead.agent()).await.expect("listens");
    assert_eq!(answered(&mut stream, "POST /api/nowhere", 10 << 20).await.status, 404);
    let endless = async { while stream.write_all(&[b'x'; 4096]).await.is_ok() {} };
    tokio::time::timeout(std::time::Duration::from_secs(30), endless).await.expect("it is closed");
}

/// `Expect` is there so that nothing is sent for a refusal.
#[tokio::test]
async fn who_asks_before_sending_is_not_told_to_send_what_is_refused() {
    let example = Example::start().await;
    let mut stream = UnixStream::connect(example.lead.agent()).await.expect("listens");
    let head = "POST /api/nowhere HTTP/1.1\r\nHost: aurora\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("open");
    let mut came = Vec::new();
    stream.read_to_end(&mut came).await.expect("it is closed");
    assert!(came.starts_with(b"HTTP/1.1 404 "), "{:?}", String::from_utf8_lossy(&came));
}
