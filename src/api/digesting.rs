//! A request body that is digested while it is read, so that what was signed is what was taken in.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::crypto::digest::{Digesting, sha256};
use crate::model::caller::BodyDigest;

/// Passes a body on, and tells its SHA-256 once all of it was read.
pub(super) fn digested(body: Body, digest: BodyDigest) -> Body {
    if body.is_end_stream() {
        // Nobody reads what is not there.
        digest.done(sha256(&[]));
        return body;
    }
    Body::new(Digested { body, so_far: Some(Digesting::default()), digest })
}

struct Digested {
    body: Body,
    so_far: Option<Digesting>,
    digest: BodyDigest,
}

impl Digested {
    fn end(&mut self) {
        if let Some(digesting) = self.so_far.take() {
            self.digest.done(digesting.finish());
        }
    }
}

impl HttpBody for Digested {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(data), Some(so_far)) = (frame.data_ref(), &mut self.so_far) {
                    so_far.update(data);
                }
                // Whoever knows the length may stop at it, and never ask for the end.
                if self.body.is_end_stream() {
                    self.end();
                }
            }
            Some(Err(_)) => self.so_far = None,
            None => self.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn the_digest_is_known_when_all_was_read_and_not_before() {
        let pieces = ["ab", "c"].map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
        let digest = BodyDigest::default();
        let mut body = digested(Body::from_stream(futures_util::stream::iter(pieces)), digest.clone());
        body.frame().await.expect("a piece").expect("good");
        assert_eq!(digest.get(), None);
        assert_eq!(body.collect().await.expect("the rest").to_bytes(), "c");
        assert_eq!(digest.get(), Some(sha256(b"abc")));
    }

    #[tokio::test]
    async fn a_body_of_known_length_is_whole_at_its_last_byte_and_none_is_whole_at_once() {
        let digest = BodyDigest::default();
        let mut body = digested(Body::from("abc"), digest.clone());
        body.frame().await.expect("a piece").expect("good");
        assert_eq!(digest.get(), Some(sha256(b"abc")));
        let nothing = BodyDigest::default();
        drop(digested(Body::empty(), nothing.clone()));
        assert_eq!(nothing.get(), Some(sha256(b"")));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_has_no_digest() {
        let pieces = [Ok(Bytes::from("ab")), Err(std::io::Error::other("cut"))];
        let digest = BodyDigest::default();
        let body = digested(Body::from_stream(futures_util::stream::iter(pieces)), digest.clone());
        assert!(body.collect().await.is_err());
        assert_eq!(digest.get(), None);
    }
}
