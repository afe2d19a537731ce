//! What happens to every request, whatever it asks: an id, a caller, a deadline, and the one shape of a refusal.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use tracing::field::Empty;

use super::deadline::Deadline;
use super::dialect::Dialect;
use super::error::ApiError;
use super::guard;
use super::request_ids::RequestIds;
use super::shown::shown;
use super::stage::Stage;
use super::table::{Row, row};
use super::{kv_namespace, kv_slashes, limit_headers};
use crate::callers::attest::Witness;
use crate::callers::error::TooManyDigests;
use crate::callers::peer::Peer;
use crate::callers::seats::Lane;
use crate::model::attested::Attested;
use crate::model::caller::{Caller, Door};
use crate::model::principal::Executable;
use crate::model::time::{Clock, EntropyUnavailable};
use crate::vault::error::VaultError;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

/// What is answered on a reserved seat: whether the node is well, as each kind of client asks it. It takes nothing.
const HEALTH: [(&Method, &str); 5] = [
    (&Method::GET, "/health"),
    (&Method::GET, "/ping"),
    (&Method::HEAD, "/ping"),
    (&Method::GET, "/v1/sys/health"),
    (&Method::HEAD, "/v1/sys/health"),
];

/// The path that tells a caller all that is known of it.
const WHOAMI: &str = "/api/whoami";

/// The paths that take as long as there is to store, to compare, or to read back.
const LARGE: [&str; 9] = [
    "/api/audit/verify",
    "/api/environments/check",
    "/api/environments/mirror",
    "/api/import",
    "/api/policy/apply",
    "/api/policy/test",
    "/api/rollback",
    "/api/snapshots",
    "/api/snapshots/verify",
];

/// How long that may be: 200,000 values on a slow disk, or ten million lines of a journal.
const LARGE_PATIENCE: Duration = Duration::from_secs(900);

/// A connection that was one too many is free again within about this time, if its owner closes idle ones.
const RETRY_AFTER_SECONDS: u64 = 1;

/// The id in an answer to a request that could not be given one.
const NO_REQUEST_ID: &str = "none";

/// What all connections share.
pub(super) struct Front {
    /// The routes.
    pub(super) stage: Stage,
    /// Knows who connected.
    pub(super) witness: Arc<Witness>,
    /// Measures how long an answer takes.
    pub(super) clock: Arc<dyn Clock>,
    /// What requests are called.
    pub(super) ids: RequestIds,
    /// From the header's end to the answer's head.
    pub(super) patience: Duration,
    /// What stands before the loopback listener; none without one, and then nobody comes from there.
    pub(super) guarded: Option<Guarded>,
}

/// Who asks on a connection, for as long as it lasts.
pub(super) struct Asker {
    /// Who made it.
    pub(super) peer: Peer,
    /// On what kind of seat.
    pub(super) lane: Lane,
    /// For each of its requests.
    pub(super) deadline: Deadline,
}

/// The guard of the loopback listener.
pub(super) struct Guarded {
    /// Where it listens.
    pub(super) bound: SocketAddr,
    /// Requests that were turned away.
    turned_away: AtomicU64,
}

impl Guarded {
    /// Nobody was turned away yet.
    pub(super) fn new(bound: SocketAddr) -> Self {
        Self { bound, turned_away: AtomicU64::new(0) }
    }

    /// Lets a request through, or counts and logs it: nobody is known to have made it, so there is nothing to write down.
    fn pass(&self, request: &Request<Body>) -> Result<(), ApiError> {
        guard::pass(request, self.bound).map_err(|reason| {
            let times = self.turned_away.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            tracing::debug!(%reason, times, "a request on loopback was turned away");
            ApiError::Foreign(reason)
        })
    }
}

