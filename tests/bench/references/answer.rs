//! An answer that a node once gave, taken apart: every server here gives it again, so that as many bytes travel.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Set by the HTTP server itself, as in a node.
const OF_THE_SERVER: [&str; 2] = ["content-length", "date"];

/// An HTTP/1.1 answer with a body of known length.
#[derive(Clone)]
pub struct Answer {
    /// All of it.
    pub whole: Bytes,
    /// The headers, without those that a server sets.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// Takes it apart.
    pub fn parse(text: Vec<u8>) -> Self {
        let whole = Bytes::from(text);
        let head_bytes = head_bytes(&whole).expect("a head with its end");
        let head = std::str::from_utf8(&whole[..head_bytes]).expect("a head is text");
        let mut headers = HeaderMap::new();
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            if !OF_THE_SERVER.contains(&name) {
                let name = HeaderName::try_from(name).expect("a name");
                headers.insert(name, HeaderValue::from_str(value).expect("a value"));
            }
        }
        Self { headers, body: whole.slice(head_bytes..), whole }
    }
}

/// How long the head is, once all of it has arrived.
pub fn head_bytes(received: &[u8]) -> Option<usize> {
    received.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// How long an answer is, once its head has arrived.
pub fn answer_bytes(received: &[u8]) -> Option<usize> {
    let head_bytes = head_bytes(received)?;
    let head = std::str::from_utf8(&received[..head_bytes]).expect("a head is text");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    Some(head_bytes + length.map_or(0, |length| length.parse().expect("a length")))
}
