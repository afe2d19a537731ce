//! The policy: what holds, what a file would change, applying it, and what it would have decided before. Anyone may ask;
//! the vault answers those who may manage policies.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::de::DeserializeOwned;

use super::context::{NamedGrant, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::types_policy::{ApplyBody, DriftView, GrantView, PlanBody, PlanView, PolicyView, TestBody};
use super::{body, json};
use crate::model::caller::Caller;
use crate::model::number::Revision;
use crate::policy::file::POLICY_BYTES_MAX;
use crate::vault::policy::REPLAY_DAYS_MAX;

/// As long as people remember what they did.
const DAYS: u32 = 30;

/// `GET /api/policy`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, ApiError> {
    let report = desk.vault.policy(&caller).await?;
    json::answer(&PolicyView::new(&report, desk.clock.now().wall.to_string()))
}

/// `GET /api/policy/grants/{name}`.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedGrant(name): NamedGrant,
) -> Result<Response, ApiError> {
    let grant = desk.vault.policy_grant(&caller, &name).await?;
    json::answer(&GrantView::from(&grant))
}

/// `POST /api/policy/plan`.
pub(super) async fn plan(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: PlanBody = read(&desk, &caller, &headers, body).await?;
    let planned = desk.vault.plan_policy(&caller, &body.policy).await?;
    json::answer(&PlanView::planned(&planned))
}

/// `POST /api/policy/apply`: on the lead.
pub(super) async fn apply(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let reason = reason(&headers)?;
    let ApplyBody { policy, expect } = read(&desk, &caller, &headers, body).await?;
    let vault = desk.vault.clone();
    let applied = async move { vault.apply_policy(&caller, &policy, Revision(expect), reason.as_deref()).await };
    json::answer(&PlanView::applied(&desk.changes.make(applied).await?))
}

/// `POST /api/policy/test`.
pub(super) async fn test(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: TestBody = read(&desk, &caller, &headers, body).await?;
    let days = body.days.unwrap_or(DAYS);
    if !(1..=REPLAY_DAYS_MAX).contains(&days) {
        return Err(ApiError::BadValue { field: "days", wanted: "a whole number from 1 to 366" });
    }
    let tested = desk.vault.test_policy(&caller, &body.policy, days).await?;
    json::answer(&DriftView::new(&tested, days, desk.clock.now().wall.to_string()))
}

/// A policy of the longest length is taken however much of it must be escaped; how long the text itself may be, the policy
/// says in its own words.
async fn read<T: DeserializeOwned>(
    desk: &Desk,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ApiError> {
    let read = body::read_json(headers, body, POLICY_BYTES_MAX, desk.budget.of(caller)).await;
    read.map_err(|error| {
        let is_too_large = matches!(error, ApiError::BodyTooLarge { .. });
        if is_too_large { ApiError::TooManyBytes { max: POLICY_BYTES_MAX } } else { error }
    })
}
