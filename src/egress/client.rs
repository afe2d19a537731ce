//! The client: calls within the guard, each with a deadline.
//!
//! Every call looks its host up once, checks what it finds, connects to that and to nothing else, and closes. No connection
//! is kept: one that was would outlive the check of its address. No call is made twice, no answer sends it on.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Request, Response, redirect, retry};
use rustls::client::ClientConfig;
use tokio::time::{Instant, timeout};

use super::blame::blame;
use super::call::{BODY_BYTES_MAX, Call, Reply, Target};
use super::error::EgressError;
use super::request::{bare, bounds, request};
use super::resolver::{Bounds, Guard, Resolver, SystemResolver};
use super::tls;
use crate::crypto::plaintext::Plaintext;

/// How long a call may take from the look-up of the name to the end of the answer.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Most headers of an answer; a usual one has thirty.
const HEADERS_MAX: usize = 128;

/// Most bytes of names and values of an answer's headers.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// The same for HTTP/2, where the library counts before it hands anything on.
const HEADER_LIST_BYTES_MAX: u32 = 64 * 1024;

/// What is set aside for a body that does not say how long it is.
const BODY_BYTES_USUAL: usize = 16 * 1024;

/// Who calls: some hosts refuse those who do not say.
const USER_AGENT: &str = concat!("aurora/", env!("CARGO_PKG_VERSION"));

/// Makes calls. A call goes to the host of its target, or nowhere.
pub struct Egress {
    open: Client,
    private: Client,
    limit: Duration,
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) mail: Arc<ClientConfig>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum EgressSetupError {
    /// A certificate that is to be trusted besides is none.
    #[error("the file of certificates holds none that can be read")]
    NoCertificate,
    /// The libraries do not take the settings.
    #[error("the settings for outbound calls are not taken by the libraries of this build")]
    Library,
}

impl Egress {
    /// A client that trusts the roots of this build and the certificates of a PEM text.
    ///
    /// # Errors
    /// [`EgressSetupError`] for a text without a certificate.
    pub fn new(extra_roots: Option<&str>) -> Result<Self, EgressSetupError> {
        Self::with_resolver(extra_roots, Arc::new(SystemResolver), CALL_TIMEOUT)
    }

    /// The same with a resolver and a limit of one's own, as a test has.
    ///
    /// # Errors
    /// Those of [`Egress::new`].
    pub fn with_resolver(
        extra_roots: Option<&str>,
        resolver: Arc<dyn Resolver>,
        limit: Duration,
    ) -> Result<Self, EgressSetupError> {
        let tls = tls::config(extra_roots)?;
        let open = client(tls.clone(), Guard { resolver: Arc::clone(&resolver), bounds: Bounds::Open })?;
        let private = client(tls.clone(), Guard { resolver: Arc::clone(&resolver), bounds: Bounds::Private })?;
        // Mail is no protocol of HTTP.
        let mut mail = tls;
        mail.alpn_protocols.clear();
        let mail = Arc::new(mail);
        Ok(Self { open, private, limit, resolver, mail })
    }

    /// Makes a call and reads its answer.
    ///
    /// # Errors
    /// [`EgressError`]: no answer came. An answer of whatever code is none.
    pub async fn send(&self, call: Call) -> Result<Reply, EgressError> {
        let (target, request) = (&call.target, request(&call)?);
        let began = Instant::now();
        self.within_limit(target, async {
            let response = self.answer(target, request).await?;
            let (status, headers) = (response.status().as_u16(), headers(target, &response)?);
            let body = body(target, response).await?;
            Ok(Reply { status, headers, body, time: began.elapsed() })
        })
        .await
    }

    /// Whether the host answers at all, without a credential: name, connection, TLS, and an answer of whatever code. How
    /// long that took.
    ///
    /// # Errors
    /// [`EgressError`]: no answer came.
    pub async fn reach(&self, target: &Target) -> Result<Duration, EgressError> {
        let request = bare(target)?;
        let began = Instant::now();
        self.within_limit(target, async {
            self.answer(target, request).await?;
            Ok(began.elapsed())
        })
        .await
    }

    pub(super) async fn answer(&self, target: &Target, request: Request) -> Result<Response, EgressError> {
        let client = match bounds(target) {
            Bounds::Open => &self.open,
            Bounds::Private => &self.private,
        };
        client.execute(request).await.map_err(|error| blame(&target.host, &error))
    }

    async fn within_limit<T>(
        &self,
        target: &Target,
        work: impl Future<Output = Result<T, EgressError>>,
    ) -> Result<T, EgressError> {
        let late = |_| EgressError::Timeout { host: target.host.clone(), limit: self.limit };
        timeout(self.limit, Box::pin(work)).await.map_err(late)?
    }
}

/// What a client has built in is not shown: it may say more than it should.
impl std::fmt::Debug for Egress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Egress").field("limit", &self.limit).finish_non_exhaustive()
    }
}

fn client(tls: ClientConfig, guard: Guard) -> Result<Client, EgressSetupError> {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(guard)
        .https_only(true)
        .no_proxy()
        .redirect(redirects())
        .retry(retry::never())
        .referer(false)
        .pool_max_idle_per_host(0)
        .http1_max_headers(HEADERS_MAX)
        .http2_max_header_list_size(HEADER_LIST_BYTES_MAX)
        .user_agent(USER_AGENT)
        .build()
        .map_err(|_| EgressSetupError::Library)
}

fn redirects() -> redirect::Policy {
    #[cfg(feature = "seeded_bugs")]
    if crate::model::seeded::bug(21) {
        return redirect::Policy::limited(3);
    }
    redirect::Policy::none()
}

/// The headers that are text.
fn headers(target: &Target, response: &Response) -> Result<Vec<(String, String)>, EgressError> {
    let lengths = response.headers().iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
    if lengths.sum::<usize>() > HEADER_BYTES_MAX || response.headers().len() > HEADERS_MAX {
        let reason = "its headers are longer than any that are read".to_owned();
        return Err(EgressError::Broken { host: target.host.clone(), reason });
    }
    let texts = response.headers().iter().filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
    Ok(texts.map(|(name, value)| (name.as_str().to_owned(), value.to_owned())).collect())
}

/// The body, if it is not too long: known by what it says of itself, or counted while it comes.
async fn body(target: &Target, mut response: Response) -> Result<Plaintext, EgressError> {
    let too_long = || EgressError::TooLong { host: target.host.clone() };
    let said = response.content_length().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if said.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(too_long());
    }
    let mut body = Vec::with_capacity(said.unwrap_or(BODY_BYTES_USUAL).min(BODY_BYTES_USUAL));
    while let Some(chunk) = response.chunk().await.map_err(|error| blame(&target.host, &error))? {
        if body.len().saturating_add(chunk.len()) > BODY_BYTES_MAX {
            return Err(too_long());
        }
        append(&mut body, &chunk);
    }
    Ok(Plaintext::new(body))
}

/// Appends, and wipes what is left behind when the bytes move to a larger place.
fn append(body: &mut Vec<u8>, chunk: &[u8]) {
    let length = body.len().saturating_add(chunk.len());
    if length > body.capacity() {
        let mut larger = Vec::with_capacity(length.saturating_mul(2));
        larger.extend_from_slice(body);
        drop(Plaintext::new(std::mem::replace(body, larger)));
    }
    body.extend_from_slice(chunk);
}
