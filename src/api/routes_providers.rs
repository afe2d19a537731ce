//! The providers this node knows: what their credentials are called, how they are checked, what an answer means.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;

use super::desk::Desk;
use super::error::ApiError;
use super::json;
use super::types_providers::{ProviderView, ProvidersView};
use crate::model::caller::Caller;
use crate::model::name::ServiceName;

/// `GET /providers`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    let catalogue = desk.vault.providers(&caller).await?;
    json::answer(&ProvidersView { providers: catalogue.providers().map(ProviderView::from).collect() })
}

/// `GET /providers/{name}`.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    name: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<Response, ApiError> {
    let Path(name) = name.map_err(|_| ApiError::PathEncoding)?;
    let provider = desk.vault.provider(&caller, &ServiceName::parse(&name)?).await?;
    json::answer(&ProviderView::from(&provider))
}
