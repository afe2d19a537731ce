//! Searches of the audit journal: a page, all lines as one stream, or each line as it is written.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use futures_util::stream::{Stream, unfold};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::context::followed_places;
use super::desk::Desk;
use super::error::ApiError;
use super::types_audit::{AuditQuery, AuditView, UsageQuery, UsageView};
use super::{json, query};
use crate::audit::search::PAGE_LINES_MAX;
use crate::audit::selection::Order;
use crate::model::caller::Caller;
use crate::vault::audit_search::{AuditFollow, AuditPages};

/// Lines that are shown unless more are asked for: a screenful or two.
const AUDIT_LINES: usize = 100;

/// Uses of credentials that are shown unless more are asked for, as in the older design.
const USAGE_LINES: usize = 50;

/// After so much silence a comment is sent, so that both ends notice when the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a limit may be.
const LIMIT: &str = "a whole number from 1 to 1000";

/// `GET /api/audit`.
pub(super) async fn search(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let asked: AuditQuery = query::parameters(&uri)?;
    let (order, cursor) = (asked.order()?, asked.cursor()?);
    let conditions = asked.conditions(desk.clock.now().wall)?;
    let limit = query::limit(asked.limit, PAGE_LINES_MAX, LIMIT)?.unwrap_or(AUDIT_LINES);
    let page = desk.vault.search_audit(&caller, conditions, order.unwrap_or(Order::Newest), cursor, limit).await?;
    json::answer(&AuditView::new(page, order.is_none()))
}

/// `GET /credentials/usage`.
pub(super) async fn usage(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let asked: UsageQuery = query::parameters(&uri)?;
    let limit = query::limit(asked.limit, PAGE_LINES_MAX, LIMIT)?.unwrap_or(USAGE_LINES);
    let lines = desk.vault.credential_usage(&caller, limit).await?;
    json::answer(&UsageView::new(&lines, limit))
}

/// `GET /api/audit/export`: the lines as they are, each with its newline. A file that cannot be read to its end breaks the
/// answer off, so that nobody takes a part for the whole.
pub(super) async fn export(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let asked: AuditQuery = query::parameters(&uri)?;
    asked.unpaged()?;
    let conditions = asked.conditions(desk.clock.now().wall)?;
    let place = desk.budget.long_answer()?;
    let pages = desk.vault.export_audit(&caller, conditions).await?;
    Ok(answer("application/x-ndjson", Body::from_stream(exported(pages, desk.stop.clone(), place))))
}

/// `GET /api/audit/follow`: Server-Sent Events, each a line.
pub(super) async fn follow(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked: AuditQuery = query::parameters(&uri)?;
    asked.unpaged()?;
    let conditions = asked.conditions(desk.clock.now().wall)?;
    let from = followed_places(&headers)?;
    let place = desk.budget.long_answer()?;
    let follow = desk.vault.follow_audit(&caller, conditions, from).await?;
    Ok(answer("text/event-stream", Body::from_stream(followed(follow, desk.stop.clone(), place))))
}

fn answer(kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Page by page: the next is looked for when the socket has taken the one before.
fn exported(
    pages: AuditPages,
    stop: CancellationToken,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = io::Result<Bytes>> {
    unfold(Some((pages, stop, place)), |state| async move {
        let (mut pages, stop, place) = state?;
        let page = tokio::select! {
            biased;
            () = stop.cancelled() => return Some((Err(io::Error::other("the node stops")), None)),
            page = pages.next(PAGE_LINES_MAX) => page,
        };
        let broken = |text: String| Some((Err(io::Error::other(text)), None));
        let page = match page {
            Ok(page) => page,
            Err(error) => return broken(error.to_string()),
        };
        if let Some(damaged) = page.damaged.first() {
            return broken(format!("{damaged} is damaged"));
        }
        if page.lines.is_empty() {
            return None;
        }
        let mut text = page.lines.join("\n");
        text.push('\n');
        let rest = page.next.is_some().then_some((pages, stop, place));
        Some((Ok(Bytes::from(text)), rest))
    })
}

/// The lines, as they come, until the node stops or the caller may no longer hear them. After each batch stands the id to
/// resume from: whoever loses the connection within one hears its lines again.
fn followed(
    follow: AuditFollow,
    stop: CancellationToken,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = io::Result<Bytes>> {
    let begin = format!("id: {}\n\n", follow.id());
    unfold((follow, stop, place, Some(begin)), |(mut follow, stop, place, begin)| async move {
        let text = match begin {
            Some(begin) => begin,
            None => tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                text = news(&mut follow) => match text {
                    Ok(text) => text?,
                    Err(error) => return Some((Err(io::Error::other(error)), (follow, stop, place, None))),
                },
            },
        };
        Some((Ok(Bytes::from(text)), (follow, stop, place, None)))
    })
}

async fn news(follow: &mut AuditFollow) -> Result<Option<String>, crate::vault::error::VaultError> {
    let silence = tokio::time::Instant::now() + KEEP_ALIVE;
    loop {
        let Some(lines) = follow.next().await? else { return Ok(None) };
        if !lines.is_empty() {
            let events: String = lines.iter().map(|line| format!("event: line\ndata: {line}\n\n")).collect();
            return Ok(Some(format!("{events}id: {}\n\n", follow.id())));
        }
        if tokio::time::Instant::now() >= silence {
            return Ok(Some(": still here\n\n".to_owned()));
        }
    }
}
