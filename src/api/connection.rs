//! One connection: HTTP/1 only (protocol detection has no timeout of its own), with a deadline on everything a client
//! can delay: its header, its body, its reading of the answer, and its leaving when the node stops.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::deadline::Deadline;
use super::front::{Asker, Front};
use super::leftover;
use super::stalled::Impatient;
use crate::callers::peer::Peer;
use crate::callers::seats::{Lane, Seat};

/// Largest request line and header together; the largest honest one is under 1 KiB.
const HEADER_BYTES_MAX: usize = 8 << 10;

/// How long a client may take, by what it delays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a header to arrive, also between two requests.
    pub(super) header: Duration,
    /// The same on a reserved seat, which must come free soon.
    pub(super) reserved: Duration,
    /// For the answer to leave, once it makes no progress.
    pub(super) stalled: Duration,
    /// For what is under way when the node stops.
    pub(super) drain: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(30),
            reserved: Duration::from_secs(2),
            stalled: Duration::from_secs(30),
            drain: Duration::from_secs(5),
        }
    }
}

/// Serves a connection until it ends, or until `stop`: then it finishes the request under way and closes.
pub(super) async fn attend<S>(
    stream: S,
    peer: Peer,
    seat: Seat,
    front: Arc<Front>,
    patience: Patience,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let uid = peer.uid;
    let asker = Asker { lane: seat.lane(), peer, deadline: Deadline::default() };
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let (front, asker) = (&front, &asker);
        let (parts, body) = request.into_parts();
        let body = leftover::body(&parts.headers, body);
        async move { Ok::<_, Infallible>(front.answer(asker, hyper::Request::from_parts(parts, body)).await) }
    });
    let (header, keep_alive) = match asker.lane {
        Lane::Open => (patience.header, true),
        Lane::Reserved => (patience.reserved, false),
    };
    let stream = TokioIo::new(Impatient::new(stream, patience.stalled));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header)
            .max_header_size(HEADER_BYTES_MAX)
            .keep_alive(keep_alive)
            // A client that has asked and hangs up is answered all the same: else a request would be cut off wherever it
            // was, and a refusal before its line is written. It keeps its seat until then. A client whose process has ended
            // is not: see `front`.
            .half_close(true)
            .serve_connection(stream, service)
    );
    let ended = tokio::select! {
        biased;
        () = seat.evicted() => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(patience.drain, connection).await.unwrap_or(Ok(()))
        }
        ended = connection.as_mut() => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, uid, "a local connection ended early");
    }
}
