//! What is known about secrets, without their values: the list, the versions of one, and why a read comes out as it does.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{Named, context, node, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::json;
use super::query::{self, given};
use super::types_explain::ExplainView;
use super::types_list::ListQuery;
use super::types_record::{HolderView, ListView, RecordView, VersionsView};
use super::types_secret::ExplainQuery;
use crate::model::caller::Caller;
use crate::model::time::Timestamp;
use crate::vault::request::{ListRequest, Place};

/// `GET /api/secrets`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let request = asked_list(&uri, &headers, desk.clock.now().wall)?;
    let page = desk.vault.list(&caller, request).await?;
    json::answer(&ListView {
        secrets: page.items.iter().map(RecordView::from).collect(),
        next_cursor: page.next_cursor.as_deref(),
        timestamp: desk.clock.now().wall.to_string(),
    })
}

/// Which secrets a list is to tell of.
pub(super) fn asked_list(uri: &Uri, headers: &HeaderMap, now: Timestamp) -> Result<ListRequest, ApiError> {
    let (tags, uri) = query::repeated(uri, "tag")?;
    let query: ListQuery = query::parameters(&uri)?;
    query.into_request(tags, node(headers)?, now)
}

/// `GET /api/secrets/{service}/{key}/versions`.
pub(super) async fn versions(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    Named(name): Named,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (scope, environment) = query::place(query::parameters(&uri)?)?;
    let place = Place { name, scope, environment, node: node(&headers)?, reason: reason(&headers)? };
    let list = desk.vault.versions(&caller, place).await?;
    json::answer(&VersionsView {
        service: list.at.secret.name.service.as_str(),
        key_name: list.at.secret.name.key.as_str(),
        scope: list.at.scope.kind(),
        scope_id: list.at.scope.id(),
        environment: list.at.secret.environment.as_str(),
        versions: list.versions.iter().map(RecordView::from).collect(),
        nodes: list.holders.iter().map(HolderView::from).collect(),
        timestamp: desk.clock.now().wall.to_string(),
    })
}

/// `GET /api/explain/{service}/{key}`.
pub(super) async fn explain(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    Named(name): Named,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query: ExplainQuery = query::parameters(&uri)?;
    let mut context = context(&headers)?;
    context.environment = query::environment(given(query.environment).as_deref())?;
    let explanation = desk.vault.explain(&caller, name, context).await?;
    json::answer(&ExplainView::new(&explanation, desk.clock.now().wall))
}
