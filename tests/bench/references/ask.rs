//! A client that costs next to nothing: blocking sockets, a thread for each connection, the next request when the answer is
//! there. What it sees is the server; a general load generator takes more of the machine than some servers do.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::answer_bytes;

/// What the buffer of a connection begins with; a longer answer makes it grow.
const BUFFER_BYTES: usize = 8 << 10;

/// Whether a connection serves more than one request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// All requests of a thread.
    Kept,
    /// One request.
    Anew,
}

impl Connections {
    /// From the command line.
    pub fn parse(word: &str) -> Self {
        match word {
            "kept" => Self::Kept,
            "anew" => Self::Anew,
            _ => panic!("connections are kept or anew, not {word}"),
        }
    }
}

/// What is asked, how, and for how long.
pub struct Load {
    pub socket: PathBuf,
    pub target: String,
    pub connections: usize,
    pub time: Duration,
    pub way: Connections,
}

/// What came of it.
pub struct Asked {
    took: Vec<Duration>,
    time: Duration,
}

/// Asks until the time is over.
pub fn ask(load: &Load) -> Asked {
    let began = Instant::now();
    let took = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..load.connections).map(|_| scope.spawn(|| one(load, began))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("every request is answered")).collect()
    });
    Asked { took, time: began.elapsed() }
}

impl Asked {
    /// One line, for whoever started this.
    pub fn json(mut self) -> Value {
        self.took.sort_unstable();
        let at = |part: f64| self.took[((self.took.len() as f64 * part) as usize).min(self.took.len() - 1)];
        json!({
            "per_second": self.took.len() as f64 / self.time.as_secs_f64(),
            "p50_ms": at(0.50).as_secs_f64() * 1000.0,
            "p99_ms": at(0.99).as_secs_f64() * 1000.0,
        })
    }
}

/// One connection after the other, or one for all.
fn one(load: &Load, began: Instant) -> Vec<Duration> {
    let request = format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", load.target);
    let (mut took, mut received) = (Vec::new(), vec![0; BUFFER_BYTES]);
    let mut kept = None;
    while began.elapsed() < load.time {
        let asked = Instant::now();
        let mut stream = kept.take().unwrap_or_else(|| UnixStream::connect(&load.socket).expect("somebody listens"));
        stream.write_all(request.as_bytes()).expect("sent");
        answered(&mut stream, &mut received);
        took.push(asked.elapsed());
        if load.way == Connections::Kept {
            kept = Some(stream);
        }
    }
    took
}

/// Reads one answer, which must be a yes.
fn answered(stream: &mut UnixStream, received: &mut Vec<u8>) {
    let (mut filled, mut whole) = (0, None);
    while whole.is_none_or(|whole| filled < whole) {
        let read = stream.read(&mut received[filled..]).expect("an answer");
        assert_ne!(read, 0, "the connection ended after {filled} bytes");
        filled += read;
        whole = whole.or_else(|| answer_bytes(&received[..filled]));
        received.resize(received.len().max(whole.unwrap_or(0)), 0);
    }
    assert!(received.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&received[..filled]));
}
