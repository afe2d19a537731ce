//! Credentials: whether their providers take them, asked now or as last found.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{context, node};
use super::desk::Desk;
use super::error::ApiError;
use super::types_list::ListQuery;
use super::types_validation::{CredentialsView, ValidateBody, ValidationView};
use super::{body, json, query};
use crate::model::caller::Caller;
use crate::model::name::ServiceName;

/// `POST /credentials/{service}/validate`. Once it is accounted for, a check goes on though its caller hangs up.
pub(super) async fn validate(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    Path(service): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let service = ServiceName::parse(&service)?;
    let context = context(&headers)?;
    let body: ValidateBody = body::read_optional(&headers, body, desk.budget.at(caller.door)).await?;
    let request = body.into_request(service.clone(), context)?;
    let vault = desk.vault.clone();
    let results = desk.changes.make(async move { vault.validate(&caller, request).await }).await?;
    json::answer(&ValidationView::new(&service, &results, desk.clock.now().wall.to_string()))
}

/// `GET /credentials/status`: what `GET /api/secrets` lists, with the last check of each.
pub(super) async fn status(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (tags, uri) = query::repeated(&uri, "tag")?;
    let query: ListQuery = query::parameters(&uri)?;
    let request = query.into_request(tags, node(&headers)?, desk.clock.now().wall)?;
    let page = desk.vault.credential_status(&caller, request).await?;
    json::answer(&CredentialsView::new(&page, desk.clock.now().wall.to_string()))
}
