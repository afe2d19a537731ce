//! HTTP as bytes to the loopback listener of a node: what its programs send, and what others could make a browser send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::contract;
use super::http::Answer;

/// The header that every request must have.
pub const MARK: (&str, &str) = ("X-Aurora-Request", "true");

/// Sends these bytes, and gives everything that comes until the other side closes.
pub async fn send(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).await.expect("listens");
    // A server that refuses early closes while we still write; its answer is there nevertheless.
    let _refused_early = stream.write_all(bytes).await;
    let mut received = Vec::new();
    let _closed = stream.read_to_end(&mut received).await;
    received
}

/// A request with exactly these headers, besides that the connection ends with it.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n{headers}{length}\r\n{body}")
}

/// One request of a program that does as it is told: to the right host, and marked.
pub async fn ask(to: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let host = to.to_string();
    let headers = [&[("Host", host.as_str()), MARK], headers].concat();
    let received = send(to, request(method, target, &headers, body).as_bytes()).await;
    let answer = Answer::parse(&received).unwrap_or_else(|| panic!("no answer to {method} {target}"));
    contract::hold(method, target, body, &answer);
    answer
}

/// `GET` with an API key.
pub async fn get(to: SocketAddr, key: &str, target: &str) -> Answer {
    ask(to, "GET", target, &[("X-API-Key", key)], "").await
}
