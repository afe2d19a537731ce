//! The routes of a sealed node, which can be asked how it is, also in the words of Vault, and be unsealed; and what an open one
//! answers to the same.
//!
//! Everything else a sealed node is asked has one answer, 503 `sealed`, at every door and whoever asks: there is nothing yet
//! that policy could decide about.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};

use super::budget::Budget;
use super::changes::Changes;
use super::error::ApiError;
use super::types_unseal::{SealedHealthView, UnsealBody, UnsealView};
use super::{body, json, kv_system, unread_query};
use crate::model::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::sealed::SealedDoor;
use crate::vault::sealed_parts::Awaits;

/// What the routes of a sealed node need.
pub(super) struct SealedDesk {
    /// The door.
    pub(super) door: SealedDoor,
    /// The offers its callers make.
    pub(super) changes: Changes,
    /// What bodies may take while they come in.
    pub(super) budget: Budget,
}

/// All routes of a sealed node.
pub(super) fn build(desk: SealedDesk) -> Router {
    Router::new()
        .route("/api/unseal", get(status).post(unseal))
        // What is added behind the layer does not come by it.
        .layer(from_fn(unread_query::refuse))
        .route("/health", get(health))
        .route("/v1/sys/health", get(health_of_vault))
        .route("/v1/sys/init", get(initialized))
        .route("/v1/sys/seal-status", get(seal_status))
        .fallback(sealed)
        .method_not_allowed_fallback(sealed)
        .with_state(Arc::new(desk))
}

/// `GET /health`. 200 like that of any node that lives.
async fn health(State(desk): State<Arc<SealedDesk>>) -> Result<Response, ApiError> {
    json::answer(&SealedHealthView::from(&desk.door.health()))
}

/// `GET` and `HEAD /v1/sys/health`, for clients of HashiCorp Vault.
async fn health_of_vault(State(desk): State<Arc<SealedDesk>>, uri: Uri) -> Result<Response, ApiError> {
    kv_system::health(true, desk.door.health().now, &uri)
}

/// `GET /v1/sys/init`
async fn initialized() -> Result<Response, ApiError> {
    kv_system::init()
}

/// `GET /v1/sys/seal-status`
async fn seal_status() -> Result<Response, ApiError> {
    kv_system::seal_status(true)
}

/// `GET /api/unseal`.
async fn status(State(desk): State<Arc<SealedDesk>>) -> Result<Response, ApiError> {
    json::answer(&UnsealView::from(&desk.door.health()))
}

/// `POST /api/unseal`. What unseals the node is answered when the node serves, so that the next request finds it serving.
async fn unseal(
    State(desk): State<Arc<SealedDesk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: UnsealBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let (door, offer) = (desk.door.clone(), body.into_offer()?);
    match desk.changes.make(async move { door.offer(&caller, offer).await }).await? {
        Awaits::Shares(_) | Awaits::Passphrase => json::answer(&UnsealView::from(&desk.door.health())),
        Awaits::Start => {
            desk.door.served().await?;
            json::answer(&UnsealView::open())
        }
    }
}

async fn sealed(State(desk): State<Arc<SealedDesk>>) -> ApiError {
    VaultError::NodeSealed { awaits: desk.door.awaits() }.into()
}

/// `GET /api/unseal` of a node that serves.
pub(super) async fn is_open() -> Result<Response, ApiError> {
    json::answer(&UnsealView::open())
}

/// `POST /api/unseal` of a node that serves. The body, which may hold a share, is not read.
pub(super) async fn not_sealed() -> ApiError {
    VaultError::NotSealed.into()
}
