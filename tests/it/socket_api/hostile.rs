//! What only somebody who means harm sends. Each gets an answer or a closed connection, and the next caller is served.

use std::path::Path;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{Example, HUBSPOT};
use crate::support::http::{self, Answer};
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

/// Sends the bytes, and gives the statuses of everything that came back before the close.
async fn statuses(socket: &Path, bytes: &str) -> Vec<u16> {
    let received = String::from_utf8(http::send(socket, bytes.as_bytes()).await.expect("listens")).expect("text");
    let lines = received.split("HTTP/1.1 ").skip(1);
    lines.map(|line| line[..3].parse().expect("a status")).collect()
}

#[tokio::test]
async fn a_path_that_is_no_name_is_refused_before_anything_is_looked_up() {
    let example = Example::start().await;
    let agent = example.lead.agent();
    let table = [
        ("/api/secrets/%2e%2e/api_key", 400, "bad_name"),
        ("/api/secrets/hubspot/..%2f..%2fetc", 400, "bad_name"),
        ("/api/secrets/hubspot/api%00key", 400, "bad_name"),
        ("/api/secrets/hubspot/%ff%fe", 400, "bad_name"),
        ("/providers/%ff%fe", 400, "bad_name"),
        ("/providers/OpenAI", 400, "bad_name"),
        ("/api/policy/grants/%ff%fe", 400, "bad_name"),
        ("/api/secrets/HUBSPOT/api_key", 400, "bad_name"),
        ("/api/secrets/hub%2Fspot/api_key", 400, "bad_name"),
        ("/api/secrets/hubspot/api%5Fkey%20", 400, "bad_name"),
        ("/api/secrets/hubspot/%2570", 400, "bad_name"),
        ("/api/secrets/hubspot%2fapi_key", 404, "unknown_route"),
        ("/api/secrets/../secrets/hubspot/api_key", 404, "unknown_route"),
        ("//api/secrets/hubspot/api_key", 404, "unknown_route"),
        ("/api/secrets/hubspot/api_key/", 404, "unknown_route"),
    ];
    for (target, status, code) in table {
        let answer = http::get(&agent, target).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{target}");
    }
    for (method, target) in [("POST", "/credentials/%ff%fe/validate"), ("DELETE", "/api/freezes/%ff%fe")] {
        let answer = http::ask(&agent, method, target, &[], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_name"), "{target}");
    }
    let escaped_once = http::get(&agent, "/api/secrets/hubspot/api%5Fkey").await;
    assert_eq!(escaped_once.json()["version"], 1, "a plain escape of a plain name is that name");
}

#[tokio::test]
async fn a_header_over_eight_kibibytes_is_refused() {
    let example = Example::start().await;
    let agent = example.lead.agent();
    let long = "a".repeat(10 << 10);
    let path = format!("GET /api/secrets/hubspot/{long} HTTP/1.1\r\nHost: aurora\r\n\r\n");
    let header = format!("GET /health HTTP/1.1\r\nHost: aurora\r\nX-Long: {long}\r\n\r\n");
    let many = format!("GET /health HTTP/1.1\r\nHost: aurora\r\n{}\r\n", "X-Many: 1\r\n".repeat(200));
    for (what, bytes) in [("path", path), ("header", header), ("many headers", many)] {
        assert_eq!(statuses(&agent, &bytes).await, [431], "{what}");
    }
    assert_eq!(http::get(&agent, HUBSPOT).await.status, 200);
}

/// Whoever reads such a request in two ways can be made to see a second one in its body.
#[tokio::test]
async fn a_request_of_two_lengths_is_one_request_or_none() {
    let example = Example::start().await;
    let agent = example.lead.agent();
    let hidden = format!("GET {HUBSPOT} HTTP/1.1\r\nHost: aurora\r\n\r\n");
    let length = hidden.len();
    let table = [
        ("two lengths", format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{hidden}")),
        ("a list of lengths", format!("Content-Length: 0, {length}\r\n\r\n{hidden}")),
        ("a signed length", format!("Content-Length: +{length}\r\n\r\n{hidden}")),
        ("another encoding", format!("Transfer-Encoding: identity\r\n\r\n{hidden}")),
        ("chunked, and then not", format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}")),
        ("a space before the colon", format!("Content-Length : {length}\r\n\r\n{hidden}")),
        ("a folded header", format!("Content-Length:\r\n {length}\r\n\r\n{hidden}")),
    ];
    for (what, rest) in table {
        let request = format!("POST /api/secrets HTTP/1.1\r\nHost: aurora\r\n{rest}");
        assert_eq!(statuses(&agent, &request).await, [400], "{what}");
    }
    assert_eq!(http::get(&agent, HUBSPOT).await.status, 200);
}

/// RFC 9112, 6.3: the encoding counts then, and the connection ends after the answer.
#[tokio::test]
async fn a_length_beside_an_encoding_hides_no_second_request() {
    let example = Example::start().await;
    let hidden = format!("GET {HUBSPOT} HTTP/1.1\r\nHost: aurora\r\n\r\n");
    let request = format!(
        "POST /api/secrets HTTP/1.1\r\nHost: aurora\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
    );
    assert_eq!(statuses(&example.lead.agent(), &request).await, [400]);
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_before_it_comes() {
    let example = Example::start().await;
    let request = "POST /api/secrets HTTP/1.1\r\nHost: aurora\r\nContent-Length: 10737418240\r\n\r\n{";
    let received = http::send(&example.lead.admin(), request.as_bytes()).await.expect("listens");
    let answer = Answer::parse(&received).expect("an answer, though the body never came");
    assert_eq!((answer.status, answer.code().as_str()), (413, "value_too_large"));
    let chunk = format!("100000\r\n{}\r\n", "v".repeat(1 << 20));
    let chunked = format!("POST /api/secrets HTTP/1.1\r\nHost: aurora\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    let received = http::send(&example.lead.admin(), chunked.as_bytes()).await.expect("listens");
    assert_eq!(Answer::parse(&received).expect("an answer before the end").status, 413);
}

/// A body is read before anyone knows who may send it: everybody who could connect could fill the node's memory, and hold
/// it for as long as a request may last.
#[tokio::test]
async fn bodies_that_never_end_take_so_much_memory_and_no_more() {
    let dir = directory();
    let mut lead = Node::new(dir.path(), "aurora", "info");
    lead.init().await;
    lead.configure("value_bytes_max = 65536", "value_bytes_max = 983040");
    lead.start().await;
    let (agent, admin) = (lead.agent(), lead.admin());
    let endless =
        "POST /api/secrets HTTP/1.1\r\nHost: aurora\r\nContent-Length: 5900000\r\nExpect: 100-continue\r\n\r\n{";
    let mut held = Vec::new();
    // One user has half of what there is.
    for _ in 0..2 {
        let mut stream = UnixStream::connect(&agent).await.expect("listens");
        stream.write_all(endless.as_bytes()).await.expect("open");
        // Sent when the node begins to read the body, and so has taken its bytes.
        let mut begun = [0; 25];
        stream.read_exact(&mut begun).await.expect("open");
        assert_eq!(&begun, b"HTTP/1.1 100 Continue\r\n\r\n");
        held.push(stream);
    }
    let one_more = || async { Answer::parse(&http::send(&agent, endless.as_bytes()).await.expect("listens")) };
    let refused = one_more().await.expect("an answer at once, and not when the body ends");
    assert_eq!((refused.status, refused.code().as_str()), (503, "overloaded"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    let put = json!({"service": "hubspot", "key_name": "api_key", "key_value": "x"});
    assert_eq!(http::post(&admin, "/api/secrets", &put).await.status, 200, "the owner's door has its own");
    drop(held);
    let late = vec![b' '; 5_000_000];
    eventually("what was taken is given back", || async {
        let answer = http::ask(&agent, "POST", "/api/secrets", &[], std::str::from_utf8(&late).expect("text")).await;
        (answer.status == 400).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_not_http_is_closed_and_the_next_caller_served() {
    let example = Example::start().await;
    let agent = example.lead.agent();
    for bytes in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[0; 9000], b"GET\r\n\r\n"]
    {
        let received = http::send(&agent, bytes).await.expect("listens");
        let status = Answer::parse(&received).map(|answer| answer.status);
        assert!(matches!(status, None | Some(400..500)), "{status:?}");
    }
    assert_eq!(http::get(&agent, HUBSPOT).await.status, 200);
}
