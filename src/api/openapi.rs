//! `GET /openapi.json`: what all routes take and answer, for generated clients and for whoever looks around. It says nothing
//! about this node or its mesh.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

/// OpenAPI 3.1; `described` makes it of the routes.
pub(super) const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /openapi.json`.
pub(super) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT)
}
