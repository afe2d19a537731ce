//! The providers this node knows: what their credentials are called, how they are checked, what an answer means.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::context::NamedService;
use super::desk::Desk;
use super::error::ApiError;
use super::json;
use super::types_providers::{ProviderView, ProvidersView};
use crate::model::caller::Caller;

/// `GET /providers`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, ApiError> {
    let catalogue = desk.vault.providers(&caller).await?;
    json::answer(&ProvidersView { providers: catalogue.providers().map(ProviderView::from).collect() })
}

/// `GET /providers/{name}`.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedService(name): NamedService,
) -> Result<Response, ApiError> {
    let provider = desk.vault.provider(&caller, &name).await?;
    json::answer(&ProviderView::from(&provider))
}
