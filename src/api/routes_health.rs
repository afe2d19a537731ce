//! Whether the node does its work. Answered without policy, journal or store, so it is answered also when those fail.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::desk::Desk;
use super::error::ApiError;
use super::json;
use super::types_health::{HealthView, StatusView};
use crate::model::caller::{Caller, Door};

/// `GET /health`. Always 200: the status is in the body.
pub(super) async fn health(State(desk): State<Arc<Desk>>) -> Result<Response, ApiError> {
    json::answer(&HealthView::from(&desk.vault.health()))
}

/// `GET /api/status`. On loopback, which every user of the machine reaches, it takes a key like everything else.
pub(super) async fn status(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, ApiError> {
    if caller.door == Door::Loopback {
        desk.vault.whoami(&caller, None).await?;
    }
    json::answer(&StatusView::new(&desk.vault.health(), &desk.vault.freezes_told(&caller)))
}
