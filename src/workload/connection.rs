//! One connection: HTTP/2 alone, with a bound on everything a client can make us hold, and an end for one that does nothing.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::UnixStream;
use tokio_util::task::TaskTracker;

use super::activity::Activity;
use super::authority::Named;
use super::front::Front;
use crate::callers::peer::Peer;
use crate::callers::seats::{Lane, Seat};

/// Streams of one connection. An Envoy opens one for each secret it follows.
const STREAMS_MAX: u32 = 64;

/// Largest header list, in bytes; the largest honest one is under 1 KiB.
const HEADER_BYTES_MAX: u32 = 8 << 10;

/// What a client may send of one stream, and of all of a connection, before it is read. Requests are small and rare.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 256 << 10;

/// What is held of an answer that a client does not take.
const SEND_BYTES_MAX: usize = 64 << 10;

/// How long a client may take, by what it delays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Without a stream; also for the first one to begin. At most twice as long passes.
    pub(super) idle: Duration,
    /// Between two looks whether the client still answers, and for its answer.
    pub(super) ping: Duration,
    /// For what is under way when the node stops.
    pub(super) drain: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { idle: Duration::from_secs(30), ping: Duration::from_secs(20), drain: Duration::from_secs(5) }
    }
}

/// Runs the streams of a connection among the tasks of the room, which are waited for when the node stops.
#[derive(Clone)]
struct Tasks(TaskTracker);

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        drop(self.0.spawn(stream));
    }
}

/// Serves a connection until it ends, has nothing to do, or the node stops.
pub(super) async fn attend(
    stream: UnixStream,
    peer: Peer,
    seat: Seat,
    front: Arc<Front>,
    (patience, tasks): (Patience, TaskTracker),
) {
    // What is kept back is for `/health`, which is not asked here.
    if seat.lane() == Lane::Reserved {
        return;
    }
    let (uid, peer, activity) = (peer.uid, Arc::new(peer), Activity::default());
    let (stop, of_connection) = (front.stop.clone(), activity.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (front, peer, activity) = (Arc::clone(&front), Arc::clone(&peer), of_connection.clone());
        async move { Ok::<_, Infallible>(front.answer(&peer, &activity, request).await) }
    });
    let mut connection = pin!(
        http2::Builder::new(Tasks(tasks))
            .timer(TokioTimer::new())
            .keep_alive_interval(patience.ping)
            .keep_alive_timeout(patience.ping)
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(HEADER_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BYTES_MAX)
            .serve_connection(TokioIo::new(Named::new(stream)), service)
    );
    let ended = tokio::select! {
        biased;
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(patience.drain, connection).await.unwrap_or(Ok(()))
        }
        () = idle(&activity, patience.idle) => return,
        ended = connection.as_mut() => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, uid, "a connection of a workload ended early");
    }
}

/// Returns when no stream was open at one look, and none has begun by the next.
async fn idle(activity: &Activity, patience: Duration) {
    let mut before = None;
    loop {
        let now = activity.idle_since();
        if now.is_some() && now == before {
            return;
        }
        before = now;
        tokio::time::sleep(patience).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_util::sync::CancellationToken;

    use super::super::activity::Places;
    use super::*;
    use crate::callers::attest::Witness;
    use crate::callers::seats::{Limits, Seats};
    use crate::model::caller::Door;
    use crate::model::time::{Clock, Entropy, EntropyUnavailable, Moment};

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Moment {
            Moment::default()
        }
    }

    impl Entropy for Still {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyUnavailable> {
            buffer.fill(7);
            Ok(())
        }
    }

    /// The client's end of a connection to a sealed node that waits for 50 ms.
    async fn connected() -> UnixStream {
        let (ours, theirs) = UnixStream::pair().expect("pair");
        let witness = Witness::of_machine();
        let peer =
            witness.attest(witness.knock(&ours, Door::Workload).expect("credentials")).await.expect("we are there");
        let front = Front {
            vault: OnceLock::new(),
            witness,
            clock: Arc::new(Still),
            entropy: Arc::new(Still),
            places: Places::default(),
            stop: CancellationToken::new(),
        };
        let moment = Duration::from_millis(50);
        let patience = Patience { idle: moment, ping: moment, drain: moment };
        let seat = Seats::new(Limits::default()).take(1000);
        tokio::spawn(attend(ours, peer, seat, Arc::new(front), (patience, TaskTracker::new())));
        theirs
    }

    /// Returns once the connection is closed; what came until then is HTTP/2's own.
    async fn is_closed(mut client: UnixStream) {
        let mut came = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(20), client.read_to_end(&mut came)).await;
        // Closed or reset: what matters is that it ended.
        drop(closed.expect("it is closed"));
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_half_of_it_or_opens_no_stream_is_closed() {
        const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
        for said in [&b""[..], &PREFACE[..10], PREFACE, &[PREFACE, SETTINGS].concat()] {
            let mut client = connected().await;
            client.write_all(said).await.expect("written");
            is_closed(client).await;
        }
    }
}
