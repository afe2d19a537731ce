//! Snapshots, for whoever manages backups. No path is taken or told: names lead into the node's own directory, and what lies
//! elsewhere comes and goes as a body.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use futures_util::stream::unfold;
use tokio::sync::mpsc;

use super::context::reason;
use super::desk::Desk;
use super::error::ApiError;
use super::query::{self, given};
use super::types_snapshots::{ProofView, SavedView, SnapshotsView, VerifyQuery};
use super::{body, json, lines, upload};
use crate::actors::snapshot_error::SnapshotFailure;
use crate::actors::snapshot_make::Making;
use crate::model::caller::Caller;
use crate::snapshot::name::SnapshotName;
use crate::snapshot::write::Written;
use crate::vault::snapshots::SnapshotSource;

/// Pieces of a snapshot that wait for their reader.
const PIECES_MAX: usize = 4;

/// One piece of it.
const PIECE_BYTES: usize = 64 << 10;

/// The routes.
pub(super) fn of_snapshots() -> Router<Arc<Desk>> {
    Router::new()
        .route("/api/snapshots", get(list).post(save))
        .route("/api/snapshots/export", post(export))
        .route("/api/snapshots/verify", post(verify))
}

/// `GET /api/snapshots`.
async fn list(State(desk): State<Arc<Desk>>, Extension(caller): Extension<Caller>) -> Result<Response, ApiError> {
    let list = desk.vault.snapshots(&caller).await?;
    json::answer(&SnapshotsView::new(&list, desk.clock.now().wall.to_string()))
}

/// `POST /api/snapshots`: into the node's own directory; done, and examined, when it answers.
async fn save(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
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
    Extension(caller): Extension<Caller>,
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
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::none(body).await?;
    let place = desk.budget.long_answer()?;
    let (vault, reason) = (desk.vault.clone(), reason(&headers)?);
    let beginning = async move { vault.send_snapshot(&caller, reason.as_deref()).await };
    let (making, receipt) = desk.changes.make(beginning).await?;
    let (pieces, taken) = mpsc::channel(PIECES_MAX);
    let vault = desk.vault.clone();
    tokio::spawn(async move {
        // A reader that takes its time holds a thread: there are as many as there are places.
        let sent = tokio::task::spawn_blocking(move || send(making, &pieces)).await;
        drop(place);
        vault.snapshot_sent(receipt, sent.unwrap_or(Err(SnapshotFailure::CutShort))).await;
    });
    let body = unfold(taken, |mut taken| async move { Some((taken.recv().await?, taken)) });
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// An answer that stops half way breaks the connection: nobody takes a part for the whole.
fn send(making: Making, pieces: &mpsc::Sender<io::Result<Bytes>>) -> Result<Written, SnapshotFailure> {
    let to = io::BufWriter::with_capacity(PIECE_BYTES, Pieces(pieces.clone()));
    let sent = making.write(to);
    if sent.is_err() {
        // The reader may be gone already.
        let _ = pieces.blocking_send(Err(io::Error::other("the snapshot ends here and is not whole")));
    }
    sent
}

struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
