//! A call whose answer is not read: whether it was taken, and when to come back. What a receiver sends besides, were it a
//! gigabyte, stays where it is.

use std::time::Duration;

use tokio::time::timeout;

use super::call::Call;
use super::client::Egress;
use super::error::EgressError;
use super::request::request;

/// How long a receiver may take to say that it took something: it may have to store it first.
pub const NOTICE_TIMEOUT: Duration = Duration::from_secs(15);

/// Longest `Retry-After` that is looked at: a number of seconds.
const RETRY_AFTER_BYTES_MAX: usize = 32;

/// What a receiver said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The code.
    pub status: u16,
    /// The header `Retry-After`, if it is a short text.
    pub retry_after: Option<String>,
}

impl Egress {
    /// Makes a call within [`NOTICE_TIMEOUT`], and reads no more of its answer than the head.
    ///
    /// # Errors
    /// [`EgressError`]: no answer came. An answer of whatever code is none, a redirect among them: nothing follows it.
    pub async fn notify(&self, call: &Call) -> Result<Receipt, EgressError> {
        let (target, request) = (&call.target, request(call)?);
        let late = |_| EgressError::Timeout { host: target.host.clone(), limit: NOTICE_TIMEOUT };
        let response = timeout(NOTICE_TIMEOUT, Box::pin(self.answer(target, request))).await.map_err(late)??;
        let retry_after = response.headers().get(reqwest::header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        let retry_after = retry_after.filter(|text| text.len() <= RETRY_AFTER_BYTES_MAX).map(str::to_owned);
        // The connection ends with the answer, read or not: none is kept.
        Ok(Receipt { status: response.status().as_u16(), retry_after })
    }
}
