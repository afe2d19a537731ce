//! A small server of mail: SMTP with STARTTLS, or secured from the start, that keeps what it is told.

use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It offers STARTTLS.
    StartTls,
    /// It knows nothing of TLS.
    Clear,
    /// It says more than it was asked before the handshake, as somebody between could.
    Injected,
    /// It takes no password.
    Refusing,
    /// It sends a line without end.
    Endless,
}

/// The server, until it is dropped.
pub struct MailServer {
    pub port: u16,
    clear: Arc<Mutex<String>>,
    secured: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl MailServer {
    pub async fn start(tls: Arc<ServerConfig>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let (clear, secured) = (Arc::<Mutex<String>>::default(), Arc::<Mutex<String>>::default());
        let (before, after) = (Arc::clone(&clear), Arc::clone(&secured));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (tls, before, after) =
                    (TlsAcceptor::from(Arc::clone(&tls)), Arc::clone(&before), Arc::clone(&after));
                tokio::spawn(async move {
                    if !prelude(&mut stream, manner, &before).await {
                        return;
                    }
                    let Ok(stream) = tls.accept(stream).await else { return };
                    let _ended = converse(stream, manner, &after).await;
                });
            }
        });
        Self { port, clear, secured, task }
    }

    /// What was said before the handshake.
    pub fn clear(&self) -> String {
        self.clear.lock().expect("not poisoned").clone()
    }

    /// What was said after it.
    pub fn secured(&self) -> String {
        self.secured.lock().expect("not poisoned").clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn prelude(stream: &mut tokio::net::TcpStream, manner: Manner, heard: &Mutex<String>) -> bool {
    let mut stream = BufReader::with_capacity(1, stream);
    let _sent = stream.write_all(b"220 mail.test ESMTP\r\n").await;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return false;
        }
        heard.lock().expect("not poisoned").push_str(&line);
        let answer: &[u8] = match (line.split_whitespace().next().unwrap_or_default(), manner) {
            ("EHLO", Manner::Clear) => b"250-mail.test\r\n250 8BITMIME\r\n",
            ("EHLO", _) => b"250-mail.test\r\n250-STARTTLS\r\n250 8BITMIME\r\n",
            ("STARTTLS", Manner::Injected) => b"220 go\r\n250-mail.test\r\n250 AUTH PLAIN\r\n",
            ("STARTTLS", _) => b"220 go\r\n",
            _ => b"502 no\r\n",
        };
        let _sent = stream.write_all(answer).await;
        if line.starts_with("STARTTLS") {
            return true;
        }
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    manner: Manner,
    heard: &Mutex<String>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut in_data = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        heard.lock().expect("not poisoned").push_str(&line);
        if in_data {
            if line == ".\r\n" {
                in_data = false;
                stream.write_all(b"250 taken\r\n").await?;
            }
            continue;
        }
        if manner == Manner::Endless {
            loop {
                stream.write_all(&[b'x'; 4096]).await?;
            }
        }
        let answer: &[u8] = match line.split_whitespace().next().unwrap_or_default() {
            "EHLO" => b"250-mail.test\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n",
            "AUTH" if manner == Manner::Refusing => b"535 5.7.8 the password was s3cret\r\n",
            "AUTH" => b"235 welcome\r\n",
            "DATA" => {
                in_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 fine\r\n",
        };
        stream.write_all(answer).await?;
    }
}
