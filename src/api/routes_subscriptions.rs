//! Subscriptions, what was delivered, and messages to channels.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{NamedSubscription, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::query::{self, given};
use super::types_subscriptions::{
    DoneView, EndedQuery, EndedView, NotifiedView, NotifyBody, ReplayBody, ReplayedView, SubscribeBody, SubscribedView,
    SubscriptionsView, TestedView,
};
use super::{body, json};
use crate::events::retry::Outcome;
use crate::events::subscription;
use crate::model::caller::Caller;
use crate::model::name::KeyName;
use crate::vault::subscriptions::Ended;

/// Lines of a history when nobody says how many.
const LINES: usize = 100;

/// Most that are shown, as the vault bounds it.
const LINES_MAX: usize = 1000;

/// `POST /api/subscriptions`.
pub(super) async fn subscribe(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: SubscribeBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let ask = body.into_request(reason(&headers)?)?;
    let vault = desk.vault.clone();
    let made = desk.changes.make(async move { vault.subscribe(&caller, ask).await }).await?;
    json::answer(&SubscribedView::from(made))
}

/// `GET /api/subscriptions`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, ApiError> {
    let lines = desk.vault.subscriptions(&caller).await?;
    json::answer(&SubscriptionsView::new(&lines, desk.clock.now().wall.to_string()))
}

/// `DELETE /api/subscriptions/{name}`.
pub(super) async fn unsubscribe(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedSubscription(name): NamedSubscription,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let (vault, reason, named) = (desk.vault.clone(), reason(&headers)?, name.clone());
    desk.changes.make(async move { vault.unsubscribe(&caller, named, reason.as_deref()).await }).await?;
    json::answer(&DoneView { success: true, name: name.as_str(), message: "Nothing is sent to it any more" })
}

/// `POST /api/subscriptions/{name}/pause`.
pub(super) async fn pause(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedSubscription(name): NamedSubscription,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let message = "Paused; what happens meanwhile waits, for at most a day";
    set(&desk, caller, name, (subscription::State::Paused, message), &headers).await
}

/// `POST /api/subscriptions/{name}/resume`.
pub(super) async fn resume(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedSubscription(name): NamedSubscription,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    set(&desk, caller, name, (subscription::State::Active, "Active"), &headers).await
}

async fn set(
    desk: &Desk,
    caller: Arc<Caller>,
    name: KeyName,
    (state, message): (subscription::State, &'static str),
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let (vault, reason, named) = (desk.vault.clone(), reason(headers)?, name.clone());
    let set = async move { vault.set_subscription(&caller, named, state, reason.as_deref()).await };
    desk.changes.make(set).await?;
    json::answer(&DoneView { success: true, name: name.as_str(), message })
}

/// `POST /api/subscriptions/{name}/rotate`.
pub(super) async fn rotate(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedSubscription(name): NamedSubscription,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let (vault, reason) = (desk.vault.clone(), reason(&headers)?);
    let rotated = async move { vault.rotate_subscription(&caller, name, reason.as_deref()).await };
    json::answer(&SubscribedView::from(desk.changes.make(rotated).await?))
}

/// `POST /api/subscriptions/{name}/test`.
pub(super) async fn test(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedSubscription(name): NamedSubscription,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let carried = desk.vault.test_subscription(&caller, name.clone()).await?;
    json::answer(&TestedView { success: carried.outcome == Outcome::Taken, name: name.as_str(), answer: carried.told })
}

/// `POST /api/subscriptions/{name}/replay`.
pub(super) async fn replay(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedSubscription(name): NamedSubscription,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: ReplayBody = body::read_optional(&headers, body, desk.budget.of(&caller)).await?;
    let (since, id) = body.read()?;
    let (vault, named) = (desk.vault.clone(), name.clone());
    let replayed = async move { vault.replay_subscription(&caller, named, since, id.as_deref()).await };
    let events = desk.changes.make(replayed).await?;
    json::answer(&ReplayedView { success: true, name: name.as_str(), events })
}

/// `GET /api/deliveries?name=&limit=`.
pub(super) async fn delivered(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    ended(&desk, &caller, &uri, Ended::Delivered).await
}

/// `GET /api/dead-letters?name=&limit=`.
pub(super) async fn dead(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    ended(&desk, &caller, &uri, Ended::Dead).await
}

async fn ended(desk: &Desk, caller: &Caller, uri: &Uri, which: Ended) -> Result<Response, ApiError> {
    let EndedQuery { name, limit } = query::parameters(uri)?;
    let limit = query::limit(limit, LINES_MAX, "a whole number from 1 to 1000")?.unwrap_or(LINES);
    let name = given(name).as_deref().map(KeyName::parse).transpose()?;
    let parcels = desk.vault.deliveries_ended(caller, which, name, limit).await?;
    json::answer(&EndedView::new(parcels, desk.clock.now().wall.to_string()))
}

/// `POST /notify`.
pub(super) async fn notify(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body: NotifyBody = body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let (channel, message, priority) = body.read()?;
    let vault = desk.vault.clone();
    let sent = desk.changes.make(async move { vault.notify(&caller, channel, &message, priority).await }).await?;
    json::answer(&NotifiedView::from(sent))
}
