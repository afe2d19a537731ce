//! What an answer says about the limit of whoever asked.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::error::ApiError;
use crate::model::caller::Allowance;
use crate::vault::delivery_error::DeliveryError;
use crate::vault::error::VaultError;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const SCOPE: HeaderName = HeaderName::from_static("x-ratelimit-scope");

/// What is left after the request.
pub(super) fn left(headers: &mut HeaderMap, left: Allowance) {
    let Allowance { limit, remaining, scope } = left;
    headers.insert(LIMIT, HeaderValue::from(limit));
    headers.insert(REMAINING, HeaderValue::from(remaining));
    headers.insert(SCOPE, HeaderValue::from_static(scope.as_str()));
}

/// That nothing is left, and when there will be; nothing for a refusal that is none of a limit.
pub(super) fn refused(headers: &mut HeaderMap, error: &ApiError) {
    if let ApiError::Vault(VaultError::RateLimited { retry_after, limit, scope }) = error {
        left(headers, Allowance { limit: *limit, remaining: 0, scope: *scope });
        headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
    }
    if let ApiError::Vault(VaultError::RefusedTooOften { retry_after }) = error {
        headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
    }
    if let ApiError::Vault(VaultError::Delivery(DeliveryError::Pace { retry_after, .. })) = error {
        headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
    }
}
