//! What is left of a request when it was answered before all of it was read: a refusal that closes the connection under a
//! client that still writes is a broken pipe to it, and no refusal.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::runtime::Handle;

/// Most that is taken in of what nobody reads; whoever sends more finds the connection closed.
const BYTES_MAX: usize = 64 << 10;

/// How long it may take to come.
const PATIENCE: Duration = Duration::from_secs(5);

/// The body of a request. Whoever waits to be told to send it (`Expect`) is not told so when it is refused.
pub(super) fn body(headers: &HeaderMap, body: Incoming) -> Body {
    if body.is_end_stream() || headers.contains_key(EXPECT) { Body::new(body) } else { Body::new(Read(Some(body))) }
}

/// A body whose rest is taken in, beside the answer, when it is let go of. The connection stays open meanwhile, and can be used
/// again if that was all.
struct Read(Option<Incoming>);

impl HttpBody for Read {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = self.0.as_mut() else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            // One in chunks does not say of itself that it has ended: nothing of it is left to be taken in.
            self.0 = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        let rest = self.0.take().filter(|body| !body.is_end_stream());
        // Without a runtime the connection is gone, too.
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            drop(runtime.spawn(async move { tokio::time::timeout(PATIENCE, taken_in(rest)).await }));
        }
    }
}

async fn taken_in(mut body: Incoming) {
    let mut seen = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        seen = seen.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if seen > BYTES_MAX {
            return;
        }
    }
}
