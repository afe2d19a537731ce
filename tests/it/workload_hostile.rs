//! Whatever is said on the workload socket, it is refused or answered within bounds, and the next program is answered as before.

use aurora_mesh::config::node_config::LimitsSection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::support::callers::{admin, put};
use crate::support::grpc::{Call, Connection};
use crate::support::mesh::TestMesh;

const STREAM: &str = "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets";

/// A request for these names.
#[derive(Clone, PartialEq, prost::Message)]
struct Request {
    #[prost(bytes = "vec", tag = "2")]
    node: Vec<u8>,
    #[prost(string, repeated, tag = "3")]
    resource_names: Vec<String>,
}

/// A response, as far as it is looked at.
#[derive(Clone, PartialEq, prost::Message)]
struct Response {
    #[prost(string, tag = "5")]
    nonce: String,
}

fn wants(names: impl IntoIterator<Item = String>) -> Request {
    Request { node: Vec::new(), resource_names: names.into_iter().collect() }
}

/// A mesh with one secret.
async fn stage() -> TestMesh {
    let mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    mesh
}

/// The node still answers whoever asks properly.
async fn is_well(mesh: &TestMesh) {
    let mut call = Connection::open(&mesh.lead.workload_socket()).await.call(STREAM, &[]).await;
    call.send(&wants(["openai/api_key".to_owned()]));
    assert_eq!(call.next::<Response>().await.expect("a response").nonce, "1");
}

async fn begin(mesh: &TestMesh) -> Call {
    Connection::open(&mesh.lead.workload_socket()).await.call(STREAM, &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_are_too_large_compressed_or_no_messages_end_the_stream_and_nothing_else() {
    let mesh = stage().await;
    let cases: [(Vec<u8>, i32, &str); 6] = [
        (vec![0, 0xff, 0xff, 0xff, 0xff], 11, "four gigabytes are announced"),
        (vec![0, 0, 4, 0, 1], 11, "one byte more than the limit"),
        (vec![1, 0, 0, 0, 1, 0], 13, "compressed, without a word how"),
        (vec![7, 0, 0, 0, 1, 0], 13, "no mark at all"),
        (vec![0, 0, 0, 0, 2, 0x1a, 0x7f], 13, "a field that is longer than the message"),
        (vec![0, 0, 0, 0, 4, 0x1a, 0x02, 0xff, 0xfe], 13, "a name that is no text"),
    ];
    for (bytes, code, why) in cases {
        let mut call = begin(&mesh).await;
        call.send_raw(bytes);
        let ended = call.ended().await;
        assert_eq!(ended.code, code, "{why}: {ended:?}");
    }
    let mut call = begin(&mesh).await;
    call.send_raw(vec![0, 0, 0, 0, 9, 1]);
    call.finish();
    assert_eq!(call.ended().await.code, 13, "cut off in the middle");
    is_well(&mesh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_as_large_as_an_envoys_is_taken_and_many_or_odd_names_are_refused() {
    let mesh = stage().await;
    let mut call = begin(&mesh).await;
    call.send(&Request { node: vec![0; 200 << 10], ..wants(["openai/api_key".to_owned()]) });
    assert_eq!(call.next::<Response>().await.expect("a response").nonce, "1");
    let many = (0..1000).map(|at| format!("a/b{at}"));
    let odd = ["../../etc/passwd", "openai/API_KEY", "openai/api_key?field=a&field=b", "a/b\r\nx: y", ""];
    let mut lists: Vec<Vec<String>> = odd.iter().map(|name| vec![(*name).to_owned()]).collect();
    lists.push(many.collect());
    for names in lists {
        let mut call = begin(&mesh).await;
        call.send(&wants(names.clone()));
        assert_eq!(call.ended().await.code, 3, "INVALID_ARGUMENT: {:?}", names.first());
    }
    is_well(&mesh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_paths_other_encodings_and_what_is_no_grpc_are_refused() {
    let mesh = stage().await;
    let connection = Connection::open(&mesh.lead.workload_socket()).await;
    for path in ["/", "/api/secrets/openai/api_key", "/SpiffeWorkloadAPI/", "/health", "//"] {
        assert_eq!(connection.call(path, &[]).await.ended().await.code, 12, "UNIMPLEMENTED: {path}");
    }
    let delta = "/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets";
    assert_eq!(connection.call(delta, &[]).await.ended().await.code, 12, "UNIMPLEMENTED");
    assert_eq!(connection.call(STREAM, &[("grpc-encoding", "gzip")]).await.ended().await.code, 12, "UNIMPLEMENTED");
    for (method, kind) in [("GET", "application/grpc"), ("POST", "application/json"), ("POST", "application/grpc-web")]
    {
        let ended = connection.request(method, STREAM, &[("content-type", kind)]).await.ended().await;
        assert_eq!(ended.code, 415, "{method} {kind}");
    }
    let mut old = UnixStream::connect(mesh.lead.workload_socket()).await.expect("connected");
    old.write_all(b"GET /api/secrets/openai/api_key HTTP/1.1\r\nHost: aurora\r\n\r\n").await.expect("written");
    let mut answer = Vec::new();
    // Whether it is closed or reset, nothing was answered but what HTTP/2 says of itself.
    let _closed = old.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1 200"));
    assert!(!answer.windows(10).any(|part| part == b"not-a-real"));
    let long = "x".repeat(64 << 10);
    let refused = connection.call(STREAM, &[("x-long", &long)]).await.ended().await;
    assert!(refused.code == -1 || refused.code == 431, "a header over the limit: {refused:?}");
    is_well(&mesh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_streams_find_the_places_there_are_and_give_them_back() {
    let mesh = stage().await;
    let mut calls = Vec::new();
    let mut connections = Vec::new();
    for _connection in 0..20 {
        let connection = Connection::open(&mesh.lead.workload_socket()).await;
        // What one connection may have at once is bounded too; the rest would wait for it.
        for _stream in 0..50 {
            let call = connection.call(STREAM, &[]).await;
            call.send(&wants(["openai/api_key".to_owned()]));
            calls.push(call);
        }
        connections.push(connection);
    }
    let (mut served, mut refused) = (0, 0);
    for call in &mut calls {
        match call.next::<Response>().await {
            Ok(_) => served += 1,
            Err(ended) => {
                assert_eq!(ended.code, 8, "RESOURCE_EXHAUSTED: {ended:?}");
                refused += 1;
            }
        }
    }
    assert_eq!((served, refused), (256, 744));
    drop((calls, connections));
    crate::support::wait::eventually("there is room again", || async {
        let mut call = begin(&mesh).await;
        call.send(&wants(["openai/api_key".to_owned()]));
        call.next::<Response>().await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_beyond_a_users_share_are_closed_and_the_owner_is_still_answered() {
    let mut mesh = stage().await;
    mesh.lead.stop().await;
    mesh.lead.config.limits = LimitsSection { connections_per_uid: 2, ..mesh.lead.config.limits };
    mesh.lead.start().await;
    let held = [begin(&mesh).await, begin(&mesh).await];
    let mut third = UnixStream::connect(mesh.lead.workload_socket()).await.expect("connected");
    let mut answer = Vec::new();
    third.read_to_end(&mut answer).await.expect("closed");
    assert!(answer.is_empty());
    drop(held);
    assert!(mesh.lead.vault().audit_tail(&admin(), 1).await.is_ok());
}
