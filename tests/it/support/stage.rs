//! One provider, played: a port, a certificate, and what is answered to whom.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::ports;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    /// Path and query, without the name of the provider before it.
    pub path: String,
    /// By name in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether this text stands anywhere in it.
    pub fn holds(&self, text: &str) -> bool {
        self.path.contains(text)
            || self.body.contains(text)
            || self.headers.iter().any(|(_, value)| value.contains(text))
    }
}

/// What is done with a request.
#[derive(Debug, Clone)]
pub enum Act {
    Answer { status: u16, headers: Vec<(String, String)>, body: String },
    Late(Duration, Box<Self>),
    Hang,
    Close,
}

impl Act {
    pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self::Answer { status, headers: headers.iter().map(owned).collect(), body: body.to_owned() }
    }
}

/// What the server looks at, and the test changes.
struct Script {
    tls: Arc<ServerConfig>,
    usual: Act,
    at: Vec<(String, Act)>,
    when: Vec<(String, Act)>,
    seen: Vec<Seen>,
    connections: usize,
}

impl Script {
    fn act(&self, seen: &Seen) -> Act {
        let path = seen.path.split('?').next().unwrap_or_default();
        let at = self.at.iter().find(|(known, _)| known == path);
        let when = self.when.iter().find(|(holds, _)| seen.holds(holds));
        when.or(at).map_or(&self.usual, |(_, act)| act).clone()
    }
}

/// The server of one provider.
pub struct Stage {
    pub port: u16,
    name: String,
    script: Arc<Mutex<Script>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Stage {
    /// Opens on a free port of 127.0.0.1.
    pub async fn open(name: &str, tls: Arc<ServerConfig>) -> Self {
        // It is shut and opened again, and until then nobody may get its port.
        let listener = TcpListener::bind(ports::free()).await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let usual = Act::answer(404, &[], "");
        let script = Script { tls, usual, at: Vec::new(), when: Vec::new(), seen: Vec::new(), connections: 0 };
        let stage = Self { port, name: name.to_owned(), script: Arc::new(Mutex::new(script)), task: Mutex::default() };
        stage.listen(listener);
        stage
    }

    pub fn play(&self, act: Act) {
        self.script().usual = act;
    }

    pub fn play_at(&self, path: &str, act: Act) {
        replace(&mut self.script().at, path, act);
    }

    pub fn play_when(&self, holds: &str, act: Act) {
        replace(&mut self.script().when, holds, act);
    }

    pub fn show(&self, tls: Arc<ServerConfig>) {
        self.script().tls = tls;
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.script().seen.clone()
    }

    pub fn connections(&self) -> usize {
        self.script().connections
    }

    /// Closes the port and all connections.
    pub async fn shut(&self) {
        let task = self.task.lock().expect("not poisoned").take();
        if let Some(task) = task {
            task.abort();
            let _aborted = task.await;
        }
    }

    /// Opens the same port again.
    pub async fn reopen(&self) {
        self.shut().await;
        self.listen(TcpListener::bind(("127.0.0.1", self.port)).await.expect("the port is still free"));
    }

    fn listen(&self, listener: TcpListener) {
        let task = tokio::spawn(serve(listener, self.name.clone(), Arc::clone(&self.script)));
        *self.task.lock().expect("not poisoned") = Some(task);
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("not poisoned")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().expect("not poisoned").take() {
            task.abort();
        }
    }
}

fn replace(acts: &mut Vec<(String, Act)>, key: &str, act: Act) {
    acts.retain(|(known, _)| known != key);
    acts.push((key.to_owned(), act));
}

async fn serve(listener: TcpListener, name: String, script: Arc<Mutex<Script>>) {
    // Connections end with the set, and so with this task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let tls = {
            let mut script = script.lock().expect("not poisoned");
            script.connections += 1;
            Arc::clone(&script.tls)
        };
        connections.spawn(connection(stream, tls, name.clone(), Arc::clone(&script)));
    }
}

async fn connection(stream: TcpStream, tls: Arc<ServerConfig>, name: String, script: Arc<Mutex<Script>>) {
    let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else { return };
    let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(move |request| answer(request, name.clone(), Arc::clone(&script)));
    let stream = TokioIo::new(stream);
    if is_two {
        let _ended =
            hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await;
    } else {
        let _ended = hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
    }
}

/// An answer, or an error that ends the connection.
async fn answer(
    request: Request<Incoming>,
    name: String,
    script: Arc<Mutex<Script>>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let seen = Seen {
        method: head.method.to_string(),
        path: target.strip_prefix(&format!("/{name}")).unwrap_or(target).to_owned(),
        headers: head.headers.iter().map(header).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let mut act = {
        let mut script = script.lock().expect("not poisoned");
        let act = script.act(&seen);
        script.seen.push(seen);
        act
    };
    loop {
        act = match act {
            Act::Answer { status, headers, body } => return Ok(response(status, &headers, body)),
            Act::Late(delay, then) => {
                tokio::time::sleep(delay).await;
                *then
            }
            Act::Hang => std::future::pending::<Act>().await,
            Act::Close => return Err(std::io::ErrorKind::ConnectionAborted.into()),
        };
    }
}

fn response(status: u16, headers: &[(String, String)], body: String) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Full::new(body.into())).expect("an answer")
}
