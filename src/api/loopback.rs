//! The accept loop of the loopback listener. The kernel says nothing of who connects there: every connection is nobody's, and
//! all of them share the seats of one user.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::callers::gate::ACCEPT_PAUSE;
use crate::callers::peer::Peer;
use crate::callers::seats::{Seat, Seats};
use crate::model::caller::UID_NOBODY;

/// Accepts until `stop`. Each connection is attended to in a task of `tasks`, which the caller waits for.
pub(super) async fn accept<A, F>(
    listener: TcpListener,
    seats: &Arc<Seats>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
    attend: A,
) where
    A: Fn(TcpStream, Peer, Seat) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection on loopback");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // A machine can be set to route loopback addresses (`route_localnet`): then others reach them all the same.
        if !from.ip().to_canonical().is_loopback() {
            tracing::warn!(%from, "a connection from elsewhere came to the loopback listener, and was closed");
            continue;
        }
        // An answer is written at once; waiting for more of it would only delay it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection on loopback ended before it began");
            continue;
        }
        drop(tasks.spawn(attend(stream, Peer::of_loopback(), seats.take(UID_NOBODY))));
    }
}
