//! What proves that journals are whole. Anyone may ask; the vault answers whoever may read the journal
//! without bounds.

use std::io;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Uri};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};

use super::desk::Desk;
use super::error::ApiError;
use super::pieces::{self, Pieces};
use super::types_audit_proof::{
    AuditNodeView, AuditNodesView, HeadView, HeadsView, NodeQuery, VerdictView, VerdictsView,
};
use super::{json, query};
use crate::audit::copies::JournalDir;
use crate::audit::proof_file;
use crate::model::caller::Caller;
use crate::model::name::NodeName;

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
    Extension(caller): Extension<Arc<Caller>>,
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
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let kept = desk.vault.audit_heads(&caller, asked(&uri)?).await?;
    let heads = kept.heads.into_iter().map(HeadView::from).collect();
    json::answer(&HeadsView { heads, authority: kept.authority.to_string() })
}

/// `GET /api/audit/nodes`.
async fn nodes(State(desk): State<Arc<Desk>>, Extension(caller): Extension<Arc<Caller>>) -> Result<Response, ApiError> {
    let known = desk.vault.audit_nodes(&caller).await?;
    let nodes = known.nodes.into_iter().map(AuditNodeView::from).collect();
    json::answer(&AuditNodesView { nodes, authority: known.authority.to_string() })
}

/// `GET /api/audit/proof`: journals whole, with everything that proves them, as JSON Lines.
async fn proof(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let place = desk.budget.long_answer()?;
    let journals = desk.vault.audit_proof(&caller, asked(&uri)?).await?;
    let (pieces, body) = pieces::answer();
    // A reader that takes its time holds a thread: there are as many as there are places.
    tokio::task::spawn_blocking(move || {
        if let Err(error) = write_all(&journals, &pieces) {
            pieces.break_off(error);
        }
        drop(place);
    });
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

fn write_all(journals: &[JournalDir], pieces: &Pieces) -> io::Result<()> {
    let mut to = pieces.buffered();
    for journal in journals {
        proof_file::write(journal, &mut to).map_err(io::Error::other)??;
    }
    io::Write::flush(&mut to)
}

fn asked(uri: &Uri) -> Result<Option<NodeName>, ApiError> {
    let asked: NodeQuery = query::parameters(uri)?;
    Ok(query::given(asked.node).map(|name| NodeName::parse(&name)).transpose()?)
}
