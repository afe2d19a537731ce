//! The audit journal. Anyone may ask; the vault answers admins.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::desk::Desk;
use super::error::ApiError;
use super::json;
use super::types_admin::VerdictView;
use crate::model::caller::Caller;

/// `GET /api/audit/verify`.
pub(super) async fn audit_verify(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    let verdict = desk.vault.audit_verify(&caller).await?;
    json::answer(&VerdictView { valid: verdict.broken.is_none(), lines: verdict.lines, broken: verdict.broken })
}
