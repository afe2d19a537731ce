//! What proves that journals are whole. Anyone may ask; the vault answers admins.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Uri};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::stream::unfold;
use tokio::sync::mpsc;

use super::desk::Desk;
use super::error::ApiError;
use super::types_audit_proof::{
    AuditNodeView, AuditNodesView, HeadView, HeadsView, NodeQuery, VerdictView, VerdictsView,
};
use super::{json, query};
use crate::audit::copies::JournalDir;
use crate::audit::proof_file;
use crate::model::caller::Caller;
use crate::model::name::NodeName;

/// Pieces of a long answer that wait for their reader.
const PIECES_MAX: usize = 4;

/// One piece of it.
const PIECE_BYTES: usize = 64 << 10;

/// The routes.
pub(super) fn of_audit_proof() -> Router<Arc<Desk>> {
    Router::new()
        .route("/api/audit/verify", get(verify))
        .route("/api/audit/heads", get(heads))
        .route("/api/audit/nodes", get(nodes))
        .route("/api/audit/proof", get(proof))
}

/// `GET /api/audit/verify`. Journals are read whole, so this takes one of the places of long answers.
async fn verify(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let node = asked(&uri)?;
    let _place = desk.budget.long_answer()?;
    match node {
        None => json::answer(&VerdictView::from(desk.vault.audit_verify(&caller).await?)),
        Some(node) => {
            let chains: Vec<VerdictView> =
                desk.vault.audit_verify_node(&caller, node).await?.into_iter().map(VerdictView::from).collect();
            let valid = chains.iter().all(|chain| chain.valid);
            json::answer(&VerdictsView { valid, chains })
        }
    }
}

/// `GET /api/audit/heads`.
async fn heads(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let kept = desk.vault.audit_heads(&caller, asked(&uri)?).await?;
    let heads = kept.heads.into_iter().map(HeadView::from).collect();
    json::answer(&HeadsView { heads, authority: kept.authority.to_string() })
}

/// `GET /api/audit/nodes`.
async fn nodes(State(desk): State<Arc<Desk>>, Extension(caller): Extension<Caller>) -> Result<Response, ApiError> {
    let known = desk.vault.audit_nodes(&caller).await?;
    let nodes = known.nodes.into_iter().map(AuditNodeView::from).collect();
    json::answer(&AuditNodesView { nodes, authority: known.authority.to_string() })
}

/// `GET /api/audit/proof`: journals whole, with everything that proves them, as JSON Lines.
async fn proof(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let place = desk.budget.long_answer()?;
    let journals = desk.vault.audit_proof(&caller, asked(&uri)?).await?;
    let (pieces, taken) = mpsc::channel(PIECES_MAX);
    // A reader that takes its time holds a thread: there are as many as there are places.
    tokio::task::spawn_blocking(move || {
        write_all(&journals, pieces);
        drop(place);
    });
    let body = unfold(taken, |mut taken| async move { Some((taken.recv().await?, taken)) });
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// An answer that stops half way breaks the connection: nobody takes a part for the whole.
fn write_all(journals: &[JournalDir], pieces: mpsc::Sender<io::Result<Bytes>>) {
    let mut to = io::BufWriter::with_capacity(PIECE_BYTES, Pieces(pieces.clone()));
    for journal in journals {
        let written = proof_file::write(journal, &mut to);
        if let Err(error) = written.map_err(io::Error::other).and_then(|written| written) {
            // The reader may be gone already.
            let _ = pieces.blocking_send(Err(error));
            return;
        }
    }
    if let Err(error) = io::Write::flush(&mut to) {
        let _ = pieces.blocking_send(Err(error));
    }
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

fn asked(uri: &Uri) -> Result<Option<NodeName>, ApiError> {
    let asked: NodeQuery = query::parameters(uri)?;
    Ok(query::given(asked.node).map(|name| NodeName::parse(&name)).transpose()?)
}
