//! Environments beside each other. Any caller may ask; what is not its own is the admin's on the lead.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{node, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::routes_life::door;
use super::types_environments::{CheckBody, EnvironmentView, EnvironmentsView, MirrorBody, MirrorView, SharedView};
use super::types_secret::PutQuery;
use super::{body, json, query};
use crate::model::caller::Caller;

/// `GET /api/environments`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lines = desk.vault.environments(&caller, node(&headers)?).await?;
    json::answer(&EnvironmentsView { environments: lines.iter().map(EnvironmentView::from).collect() })
}

/// `POST /api/environments/mirror`: makes the secrets of one known in another, without values; or tells which.
pub(super) async fn mirror(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let PutQuery { dry_run } = query::parameters(&uri)?;
    let (vault, run) = door(&desk, dry_run.as_deref())?;
    let (node, reason) = (node(&headers)?, reason(&headers)?);
    let body: MirrorBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let request = body.into_request(node, reason)?;
    let (from, to) = (request.from.clone(), request.to.clone());
    let mirrored = desk.changes.make(async move { vault.mirror(&caller, request).await }).await?;
    json::answer(&MirrorView::new(&from, &to, &mirrored, run))
}

/// `POST /api/environments/check`: the values two environments share.
pub(super) async fn check(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (node, reason) = (node(&headers)?, reason(&headers)?);
    let body: CheckBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let request = body.into_request(node, reason)?;
    let (left, right) = (request.left.clone(), request.right.clone());
    let shared = desk.vault.check_environments(&caller, request).await?;
    json::answer(&SharedView::new(&left, &right, &shared))
}
