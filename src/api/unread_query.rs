//! Which routes read a query; every other one refuses it. A parameter that nobody looks at is neither granted nor refused:
//! whoever sends `dry_run=true` to a route that knows none would find that it was done.
//!
//! A new route refuses until it is named here. The routes of other systems, and the health of the node, do not come by here:
//! they have rules of their own.

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use super::error::ApiError;
use super::query;

/// Method and path, as the router has it, of each route that takes its own query apart and refuses what it does not know.
const READ_THEIRS: &[(&str, &str)] = &[
    ("GET", "/api/secrets"),
    ("POST", "/api/secrets"),
    ("GET", "/api/secrets/{service}/{key}"),
    ("PATCH", "/api/secrets/{service}/{key}"),
    ("DELETE", "/api/secrets/{service}/{key}"),
    ("POST", "/api/secrets/{service}/{key}/undelete"),
    ("POST", "/api/secrets/{service}/{key}/destroy"),
    ("POST", "/api/secrets/{service}/{key}/rollback"),
    ("GET", "/api/secrets/{service}/{key}/versions"),
    ("GET", "/api/secrets/{service}/{key}/watch"),
    ("GET", "/api/watch"),
    ("POST", "/api/import"),
    ("GET", "/api/export"),
    ("POST", "/api/environments/mirror"),
    ("POST", "/api/rollback"),
    ("GET", "/api/explain/{service}/{key}"),
    ("GET", "/api/connectivity/status"),
    ("GET", "/api/connectivity/best"),
    ("GET", "/api/expiring"),
    ("GET", "/api/unused"),
    ("GET", "/api/agents"),
    ("POST", "/api/agents/{name}/signing-key"),
    ("GET", "/api/apikeys"),
    ("POST", "/api/keys/rotate"),
    ("GET", "/api/whoami"),
    ("DELETE", "/api/freezes"),
    ("GET", "/api/freezes/holders"),
    ("GET", "/api/exposure"),
    ("GET", "/api/audit"),
    ("GET", "/api/audit/export"),
    ("GET", "/api/audit/follow"),
    ("GET", "/api/audit/verify"),
    ("GET", "/api/audit/heads"),
    ("GET", "/api/audit/proof"),
    ("GET", "/credentials/usage"),
    ("GET", "/credentials/status"),
    ("GET", "/api/events"),
    ("GET", "/api/events/history"),
    ("GET", "/api/events/types"),
    ("GET", "/api/deliveries"),
    ("GET", "/api/dead-letters"),
    ("POST", "/api/snapshots/verify"),
];

/// Lets through what has no query, and what goes to a route that reads its own. Nothing of the request was looked at yet but
/// who makes it.
///
/// # Errors
/// As [`query::none`].
pub(super) async fn refuse(request: Request, next: Next) -> Result<Response, ApiError> {
    let matched = request.extensions().get::<MatchedPath>();
    if !matched.is_some_and(|path| is_read(request.method(), path.as_str())) {
        query::none(request.uri())?;
    }
    Ok(next.run(request).await)
}

/// Whether the route with this path reads the query of this method. `HEAD` is answered by the route of `GET`.
fn is_read(method: &Method, path: &str) -> bool {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    READ_THEIRS.contains(&(method, path))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    /// Why it was refused, if it was.
    async fn refused(method: &str, target: &str) -> Option<ApiError> {
        let routes = Router::new()
            .route("/api/new/{name}", get("done").post("done"))
            .route("/api/secrets/{service}/{key}", get("done").put("done"))
            .layer(from_fn(refuse));
        let request = Request::builder().method(method).uri(target).body(Body::empty()).expect("a request");
        routes.oneshot(request).await.expect("never fails").extensions().get::<ApiError>().cloned()
    }

    #[tokio::test]
    async fn a_route_that_is_not_named_here_refuses_whatever_is_in_a_query() {
        let unknown = |field: &str| Some(ApiError::UnknownField { field: field.to_owned() });
        assert_eq!(refused("POST", "/api/new/a?dry_run=true").await, unknown("dry_run"));
        assert_eq!(refused("GET", "/api/new/a?zz").await, unknown("zz"));
        assert_eq!(refused("HEAD", "/api/new/%61?zz=1").await, unknown("zz"));
        assert_eq!(refused("GET", "/api/new/a?=1").await, unknown(""));
        assert_eq!(refused("PUT", "/api/secrets/a/b?version=1").await, unknown("version"), "only GET reads one");
        for nothing in ["/api/new/a", "/api/new/a?", "/api/new/a?&"] {
            assert_eq!(refused("GET", nothing).await, None, "{nothing}");
        }
    }

    #[tokio::test]
    async fn a_route_that_is_named_here_is_left_to_read_its_own() {
        for method in ["GET", "HEAD"] {
            assert_eq!(refused(method, "/api/secrets/a/b?version=1").await, None, "{method}");
        }
    }

    /// What is said of a route to whoever reads `openapi.json` is what it does.
    #[test]
    fn a_route_reads_a_query_if_it_is_described_with_one() {
        let document: serde_json::Value = serde_json::from_str(crate::api::openapi::DOCUMENT).expect("JSON");
        let mut described = Vec::new();
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                let parameters = operation["parameters"].as_array();
                if parameters.is_some_and(|all| all.iter().any(|parameter| parameter["in"] == "query")) {
                    described.push((method.to_ascii_uppercase(), path.clone()));
                }
            }
        }
        let of_others = |path: &str| path.starts_with("/v1/") || path.starts_with("/secretsmanager/");
        described.retain(|(_, path)| !of_others(path));
        let mut read: Vec<(String, String)> =
            READ_THEIRS.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
        described.sort();
        read.sort();
        assert_eq!(described, read);
    }

    #[test]
    fn no_route_is_named_twice() {
        for (at, row) in READ_THEIRS.iter().enumerate() {
            assert!(!READ_THEIRS[at + 1..].contains(row), "{row:?}");
        }
    }
}
