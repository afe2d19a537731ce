//! A server of TLS whose plaintext a test writes byte by byte: what no library would send.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What came, and from how many.
#[derive(Debug, Default)]
pub struct Heard {
    connections: AtomicUsize,
    handshakes: AtomicUsize,
    bytes: Mutex<Vec<u8>>,
}

impl Heard {
    /// Connections of TCP.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Those that became connections of TLS.
    pub fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::SeqCst)
    }

    /// All that came over TLS.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("not poisoned")).into_owned()
    }
}

/// A server on a port of 127.0.0.1, until it is dropped.
pub struct TlsServer {
    pub port: u16,
    pub heard: Arc<Heard>,
    task: JoinHandle<()>,
}

impl TlsServer {
    /// Reads the head of one request from each connection, then plays.
    pub async fn start<F, P>(tls: Arc<ServerConfig>, play: P) -> Self
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
        P: Fn(TlsStream<TcpStream>) -> F + Clone + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let heard = Arc::new(Heard::default());
        let for_task = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            // Connections end with the set, and so with this task.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, acceptor, play) =
                    (Arc::clone(&for_task), TlsAcceptor::from(Arc::clone(&tls)), play.clone());
                heard.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    heard.handshakes.fetch_add(1, Ordering::SeqCst);
                    if read_head(&mut stream, &heard).await.is_ok() {
                        let _ended = play(stream).await;
                    }
                });
            }
        });
        Self { port, heard, task }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_head(stream: &mut TlsStream<TcpStream>, heard: &Heard) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&part[..count]);
        heard.bytes.lock().expect("not poisoned").extend_from_slice(&part[..count]);
    }
    Ok(())
}
