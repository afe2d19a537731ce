//! Snapshots, for whoever manages backups. No path is taken or told: names lead into the node's own directory, and what lies
//! elsewhere comes and goes as a body.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};

use super::context::reason;
use super::desk::Desk;
use super::error::ApiError;
use super::pieces::{self, Pieces};
use super::query::{self, given};
use super::types_snapshots::{ProofView, SavedView, SnapshotsView, VerifyQuery};
use super::{body, json, lines, upload};
use crate::actors::snapshot_error::SnapshotFailure;
use crate::actors::snapshot_make::Making;
use crate::model::caller::Caller;
use crate::snapshot::name::SnapshotName;
use crate::snapshot::write::Written;
use crate::vault::snapshots::SnapshotSource;

/// The routes.
pub(super) fn of_snapshots() -> Router<Arc<Desk>> {
    Router::new()
        .route("/api/snapshots", get(list).post(save))
        .route("/api/snapshots/export", post(export))
        .route("/api/snapshots/verify", post(verify))
}

/// `GET /api/snapshots`.
async fn list(State(desk): State<Arc<Desk>>, Extension(caller): Extension<Arc<Caller>>) -> Result<Response, ApiError> {
    let list = desk.vault.snapshots(&caller).await?;
    json::answer(&SnapshotsView::new(&list, desk.clock.now().wall.to_string()))
}

/// `POST /api/snapshots`: into the node's own directory; done, and examined, when it answers.
async fn save(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let (vault, reason) = (desk.vault.clone(), reason(&headers)?);
    let saving = async move { vault.save_snapshot(&caller, reason.as_deref()).await };
    json::answer(&SavedView::from(desk.changes.make(saving).await?))
}

/// `POST /api/snapshots/verify?name=`: one of the directory, or the one that is the body.
async fn verify(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
    mut body: Body,
) -> Result<Response, ApiError> {
    let query: VerifyQuery = query::parameters(&uri)?;
    let (vault, reason) = (desk.vault.clone(), reason(&headers)?);
    if let Some(name) = given(query.name) {
        const WANTED: &str = "the name of a snapshot, as GET /api/snapshots has it";
        let name = SnapshotName::parse(&name).ok_or(ApiError::BadValue { field: "name", wanted: WANTED })?;
        body::none(body).await?;
        let from = SnapshotSource::Kept(name);
        let verifying = async move { vault.verify_snapshot(&caller, from, reason.as_deref()).await };
        return json::answer(&ProofView::from(&desk.changes.make(verifying).await?));
    }
    let may = async {
        desk.vault.may_back_up(&caller).await?;
        desk.budget.long_answer()
    };
    let _place = match may.await {
        Ok(place) => place,
        Err(refused) => {
            lines::drain(&mut body).await;
            return Err(refused);
        }
    };
    let (intake, incoming) = upload::channel();
    let from = SnapshotSource::Brought(Box::new(incoming));
    let verifying = async move { vault.verify_snapshot(&caller, from, reason.as_deref()).await };
    let (proven, ()) = tokio::join!(desk.changes.make(verifying), intake.feed(&mut body));
    if proven.is_err() {
        lines::drain(&mut body).await;
    }
    json::answer(&ProofView::from(&proven?))
}

/// `POST /api/snapshots/export`: the snapshot is the body of the answer.
async fn export(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let place = desk.budget.long_answer()?;
    let (vault, reason) = (desk.vault.clone(), reason(&headers)?);
    let beginning = async move { vault.send_snapshot(&caller, reason.as_deref()).await };
    let (making, receipt) = desk.changes.make(beginning).await?;
    let (pieces, body) = pieces::answer();
    let vault = desk.vault.clone();
    tokio::spawn(async move {
        // A reader that takes its time holds a thread: there are as many as there are places.
        let sent = tokio::task::spawn_blocking(move || send(making, &pieces)).await;
        drop(place);
        vault.snapshot_sent(receipt, sent.unwrap_or(Err(SnapshotFailure::CutShort))).await;
    });
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn send(making: Making, pieces: &Pieces) -> Result<Written, SnapshotFailure> {
    let sent = making.write(pieces.buffered());
    if sent.is_err() {
        pieces.break_off(io::Error::other("the snapshot ends here and is not whole"));
    }
    sent
}
