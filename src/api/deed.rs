//! A request that asks for something to be done to one secret and brings nothing but its line and its headers.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, Uri};

use super::body;
use super::context::Named;
use super::desk::Desk;
use super::error::ApiError;
use crate::model::caller::Caller;
use crate::model::secret::SecretName;
use crate::vault::error::VaultError;

/// What there is of such a request. A body is refused: whoever sends one means something that would not be looked at.
pub(super) struct Deed {
    /// What the routes work with.
    pub(super) desk: Arc<Desk>,
    /// Who asks.
    pub(super) caller: Arc<Caller>,
    /// Which secret.
    pub(super) name: SecretName,
    /// The path and the query.
    pub(super) uri: Uri,
    /// The headers.
    pub(super) headers: HeaderMap,
}

impl FromRequest<Arc<Desk>> for Deed {
    type Rejection = ApiError;

    async fn from_request(request: Request, desk: &Arc<Desk>) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let Named(name) = Named::from_request_parts(&mut parts, desk).await?;
        body::none(body).await?;
        let caller = parts.extensions.remove::<Arc<Caller>>().ok_or(VaultError::NoIdentity)?;
        Ok(Self { desk: Arc::clone(desk), caller, name, uri: parts.uri, headers: parts.headers })
    }
}
