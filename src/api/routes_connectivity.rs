//! Which APIs work from where; and what monitors report about them.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{context, node, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::query::{self, given};
use super::types_connectivity::{BestView, HealthView, ReportBody, ReportedView, ServiceQuery, StatusView};
use super::{body, json};
use crate::connectivity::health::health as health_of;
use crate::model::caller::Caller;
use crate::model::name::ServiceName;

/// `GET /api/connectivity/status?service=`.
pub(super) async fn status(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let service = service(&uri)?;
    let told = desk.vault.connectivity(&caller, &context(&headers)?, service.as_ref()).await?;
    json::answer(&StatusView::new(&told))
}

/// `POST /api/connectivity/status`.
pub(super) async fn report(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let report: ReportBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let report = report.into_report(node(&headers)?, reason(&headers)?)?;
    desk.vault.report_connectivity(&caller, report).await?;
    json::answer(&ReportedView { success: true, message: "Status updated" })
}

/// `GET /api/connectivity/health`.
pub(super) async fn health(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let told = desk.vault.connectivity(&caller, &context(&headers)?, None).await?;
    json::answer(&HealthView::new(&health_of(&told.services), told.now))
}

/// `GET /api/connectivity/best?service=`.
pub(super) async fn best(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = ApiError::BadValue { field: "service", wanted: "the service to be called, such as openai" };
    let service = service(&uri)?.ok_or(wanted)?;
    let told = desk.vault.connectivity(&caller, &context(&headers)?, Some(&service)).await?;
    json::answer(&BestView::new(&service, &told))
}

fn service(uri: &Uri) -> Result<Option<ServiceName>, ApiError> {
    let ServiceQuery { service } = query::parameters(uri)?;
    Ok(given(service).as_deref().map(ServiceName::parse).transpose()?)
}
