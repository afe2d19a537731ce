//! The bare server: axum routes on a hyper connection, with the settings that a node's connections have, and an answer that
//! costs nothing. What a node needs beyond it is the price of knowing who asks, of deciding, and of writing it down.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tower::ServiceExt;

use super::answer::Answer;

/// The same as a node's, for a timer that is set for each request costs something.
const HEADER_WITHIN: Duration = Duration::from_secs(30);

/// The same as a node's.
const HEADER_BYTES_MAX: usize = 8 << 10;

/// Serves until the runtime ends.
pub async fn serve(listener: UnixListener, answer: &Answer) {
    let answer = answer.clone();
    let fixed = move || {
        let mut response = Response::new(Body::from(answer.body.clone()));
        *response.headers_mut() = answer.headers.clone();
        std::future::ready(response)
    };
    let routes = Router::new().route("/api/secrets/{service}/{key}", get(fixed));
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        tokio::spawn(attend(stream, routes.clone()));
    }
}

async fn attend(stream: UnixStream, routes: Router) {
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let routes = routes.clone();
        async move {
            let Ok(response) = routes.oneshot(request.map(Body::new)).await;
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_header_size(HEADER_BYTES_MAX)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    // Clients hang up when they have enough.
    drop(connection.await);
}
