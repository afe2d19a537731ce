//! Answers that are too long to be held whole: a thread writes them piece by piece, as fast as their reader takes them.

use std::io::{self, BufWriter, Write};

use axum::body::{Body, Bytes};
use futures_util::stream::unfold;
use tokio::sync::mpsc;

/// Pieces that wait for their reader.
const PIECES_MAX: usize = 4;

/// One piece.
const PIECE_BYTES: usize = 64 << 10;

/// The writing end of an answer. It blocks while the reader takes its time, so it is for threads that may.
#[derive(Clone)]
pub(super) struct Pieces(mpsc::Sender<io::Result<Bytes>>);

/// An answer, and what writes it.
pub(super) fn answer() -> (Pieces, Body) {
    let (pieces, taken) = mpsc::channel(PIECES_MAX);
    let taken = unfold(taken, |mut taken| async move { Some((taken.recv().await?, taken)) });
    (Pieces(pieces), Body::from_stream(taken))
}

impl Pieces {
    /// Writes into whole pieces; to be flushed at the end.
    pub(super) fn buffered(&self) -> BufWriter<Self> {
        BufWriter::with_capacity(PIECE_BYTES, self.clone())
    }

    /// Stops half way, which breaks the connection: nobody takes a part for the whole.
    pub(super) fn break_off(&self, error: io::Error) {
        // The reader may be gone already.
        let _ = self.0.blocking_send(Err(error));
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
