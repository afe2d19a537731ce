//! Many values at once: in as lines of JSON, all or none; out in pages.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{context, node, reason};
use super::desk::Desk;
use super::error::ApiError;
use super::query::{self, given};
use super::routes_secret::view;
use super::types_bulk::{ExportQuery, ExportView, ImportQuery, ImportView};
use super::types_put::PutBody;
use super::{json, lines};
use crate::model::caller::Caller;
use crate::model::secret::SecretName;
use crate::vault::import::IMPORT_MAX;
use crate::vault::request::{ExportRequest, PutRequest};

/// `POST /api/import?dry_run=`: lines of what `POST /api/secrets` takes, stored in one transaction or not at all.
pub(super) async fn import(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
    mut body: Body,
) -> Result<Response, ApiError> {
    let imported = take(&desk, caller, &uri, &headers, &mut body).await;
    if imported.is_err() {
        lines::drain(&mut body).await;
    }
    imported
}

async fn take(
    desk: &Desk,
    caller: Arc<Caller>,
    uri: &Uri,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<Response, ApiError> {
    let query: ImportQuery = query::parameters(uri)?;
    let rehearse = query::flag("dry_run", given(query.dry_run).as_deref())?;
    let (node, reason) = (node(headers)?, reason(headers)?);
    desk.vault.may_import(&caller).await?;
    let _place = desk.budget.import()?;
    let bodies: Vec<PutBody> = lines::read(body, desk.value_bytes_max, IMPORT_MAX).await?;
    let request = |(index, body): (usize, PutBody)| {
        let wrong = |cause| ApiError::OfEntry { number: index + 1, cause: Box::new(cause) };
        let one_by_one =
            ApiError::BadValue { field: "validate", wanted: "left out: values of an import are not checked" };
        let unchecked = body.check().and_then(|check| check.map_or(Ok(()), |_| Err(one_by_one)));
        unchecked.and_then(|()| body.into_request(node.clone(), None)).map_err(wrong)
    };
    let entries = bodies.into_iter().enumerate().map(request).collect::<Result<Vec<PutRequest>, ApiError>>()?;
    let vault = desk.vault.clone();
    let imported = desk.changes.make(async move { vault.import(&caller, entries, rehearse, reason).await }).await?;
    json::answer(&ImportView::new(&imported, rehearse))
}

/// `GET /api/export?…`: one page of the values the caller would read.
pub(super) async fn export(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query: ExportQuery = query::parameters(&uri)?;
    let (kind, id) = (given(query.scope), given(query.scope_id));
    let mut context = context(&headers)?;
    context.environment = query::environment(given(query.environment).as_deref())?;
    let request = ExportRequest {
        context,
        scope: query::scope(kind.as_deref(), id.as_deref())?,
        prefix: given(query.prefix),
        cursor: given(query.cursor).as_deref().map(SecretName::parse).transpose()?,
    };
    let page = desk.vault.export(&caller, &request).await?;
    let secrets = page.answers.iter().map(view).collect::<Result<Vec<_>, ApiError>>()?;
    let response =
        json::answer(&ExportView { secrets, refused: page.refused, next_cursor: page.next_cursor.as_deref() })?;
    page.answers.iter().try_for_each(|answer| desk.vault.confirm(answer))?;
    Ok(response)
}
