//! A client of gRPC that does as it is told, well or badly: HTTP/2 of hyper, and frames written by hand.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use futures_util::stream::unfold;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::UnixStream;
use tokio::sync::mpsc::{self, error::TrySendError};

/// Tests wait for nothing longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

/// Messages of one call that wait to be taken: more than any test sends.
const REQUESTS_WAITING: usize = 4_096;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// One connection.
#[derive(Clone)]
pub struct Connection {
    sender: SendRequest<Body>,
}

/// One call.
pub struct Call {
    requests: Option<mpsc::Sender<Bytes>>,
    answer: Answer,
}

enum Answer {
    Coming(tokio::task::JoinHandle<hyper::Result<Response<Incoming>>>),
    Here { body: Incoming, read: Vec<u8> },
    Over,
}

/// How a call ended: the code, and the text beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub code: i32,
    pub text: String,
}

impl Connection {
    pub async fn open(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).await.expect("connected");
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
        tokio::spawn(connection);
        Self { sender }
    }

    /// Begins a call of gRPC.
    pub async fn call(&self, path: &str, headers: &[(&str, &str)]) -> Call {
        let grpc = [("content-type", "application/grpc"), ("te", "trailers")];
        self.request("POST", path, &[&grpc[..], headers].concat()).await
    }

    /// Begins any call.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Call {
        let (requests, received) = mpsc::channel::<Bytes>(REQUESTS_WAITING);
        let frames = unfold(received, |mut received| async move {
            received.recv().await.map(|bytes| (Ok::<_, Infallible>(Frame::data(bytes)), received))
        });
        let mut request = Request::builder().method(method).uri(format!("http://aurora{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(BodyExt::boxed_unsync(StreamBody::new(frames))).expect("a request");
        let mut sender = self.sender.clone();
        sender.ready().await.expect("open");
        let answer = tokio::spawn(async move { sender.send_request(request).await });
        Call { requests: Some(requests), answer: Answer::Coming(answer) }
    }
}

impl Call {
    /// Sends one message.
    pub fn send(&self, message: &impl prost::Message) {
        let body = message.encode_to_vec();
        let mut frame = vec![0];
        frame.extend_from_slice(&u32::try_from(body.len()).expect("short").to_be_bytes());
        frame.extend_from_slice(&body);
        self.send_raw(frame);
    }

    /// Sends these bytes, whatever they are.
    pub fn send_raw(&self, bytes: Vec<u8>) {
        // A call that has ended takes nothing more, which the test sees by its answer.
        let sent = self.requests.as_ref().expect("still sending").try_send(bytes.into());
        // A call that ended takes nothing more, which its answer tells.
        assert!(!matches!(sent, Err(TrySendError::Full(_))), "the server takes what it is sent");
    }

    /// Says that no more requests come.
    pub fn finish(&mut self) {
        self.requests = None;
    }

    /// The next message, or how the call ended.
    pub async fn next<M: prost::Message + Default>(&mut self) -> Result<M, Ended> {
        let bytes = tokio::time::timeout(PATIENCE, self.next_bytes()).await.expect("an answer within 20 s")?;
        Ok(M::decode(bytes.as_slice()).expect("a message of this type"))
    }

    /// Whether a message comes within this time: for what must not come.
    pub async fn is_silent_for(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.next_bytes()).await.is_err()
    }

    /// How the call ended; no message may come before.
    pub async fn ended(&mut self) -> Ended {
        match tokio::time::timeout(PATIENCE, self.next_bytes()).await.expect("an end within 20 s") {
            Ok(message) => panic!("a message of {} bytes instead of an end", message.len()),
            Err(ended) => ended,
        }
    }

    /// Safe to cancel: what was read is kept.
    async fn next_bytes(&mut self) -> Result<Vec<u8>, Ended> {
        loop {
            match &mut self.answer {
                Answer::Coming(coming) => {
                    let response = match coming.await.expect("not aborted") {
                        Ok(response) => response,
                        Err(error) => return self.over(Ended { code: -1, text: error.to_string() }),
                    };
                    if let Some(ended) = status(response.headers()) {
                        return self.over(ended);
                    }
                    if response.status() != 200 {
                        let code = i32::from(response.status().as_u16());
                        return self.over(Ended { code, text: "no gRPC".to_owned() });
                    }
                    self.answer = Answer::Here { body: response.into_body(), read: Vec::new() };
                }
                Answer::Here { body, read } => {
                    if let Some(message) = taken(read) {
                        return Ok(message);
                    }
                    match body.frame().await {
                        Some(Ok(frame)) => match frame.into_data() {
                            Ok(data) => read.extend_from_slice(&data),
                            Err(frame) => {
                                let trailers = frame.into_trailers().expect("data or trailers");
                                return self.over(status(&trailers).expect("a status"));
                            }
                        },
                        Some(Err(error)) => return self.over(Ended { code: -1, text: error.to_string() }),
                        None => return self.over(Ended { code: -1, text: "no trailers".to_owned() }),
                    }
                }
                Answer::Over => panic!("the call has ended"),
            }
        }
    }

    fn over(&mut self, ended: Ended) -> Result<Vec<u8>, Ended> {
        self.answer = Answer::Over;
        Err(ended)
    }
}

fn taken(read: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = u32::from_be_bytes(read.get(1..5)?.try_into().expect("four"));
    let end = 5 + usize::try_from(length).expect("short");
    let message = read.get(5..end)?.to_vec();
    assert_eq!(read[0], 0, "not compressed");
    read.drain(..end);
    Some(message)
}

fn status(headers: &HeaderMap) -> Option<Ended> {
    let text = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let code = text("grpc-status")?.parse().expect("a number");
    // Percent-encoded (gRPC over HTTP/2); only the blanks matter to what tests look for.
    Some(Ended { code, text: text("grpc-message").unwrap_or_default().replace("%20", " ") })
}
