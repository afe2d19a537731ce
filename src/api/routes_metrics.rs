//! The numbers of this node, as Prometheus reads them.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::desk::Desk;
use super::error::ApiError;
use crate::metrics::text::MEDIA_TYPE;
use crate::model::caller::Caller;

/// `GET /metrics`.
pub(super) async fn metrics(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, ApiError> {
    let mut response = desk.vault.metrics(&caller).await?.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
