//! Nodes and the join tokens that lead into the mesh. Anyone may ask; the vault answers whoever manages nodes without bounds.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::context::{self, NamedNode, NamedToken};
use super::desk::Desk;
use super::error::ApiError;
use super::types_nodes::{
    ApprovalBody, BanBody, ChangedNodeView, DepartedView, EntitlementBody, NodeView, NodesView, ThrownOutView,
};
use super::types_tokens::{RevokedView, TokenBody, TokenLineView, TokenView, TokensView};
use super::{body, json};
use crate::model::caller::Caller;

/// `POST /api/tokens`.
pub(super) async fn issue_token(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: TokenBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let request = body.into_request(&desk.vault.health().environment)?;
    let vault = desk.vault.clone();
    let issued = desk.changes.make(async move { vault.issue_token(&caller, request).await }).await?;
    json::answer(&TokenView {
        id: &issued.id,
        token: std::str::from_utf8(issued.text.expose()).map_err(|_| ApiError::Unwritable)?,
        node: issued.node.as_str(),
        approve: issued.approve,
        expires_at: issued.expires_at.to_string(),
    })
}

/// `GET /api/nodes`.
pub(super) async fn nodes(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, ApiError> {
    let lines = desk.vault.nodes(&caller).await?;
    let timestamp = desk.clock.now().wall.to_string();
    json::answer(&NodesView { nodes: lines.iter().map(NodeView::from).collect(), timestamp })
}

/// `POST /api/nodes/{name}/entitlement`.
pub(super) async fn entitle(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedNode(node): NamedNode,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: EntitlementBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let (vault, named, entitlement) = (desk.vault.clone(), node.clone(), body.into_entitlement()?);
    let revision = desk.changes.make(async move { vault.entitle(&caller, named, entitlement).await }).await?;
    let message = "Entitlement changed; what was taken away leaves the node's cache";
    json::answer(&ChangedNodeView { success: true, node: node.as_str(), message, revision: revision.get() })
}

/// `POST /api/nodes/{name}/approve`.
pub(super) async fn approve(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedNode(node): NamedNode,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: ApprovalBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let (vault, named, approval) = (desk.vault.clone(), node.clone(), body.into_request());
    let revision = desk.changes.make(async move { vault.approve(&caller, named, approval).await }).await?;
    let message = "Approved; it gets its certificate when it next asks";
    json::answer(&ChangedNodeView { success: true, node: node.as_str(), message, revision: revision.get() })
}

/// `POST /api/nodes/{name}/ban`.
pub(super) async fn ban(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedNode(node): NamedNode,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: BanBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let (vault, named, reason) = (desk.vault.clone(), node.clone(), body.into_reason()?);
    let out = desk.changes.make(async move { vault.ban(&caller, named, reason).await }).await?;
    json::answer(&ThrownOutView::banned(&node, out))
}

/// `DELETE /api/nodes/{name}`.
pub(super) async fn remove(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedNode(node): NamedNode,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let (vault, named, reason) = (desk.vault.clone(), node.clone(), context::reason(&headers)?);
    let out = desk.changes.make(async move { vault.remove(&caller, named, reason.as_deref()).await }).await?;
    json::answer(&ThrownOutView::removed(&node, out))
}

/// `POST /api/leave`.
pub(super) async fn leave(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let (vault, reason) = (desk.vault.clone(), context::reason(&headers)?);
    let node = desk.vault.health().node;
    let departed = desk.changes.make(async move { vault.leave(&caller, reason.as_deref()).await }).await?;
    json::answer(&DepartedView::new(&node, departed))
}

/// `GET /api/tokens`.
pub(super) async fn tokens(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, ApiError> {
    let lines = desk.vault.tokens(&caller).await?;
    let timestamp = desk.clock.now().wall.to_string();
    json::answer(&TokensView { tokens: lines.iter().map(TokenLineView::from).collect(), timestamp })
}

/// `DELETE /api/tokens/{id}`.
pub(super) async fn revoke_token(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedToken(id): NamedToken,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let vault = desk.vault.clone();
    let revoked = desk.changes.make(async move { vault.revoke_token(&caller, &id).await }).await?;
    json::answer(&RevokedView::from(&revoked))
}
