//! Agents, for whoever manages them on the lead.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{NamedAgent, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::types_agents::{
    AgentChangedView, AgentLineView, AgentPatchBody, AgentView, AgentsQuery, AgentsView, NewAgentBody,
};
use super::{body, json, query};
use crate::model::agent::Agent;
use crate::model::caller::Caller;
use crate::model::number::Revision;
use crate::vault::agent_request::AgentDeed;
use crate::vault::error::VaultError;

/// `POST /api/agents`.
pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: NewAgentBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let (vault, new, reason) = (desk.vault.clone(), body.into_request()?, reason(&headers)?);
    let made = async move { vault.create_agent(&caller, new, reason.as_deref()).await };
    changed("Agent created; give it a key with: aurora apikey create", &desk.changes.make(made).await?)
}

/// `GET /api/agents`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let asked: AgentsQuery = query::parameters(&uri)?;
    let page = desk.vault.agents(&caller, &asked.into_request()?).await?;
    let last = page.items.last().filter(|_| page.more);
    json::answer(&AgentsView {
        agents: page.items.iter().map(AgentLineView::from).collect(),
        next_cursor: last.map(|line| line.agent.name.as_str()),
        timestamp: desk.clock.now().wall.to_string(),
    })
}

/// `GET /api/agents/{name}`.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedAgent(name): NamedAgent,
) -> Result<Response, ApiError> {
    json::answer(&AgentLineView::from(&desk.vault.agent(&caller, &name).await?))
}

/// `PATCH /api/agents/{name}`.
pub(super) async fn update(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedAgent(name): NamedAgent,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: AgentPatchBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let (vault, patch, reason) = (desk.vault.clone(), body.into_patch()?, reason(&headers)?);
    let made = async move { vault.update_agent(&caller, &name, patch, reason.as_deref()).await };
    changed("Agent changed", &desk.changes.make(made).await?)
}

/// `POST /api/agents/{name}/suspend`.
pub(super) async fn suspend(asked: Asked) -> Result<Response, ApiError> {
    asked.deed(AgentDeed::Suspend, "Agent suspended; its keys are refused until it is activated").await
}

/// `POST /api/agents/{name}/activate`.
pub(super) async fn activate(asked: Asked) -> Result<Response, ApiError> {
    asked.deed(AgentDeed::Activate, "Agent active").await
}

/// `POST /api/agents/{name}/archive`.
pub(super) async fn archive(asked: Asked) -> Result<Response, ApiError> {
    asked.deed(AgentDeed::Archive, "Agent archived; its keys are gone, its name stays taken").await
}

/// A request that asks for something to be done to one agent, and brings no body.
pub(super) struct Asked {
    desk: Arc<Desk>,
    caller: Arc<Caller>,
    named: NamedAgent,
    reason: Option<String>,
}

impl FromRequest<Arc<Desk>> for Asked {
    type Rejection = ApiError;

    async fn from_request(request: Request, desk: &Arc<Desk>) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let named = NamedAgent::from_request_parts(&mut parts, desk).await?;
        body::none(body).await?;
        let caller = parts.extensions.remove::<Arc<Caller>>().ok_or(VaultError::NoIdentity)?;
        Ok(Self { desk: Arc::clone(desk), caller, named, reason: reason(&parts.headers)? })
    }
}

impl Asked {
    async fn deed(self, deed: AgentDeed, message: &'static str) -> Result<Response, ApiError> {
        let Self { desk, caller, named: NamedAgent(name), reason } = self;
        let vault = desk.vault.clone();
        let done = async move { vault.agent_deed(&caller, &name, deed, reason.as_deref()).await };
        changed(message, &desk.changes.make(done).await?)
    }
}

fn changed(message: &'static str, (revision, agent): &(Revision, Agent)) -> Result<Response, ApiError> {
    json::answer(&AgentChangedView { success: true, message, agent: AgentView::from(agent), revision: revision.get() })
}
