//! What is done to a secret after it was stored: described, deleted, undeleted, destroyed, rolled back.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{Named, node, reason};
use super::deed::Deed;
use super::desk::Desk;
use super::error::ApiError;
use super::query::{self, given};
use super::types_change::{Run, StoredView};
use super::types_patch::PatchBody;
use super::types_secret::{ChangeQuery, DestroyQuery, PlaceQuery, RollbackQuery};
use super::{body, json};
use crate::model::caller::Caller;
use crate::model::number::Version;
use crate::model::secret::SecretName;
use crate::vault::parts::Vault;
use crate::vault::request::Place;

/// Most versions one request may name: more than are ever kept.
const VERSIONS_MAX: usize = 1000;

/// `PATCH /api/secrets/{service}/{key}`: says something else about it; its value stays.
pub(super) async fn describe(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    Named(name): Named,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let ((vault, run), place) = change(&desk, name, &uri, &headers)?;
    let budget = desk.budget.of(&caller);
    let body: PatchBody = body::read_json(&headers, body, desk.value_bytes_max, budget).await?;
    let patch = body.into_patch()?;
    let described = desk.changes.make(async move { vault.describe(&caller, place, patch).await }).await?;
    json::answer(&StoredView::new(&described, run, "Secret described successfully"))
}

/// `DELETE /api/secrets/{service}/{key}`
pub(super) async fn delete(deed: Deed) -> Result<Response, ApiError> {
    let Deed { desk, caller, name, uri, headers } = deed;
    let ((vault, run), place) = change(&desk, name, &uri, &headers)?;
    let deleted = desk.changes.make(async move { vault.delete(&caller, place).await }).await?;
    json::answer(&StoredView::new(&deleted, run, "Secret deleted successfully"))
}

/// `POST /api/secrets/{service}/{key}/undelete`
pub(super) async fn undelete(deed: Deed) -> Result<Response, ApiError> {
    let Deed { desk, caller, name, uri, headers } = deed;
    let ((vault, run), place) = change(&desk, name, &uri, &headers)?;
    let undeleted = desk.changes.make(async move { vault.undelete(&caller, place).await }).await?;
    json::answer(&StoredView::new(&undeleted, run, "Secret undeleted successfully"))
}

/// `POST /api/secrets/{service}/{key}/destroy?versions=`: these versions, or all of them.
pub(super) async fn destroy(deed: Deed) -> Result<Response, ApiError> {
    let Deed { desk, caller, name, uri, headers } = deed;
    let DestroyQuery { scope, scope_id, environment, versions, dry_run } = query::parameters(&uri)?;
    let place = place(name, PlaceQuery { scope, scope_id, environment }, &headers)?;
    // Left empty by a script it is not left out: that would be all of them.
    let versions = versions.map(|text| numbers(&text)).transpose()?;
    let (vault, run) = door(&desk, dry_run.as_deref())?;
    let destroyed = desk.changes.make(async move { vault.destroy(&caller, place, versions).await }).await?;
    json::answer(&StoredView::new(&destroyed, run, "Destroyed for good"))
}

/// `POST /api/secrets/{service}/{key}/rollback?to=N`
pub(super) async fn rollback(deed: Deed) -> Result<Response, ApiError> {
    let Deed { desk, caller, name, uri, headers } = deed;
    let RollbackQuery { scope, scope_id, environment, to, dry_run } = query::parameters(&uri)?;
    let place = place(name, PlaceQuery { scope, scope_id, environment }, &headers)?;
    let to = given(to).ok_or(ApiError::BadValue { field: "to", wanted: "the number of the version to go back to" })?;
    let ((vault, run), to) = (door(&desk, dry_run.as_deref())?, query::version("to", &to)?);
    let rolled = desk.changes.make(async move { vault.rollback(&caller, place, to).await }).await?;
    json::answer(&StoredView::new(&rolled, run, "Rolled back successfully"))
}

/// The door to ask at: the real one, or the one at which changes are only rehearsed.
pub(super) fn door(desk: &Desk, dry_run: Option<&str>) -> Result<(Vault, Run), ApiError> {
    Ok(if query::flag("dry_run", dry_run)? {
        (desk.vault.rehearsing(), Run::Dry)
    } else {
        (desk.vault.clone(), Run::Real)
    })
}

fn change(desk: &Desk, name: SecretName, uri: &Uri, headers: &HeaderMap) -> Result<((Vault, Run), Place), ApiError> {
    let ChangeQuery { scope, scope_id, environment, dry_run } = query::parameters(uri)?;
    let place = place(name, PlaceQuery { scope, scope_id, environment }, headers)?;
    Ok((door(desk, dry_run.as_deref())?, place))
}

fn place(name: SecretName, query: PlaceQuery, headers: &HeaderMap) -> Result<Place, ApiError> {
    let (scope, environment) = query::place(query)?;
    Ok(Place { name, scope, environment, node: node(headers)?, reason: reason(headers)? })
}

/// `1,2,5`
fn numbers(text: &str) -> Result<Vec<Version>, ApiError> {
    if text.split(',').count() > VERSIONS_MAX {
        return Err(ApiError::BadValue { field: "versions", wanted: "at most 1000 version numbers" });
    }
    text.split(',').map(|number| query::version("versions", number.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_between_commas() {
        let version = |number| Version::new(number).expect("positive");
        assert_eq!(numbers("1, 3,20").expect("numbers"), [version(1), version(3), version(20)]);
        for bad in ["", ",", "1,", "0", "-1", "1;2", "all"] {
            assert!(matches!(numbers(bad), Err(ApiError::BadValue { field: "versions", .. })), "{bad}");
        }
        assert!(numbers(&"1,".repeat(1001)).is_err());
    }
}
