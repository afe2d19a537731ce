//! Credentials: whether their providers take them, asked now or as last found.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{NamedService, context};
use super::desk::Desk;
use super::error::ApiError;
use super::routes_lists::asked_list;
use super::types_validation::{CredentialsView, ValidateBody, ValidationView};
use super::{body, json};
use crate::model::caller::Caller;

/// `POST /credentials/{service}/validate`. Once it is accounted for, a check goes on though its caller hangs up.
pub(super) async fn validate(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedService(service): NamedService,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let context = context(&headers)?;
    let body: ValidateBody = body::read_optional(&headers, body, desk.budget.of(&caller)).await?;
    let request = body.into_request(service.clone(), context)?;
    let vault = desk.vault.clone();
    let results = desk.changes.make(async move { vault.validate(&caller, request).await }).await?;
    json::answer(&ValidationView::new(&service, &results, desk.clock.now().wall.to_string()))
}

/// `GET /credentials/status`: what `GET /api/secrets` lists, with the last check of each.
pub(super) async fn status(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let request = asked_list(&uri, &headers, desk.clock.now().wall)?;
    let page = desk.vault.credential_status(&caller, request).await?;
    json::answer(&CredentialsView::new(&page, desk.clock.now().wall.to_string()))
}
