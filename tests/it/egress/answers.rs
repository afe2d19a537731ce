//! What comes back is bounded in time and length, and what is wrong with it has a name.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aurora_mesh::egress::call::{BODY_BYTES_MAX, Method};
use aurora_mesh::egress::error::EgressError;
use aurora_mesh::model::connectivity::PathFault;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::{CREDENTIAL, FINE, SHORT, call, egress, hasty, server, target};
use crate::support::authority::{Shown, TestAuthority};
use crate::support::tls_server::TlsServer;
use crate::support::wait::eventually;

/// An answer whose length nobody knows before its end.
const UNBOUNDED: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_path_check_takes_any_answer_and_shows_no_credential() {
    let authority = TestAuthority::new();
    for code in ["200 OK", "401 Unauthorized", "404 Not Found", "500 Oops", "302 Moved"] {
        let server = server(&authority, &format!("HTTP/1.1 {code}\r\nContent-Length: 0\r\n\r\n")).await;
        let took = egress(&authority).reach(&target("localhost", server.port)).await.expect(code);
        assert!(took > Duration::ZERO);
        let heard = server.heard.text();
        assert!(heard.starts_with("HEAD / HTTP/1.1\r\n"), "{heard}");
        assert!(!heard.contains("authorization") && !heard.contains(CREDENTIAL), "{heard}");
    }
}

#[tokio::test]
async fn a_closed_port_is_a_fault_of_the_connection() {
    let authority = TestAuthority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let refused = egress(&authority).send(call(port)).await.expect_err("nobody is there");
    let reason = "connection refused".to_owned();
    assert_eq!(refused, EgressError::Connect { host: "localhost".to_owned(), reason });
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    let authority = TestAuthority::new();
    let server = TlsServer::start(authority.server(Shown::Good, &[]), |stream| async move {
        let _open = stream;
        std::future::pending().await
    })
    .await;
    let began = Instant::now();
    let late = hasty(&authority).send(call(server.port)).await.expect_err("no answer");
    assert_eq!(late, EgressError::Timeout { host: "localhost".to_owned(), limit: SHORT });
    assert!(began.elapsed() >= SHORT);
    let late = hasty(&authority).reach(&target("localhost", server.port)).await.expect_err("no answer");
    assert_eq!(late.fault(), Some(PathFault::Timeout));
}

#[tokio::test]
async fn a_server_that_never_ends_its_handshake_is_given_up_in_time() {
    let authority = TestAuthority::new();
    // Takes the connection in the kernel, and reads nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    let late = hasty(&authority).send(call(port)).await.expect_err("no answer");
    assert_eq!(late.fault(), Some(PathFault::Timeout), "{late}");
}

#[tokio::test]
async fn a_body_that_trickles_does_not_outlast_the_limit() {
    let authority = TestAuthority::new();
    let server = TlsServer::start(authority.server(Shown::Good, &[]), |mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").await?;
        loop {
            stream.write_all(b"x").await?;
            stream.flush().await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let late = hasty(&authority).send(call(server.port)).await.expect_err("too slow");
    assert_eq!(late.fault(), Some(PathFault::Timeout), "{late}");
}

#[tokio::test]
async fn an_endless_body_is_cut_off_and_its_server_let_go() {
    let authority = TestAuthority::new();
    let sent = Arc::new(AtomicUsize::new(0));
    let ended = Arc::new(AtomicUsize::new(0));
    let (sent_there, ended_there) = (Arc::clone(&sent), Arc::clone(&ended));
    let server = TlsServer::start(authority.server(Shown::Good, &[]), move |mut stream| {
        let (sent, ended) = (Arc::clone(&sent_there), Arc::clone(&ended_there));
        async move {
            stream.write_all(UNBOUNDED.as_bytes()).await?;
            while stream.write_all(&[b'x'; 16 * 1024]).await.is_ok() {
                sent.fetch_add(16 * 1024, Ordering::SeqCst);
            }
            ended.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    })
    .await;

    let refused = egress(&authority).send(call(server.port)).await.expect_err("too long");

    assert_eq!(refused, EgressError::TooLong { host: "localhost".to_owned() });
    eventually("the connection is closed", || async { (ended.load(Ordering::SeqCst) == 1).then_some(()) }).await;
    // What was sent and not read stands in the buffers of both kernels, and in those of TLS.
    assert!(sent.load(Ordering::SeqCst) < BODY_BYTES_MAX + (16 << 20));
}

#[tokio::test]
async fn a_body_that_says_it_is_too_long_is_not_begun() {
    let authority = TestAuthority::new();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\nx", BODY_BYTES_MAX + 1);
    let server = server(&authority, &answer).await;
    let refused = egress(&authority).send(call(server.port)).await.expect_err("too long");
    assert_eq!(refused, EgressError::TooLong { host: "localhost".to_owned() });
}

#[tokio::test]
async fn the_longest_body_is_read_whole() {
    let authority = TestAuthority::new();
    let body = "y".repeat(BODY_BYTES_MAX);
    for head in [UNBOUNDED.to_owned(), format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY_BYTES_MAX}\r\n\r\n")] {
        let server = server(&authority, &format!("{head}{body}")).await;
        let reply = egress(&authority).send(call(server.port)).await.expect("read");
        assert!(reply.body.expose() == body.as_bytes());
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let authority = TestAuthority::new();
    let cut = [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this",
        "HTTP/1.1 200",
        "",
        "hello\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    ];
    for answer in cut {
        let server = server(&authority, answer).await;
        let broken = egress(&authority).send(call(server.port)).await.expect_err(answer);
        assert!(matches!(broken, EgressError::Broken { .. }), "{answer:?}: {broken}");
        assert_eq!(server.heard.connections(), 1, "a call is not made twice");
    }
}

#[tokio::test]
async fn a_body_whose_end_was_not_said_is_none() {
    let authority = TestAuthority::new();
    let server = TlsServer::start(authority.server(Shown::Good, &[]), |mut stream| async move {
        stream.write_all(UNBOUNDED.as_bytes()).await?;
        stream.write_all(b"{\"ok\":true").await?;
        stream.flush().await
        // Closed without a word of TLS: somebody in between could have cut it.
    })
    .await;
    let broken = egress(&authority).send(call(server.port)).await.expect_err("cut");
    assert!(matches!(broken, EgressError::Broken { .. }), "{broken}");
}

#[tokio::test]
async fn headers_without_end_are_not_read() {
    let authority = TestAuthority::new();
    let many: String = (0..1000).map(|number| format!("x-{number}: y\r\n")).collect();
    let long = format!("x-long: {}\r\n", "y".repeat(100 * 1024));
    for headers in [many, long] {
        let server = server(&authority, &format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n")).await;
        let broken = egress(&authority).send(call(server.port)).await.expect_err("too many");
        assert!(matches!(broken, EgressError::Broken { .. }), "{broken}");
    }
}

#[tokio::test]
async fn a_compressed_body_stays_as_it_is() {
    let authority = TestAuthority::new();
    let answer = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nfine";
    let server = server(&authority, answer).await;
    let reply = egress(&authority).send(call(server.port)).await.expect("read");
    assert_eq!(reply.body.expose(), b"fine", "what unpacks to gigabytes is not unpacked");
}

#[tokio::test]
async fn a_call_without_a_body_has_none() {
    let authority = TestAuthority::new();
    let server = server(&authority, FINE).await;
    let mut get = call(server.port);
    (get.method, get.body) = (Method::Get, None);
    egress(&authority).send(get).await.expect("answered");
    let heard = server.heard.text();
    assert!(heard.starts_with("GET /bot") && !heard.contains("content-"), "{heard}");
}
