//! Bodies that are no snapshots: refused with what is wrong, without memory, without waiting for their end, and without a trace
//! on the disk.

use std::fs;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::forger::saved;
use crate::support::callers::put;
use crate::support::http::{Answer, ask, send};
use crate::support::mesh::TestMesh;

async fn brought(mesh: &TestMesh, head: &str, body: &[u8]) -> Answer {
    let socket = mesh.lead.agent_socket().with_file_name("admin.sock");
    let head = format!("POST /api/snapshots/verify HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\n{head}\r\n\r\n");
    let bytes = [head.as_bytes(), body].concat();
    Answer::parse(&send(&socket, &bytes).await.expect("an answer")).expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_no_snapshot_or_a_damaged_one_is_refused_with_the_reason() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let whole = saved(&mesh).await;
    let sent = |body: &[u8]| format!("Content-Length: {}", body.len());
    let good = brought(&mesh, &sent(&whole), &whole).await;
    assert_eq!((good.status, good.json()["valid"].as_bool()), (200, Some(true)), "{}", good.body);
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let longer = [&whole[..], b"x"].concat();
    let zip = b"PK\x03\x04 no snapshot at all";
    for (body, reason) in [
        (&b""[..], "cut off"),
        (zip, "no snapshot"),
        (b"aurora-snapshot/9\n", "format"),
        (&whole[..whole.len() - 1], "cut off"),
        (&changed, "does not open"),
        (&longer, "follow the end"),
    ] {
        let answer = brought(&mesh, &sent(body), body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "unsound_snapshot"), "{}", answer.body);
        assert!(answer.message().contains(reason), "{reason}: {}", answer.body);
    }
    let scratch = mesh.lead.config.node.state_dir.join("snapshot-scratch");
    assert_eq!(fs::read_dir(scratch).expect("there").count(), 0);
}

/// Whoever says that a gibibyte follows is answered when it is clear that none of it is a snapshot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gibibyte_that_is_only_said_and_a_body_without_an_end_are_refused_at_their_first_bytes() {
    let mesh = TestMesh::start().await;
    let said = brought(&mesh, "Content-Length: 1073741824", &vec![b'x'; 64 << 10]).await;
    assert_eq!((said.status, said.code().as_str()), (400, "unsound_snapshot"), "{}", said.body);

    let socket = mesh.lead.agent_socket().with_file_name("admin.sock");
    let mut stream = UnixStream::connect(&socket).await.expect("connected");
    let head = "POST /api/snapshots/verify HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("written");
    let piece = [format!("{:x}\r\n", 64 << 10).as_bytes(), &vec![7; 64 << 10], b"\r\n"].concat();
    let (mut reading, mut writing) = stream.into_split();
    let endless = tokio::spawn(async move { while writing.write_all(&piece).await.is_ok() {} });
    let mut received = Vec::new();
    let _closed = reading.read_to_end(&mut received).await;
    let answer = Answer::parse(&received).expect("an answer");
    assert_eq!((answer.status, answer.code().as_str()), (400, "unsound_snapshot"), "{}", answer.body);
    endless.await.expect("the node closed the connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_is_taken_for_a_name() {
    let mesh = super::saving::with_directory(|_| ()).await;
    let socket = mesh.lead.agent_socket().with_file_name("admin.sock");
    for name in ["..%2Fstore.redb", "%2Fetc%2Fpasswd", "aurora", ".%2Faurora-20261121T205207Z-e2-r300.aurora-snapshot"]
    {
        let answer = ask(&socket, "POST", &format!("/api/snapshots/verify?name={name}"), &[], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_value"), "{name}: {}", answer.body);
    }
}
