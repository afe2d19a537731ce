//! A credential goes to the host it is for, or nowhere: not where an answer or the DNS would draw it, not to who does not
//! prove to be that host, and not into any text.

mod addresses;
mod answers;
mod certificates;
mod environment;
mod secrecy;
mod theatre;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::egress::call::{Call, Method, Target};
use aurora_mesh::egress::client::{CALL_TIMEOUT, Egress};
use aurora_mesh::egress::resolver::{LookUp, Resolver, SystemResolver};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::support::authority::{Shown, TestAuthority};
use crate::support::tls_server::TlsServer;

/// What must not get anywhere else; no key of any provider looks like this.
const CREDENTIAL: &str = "not-a-key-0123456789abcdefghijklmnop";

/// An answer that is whole.
const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Note: here\r\n\r\nfine";

/// Short enough to wait for.
const SHORT: Duration = Duration::from_millis(400);

fn plain(text: &str) -> Plaintext {
    Plaintext::new(text.as_bytes().to_vec())
}

fn target(host: &str, port: u16) -> Target {
    Target { host: host.to_owned(), port, allow_private: true }
}

/// A call with the credential in all three places.
fn call(port: u16) -> Call {
    Call {
        target: target("localhost", port),
        method: Method::Post,
        path: plain(&format!("/bot{CREDENTIAL}/getMe?limit=1")),
        headers: vec![("authorization".to_owned(), plain(&format!("Bearer {CREDENTIAL}")))],
        body: Some(("application/json", plain(&format!("{{\"token\":\"{CREDENTIAL}\"}}")))),
    }
}

/// A call to anything.
fn call_to(target: Target) -> Call {
    Call { target, ..call(0) }
}

fn egress(authority: &TestAuthority) -> Egress {
    Egress::new(Some(authority.pem())).expect("a client")
}

fn hasty(authority: &TestAuthority) -> Egress {
    Egress::with_resolver(Some(authority.pem()), Arc::new(SystemResolver), SHORT).expect("a client")
}

/// A server with a good certificate that answers with these bytes and closes.
async fn server(authority: &TestAuthority, answer: &str) -> TlsServer {
    let bytes = Arc::new(answer.as_bytes().to_vec());
    let play = move |mut stream: TlsStream<TcpStream>| {
        let bytes = Arc::clone(&bytes);
        async move {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
    };
    TlsServer::start(authority.server(Shown::Good, &[]), play).await
}

/// A resolver whose answers change from one question to the next; the last one stays.
#[derive(Default)]
struct Changing {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Changing {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().expect("an address")).collect();
        let answers = answers.iter().map(parse).collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: Mutex::default() })
    }

    fn asked(&self) -> usize {
        self.asked.lock().expect("not poisoned").len()
    }
}

impl Resolver for Changing {
    fn look_up(&self, host: &str) -> LookUp {
        self.asked.lock().expect("not poisoned").push(host.to_owned());
        let mut answers = self.answers.lock().expect("not poisoned");
        let last = answers.len() == 1;
        let answer = if last { answers.front().cloned() } else { answers.pop_front() };
        Box::pin(std::future::ready(answer.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))))
    }
}

fn resolving(authority: &TestAuthority, resolver: &Arc<Changing>) -> Egress {
    let resolver = Arc::<Changing>::clone(resolver);
    Egress::with_resolver(Some(authority.pem()), resolver, CALL_TIMEOUT).expect("a client")
}
