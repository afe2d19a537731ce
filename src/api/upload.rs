//! A body that is read as it comes by work on a thread of its own: neither kept in memory nor written anywhere first.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Pieces that wait for the reader.
const PIECES_MAX: usize = 8;

/// Longest pause of a sender: whoever stops half way must not hold a thread for as long as the work may take.
const STALL_MAX: Duration = Duration::from_secs(30);

/// The end that reads, on a thread that may block.
#[derive(Debug)]
pub(super) struct Incoming {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

/// The end that takes in the body.
#[derive(Debug)]
pub(super) struct Intake(mpsc::Sender<io::Result<Bytes>>);

/// Both ends.
pub(super) fn channel() -> (Intake, Incoming) {
    let (sender, pieces) = mpsc::channel(PIECES_MAX);
    (Intake(sender), Incoming { pieces, piece: Bytes::new() })
}

impl Intake {
    /// Takes in the body to its end, or until nobody reads any more. What breaks off or stalls is an error to the reader.
    pub(super) async fn feed(self, body: &mut Body) {
        self.feed_unless_stalled(body, STALL_MAX).await;
    }

    async fn feed_unless_stalled(self, body: &mut Body, stall_max: Duration) {
        loop {
            let coming = tokio::select! {
                // Whoever reads knows already that the rest is of no use.
                () = self.0.closed() => return,
                coming = timeout(stall_max, body.frame()) => coming,
            };
            let piece = match coming {
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
                Ok(None) => return,
                Ok(Some(Err(error))) => Err(io::Error::other(error)),
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => Ok(bytes),
                    // Trailers say nothing here.
                    Err(_) => continue,
                },
            };
            let ends = piece.is_err();
            if self.0.send(piece).await.is_err() || ends {
                return;
            }
        }
    }
}

impl Read for Incoming {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(piece) => self.piece = piece?,
            }
        }
        let count = self.piece.len().min(into.len());
        let taken = self.piece.split_to(count);
        into.get_mut(..count).unwrap_or_default().copy_from_slice(&taken);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    async fn read(body: Body, stall_max: Duration) -> io::Result<Vec<u8>> {
        let (intake, mut incoming) = channel();
        let reading = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            incoming.read_to_end(&mut all).map(|_| all)
        });
        let mut body = body;
        intake.feed_unless_stalled(&mut body, stall_max).await;
        reading.await.expect("joined")
    }

    fn pieces(pieces: Vec<io::Result<Bytes>>) -> Body {
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_is_read_as_it_comes_and_one_that_breaks_off_is_an_error() {
        let long = Duration::from_secs(30);
        let whole = vec![Ok(Bytes::from("ab")), Ok(Bytes::new()), Ok(Bytes::from("c"))];
        assert_eq!(read(pieces(whole), long).await.expect("read"), b"abc");
        let cut = vec![Ok(Bytes::from("ab")), Err(io::Error::other("gone"))];
        assert!(read(pieces(cut), long).await.is_err());
        let silent = Body::from_stream(stream::pending::<io::Result<Bytes>>());
        let error = read(silent, Duration::from_millis(20)).await.expect_err("stalled");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_body_without_end_is_let_go_once_nobody_reads_it() {
        let (intake, incoming) = channel();
        drop(incoming);
        let mut silent = Body::from_stream(stream::pending::<io::Result<Bytes>>());
        intake.feed(&mut silent).await;
        let (intake, incoming) = channel();
        drop(incoming);
        let endless = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[7; 1024])));
        intake.feed(&mut Body::from_stream(endless)).await;
    }
}
