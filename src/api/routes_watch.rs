//! Changes as Server-Sent Events: one answer that goes on until the caller or the node ends it.
//!
//! The head of the answer is due like that of any other; what follows is bounded by its reader. At most one small chunk
//! is in memory for a connection, and the next is asked for when the socket has taken it. A reader that takes nothing is
//! given up like one of any other answer, and the keep-alives find out about one that has gone.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use futures_util::stream::{Stream, unfold};
use tokio_util::sync::CancellationToken;

use super::context::{Named, last_event_id, node, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::query::{self, given};
use super::types_watch::{WatchAllQuery, WatchOneQuery, id, write};
use crate::model::caller::Caller;
use crate::model::number::Position;
use crate::vault::request::WatchRequest;
use crate::vault::watch::Watch;

/// After so much silence a comment is sent, so that both ends notice when the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `GET /api/secrets/{service}/{key}/watch`: one secret, in every scope the node holds.
pub(super) async fn watch_one(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    Named(name): Named,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let WatchOneQuery { scope, scope_id, environment, after } = query::parameters(&uri)?;
    let place = Place { scope, scope_id, environment, after };
    let request = WatchRequest { name: Some(name), ..request(place, &headers)? };
    Ok(answer(desk.vault.watch(&caller, request).await?, desk.stop.clone()))
}

/// `GET /api/watch`: everything the caller may list.
pub(super) async fn watch_all(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let WatchAllQuery { prefix, scope, scope_id, environment, after } = query::parameters(&uri)?;
    let place = Place { scope, scope_id, environment, after };
    let request = WatchRequest { prefix: given(prefix), ..request(place, &headers)? };
    Ok(answer(desk.vault.watch(&caller, request).await?, desk.stop.clone()))
}

/// What both queries have.
struct Place {
    scope: Option<String>,
    scope_id: Option<String>,
    environment: Option<String>,
    after: Option<String>,
}

fn request(place: Place, headers: &HeaderMap) -> Result<WatchRequest, ApiError> {
    let (kind, id) = (given(place.scope), given(place.scope_id));
    // The header is what the client saw last; the parameter may be what it began with, long ago.
    let after = match last_event_id(headers)? {
        Some(seen) => Some(seen),
        None => given(place.after).map(|text| query::position("after", &text)).transpose()?,
    };
    Ok(WatchRequest {
        node: node(headers)?,
        environment: query::environment(given(place.environment).as_deref())?,
        name: None,
        prefix: None,
        scope: query::scope(kind.as_deref(), id.as_deref())?,
        after,
        reason: reason(headers)?,
    })
}

fn answer(watch: Watch, stop: CancellationToken) -> Response {
    let mut response = Response::new(Body::from_stream(chunks(watch, stop)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The events, chunk by chunk, until the node stops.
fn chunks(watch: Watch, stop: CancellationToken) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let told = watch.position();
    unfold((watch, told, stop), |(mut watch, mut told, stop)| async move {
        let text = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            text = next(&mut watch, &mut told) => text,
        };
        text.map(|text| (Ok(Bytes::from(text)), (watch, told, stop)))
    })
}

async fn next(watch: &mut Watch, told: &mut Position) -> Option<String> {
    let mut text = String::new();
    match tokio::time::timeout(KEEP_ALIVE, watch.next()).await {
        Ok(news) => {
            for news in news? {
                write(&news, &mut text).ok()?;
                *told = news.at();
            }
        }
        Err(_) => {
            text.push_str(": still here\n");
            // An id without data is no event, and moves what the client resumes from (HTML, 9.2.6): what does not concern
            // it need not be looked through again.
            if watch.position() != *told {
                *told = watch.position();
                text.push_str(&format!("id: {}\n", id(*told)));
            }
            text.push('\n');
        }
    }
    Some(text)
}
