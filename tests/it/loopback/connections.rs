//! Connections on loopback are nobody's: all of them share what one user may have, and take nothing from the Unix sockets.

use std::time::Duration;

use aurora_mesh::daemon::node::RunningNode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Stage;
use crate::agents::stage::SECRET;
use crate::support::http;
use crate::support::loopback::{MARK, ask, get, request};
use crate::support::mesh::TestMesh;
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_seats_of_loopback_are_taken_it_answers_health_and_the_sockets_go_on() {
    let Stage { mut mesh, key, .. } = Stage::set().await;
    mesh.lead.config.limits.connections_per_uid = 2;
    let at = mesh.lead.on_loopback().await;
    let held = [TcpStream::connect(at).await.expect("listens"), TcpStream::connect(at).await.expect("listens")];
    assert_eq!(get(at, &key, "/health").await.json()["node"], "aurora");
    for target in ["/v1/sys/health", "/ping"] {
        let well = ask(at, "GET", target, &[], "").await;
        assert_eq!(well.status, 200, "clients of other systems ask so: {target}: {}", well.body);
    }
    let refused = get(at, &key, SECRET).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limited"));
    assert_eq!(http::get(&mesh.lead.agent_socket(), SECRET).await.status, 200, "the socket of programs goes on");
    drop(held);
    eventually("the seats are free again", || async { (get(at, &key, SECRET).await.status == 200).then_some(()) })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_requests_share_a_connection_and_each_passes_the_guard() {
    let Stage { at, key, mesh: _kept } = Stage::set().await;
    let host = at.to_string();
    let headers = [("Host", host.as_str()), MARK, ("X-API-Key", key.as_str())];
    let kept = |headers: &[(&str, &str)]| request("GET", SECRET, headers, "").replace("Connection: close\r\n", "");
    let mut stream = TcpStream::connect(at).await.expect("listens");
    let pipelined = kept(&headers) + &kept(&headers[..1]) + &request("GET", SECRET, &headers, "");
    stream.write_all(pipelined.as_bytes()).await.expect("open");
    let mut received = String::new();
    stream.read_to_string(&mut received).await.expect("three answers");
    let statuses: Vec<&str> = received.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "403", "200"], "{received}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_keeps_a_node_from_starting_and_says_what_to_do() {
    let mut mesh = TestMesh::start().await;
    mesh.lead.stop().await;
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    mesh.lead.config.api.listen = Some(other.local_addr().expect("bound"));
    let refused = RunningNode::start(&mesh.lead.config, None, &mesh.lead.seams()).await.err().expect("refused");
    assert!(format!("{refused:#}").contains("[api] listen"), "{refused:#}");
    drop(other);
    mesh.lead.start().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_closes_idle_connections_and_gives_the_port_back() {
    let Stage { mut mesh, at, .. } = Stage::set().await;
    let mut idle = TcpStream::connect(at).await.expect("listens");
    assert_eq!(ask(at, "GET", "/health", &[], "").await.status, 200);
    mesh.lead.stop().await;
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), idle.read_to_end(&mut rest)).await.expect("closed");
    assert!(ended.is_err() || rest.is_empty(), "{rest:?}");
    assert!(TcpStream::connect(at).await.is_err(), "nobody listens");
    mesh.lead.config.api.listen = Some(at);
    mesh.lead.start().await;
    assert_eq!(mesh.lead.running().loopback(), Some(at));
}
