//! A client of the event streams, written by hand: what a program in any language would see.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// An event that takes longer than this does not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: Value,
}

impl Event {
    /// What a change comes to: `stored hubspot/api_key global 1`.
    pub fn told(&self) -> String {
        let text = |field: &str| self.data[field].as_str().unwrap_or_default().to_owned();
        let scope = match self.data["scope_id"].as_str() {
            Some(id) => format!("{}:{id}", text("scope")),
            None => text("scope"),
        };
        let name = format!("{}/{}", text("service"), text("key_name"));
        format!("{} {name} {scope} {}", text("change"), self.data["version"])
    }
}

/// One connection with its answer.
pub struct Watcher {
    pub head: String,
    stream: UnixStream,
    raw: Vec<u8>,
    text: String,
    ended: bool,
}

impl Watcher {
    /// Begins to watch, and returns when the head of the answer is there.
    pub async fn open(socket: &Path, target: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = UnixStream::connect(socket).await.expect("a node");
        let mut request = format!("GET {target} HTTP/1.1\r\nHost: aurora\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).await.expect("written");
        let mut watcher = Self { head: String::new(), stream, raw: Vec::new(), text: String::new(), ended: false };
        while !watcher.raw.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            assert!(watcher.receive().await, "the node hung up");
        }
        let end = watcher.raw.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("found");
        let rest = watcher.raw.split_off(end + 4);
        watcher.head = String::from_utf8(std::mem::replace(&mut watcher.raw, rest)).expect("text");
        assert!(watcher.head.starts_with("HTTP/1.1 200"), "{}", watcher.head);
        watcher.unpack();
        watcher
    }

    /// The same, from now on: the first event says from where.
    pub async fn from_now(socket: &Path, target: &str) -> Self {
        let mut watcher = Self::open(socket, target, &[]).await;
        assert_eq!(watcher.next().await.name, "ready");
        watcher
    }

    /// The next event.
    pub async fn next(&mut self) -> Event {
        self.try_next().await.expect("the stream goes on")
    }

    /// The next event; `None` when the stream ended in order.
    pub async fn try_next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (parse(block), rest.to_owned());
                self.text = rest;
                if event.is_some() {
                    return event;
                }
                continue;
            }
            if self.ended {
                return None;
            }
            assert!(self.receive().await, "cut off: {:?}", self.text);
            self.unpack();
        }
    }

    /// So many changes, each as one line.
    pub async fn told(&mut self, count: usize) -> Vec<String> {
        let mut told = Vec::new();
        while told.len() < count {
            told.push(self.next().await.told());
        }
        told
    }

    async fn receive(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.raw)).await;
        read.expect("an event within 20 s").expect("read") > 0
    }

    /// Takes whole chunks out of their transfer coding.
    fn unpack(&mut self) {
        loop {
            let Some(line) = self.raw.windows(2).position(|bytes| bytes == b"\r\n") else { return };
            let size = std::str::from_utf8(&self.raw[..line]).expect("text");
            let size = usize::from_str_radix(size, 16).expect("a size");
            if self.raw.len() < line + 2 + size + 2 {
                return;
            }
            let rest = self.raw.split_off(line + 2 + size + 2);
            let chunk = std::mem::replace(&mut self.raw, rest);
            self.text.push_str(std::str::from_utf8(&chunk[line + 2..line + 2 + size]).expect("text"));
            self.ended |= size == 0;
        }
    }
}

fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let data = field("data: ")?;
    let data = serde_json::from_str(&data).expect("JSON");
    // Not every event has one: what to resume from may stand after several.
    Some(Event { name: field("event: ").expect("a name"), id: field("id: ").unwrap_or_default(), data })
}
