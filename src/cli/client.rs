//! The socket client: one connection, one request, one answer, with a limit on size and time; or one that goes on.

use std::error::Error;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::task::AbortHandle;

use super::credentials::Credentials;
use super::error::CliError;
use super::import_batch::Lines;
use super::question::Question;
use super::signer;
use super::snapshot_file::FileBody;
use super::views_error::ErrorView;
use super::wiped::Gathered;
use crate::crypto::plaintext::Plaintext;

/// Longer than the 30 s a node gives itself, so that its own words arrive.
const PATIENCE: Duration = Duration::from_secs(35);

/// The same for what may take a node 900 s: a hundred thousand secrets at once.
const LONG_PATIENCE: Duration = Duration::from_secs(905);

/// Largest answer: a page of 1000 secrets with full metadata is under 8 MiB; beyond that something else is talking.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A node's socket.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
    patience: Duration,
    credentials: Arc<Credentials>,
}

/// An answer that is no refusal.
#[derive(Debug)]
pub struct Answer {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; it may hold a value.
    pub body: Plaintext,
}

/// An answer that is on its way.
pub type Sent<'client> = Pin<Box<dyn Future<Output = Result<Answer, CliError>> + Send + 'client>>;

/// An answer that goes on.
pub struct Streamed {
    incoming: Incoming,
    _driver: Driver,
}

impl Streamed {
    /// Its next piece; `None` when it ended in order.
    ///
    /// # Errors
    /// [`CliError::Broken`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, CliError> {
        loop {
            let Some(frame) = self.incoming.frame().await else { return Ok(None) };
            if let Ok(bytes) = frame.map_err(|source| CliError::Broken { source })?.into_data() {
                return Ok(Some(bytes));
            }
        }
    }
}

/// The task that drives a connection; it ends when nobody needs it.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Answer {
    /// Reads the body.
    ///
    /// # Errors
    /// [`CliError::Garbled`] when it is not the JSON that was expected. It is not quoted.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, CliError> {
        serde_json::from_slice(self.body.expose()).map_err(|_| CliError::Garbled { what: "its JSON has another shape" })
    }

    /// One header, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Client {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self { socket, patience: PATIENCE, credentials: Arc::default() }
    }

    /// The same, showing something with every request.
    pub(super) fn showing(self, credentials: &Arc<Credentials>) -> Self {
        Self { credentials: Arc::clone(credentials), ..self }
    }

    /// The same, for a question about very many secrets.
    #[must_use]
    pub fn patiently(self) -> Self {
        Self { patience: LONG_PATIENCE, ..self }
    }

    /// Asks, and reads the answer into a view.
    ///
    /// # Errors
    /// [`CliError`]; [`CliError::Refused`] when the node answered with an error.
    pub async fn ask<T: DeserializeOwned>(&self, question: Question) -> Result<T, CliError> {
        self.send(question).await?.parse()
    }

    /// Asks once, over a connection of its own. Boxed, so that every verb waits for the same code and has no copy of it.
    ///
    /// # Errors
    /// [`CliError`]; [`CliError::Refused`] when the node answered with an error.
    pub fn send(&self, question: Question) -> Sent<'_> {
        Box::pin(async { self.converse(self.signed(question, None).await?.into_request()?).await })
    }

    /// The same with a body that is sent piece by piece.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub(super) async fn send_lines(&self, question: Question, lines: Lines) -> Result<Answer, CliError> {
        let question = self.signed(question, Some(&lines)).await?;
        self.converse(question.posting(lines)?).await
    }

    /// The same with a file for a body.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub(super) async fn send_file(&self, question: Question, mut file: FileBody) -> Result<Answer, CliError> {
        let question = match self.credentials.signer() {
            None => question,
            Some(signer) => {
                let digest = file.digest()?;
                let health = self.converse(Question::get("/health").into_request()?).await?;
                question.signed(signer, signer::seconds(&health.parse()?)?, Some(digest))?
            }
        };
        self.converse(question.uploading(file)?).await
    }

    /// The question with the signature of whoever signs what this program asks for, if it is a command and somebody does.
    async fn signed(&self, question: Question, lines: Option<&Lines>) -> Result<Question, CliError> {
        let Some(signer) = self.credentials.signer() else { return Ok(question) };
        if !question.is_command() && lines.is_none() {
            return Ok(question);
        }
        let digest = lines.map(Lines::digest).transpose()?;
        let health = self.converse(Question::get("/health").into_request()?).await?;
        question.signed(signer, signer::seconds(&health.parse()?)?, digest)
    }

    async fn converse<B>(&self, request: Request<B>) -> Result<Answer, CliError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let exchange = Box::pin(self.exchange(request));
        tokio::time::timeout(self.patience, exchange).await.map_err(|_| CliError::TimedOut { after: self.patience })?
    }

    /// Asks once for an answer that goes on, and waits for its head.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn open(&self, question: Question) -> Result<Streamed, CliError> {
        let begun = Box::pin(async {
            let (response, driver) = self.begin(question.into_request()?).await?;
            if response.status().is_success() {
                return Ok(Streamed { incoming: response.into_body(), _driver: driver });
            }
            gather(response).await.and(Err(CliError::Garbled { what: "it is neither an answer nor a refusal" }))
        });
        tokio::time::timeout(PATIENCE, begun).await.map_err(|_| CliError::TimedOut { after: PATIENCE })?
    }

    async fn exchange<B>(&self, request: Request<B>) -> Result<Answer, CliError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (response, _driver) = self.begin(request).await?;
        gather(response).await
    }

    async fn begin<B>(&self, mut request: Request<B>) -> Result<(Response<Incoming>, Driver), CliError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.credentials.show(&mut request)?;
        let stream = UnixStream::connect(&self.socket).await.map_err(|source| self.unreachable(source))?;
        let broken = |source| CliError::Broken { source };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let driver = Driver(tokio::spawn(connection).abort_handle());
        Ok((sender.send_request(request).await.map_err(broken)?, driver))
    }

    fn unreachable(&self, source: std::io::Error) -> CliError {
        let socket = self.socket.clone();
        if source.kind() == ErrorKind::PermissionDenied {
            CliError::SocketRefused { socket }
        } else {
            CliError::NoDaemon { socket, source }
        }
    }
}

