//! The secrets of the mesh back to what they were at a revision.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::{reason, reason_of};
use super::desk::Desk;
use super::error::ApiError;
use super::types_back::{BackBody, BackView};
use super::types_change::Run;
use super::types_secret::PutQuery;
use super::{body, json, query};
use crate::model::caller::Caller;
use crate::model::number::Revision;
use crate::vault::go_back::GoBackRequest;

/// `POST /api/rollback`. It is a rehearsal if the query says so, as with the changes of one secret, or the body.
pub(super) async fn back(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let PutQuery { dry_run } = query::parameters(&uri)?;
    let asked_to_rehearse = query::flag("dry_run", dry_run.as_deref())?;
    let BackBody { to_revision, dry_run, reason: said } =
        body::read_without_value(&headers, body, desk.budget.of(&caller)).await?;
    let rehearse = asked_to_rehearse || dry_run;
    // A reason in the header is that of the command line; the body may say its own.
    let reason = match said {
        Some(said) => Some(reason_of("reason", said)?),
        None => reason(&headers)?,
    };
    let ask = GoBackRequest { to: Revision(to_revision), rehearse, reason };
    let vault = desk.vault.clone();
    let went = desk.changes.make(async move { vault.go_back(&caller, ask).await }).await?;
    json::answer(&BackView::new(&went, if rehearse { Run::Dry } else { Run::Real }))
}
