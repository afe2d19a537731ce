//! API keys, for whoever manages agents on the lead. The answers to `create` and `rotate` hold a key, and no others do.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{NamedAgent, NamedApiKey, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::types_api_keys::{
    ApiKeyView, KeyLineView, KeysQuery, KeysView, NewKeyBody, RevokedView, RotateBody, ShownKeyView,
};
use super::{body, json, query};
use crate::model::caller::Caller;
use crate::vault::agent_request::ShownOnce;

/// `POST /api/agents/{name}/keys`.
pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedAgent(agent): NamedAgent,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: NewKeyBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let (vault, new, reason) = (desk.vault.clone(), body.into_request(agent)?, reason(&headers)?);
    let minted = async move { vault.mint_key(&caller, &new, reason.as_deref()).await };
    shown(&desk, "API key created; this is the only time it is shown", &desk.changes.make(minted).await?)
}

/// `POST /api/agents/{name}/keys/{key}/rotate`. All that a body could say may be left out, and so may the body.
pub(super) async fn rotate(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedApiKey(agent, name): NamedApiKey,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: RotateBody = body::read_optional(&headers, body, desk.budget.of(&caller)).await?;
    let (vault, ask, reason) = (desk.vault.clone(), body.into_request(agent, name)?, reason(&headers)?);
    let rotated = async move { vault.rotate_key(&caller, &ask, reason.as_deref()).await };
    shown(&desk, "API key rotated; this is the only time the new one is shown", &desk.changes.make(rotated).await?)
}

/// `DELETE /api/agents/{name}/keys/{key}`.
pub(super) async fn revoke(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedApiKey(agent, name): NamedApiKey,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let (vault, reason) = (desk.vault.clone(), reason(&headers)?);
    let (of, named) = (agent.clone(), name.clone());
    let revoked = async move { vault.revoke_key(&caller, &of, &named, reason.as_deref()).await };
    let revision = desk.changes.make(revoked).await?.get();
    let message = "API key revoked";
    json::answer(&RevokedView { success: true, message, agent: agent.as_str(), name: name.as_str(), revision })
}

/// `GET /api/apikeys`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let asked: KeysQuery = query::parameters(&uri)?;
    let (agent, ask) = asked.into_request()?;
    let page = desk.vault.api_keys(&caller, agent.as_ref(), &ask).await?;
    let now = desk.clock.now().wall;
    let last = page.items.last().filter(|_| page.more);
    json::answer(&KeysView {
        keys: page.items.iter().map(|line| KeyLineView::new(line, now)).collect(),
        next_cursor: last.map(|line| format!("{}/{}", line.key.agent, line.key.name)),
        timestamp: now.to_string(),
    })
}

fn shown(desk: &Desk, message: &'static str, once: &ShownOnce) -> Result<Response, ApiError> {
    json::answer(&ShownKeyView {
        success: true,
        message,
        key: std::str::from_utf8(once.text.expose()).map_err(|_| ApiError::Unwritable)?,
        api_key: ApiKeyView::new(&once.key, desk.clock.now().wall),
        revision: once.revision.get(),
    })
}
