//! Events: told by programs, listed, and streamed as Server-Sent Events.

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

use super::context::{context, event_number, idempotency_key};
use super::desk::Desk;
use super::error::ApiError;
use super::types_events::{
    EventBody, HistoryQuery, PublishedView, StreamQuery, TypesQuery, TypesView, page_text, write,
};
use super::{body, json, query};
use crate::model::caller::Caller;
use crate::vault::event_stream::EventStream;

/// After so much silence a comment is sent, so that both ends notice when the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `POST /api/events` and `POST /events`: a program tells something.
pub(super) async fn publish(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let told: EventBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let ask = told.into_ask(idempotency_key(&headers)?, context(&headers)?)?;
    let vault = desk.vault.clone();
    let taken = desk.changes.make(async move { vault.publish(&caller, ask).await }).await?;
    json::answer(&PublishedView::from(taken))
}

/// `GET /api/events/history`: what happened, the newest first.
pub(super) async fn history(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (types, uri) = query::repeated(&uri, "type")?;
    let asked: HistoryQuery = query::parameters(&uri)?;
    let ask = asked.into_ask(&types, context(&headers)?, desk.clock.now().wall)?;
    let page = desk.vault.event_history(&caller, ask).await?;
    let mut response = Response::new(Body::from(page_text(&page)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `GET /api/events/types`: what there is, with a schema for each.
pub(super) async fn types(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = query::parameters::<TypesQuery>(&uri)?.kind()?;
    let kinds = desk.vault.event_types(&caller, &context(&headers)?).await?;
    json::answer(&TypesView::new(kinds, wanted))
}

/// `GET /api/events`: what happens, as it happens.
pub(super) async fn stream(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (types, uri) = query::repeated(&uri, "type")?;
    let asked: StreamQuery = query::parameters(&uri)?;
    let ask = asked.into_ask(&types, event_number(&headers)?, context(&headers)?)?;
    let events = desk.vault.event_stream(&caller, ask).await?;
    let mut response = Response::new(Body::from_stream(chunks(events, desk.stop.clone())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The events, chunk by chunk, until the node stops. The next are asked for when the socket has taken these.
fn chunks(events: EventStream, stop: CancellationToken) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold((events, stop), |(mut events, stop)| async move {
        let text = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            text = next(&mut events) => text,
        };
        text.map(|text| (Ok(Bytes::from(text)), (events, stop)))
    })
}

async fn next(events: &mut EventStream) -> Option<String> {
    match tokio::time::timeout(KEEP_ALIVE, events.next()).await {
        Ok(told) => Some(told?.iter().map(write).collect()),
        // An id without data is no event, and moves what the client resumes from (HTML, 9.2.6).
        Err(_) => Some(format!(": still here\nid: {}\n\n", events.position())),
    }
}
