//! Scope keys and the root key, for whoever manages the mesh.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::reason;
use super::desk::Desk;
use super::error::ApiError;
use super::query::{self, given};
use super::routes_life::door;
use super::types_change::Run;
use super::types_keys::{KeysView, RootView, RotateQuery, RotationView, TargetView};
use super::types_secret::PlaceQuery;
use super::{body, json};
use crate::model::caller::Caller;
use crate::vault::request::{RotationRequest, RotationWish};

/// `GET /api/keys`.
pub(super) async fn status(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, ApiError> {
    let report = desk.vault.keys(&caller).await?;
    json::answer(&KeysView::new(&report, desk.clock.now().wall.to_string()))
}

/// `POST /api/keys/rotate`: begins; the values follow. Or it is told what would begin.
pub(super) async fn rotate(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let asked: RotateQuery = query::parameters(&uri)?;
    let (vault, run) = door(&desk, asked.dry_run.as_deref())?;
    let request = RotationRequest { wish: wish(asked)?, reason: reason(&headers)? };
    let started = desk.changes.make(async move { vault.rotate_keys(&caller, request).await }).await?;
    json::answer(&RotationView {
        success: true,
        message: match run {
            Run::Real => "Key rotation started",
            Run::Dry => "Dry run: nothing was changed",
        },
        started: started.iter().map(TargetView::from).collect(),
        dry_run: run == Run::Dry,
    })
}

/// `POST /api/keys/rotate-root`: done when it answers.
pub(super) async fn rotate_root(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let (vault, reason) = (desk.vault.clone(), reason(&headers)?);
    let replaced = async move { vault.rotate_root(&caller, reason.as_deref()).await };
    let since = desk.changes.make(replaced).await?.to_string();
    json::answer(&RootView { success: true, message: "Root key replaced", since })
}

/// One scope, the global one unless another is named; or all.
fn wish(query: RotateQuery) -> Result<RotationWish, ApiError> {
    let RotateQuery { scope, scope_id, environment, all, dry_run: _ } = query;
    if !query::flag("all", given(all).as_deref())? {
        let (scope, environment) = query::place(PlaceQuery { scope, scope_id, environment })?;
        return Ok(RotationWish::One { scope, environment });
    }
    if given(scope).or(given(scope_id)).is_some() {
        return Err(ApiError::BadValue { field: "all", wanted: "left out where a scope is named" });
    }
    Ok(RotationWish::All { environment: query::environment(given(environment).as_deref())? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::EnvironmentName;
    use crate::model::secret::Scope;

    fn asked(query: &str) -> Result<RotationWish, ApiError> {
        wish(query::parameters(&format!("/api/keys/rotate?{query}").parse().expect("a uri"))?)
    }

    #[test]
    fn one_scope_is_rotated_or_all_of_them_and_never_both() {
        let dev = || Some(EnvironmentName::parse("dev").expect("name"));
        assert_eq!(asked(""), Ok(RotationWish::One { scope: Scope::Global, environment: None }));
        let scope = Scope::parse("company:acme").expect("scope");
        let one = asked("scope=company&scope_id=acme&environment=dev");
        assert_eq!(one, Ok(RotationWish::One { scope, environment: dev() }));
        assert_eq!(asked("all=true&environment=dev"), Ok(RotationWish::All { environment: dev() }));
        assert!(asked("all=true&scope=global").is_err());
        assert!(asked("all=yes").is_err());
        assert!(asked("scop=global").is_err());
    }
}
