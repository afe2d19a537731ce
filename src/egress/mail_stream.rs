//! The connection that mail goes over: secured before anything of a credential is said, and bounded in what is read of it.
//!
//! With STARTTLS (RFC 3207) the few words before the handshake are spoken here, because what a server says before it has
//! proved who it is must not be believed: whatever it sent ahead ends the connection. The library then meets a stream that
//! is secured already, and begins with a greeting in any case.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Most that is read of one conversation; a usual one is a kilobyte.
const READ_BYTES_MAX: usize = 64 << 10;

/// Most that is read before the handshake.
const CLEAR_BYTES_MAX: usize = 8 << 10;

/// What the library waits for first; the server has said it before the handshake.
const GREETING: &[u8] = b"220 ready\r\n";

/// A secured connection of which at most [`READ_BYTES_MAX`] bytes are read.
pub(super) struct MailStream {
    inner: TlsStream<TcpStream>,
    greeting: &'static [u8],
    left: usize,
}

impl MailStream {
    /// A connection that was secured from the start: the server greets by itself.
    pub(super) fn greeted_by_server(inner: TlsStream<TcpStream>) -> Self {
        Self { inner, greeting: b"", left: READ_BYTES_MAX }
    }

    /// A connection that was secured after the server's greeting.
    pub(super) fn greeted_before(inner: TlsStream<TcpStream>) -> Self {
        Self { inner, greeting: GREETING, left: READ_BYTES_MAX }
    }
}

/// Speaks to the server until it is ready for the handshake.
///
/// # Errors
/// What the system says, or [`io::ErrorKind::Unsupported`] for a server that does not offer STARTTLS or says more than it was
/// asked.
pub(super) async fn start_tls(tcp: &mut TcpStream) -> io::Result<()> {
    let mut left = CLEAR_BYTES_MAX;
    answer(tcp, "220", &mut left).await?;
    tcp.write_all(b"EHLO localhost\r\n").await?;
    let offers = answer(tcp, "250", &mut left).await?;
    let is_offered = |line: &str| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"));
    if !offers.lines().any(is_offered) {
        return Err(unsupported());
    }
    tcp.write_all(b"STARTTLS\r\n").await?;
    answer(tcp, "220", &mut left).await.map(drop)
}

/// One answer, to the end of its last line and not a byte further: what comes after it is of the handshake.
async fn answer(tcp: &mut TcpStream, code: &str, left: &mut usize) -> io::Result<String> {
    let mut text = Vec::new();
    loop {
        let mut byte = [0];
        *left = left.checked_sub(1).ok_or_else(unsupported)?;
        tcp.read_exact(&mut byte).await?;
        text.extend_from_slice(&byte);
        let line = text.rsplit(|byte| *byte == b'\n').nth(1).filter(|_| byte == *b"\n");
        let Some(line) = line else { continue };
        match line.get(..4).and_then(|start| std::str::from_utf8(start).ok()) {
            Some(start) if start.strip_prefix(code) == Some(" ") => {
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
            Some(start) if start.strip_prefix(code) == Some("-") => {}
            Some(_) | None => return Err(unsupported()),
        }
    }
}

fn unsupported() -> io::Error {
    io::ErrorKind::Unsupported.into()
}

impl AsyncRead for MailStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let (now, later) = self.greeting.split_at(self.greeting.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        if self.left == 0 {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        self.left = self.left.saturating_sub(buffer.filled().len().saturating_sub(before));
        read
    }
}

impl AsyncWrite for MailStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl AsyncTokioStream for MailStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.get_ref().0.peer_addr()
    }
}

/// What a connection holds is not shown.
impl fmt::Debug for MailStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MailStream")
    }
}
