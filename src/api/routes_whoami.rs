//! What the node sees of whoever asks. Anybody who is somebody may ask about itself.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::context;
use super::desk::Desk;
use super::error::ApiError;
use super::types_whoami::{WhoamiQuery, WhoamiView};
use super::{json, query};
use crate::model::caller::Caller;

/// `GET /api/whoami`, and with `?action=` whether the caller may do that.
pub(super) async fn whoami(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let may = query::parameters::<WhoamiQuery>(&uri)?.into_request(context(&headers)?)?;
    let told = desk.vault.whoami(&caller, may.as_ref()).await?;
    json::answer(&WhoamiView::from(&told))
}
