//! Nodes, join tokens and the audit journal. Anyone may ask; the vault answers admins.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::NamedNode;
use super::desk::Desk;
use super::error::ApiError;
use super::types_admin::{
    AuditQuery, AuditView, EntitledView, EntitlementBody, NodeView, NodesView, TokenBody, TokenView, VerdictView,
};
use super::{body, json, query};
use crate::model::caller::Caller;

/// Lines of the journal that are shown unless more are asked for: a screenful or two.
const AUDIT_LINES: usize = 100;

/// Most lines of the journal in one answer: at about 500 bytes a line, half a MiB.
const AUDIT_LINES_MAX: usize = 1000;

/// Bodies of this family hold names only; no value can be in them.
const NO_VALUE: usize = 0;

/// `POST /api/tokens`.
pub(super) async fn issue_token(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: TokenBody = body::read_json(&headers, body, NO_VALUE, desk.budget.at(caller.door)).await?;
    let request = body.into_request(&desk.vault.health().environment)?;
    let vault = desk.vault.clone();
    let issued = desk.changes.make(async move { vault.issue_token(&caller, request).await }).await?;
    json::answer(&TokenView {
        token: std::str::from_utf8(issued.text.expose()).map_err(|_| ApiError::Unwritable)?,
        node: issued.node.as_str(),
        expires_at: issued.expires_at.to_string(),
    })
}

/// `GET /api/nodes`.
pub(super) async fn nodes(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    let lines = desk.vault.nodes(&caller).await?;
    let timestamp = desk.clock.now().wall.to_string();
    json::answer(&NodesView { nodes: lines.iter().map(NodeView::from).collect(), timestamp })
}

/// `POST /api/nodes/{name}/entitlement`.
pub(super) async fn entitle(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    NamedNode(node): NamedNode,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: EntitlementBody = body::read_json(&headers, body, NO_VALUE, desk.budget.at(caller.door)).await?;
    let (vault, named, entitlement) = (desk.vault.clone(), node.clone(), body.into_entitlement()?);
    let revision = desk.changes.make(async move { vault.entitle(&caller, named, entitlement).await }).await?;
    let message = "Entitlement changed; what was taken away leaves the node's cache";
    json::answer(&EntitledView { success: true, node: node.as_str(), message, revision: revision.get() })
}

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

/// `GET /api/audit/verify`.
pub(super) async fn audit_verify(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    let verdict = desk.vault.audit_verify(&caller).await?;
    json::answer(&VerdictView { valid: verdict.broken.is_none(), lines: verdict.lines, broken: verdict.broken })
}
