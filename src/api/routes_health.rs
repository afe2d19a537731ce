//! Whether the node does its work. Answered without policy, journal or store, so it is answered also when those fail.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::desk::Desk;
use super::error::ApiError;
use super::json;
use super::types_health::{HealthView, StatusView};
use crate::model::caller::Caller;

/// `GET /health`. Always 200: the status is in the body.
pub(super) async fn health(State(desk): State<Arc<Desk>>) -> Result<Response, ApiError> {
    json::answer(&HealthView::from(&desk.vault.health()))
}

/// `GET /api/status`.
pub(super) async fn status(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    json::answer(&StatusView::new(&desk.vault.health(), &desk.vault.freezes_told(&caller)))
}
