//! A server of files over HTTP that asks for a user name and a password, as a host of repositories does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The server; it ends with the test.
pub struct ProtectedServer {
    pub address: String,
    shown: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl ProtectedServer {
    /// Serves a directory to whoever shows exactly this in `Authorization`.
    pub async fn start(root: &Path, wanted: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (root, seen) = (root.to_owned(), Arc::clone(&shown));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, root.clone(), wanted.clone(), Arc::clone(&seen)));
            }
        });
        Self { address, shown, task }
    }

    /// What was shown in `Authorization`, in order.
    pub fn shown(&self) -> Vec<String> {
        self.shown.lock().expect("not poisoned").clone()
    }
}

impl Drop for ProtectedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a client shows for a user and a password.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

async fn serve(mut stream: TcpStream, root: PathBuf, wanted: String, seen: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16_384 {
        head.push(stream.read_u8().await.ok()?);
        // Docker tries TLS first (a handshake begins with this byte), and goes on when it is answered in plain text. A
        // connection that is closed with bytes unread would be reset, which is another error to it.
        if head.first() == Some(&0x16) {
            let mut hello = [0; 16_384];
            let _read = stream.read(&mut hello).await.ok()?;
            stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").await.ok()?;
            return stream.shutdown().await.ok();
        }
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.split(' ').nth(1)?;
    let path = target.split('?').next()?.trim_start_matches('/');
    let named = |line: &str| {
        line.split_once(": ")
            .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .map(|(_, text)| text.to_owned())
    };
    let shown = head.lines().find_map(named);
    seen.lock().expect("not poisoned").extend(shown.clone());
    let answer = if shown.as_deref() != Some(wanted.as_str()) {
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"files\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            .as_bytes()
            .to_vec()
    } else if let Ok(file) = std::fs::read(root.join(path)) {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ";
        [format!("{head}{}\r\n\r\n", file.len()).into_bytes(), file].concat()
    } else {
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
    };
    stream.write_all(&answer).await.ok()?;
    stream.shutdown().await.ok()
}
