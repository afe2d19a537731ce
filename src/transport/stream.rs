//! Frames over one QUIC stream.
//!
//! Reading allocates only for what has arrived: a peer that announces a mebibyte and sends nothing costs four bytes.

use std::time::Duration;

use quinn::{ReadError, RecvStream, SendStream, WriteError};
use tokio::time::{Instant, timeout, timeout_at};

use super::close::CloseCode;
use super::error::TransportError;
use crate::wire::frame::{Frame, LENGTH_BYTES, decode, encode, parse_length};

/// How long a frame may take from its first byte to its last: a mebibyte over a line of 300 kbit/s.
const FRAME_TIMEOUT: Duration = Duration::from_secs(30);

/// A buffer larger than this is given back after its frame.
const BUFFER_KEPT_BYTES: usize = 64 * 1024;

/// The sending half.
#[derive(Debug)]
pub struct FrameSender {
    stream: SendStream,
}

impl FrameSender {
    pub(super) fn new(stream: SendStream) -> Self {
        Self { stream }
    }

    /// Writes one frame. It is on its way when this returns, not delivered. A peer that does not read for 30 s is given
    /// up. Not safe to cancel: a frame written in part makes the stream useless.
    ///
    /// # Errors
    /// [`TransportError::FrameTooLarge`] for a frame the peer would refuse (nothing was written),
    /// [`TransportError::TimedOut`], [`TransportError::Closed`], [`TransportError::PeerRefusedUs`].
    pub async fn send<F: Frame>(&mut self, frame: &F) -> Result<(), TransportError> {
        let bytes = encode(frame)?;
        match timeout(FRAME_TIMEOUT, self.stream.write_all(&bytes)).await {
            Ok(written) => Ok(written?),
            Err(_) => {
                self.reset(CloseCode::TooSlow);
                Err(TransportError::TimedOut { what: "the peer does not read" })
            }
        }
    }

    /// Says that nothing more comes. What was written still arrives, unless the connection is closed.
    pub fn finish(&mut self) {
        // Fails only when the stream is finished or reset already.
        drop(self.stream.finish());
    }

    /// Finishes, and waits until the peer has everything. Before closing a connection, wait for this or for a reply: a
    /// close overtakes what is on its way.
    ///
    /// # Errors
    /// [`TransportError::Closed`] when the peer stopped reading, [`TransportError::TimedOut`].
    pub async fn finish_and_wait(&mut self) -> Result<(), TransportError> {
        self.finish();
        match timeout(FRAME_TIMEOUT, self.stream.stopped()).await {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(code))) => Err(stopped(code)),
            Ok(Err(quinn::StoppedError::ConnectionLost(error))) => Err(error.into()),
            Ok(Err(quinn::StoppedError::ZeroRttRejected)) => Err(TransportError::ClosedHere),
            Err(_) => Err(TransportError::TimedOut { what: "the peer does not read" }),
        }
    }

    /// Gives the stream up.
    pub fn reset(&mut self, code: CloseCode) {
        // Fails only when the stream is finished or reset already.
        drop(self.stream.reset(code.variable_integer()));
    }
}

/// The receiving half.
#[derive(Debug)]
pub struct FrameReceiver {
    stream: RecvStream,
    /// The bytes of one frame that have arrived, its length included; never more than one frame.
    buffer: Vec<u8>,
    /// When the frame that has begun must be complete.
    deadline: Option<Instant>,
}

impl FrameReceiver {
    pub(super) fn new(stream: RecvStream) -> Self {
        Self { stream, buffer: Vec::new(), deadline: None }
    }

    /// The next frame; `None` when the peer finished the stream between two frames. Waits for ever for a frame to begin,
    /// and at most 30 s for it to end. Safe to cancel: what has arrived is kept for the next call.
    ///
    /// # Errors
    /// [`TransportError::FrameTooLarge`], [`TransportError::Truncated`], [`TransportError::UnknownFrame`],
    /// [`TransportError::Malformed`]: close the connection with [`TransportError::close_code`]. Otherwise why the stream
    /// ended.
    pub async fn receive<F: Frame>(&mut self) -> Result<Option<F>, TransportError> {
        loop {
            let missing = self.missing(F::BYTES_MAX)?;
            #[cfg(feature = "seeded_bugs")]
            self.buffer.reserve(if crate::model::seeded::bug(23) { missing } else { 0 });
            if missing == 0 {
                return self.take().map(Some);
            }
            let arrived = self.read(missing).await;
            #[cfg(feature = "seeded_bugs")]
            let arrived = if crate::model::seeded::bug(14) { arrived.or(Ok(None)) } else { arrived };
            let Some(arrived) = arrived? else {
                return if self.buffer.is_empty() { Ok(None) } else { Err(TransportError::Truncated) };
            };
            self.buffer.extend_from_slice(&arrived.bytes);
            self.deadline.get_or_insert_with(|| Instant::now() + FRAME_TIMEOUT);
        }
    }

