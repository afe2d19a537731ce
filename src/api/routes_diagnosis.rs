//! What a node says of itself to whoever manages the mesh.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::desk::Desk;
use super::error::ApiError;
use super::json;
use super::types_diagnosis::DiagnosisView;
use crate::model::caller::Caller;

/// `GET /api/diagnosis`.
pub(super) async fn diagnosis(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, ApiError> {
    let said = desk.vault.diagnosis(&caller).await?;
    json::answer(&DiagnosisView::from(&said))
}