async fn gather(response: Response<Incoming>) -> Result<Answer, CliError> {
    let (head, mut incoming) = response.into_parts();
    let mut gathered = Gathered::default();
    while let Some(frame) = incoming.frame().await {
        let Ok(bytes) = frame.map_err(|source| CliError::Broken { source })?.into_data() else { continue };
        if gathered.len().saturating_add(bytes.len()) > ANSWER_BYTES_MAX {
            return Err(CliError::Garbled { what: "it is larger than any answer can be" });
        }
        gathered.append(&bytes);
    }
    let answer = Answer { headers: head.headers, body: gathered.finish() };
    if head.status.is_success() {
        return Ok(answer);
    }
    let ErrorView { error } = answer.parse()?;
    Err(CliError::Refused {
        status: head.status.as_u16(),
        code: error.code,
        message: error.message,
        hint: error.hint,
        request_id: error.request_id.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    use super::*;

    async fn asked(answer: String) -> Result<serde_json::Value, CliError> {
        let home = tempfile::tempdir().expect("directory");
        let socket = home.path().join("agent.sock");
        let listener = UnixListener::bind(&socket).expect("bound");
        let node = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("accepted");
            let mut some = [0; 512];
            let read = stream.read(&mut some).await.expect("read");
            stream.write_all(answer.as_bytes()).await.expect("written");
            read
        });
        let result = Client::new(socket).ask(Question::get("/health")).await;
        assert!(node.await.expect("joined") > 0);
        result
    }

    fn http(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn an_answer_is_read_and_a_refusal_keeps_the_words_of_the_node() {
        let good = asked(http("200 OK", r#"{"a":1}"#)).await.expect("good");
        assert_eq!(good["a"], 1);
        let body = r#"{"error":{"code":"not_found","message":"m","hint":"h","request_id":"r"}}"#;
        let refused = asked(http("404 Not Found", body)).await.expect_err("refused");
        assert_eq!((refused.exit_code(), refused.code(), refused.hint()), (3, "not_found", "h".to_owned()));
    }

    #[tokio::test]
    async fn something_else_on_the_socket_is_not_believed() {
        let garbled = asked(http("200 OK", "hi")).await.expect_err("no json");
        assert!(matches!(garbled, CliError::Garbled { .. }));
        let broken = asked("hello\r\n".into()).await.expect_err("no http");
        assert!(matches!(broken, CliError::Broken { .. }));
    }

    #[tokio::test]
    async fn without_a_node_the_error_names_the_socket() {
        let error = Client::new("/nonexistent/agent.sock".into()).ask::<()>(Question::get("/health")).await;
        assert!(matches!(error, Err(CliError::NoDaemon { .. })));
    }
}
