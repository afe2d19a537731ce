//! The audit journal. Anyone may ask; the vault answers admins.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::desk::Desk;
use super::error::ApiError;
use super::types_admin::{AuditQuery, AuditView};
use super::{json, query};
use crate::model::caller::Caller;

/// Lines of the journal that are shown unless more are asked for: a screenful or two.
const AUDIT_LINES: usize = 100;

/// Most lines of the journal in one answer: at about 500 bytes a line, half a MiB.
const AUDIT_LINES_MAX: usize = 1000;

/// `GET /api/audit`.
pub(super) async fn audit_tail(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let query: AuditQuery = query::parameters(&uri)?;
    let limit = query::limit(query.limit, AUDIT_LINES_MAX, "a whole number from 1 to 1000")?;
    let lines = desk.vault.audit_tail(&caller, limit.unwrap_or(AUDIT_LINES)).await?;
    json::answer(&AuditView { lines })
}