    /// The next frame where the protocol wants one.
    ///
    /// # Errors
    /// As [`Self::receive`]; [`TransportError::Truncated`] when the stream ended instead.
    pub async fn expect<F: Frame>(&mut self) -> Result<F, TransportError> {
        self.receive().await?.ok_or(TransportError::Truncated)
    }

    /// Tells the peer to stop sending.
    pub fn stop(&mut self, code: CloseCode) {
        // Fails only when the stream has ended already.
        drop(self.stream.stop(code.variable_integer()));
    }

    /// How many bytes are missing until the length, and then until the frame, is there.
    fn missing(&self, bytes_max: usize) -> Result<usize, TransportError> {
        match self.buffer.first_chunk::<LENGTH_BYTES>() {
            None => Ok(LENGTH_BYTES.saturating_sub(self.buffer.len())),
            Some(length) => {
                let whole = LENGTH_BYTES + parse_length(*length, bytes_max)?;
                Ok(whole.saturating_sub(self.buffer.len()))
            }
        }
    }

    async fn read(&mut self, at_most: usize) -> Result<Option<quinn::Chunk>, TransportError> {
        let reading = self.stream.read_chunk(at_most, true);
        match self.deadline {
            None => Ok(reading.await?),
            Some(deadline) => match timeout_at(deadline, reading).await {
                Ok(chunk) => Ok(chunk?),
                Err(_) => Err(TransportError::TimedOut { what: "the peer does not finish its frame" }),
            },
        }
    }

    fn take<F: Frame>(&mut self) -> Result<F, TransportError> {
        let frame = decode(self.buffer.get(LENGTH_BYTES..).unwrap_or_default());
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT_BYTES);
        self.deadline = None;
        Ok(frame?)
    }

    #[cfg(test)]
    pub(super) fn buffered(&self) -> (usize, usize) {
        (self.buffer.len(), self.buffer.capacity())
    }
}

fn stopped(code: quinn::VarInt) -> TransportError {
    TransportError::Closed { code: CloseCode::from(code), reason: "the stream was given up".to_owned() }
}

impl From<ReadError> for TransportError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Reset(code) => stopped(code),
            ReadError::ConnectionLost(error) => error.into(),
            ReadError::ClosedStream | ReadError::IllegalOrderedRead | ReadError::ZeroRttRejected => Self::ClosedHere,
        }
    }
}

