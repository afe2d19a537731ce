//! Access requests: asked, listed, dismissed.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::context::{NamedRequest, node, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::types_access::{AccessBody, AccessListView, AskedView, DismissedView};
use super::{body, json};
use crate::model::caller::Caller;

/// `POST /api/access-requests`.
pub(super) async fn ask(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: AccessBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let ask = body.into_ask(node(&headers)?)?;
    let vault = desk.vault.clone();
    let answer = desk.changes.make(async move { vault.request_access(&caller, ask).await }).await?;
    json::answer(&AskedView::from(&answer))
}

/// `GET /api/access-requests`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, ApiError> {
    let list = desk.vault.access_requests(&caller).await?;
    json::answer(&AccessListView::new(&list, desk.clock.now().wall.to_string()))
}

/// `DELETE /api/access-requests/{id}`.
pub(super) async fn dismiss(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedRequest(number): NamedRequest,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let (reason, vault) = (reason(&headers)?, desk.vault.clone());
    let dismissed = async move { vault.dismiss_access(&caller, number, reason.as_deref()).await };
    json::answer(&DismissedView::from(&desk.changes.make(dismissed).await?))
}
