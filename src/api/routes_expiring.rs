//! Credentials that should be looked at: those that expire, and those that nobody uses.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::context::context;
use super::desk::Desk;
use super::error::ApiError;
use super::json;
use super::query::{self, given};
use super::types_expiring::{ExpiringQuery, ExpiringView, UnusedQuery, UnusedView};
use crate::config::duration;
use crate::model::caller::Caller;

/// How far `GET /api/expiring` looks ahead unless told otherwise.
const WITHIN: Duration = Duration::from_secs(30 * 86_400);

/// How far `GET /api/unused` looks back unless told otherwise.
const UNUSED_FOR: Duration = Duration::from_secs(90 * 86_400);

/// Ten years: longer than any credential is kept.
const SPAN_MAX: Duration = Duration::from_secs(3650 * 86_400);

/// `GET /api/expiring?within=`.
pub(super) async fn expiring(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ExpiringQuery { within } = query::parameters(&uri)?;
    let within = span("within", within)?.unwrap_or(WITHIN);
    let expiring = desk.vault.expiring(&caller, &context(&headers)?, within).await?;
    json::answer(&ExpiringView::new(duration::print(within), &expiring))
}

/// `GET /api/unused?for=`.
pub(super) async fn unused(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let UnusedQuery { span: text } = query::parameters(&uri)?;
    let span = span("for", text)?.unwrap_or(UNUSED_FOR);
    let unused = desk.vault.unused(&caller, &context(&headers)?, span).await?;
    json::answer(&UnusedView::new(duration::print(span), &unused))
}

fn span(field: &'static str, text: Option<String>) -> Result<Option<Duration>, ApiError> {
    let bad = ApiError::BadValue { field, wanted: "a duration such as 24h or 30d, at most 3650d" };
    let Some(text) = given(text) else { return Ok(None) };
    duration::parse(&text).ok().filter(|span| *span <= SPAN_MAX).map(Some).ok_or(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_duration_of_at_most_ten_years() {
        assert_eq!(span("within", None), Ok(None));
        assert_eq!(span("within", Some("24h".into())), Ok(Some(Duration::from_secs(86_400))));
        for text in ["3651d", "30", "-1d", "soon", "99999999999999999999d"] {
            assert!(span("within", Some(text.into())).is_err(), "{text}");
        }
    }
}
