//! What `scripts/bench.sh` holds a node against: an echo, which is the most a Unix socket carries, and a bare HTTP server of
//! the node's own stack, which knows no secret; and one client that asks either of them, or a node, as fast as it can.
//!
//! - `references serve-http SOCKET ANSWER` and `references serve-echo SOCKET ANSWER` serve until they are ended; every
//!   request gets the answer in that file: a head and a body, as a node once gave them.
//! - `references ask SOCKET TARGET CONNECTIONS SECONDS kept|anew` prints one line of JSON: requests a second, and the median
//!   and the 99th percentile of how long one took.
//!
//! Without these words, which is how `cargo test --benches` starts it, each server is asked for a moment, and nothing is
//! judged.

#![expect(clippy::disallowed_methods, reason = "a stopwatch: elapsed time is what is measured here")]

mod answer;
mod ask;
mod echo;
mod http;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use answer::Answer;
use ask::{Connections, Load};
use tokio::net::UnixListener;

/// What is served where nobody brings an answer: as long as that of a node to a read of 50 bytes.
const EXAMPLE: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\nx-cache: HIT\r\nage: 0\r\n\
    x-fresh-until: 2026-11-22T03:24:03.493Z\r\nx-secret-version: 1\r\netag: \"1.1\"\r\ncontent-length: 207\r\n\
    x-request-id: 00000000000000000000000000000000\r\ndate: Sun, 22 Nov 2026 03:19:03 GMT\r\n\r\n\
    {\"service\":\"bench\",\"key_name\":\"value\",\"key_value\":\"example-value-of-a-benchmark-fifty-bytes-in-length\",\
    \"scope\":\"global\",\"scope_id\":null,\"metadata\":{},\"override_applied\":null,\"version\":1,\"environment\":\"prod\"}";

/// What the trial asks for.
const TARGET: &str = "/api/secrets/bench/value";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve-http", socket, answer] => serve_http(Path::new(socket), &brought(answer)),
        ["serve-echo", socket, answer] => echo::serve(Path::new(socket), brought(answer)).expect("it listens"),
        ["ask", socket, target, connections, seconds, way] => {
            let load = Load {
                socket: PathBuf::from(socket),
                target: target.to_owned(),
                connections: connections.parse().expect("a number of connections"),
                time: Duration::from_secs_f64(seconds.parse().expect("seconds")),
                way: Connections::parse(way),
            };
            told(&load);
        }
        // The first is a filter of cargo's, such as `cargo test --benches NAME`.
        [] | [_] => tried(),
        _ => panic!("not the words of this program: {words:?}"),
    }
}

fn brought(path: &str) -> Answer {
    Answer::parse(std::fs::read(path).expect("the file of the answer"))
}

/// On a runtime as `aurora up` builds it.
fn serve_http(socket: &Path, answer: &Answer) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = UnixListener::bind(socket).expect("it listens");
        http::serve(listener, answer).await;
    });
}

fn told(load: &Load) {
    let asked = ask::ask(load);
    writeln!(std::io::stdout(), "{}", asked.json()).expect("standard output");
}

/// Asks each server for a moment over every kind of connection.
fn tried() {
    let home = tempfile::tempdir().expect("a directory");
    for name in ["echo", "http"] {
        let socket = home.path().join(name);
        let listens = socket.clone();
        let answer = Answer::parse(EXAMPLE.as_bytes().to_vec());
        std::thread::spawn(move || match name {
            "echo" => echo::serve(&listens, answer).expect("it listens"),
            _ => serve_http(&listens, &answer),
        });
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            std::thread::yield_now();
        }
        for way in [Connections::Kept, Connections::Anew] {
            let time = Duration::from_millis(50);
            told(&Load { socket: socket.clone(), target: TARGET.to_owned(), connections: 2, time, way });
        }
    }
}
