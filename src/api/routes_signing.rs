//! Signing keys of agents.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::context::{NamedAgent, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::query::{self, given};
use super::{body, json};
use crate::config::duration;
use crate::crypto::text::ValueText;
use crate::model::caller::Caller;

/// The query of a new signing key.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct SigningKeyQuery {
    grace: Option<String>,
}

/// A new signing key, the only time it is shown.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SigningKeyView<'a> {
    agent: &'a str,
    #[cfg_attr(test, schemars(with = "String"))]
    signing_key: ValueText,
    previous_until: Option<String>,
}

/// What became of the signing keys of an agent.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct UnsignedView<'a> {
    success: bool,
    agent: &'a str,
    message: &'static str,
}

/// `POST /api/agents/{name}/signing-key?grace=24h`.
pub(super) async fn set(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedAgent(agent): NamedAgent,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let query: SigningKeyQuery = query::parameters(&uri)?;
    let bad = ApiError::BadValue { field: "grace", wanted: "a duration such as 30m, 24h or 7d" };
    let grace = given(query.grace).map(|text| duration::parse(&text).map_err(|_| bad)).transpose()?;
    let (vault, reason) = (desk.vault.clone(), reason(&headers)?);
    let issue = async move { vault.set_signing_key(&caller, agent, grace, reason.as_deref()).await };
    let issued = desk.changes.make(issue).await?;
    json::answer(&SigningKeyView {
        agent: issued.agent.as_str(),
        signing_key: ValueText::from(issued.text),
        previous_until: issued.previous_until.map(|until| until.to_string()),
    })
}

/// `DELETE /api/agents/{name}/signing-key`.
pub(super) async fn remove(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedAgent(agent): NamedAgent,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let (vault, reason, named) = (desk.vault.clone(), reason(&headers)?, agent.clone());
    let remove = async move { vault.remove_signing_key(&caller, named, reason.as_deref()).await };
    desk.changes.make(remove).await?;
    json::answer(&UnsignedView { success: true, agent: agent.as_str(), message: "Nothing it signs is good any more" })
}
