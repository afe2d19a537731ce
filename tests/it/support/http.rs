//! HTTP as bytes on a Unix socket: what a program in any language could send, and what no library would.

use std::path::Path;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::contract;

/// An answer, taken apart by hand.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The first answer in what came, with the body cut where its length says.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8(bytes.to_vec()).expect("answers are text");
        let (head, rest) = text.split_once("\r\n\r\n")?;
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let mut answer = Self { status, head: head.to_owned(), body: String::new() };
        let length = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        answer.body = rest.get(..length).expect("the whole body").to_owned();
        Some(answer)
    }

    /// The same, where the rest of the body may still be on its way.
    pub fn parse_if_whole(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).expect("answers are text").to_ascii_lowercase();
        let length: usize = head.split("content-length: ").nth(1)?.lines().next()?.parse().ok()?;
        (bytes.len() >= end + length).then(|| Self::parse(bytes)).flatten()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}\n\n{}", self.head, self.body))
    }

    /// The code of a refusal, whose shape is checked with it.
    pub fn code(&self) -> String {
        let json = self.json();
        let fields: Vec<&String> = json["error"].as_object().expect("a refusal").keys().collect();
        assert_eq!(fields, ["code", "hint", "message", "request_id"], "{json}");
        assert_eq!(json["error"]["request_id"].as_str(), self.header("x-request-id"), "{json}");
        json["error"]["code"].as_str().expect("a word").to_owned()
    }

    pub fn message(&self) -> String {
        self.json()["error"]["message"].as_str().expect("a refusal").to_owned()
    }
}

/// Sends these bytes, and gives everything that comes until the other side closes.
pub async fn send(socket: &Path, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket).await?;
    // A server that refuses early closes while we still write; its answer is there nevertheless.
    let _refused_early = stream.write_all(bytes).await;
    let mut received = Vec::new();
    let _closed = stream.read_to_end(&mut received).await;
    Ok(received)
}

/// One request on a connection of its own.
pub async fn ask(socket: &Path, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    try_ask(socket, method, target, headers, body).await.unwrap_or_else(|| panic!("no answer to {method} {target}"))
}

/// The same, where nobody may be listening.
pub async fn try_ask(
    socket: &Path,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Answer> {
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let request = format!("{request}\r\n{body}");
    let answer = Answer::parse(&send(socket, request.as_bytes()).await.ok()?)?;
    contract::hold(method, target, body, &answer);
    Some(answer)
}

pub async fn get(socket: &Path, target: &str) -> Answer {
    ask(socket, "GET", target, &[], "").await
}

pub async fn post(socket: &Path, target: &str, body: &Value) -> Answer {
    ask(socket, "POST", target, &[], &body.to_string()).await
}