impl Front {
    /// Answers one request. Never fails: a failure is an answer too.
    pub(super) async fn answer(&self, asker: &Asker, mut request: Request<Body>) -> Response {
        let peer = &asker.peer;
        let started = self.clock.now().boot;
        kv_slashes::collapse(&mut request);
        let dialect = Dialect::of(request.uri().path());
        let Ok(request_id) = self.ids.next() else {
            return finish(ApiError::NoEntropy(EntropyUnavailable).into_response(), NO_REQUEST_ID, dialect);
        };
        kv_namespace::adopt(&mut request);
        let shown = self.guard(peer, &request).and_then(|()| shown(&mut request));
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let span = tracing::debug_span!(
            target: "aurora_mesh::request",
            "request",
            "otel.kind" = "server",
            request_id = &*request_id,
            door = peer.door.as_str(),
            "http.request.method" = method.as_str(),
            "http.response.status_code" = Empty,
            action = Empty,
            decision = Empty,
            outcome = Empty
        );
        let answered = match (shown, self.attested(peer, uri.path()).await) {
            (Ok(shown), Ok(attested)) => {
                let counted = shown.counted.clone();
                let caller = Caller { attested, shown, ..peer.caller(Arc::clone(&request_id)) };
                let mut response = self.routed(asker, caller, request).instrument(span.clone()).await;
                if let Some(allowance) = counted.left() {
                    limit_headers::left(response.headers_mut(), allowance);
                }
                response
            }
            (Err(error), _) | (_, Err(error)) => error.into_response(),
        };
        let response = finish(kept_from_others(peer, answered), &request_id, dialect);
        span.record("http.response.status_code", response.status().as_u16());
        tracing::debug!(
            request_id = &*request_id,
            uid = peer.uid,
            door = ?peer.door,
            %method,
            path = uri.path(),
            status = response.status().as_u16(),
            elapsed = ?self.clock.now().boot.since(started),
            "request answered"
        );
        response
    }

    /// On loopback, whether the request may be looked at.
    fn guard(&self, peer: &Peer, request: &Request<Body>) -> Result<(), ApiError> {
        match (peer.door, &self.guarded) {
            (Door::Loopback, Some(guarded)) => guarded.pass(request),
            (Door::Loopback, None) => Err(ApiError::Vault(VaultError::NoIdentity)),
            (Door::Agent | Door::Admin | Door::Credentials | Door::Workload, _) => Ok(()),
        }
    }

    /// What is known of the process, with the digest of its program where that makes a difference. A program of which no
    /// digest can be taken has none, which no rule is about.
    async fn attested(&self, peer: &Peer, path: &str) -> Result<Arc<Attested>, ApiError> {
        let program = peer.attested.executable.as_ref();
        let told = path == WHOAMI && peer.has_small_program();
        let wanted = |program: &Executable| told || self.stage.wants_digest(program.path());
        if !program.is_some_and(wanted) {
            return Ok(Arc::clone(&peer.attested));
        }
        let taken = peer.with_digest(&self.witness, self.clock.now().wall);
        let late = |_| ApiError::TimedOut { seconds: self.patience.as_secs() };
        let taken = tokio::time::timeout(self.patience, taken).await.map_err(late)?;
        taken.map_err(|TooManyDigests| ApiError::Vault(VaultError::Overloaded))
    }

    async fn routed(&self, asker: &Asker, caller: Caller, request: Request<Body>) -> Response {
        match asker.lane {
            Lane::Reserved if !HEALTH.contains(&(request.method(), request.uri().path())) => {
                return ApiError::TooManyConnections.into_response();
            }
            Lane::Open | Lane::Reserved => {}
        }
        let patience = if LARGE.contains(&request.uri().path()) { LARGE_PATIENCE } else { self.patience };
        let late = || ApiError::TimedOut { seconds: patience.as_secs() }.into_response();
        asker.deadline.within(patience, self.stage.answer(caller, request)).await.unwrap_or_else(late)
    }
}

/// An answer goes to the process that asked, or to nobody: whoever holds its socket after it is somebody else. The vault
/// has looked before its line was written; this is once more, for the time since.
fn kept_from_others(peer: &Peer, answered: Response) -> Response {
    let is_refusal = answered.extensions().get::<ApiError>().is_some();
    if is_refusal || peer.is_there() { answered } else { ApiError::Vault(VaultError::CallerGone).into_response() }
}

/// A refusal travels to [`finish`] as an extension, because only there the request id is known.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the refusal, if it is one, and the request id. Headers that were set on the way (`Allow`) stay, except the
/// length, which axum took from the empty body.
fn finish(mut response: Response, request_id: &str, dialect: Dialect) -> Response {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let row = row(&error);
        if row.status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(request_id, cause = ?error, "a request failed inside the node");
        }
        refuse(&mut response, &row, request_id, dialect);
        limit_headers::refused(response.headers_mut(), &error);
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

fn refuse(response: &mut Response, row: &Row, request_id: &str, dialect: Dialect) {
    *response.status_mut() = dialect.status(row);
    response.headers_mut().remove(CONTENT_LENGTH);
    if let Ok(body) = dialect.tell(row, request_id) {
        let (parts, body) = body.into_parts();
        response.headers_mut().extend(parts.headers);
        *response.body_mut() = body;
    }
    if row.status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(X_RATELIMIT_REMAINING, HeaderValue::from_static("0"));
    }
    if row.status == StatusCode::TOO_MANY_REQUESTS || row.code == "overloaded" {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    }
}
