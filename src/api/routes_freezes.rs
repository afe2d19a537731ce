//! Freezing, unfreezing, and who has heard of it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{NamedTarget, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::query::{self, given};
use super::types_freezes::{FreezeBody, FreezesView, FrozenView, HoldersQuery, HoldersView, TargetQuery, UnfrozenView};
use super::{body, json};
use crate::model::caller::Caller;
use crate::model::freeze::{FreezeError, FreezeLevel, FreezeTarget};
use crate::model::number::Revision;
use crate::vault::answer_freezes::FreezeRequest;

/// `POST /api/freezes`.
pub(super) async fn freeze(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let FreezeBody { target, level, reason } =
        body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let level =
        FreezeLevel::parse(&level).ok_or(ApiError::BadValue { field: "level", wanted: "read, write or all" })?;
    let ask = FreezeRequest { target: parse(&target)?, level, reason };
    let vault = desk.vault.clone();
    let frozen = desk.changes.make(async move { vault.freeze(&caller, ask).await }).await?;
    json::answer(&FrozenView::from(&frozen))
}

/// `GET /api/freezes`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, ApiError> {
    let freezes = desk.vault.freezes(&caller).await?;
    json::answer(&FreezesView::new(&freezes, desk.clock.now().wall.to_string()))
}

/// `DELETE /api/freezes/{target}`.
pub(super) async fn unfreeze(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    NamedTarget(target): NamedTarget,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    lift(&desk, caller, &target, &headers).await
}

/// `DELETE /api/freezes?target=`.
pub(super) async fn unfreeze_named(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let TargetQuery { target } = query::parameters(&uri)?;
    lift(&desk, caller, &given(target).unwrap_or_default(), &headers).await
}

/// `GET /api/freezes/holders?revision=&target=`.
pub(super) async fn holders(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let HoldersQuery { revision, target } = query::parameters(&uri)?;
    let bad = ApiError::BadValue { field: "revision", wanted: "the revision that freezing was answered with" };
    let revision = given(revision).as_deref().and_then(query::number).map(Revision).ok_or(bad)?;
    let target = given(target).as_deref().map(parse).transpose()?;
    let holders = desk.vault.freeze_holders(&caller, revision, target).await?;
    json::answer(&HoldersView::new(&holders, desk.clock.now().wall.to_string()))
}

async fn lift(desk: &Desk, caller: Arc<Caller>, target: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    let (target, reason) = (parse(target)?, reason(headers)?);
    let (vault, named) = (desk.vault.clone(), target.clone());
    let lifted = async move { vault.unfreeze(&caller, named, reason.as_deref()).await };
    let revision = desk.changes.make(lifted).await?.get();
    json::answer(&UnfrozenView { success: true, message: "Unfrozen", target: target.to_string(), revision })
}

fn parse(text: &str) -> Result<FreezeTarget, ApiError> {
    const WANTED: &str = "agent:NAME, secret:SERVICE/KEY, node:NAME, company:ID or mesh";
    FreezeTarget::parse(text).map_err(|error| match error {
        FreezeError::Target(_) => ApiError::BadValue { field: "target", wanted: WANTED },
        FreezeError::Name(error) => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_one_of_five_kinds_with_a_name_that_is_one() {
        assert!(parse("secret:openai/api_key").is_ok() && parse("mesh").is_ok());
        assert!(matches!(parse("user:1000"), Err(ApiError::BadValue { field: "target", .. })));
        assert!(matches!(parse(""), Err(ApiError::BadValue { field: "target", .. })));
        assert!(matches!(parse("node:../x"), Err(ApiError::Name(_))));
    }
}
