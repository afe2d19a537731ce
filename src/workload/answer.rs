//! An answer of gRPC over HTTP/2: messages with five bytes before each (never compressed), then trailers with the status.
//!
//! Written here and not by tonic, because a message may hold a value: its bytes are made once, at their full size, and wiped
//! when HTTP/2 has let go of them. tonic takes requests apart, and knows the words of a status.

use std::convert::Infallible;
use std::pin::Pin;

use futures_util::stream::{Stream, StreamExt, unfold};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Response};
use prost::Message;
use tonic::Status;

use super::activity::Stay;
use crate::crypto::plaintext::Plaintext;

/// Before each message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// What an answer's body is to HTTP.
pub(super) type Reply = UnsyncBoxBody<Bytes, Infallible>;

/// Messages, each in its frame, until the end or the first refusal.
pub(super) type Messages = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

/// Bytes that are wiped when their last reader lets go of them.
struct Wiped(Plaintext);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

/// A value on its way into a message, or out to the socket.
pub(super) fn wiped(value: Plaintext) -> Bytes {
    Bytes::from_owner(Wiped(value))
}

/// A message that may hold a value, encoded.
///
/// # Errors
/// `INTERNAL` when it has more bytes than a frame can say.
pub(super) fn encoded(message: &impl Message) -> Result<Bytes, Status> {
    let mut bytes = Vec::with_capacity(message.encoded_len());
    message.encode(&mut bytes).map_err(|_| unwritable())?;
    Ok(wiped(Plaintext::new(bytes)))
}

/// The same in its frame.
///
/// # Errors
/// As [`encoded`].
pub(super) fn framed(message: &impl Message) -> Result<Bytes, Status> {
    let length = message.encoded_len();
    let told = u32::try_from(length).map_err(|_| unwritable())?;
    let mut frame = Vec::with_capacity(PREFIX_BYTES.saturating_add(length));
    frame.push(0);
    frame.extend_from_slice(&told.to_be_bytes());
    message.encode(&mut frame).map_err(|_| unwritable())?;
    Ok(wiped(Plaintext::new(frame)))
}

fn unwritable() -> Status {
    Status::internal("an answer could not be written")
}

/// The answer with these messages. The stay ends with it.
pub(super) fn reply(messages: Messages, stay: Stay) -> Response<Reply> {
    let frames = unfold(Some((messages, stay)), |state| async {
        let (mut messages, stay) = state?;
        Some(match messages.next().await {
            Some(Ok(message)) => (Ok(Frame::data(message)), Some((messages, stay))),
            Some(Err(status)) => (Ok(Frame::trailers(trailers(&status))), None),
            None => (Ok(Frame::trailers(trailers(&Status::ok("")))), None),
        })
    });
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(frames)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// The answer that is a refusal, and nothing else.
pub(super) fn refused(status: Status) -> Response<Reply> {
    status.into_http::<http_body_util::Empty<Bytes>>().map(BodyExt::boxed_unsync)
}

fn trailers(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    // Fails for texts that no header can hold, of which ours are none; then the code alone is told.
    if status.add_header(&mut trailers).is_err() {
        let code = i32::from(status.code());
        trailers.insert("grpc-status", HeaderValue::from(code));
    }
    trailers
}

#[cfg(test)]
mod tests {
    use super::super::messages_discovery::DataSource;
    use super::*;

    #[test]
    fn a_frame_is_a_mark_a_length_and_the_message() {
        let message = DataSource { inline_bytes: Bytes::from_static(b"abc") };
        assert_eq!(framed(&message).expect("short").as_ref(), b"\0\0\0\0\x05\x12\x03abc");
        assert_eq!(encoded(&message).expect("short").as_ref(), b"\x12\x03abc");
        assert_eq!(format!("{message:?}"), "DataSource(redacted)");
    }
}