impl From<WriteError> for TransportError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Stopped(code) => stopped(code),
            WriteError::ConnectionLost(error) => error.into(),
            WriteError::ClosedStream | WriteError::ZeroRttRejected => Self::ClosedHere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection::PeerConnection;
    use super::super::endpoint::Endpoint;
    use super::super::node_key::NodeKey;
    use super::super::testing::{BEACON, HEARTBEAT, Mesh, loopback, soon};
    use super::*;
    use crate::wire::control::{FromFollower, FromLead};
    use crate::wire::frame::FRAME_BYTES_MAX;
    use crate::wire::open::StreamKind;

    /// A stream from a follower that writes what it likes to a lead that reads frames.
    struct Pair {
        _mesh: Mesh,
        ends: (PeerConnection, PeerConnection),
        raw: SendStream,
        replies: FrameReceiver,
        receiver: FrameReceiver,
        sender: FrameSender,
    }

    async fn pair() -> Pair {
        let mut mesh = Mesh::start();
        let tls = mesh.follower(&NodeKey::generate().expect("key"));
        let endpoint = Endpoint::dialling(loopback()).expect("binds");
        let lead = soon(endpoint.connect(mesh.address(), &tls)).await.expect("connects");
        let member = mesh.member().await;
        let (sender, replies) = lead.open_stream(StreamKind::Control).await.expect("opens");
        let (kind, answers, receiver) = soon(member.accept_stream()).await.expect("accepts");
        assert_eq!(kind, StreamKind::Control);
        Pair { _mesh: mesh, ends: (lead, member), raw: sender.stream, replies, receiver, sender: answers }
    }

    async fn refusal(bytes: &[u8], then_finish: bool) -> TransportError {
        let mut pair = pair().await;
        pair.raw.write_all(bytes).await.expect("writes");
        if then_finish {
            pair.raw.finish().expect("finishes");
        }
        soon(pair.receiver.receive::<FromFollower>()).await.expect_err("refused")
    }

    #[tokio::test]
    async fn frames_arrive_in_order_in_pieces_and_together() {
        let mut pair = pair().await;
        let frame = FromFollower::from(HEARTBEAT);
        let mut bytes = encode(&frame).expect("encodes");
        bytes.extend(encode(&frame).expect("encodes"));
        let writing = async {
            for byte in &bytes {
                pair.raw.write_all(&[*byte]).await.expect("writes");
                tokio::task::yield_now().await;
            }
            pair.raw.finish().expect("finishes");
        };
        let reading = async {
            for _ in 0..2 {
                assert_eq!(pair.receiver.receive::<FromFollower>().await.expect("reads"), Some(frame.clone()));
            }
            assert_eq!(pair.receiver.receive::<FromFollower>().await.expect("clean end"), None);
        };
        soon(async { tokio::join!(writing, reading) }).await;
        pair.sender.send(&FromLead::from(BEACON)).await.expect("answers");
        assert_eq!(soon(pair.replies.expect::<FromLead>()).await.expect("reads"), FromLead::from(BEACON));
    }

    #[tokio::test]
    async fn garbage_oversized_and_truncated_frames_are_told_apart() {
        let oversized = refusal(&[0, 16, 0, 1], false).await;
        assert!(matches!(oversized, TransportError::FrameTooLarge { max: FRAME_BYTES_MAX, .. }), "{oversized:?}");
        assert_eq!(oversized.close_code(), CloseCode::FrameTooLarge);
        let huge = refusal(&[255; 4], false).await;
        assert!(matches!(huge, TransportError::FrameTooLarge { .. }), "{huge:?}");
        let short = refusal(&[0, 0, 0, 2, 1, 0], false).await;
        assert!(matches!(short, TransportError::Malformed(_)), "{short:?}");
        let unknown = refusal(&[0, 0, 0, 3, 1, 0x7f, 0xff], false).await;
        assert!(matches!(unknown, TransportError::UnknownFrame { number: 0x7fff }), "{unknown:?}");
        let newer = refusal(&[0, 0, 0, 3, 2, 0, 3], false).await;
        assert!(matches!(newer, TransportError::Malformed(_)), "{newer:?}");
        let garbage = refusal(&[0, 0, 0, 5, 1, 0, 3, 0xff, 0xff], false).await;
        assert!(matches!(garbage, TransportError::Malformed(_)), "{garbage:?}");
        for cut in [&[0, 0][..], &[0, 0, 0, 9, 1, 0][..]] {
            let truncated = refusal(cut, true).await;
            assert!(matches!(truncated, TransportError::Truncated), "{truncated:?}");
            assert_eq!(truncated.close_code(), CloseCode::ProtocolViolation);
        }
    }

    #[tokio::test]
    async fn an_announced_mebibyte_costs_nothing_until_it_arrives() {
        let mut pair = pair().await;
        pair.raw.write_all(&[0, 16, 0, 0, 1, 0, 3]).await.expect("writes");
        let waiting = pair.receiver.receive::<FromFollower>();
        let cancelled = tokio::time::timeout(Duration::from_millis(200), waiting).await;
        assert!(cancelled.is_err(), "the frame is not complete");
        let (length, capacity) = pair.receiver.buffered();
        assert_eq!(length, 7, "a cancelled read keeps what has arrived");
        assert!(capacity < 1024, "{capacity} bytes were allocated");
    }

    #[tokio::test]
    async fn a_stream_that_is_given_up_says_why() {
        let mut pair = pair().await;
        pair.raw.reset(CloseCode::TooSlow.variable_integer()).expect("resets");
        let error = soon(pair.receiver.receive::<FromFollower>()).await.expect_err("reset");
        assert!(matches!(error, TransportError::Closed { code: CloseCode::TooSlow, .. }), "{error:?}");
        pair.replies.stop(CloseCode::Done);
        let error = soon(pair.sender.finish_and_wait()).await.expect_err("stopped");
        assert!(matches!(error, TransportError::Closed { code: CloseCode::Done, .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_closed_connection_tells_its_code_and_its_reason() {
        let mut pair = pair().await;
        pair.ends.1.close(CloseCode::Banned, "banned by an admin");
        let error = soon(pair.replies.receive::<FromLead>()).await.expect_err("closed");
        let TransportError::Closed { code: CloseCode::Banned, reason } = error else { panic!("{error:?}") };
        assert_eq!(reason, "banned by an admin");
        assert!(matches!(soon(pair.ends.1.closed()).await, TransportError::ClosedHere));
    }
}
