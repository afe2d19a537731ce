//! Which routes answer: those of a sealed node until it is opened, those of an open one from then on, and never back. Also
//! on connections that are there already, so that nobody has to connect again and nobody finds no socket meanwhile.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;

use super::context::secret_name;
use super::desk::Desk;
use super::error::ApiError;
use super::{router, routes_secret};
use crate::model::caller::Caller;
use crate::model::secret::SecretName;

/// The routes of a node through its life.
pub(super) struct Stage {
    first: Router,
    then: OnceLock<Open>,
}

/// What a node has from when it is open.
pub(super) struct Open {
    routes: Router,
    desk: Arc<Desk>,
}

impl Open {
    /// All routes to this desk.
    pub(super) fn new(desk: Desk) -> Self {
        let desk = Arc::new(desk);
        Self { routes: router::build(Arc::clone(&desk)), desk }
    }
}

impl Stage {
    /// These routes answer until [`Stage::advance`], or for ever.
    pub(super) fn new(first: Router) -> Self {
        Self { first, then: OnceLock::new() }
    }

    /// A node that is open from the start.
    pub(super) fn open(open: Open) -> Self {
        Self { first: Router::new(), then: OnceLock::from(open) }
    }

    /// From here on these routes answer. What is under way ends where it began. Only the first call counts.
    pub(super) fn advance(&self, then: Open) {
        // A node is opened once: there are no third routes to be lost.
        drop(self.then.set(then));
    }

    /// The answer of the routes as they are now. A read of one secret, which is what programs ask for all the time, goes to
    /// its route without being looked up among all of them.
    pub(super) async fn answer(&self, caller: Caller, mut request: Request<Body>) -> Response {
        let open = self.then.get();
        if let (Some(open), Some(name)) = (open, read_of(&request)) {
            let (parts, _) = request.into_parts();
            let read = async { routes_secret::read_named(&open.desk, &caller, name?, parts).await };
            return read.await.unwrap_or_else(ApiError::into_response);
        }
        request.extensions_mut().insert(Arc::new(caller));
        let routes = open.map_or(&self.first, |open| &open.routes).clone();
        match routes.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// Whether any rule tells the bytes of the program at this path from others. None does on a sealed node.
    pub(super) fn wants_digest(&self, path: &str) -> bool {
        self.then.get().is_some_and(|open| open.desk.vault.wants_digest(path))
    }
}

/// The secret that a request reads; `None` for all else, and for a path with escapes, which the router takes apart.
fn read_of(request: &Request<Body>) -> Option<Result<SecretName, ApiError>> {
    let (service, key) = request.uri().path().strip_prefix("/api/secrets/")?.split_once('/')?;
    let plain = |part: &str| !part.is_empty() && !part.contains(['/', '%']);
    (request.method() == Method::GET && plain(service) && plain(key)).then(|| secret_name(service, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, path: &str) -> Option<String> {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
        read_of(&request).map(|name| name.expect("names").to_string())
    }

    #[test]
    fn only_a_plain_read_of_one_secret_goes_straight_to_its_route() {
        let name = Some("hubspot/api_key".to_owned());
        for path in ["/api/secrets/hubspot/api_key", "/api/secrets/hubspot/api_key?environment=prod%2F/x"] {
            assert_eq!(read("GET", path), name, "{path}");
        }
        for path in [
            "/api/secrets",
            "/api/secrets/",
            "/api/secrets/hubspot",
            "/api/secrets/hubspot/",
            "/api/secrets//api_key",
            "/api/secrets/hubspot//api_key",
            "/api/secrets/hubspot/api_key/",
            "/api/secrets/hubspot/api_key/versions",
            "/api/secrets/hub%73pot/api_key",
            "/api/secrets/hubspot/api%2Fkey",
            "/api/explain/hubspot/api_key",
        ] {
            assert_eq!(read("GET", path), None, "{path}");
        }
        for method in ["HEAD", "POST", "PATCH", "DELETE", "LIST"] {
            assert_eq!(read(method, "/api/secrets/hubspot/api_key"), None, "{method}");
        }
    }
}
