//! What is known of a path besides its values: its versions, what is said about it, and which paths there are.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;

use super::desk::Desk;
use super::error::ApiError;
use super::kv_custom::{MetadataBody, Unmentioned, custom, wishes};
use super::kv_system::done;
use super::kv_types::{Envelope, HistoryView, KeysView, StateView, VersionsBody};
use super::{body, json};
use crate::model::caller::Caller;
use crate::model::name::ServiceName;
use crate::model::number::Version;
use crate::model::patch::Patch;
use crate::model::record::RecordState;
use crate::model::secret::Scope;
use crate::vault::error::VaultError;
use crate::vault::filter::Filter;
use crate::vault::path_request::{PathPlace, PathVersion};
use crate::vault::request::{Context, ListRequest};

/// Names on one page, while they are gathered.
const PAGE: usize = 1000;

/// Most pages that are looked through for one list: it has no pages of its own.
const PAGES_MAX: usize = 200;

/// What is done to versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// They can be undeleted.
    Delete,
    /// They are there again.
    Undelete,
    /// They are gone for good.
    Destroy,
}

/// `GET secret/metadata/SERVICE`
pub(super) async fn history(desk: &Desk, caller: &Caller, place: &PathPlace) -> Result<Response, ApiError> {
    let history = desk.vault.path_history(caller, place).await?;
    let number = |version: Option<&PathVersion>| version.map_or(0, |it| it.version.get());
    let view = HistoryView {
        cas_required: false,
        created_time: history.created_at.to_string(),
        current_version: number(history.versions.last()),
        custom_metadata: custom(&history.said),
        delete_version_after: "0s",
        max_versions: 0,
        oldest_version: number(history.versions.first()),
        updated_time: history.updated_at.to_string(),
        versions: history.versions.iter().map(|it| (it.version.get(), StateView::from(it))).collect(),
    };
    json::answer(&Envelope::new(&caller.request_id, view))
}

/// `POST`, `PUT` and `PATCH secret/metadata/SERVICE`
pub(super) async fn describe(
    desk: &Desk,
    caller: Arc<Caller>,
    place: PathPlace,
    unmentioned: Unmentioned,
    headers: &HeaderMap,
    sent: Body,
) -> Result<Response, ApiError> {
    let body: MetadataBody = body::read_without_value(headers, sent, desk.budget.of(&caller)).await?;
    let wished = body.custom()?;
    let says_nothing = wished.is_none();
    let patch = match wished {
        Some(wished) => wishes(wished, &desk.vault.path_history(&caller, &place).await?.said, unmentioned)?,
        None => Patch::default(),
    };
    let vault = desk.vault.clone();
    match desk.changes.make(async move { vault.describe_path(&caller, &place, patch).await }).await {
        // Who says only what Vault calls its defaults may do so of a path that is not there, too.
        Err(ApiError::Vault(VaultError::NotFound { .. })) if says_nothing => Ok(done()),
        said => said.map(|()| done()),
    }
}

/// `DELETE secret/data/SERVICE`
pub(super) async fn delete_current(desk: &Desk, caller: Arc<Caller>, place: PathPlace) -> Result<Response, ApiError> {
    let vault = desk.vault.clone();
    desk.changes.make(async move { vault.delete_path(&caller, &place, None).await }).await?;
    Ok(done())
}

/// `DELETE secret/metadata/SERVICE`: every version is gone for good. That there were such versions is still known, and their
/// numbers are not given again.
pub(super) async fn destroy_all(desk: &Desk, caller: Arc<Caller>, place: PathPlace) -> Result<Response, ApiError> {
    let vault = desk.vault.clone();
    desk.changes.make(async move { vault.destroy_path(&caller, &place, None).await }).await?;
    Ok(done())
}

/// `POST` and `PUT secret/delete/SERVICE`, `undelete` and `destroy`
pub(super) async fn versions(
    desk: &Desk,
    caller: Arc<Caller>,
    place: PathPlace,
    deed: Deed,
    headers: &HeaderMap,
    sent: Body,
) -> Result<Response, ApiError> {
    let body: VersionsBody = body::read_without_value(headers, sent, desk.budget.of(&caller)).await?;
    let versions: Vec<Version> = body.versions()?;
    let vault = desk.vault.clone();
    let change = async move {
        match deed {
            Deed::Delete => vault.delete_path(&caller, &place, Some(&versions)).await,
            Deed::Undelete => vault.undelete_path(&caller, &place, &versions).await,
            Deed::Destroy => vault.destroy_path(&caller, &place, Some(&versions)).await,
        }
    };
    desk.changes.make(change).await?;
    Ok(done())
}

/// `LIST secret/metadata`: the services with a key that has a value or could be undeleted, in the scopes a read would look at.
pub(super) async fn services(desk: &Desk, caller: &Caller, context: Context) -> Result<Response, ApiError> {
    let here = Scope::Node(desk.vault.health().node);
    let scopes = [Some(Scope::Global), Some(here), context.company.clone().map(Scope::Company)];
    let (mut found, mut refused) = (BTreeSet::new(), None);
    let mut allowed = false;
    for scope in scopes.into_iter().flatten() {
        match in_scope(desk, caller, &context, scope).await {
            Ok(services) => {
                allowed = true;
                found.extend(services);
            }
            Err(ApiError::Vault(denied @ VaultError::Denied { .. })) => refused = Some(denied),
            Err(failed) => return Err(failed),
        }
    }
    match refused {
        Some(denied) if !allowed => return Err(denied.into()),
        Some(_) | None => {}
    }
    if found.is_empty() {
        return Err(ApiError::UnknownRoute);
    }
    let keys = found.iter().map(ServiceName::as_str).collect();
    json::answer(&Envelope::new(&caller.request_id, KeysView { keys }))
}

async fn in_scope(
    desk: &Desk,
    caller: &Caller,
    context: &Context,
    scope: Scope,
) -> Result<BTreeSet<ServiceName>, ApiError> {
    let mut found = BTreeSet::new();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let filter = Filter { scope: Some(scope.clone()), ..Filter::default() };
        let ask = ListRequest { node: context.node.clone(), environment: None, filter, limit: Some(PAGE), cursor };
        let page = desk.vault.list(caller, ask).await?;
        let listed = page.items.iter().filter(|item| match item.record.state() {
            RecordState::Live | RecordState::Deleted => true,
            RecordState::Destroyed | RecordState::Unset => false,
        });
        found.extend(listed.map(|item| item.record.at.secret.name.service.clone()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(found);
        }
    }
    Err(ApiError::TooManyEntries { max: PAGES_MAX * PAGE })
}
