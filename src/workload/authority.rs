//! A name for whom the client calls, that HTTP/2 takes.
//!
//! The core of gRPC that Python, C++, Ruby and PHP share puts the percent-encoded path of a Unix socket into `:authority`. That is
//! a name by RFC 3986 and none to the parser behind hyper, which would reset the stream. Nobody looks at it here, so each percent
//! sign of it becomes a hyphen, before the parser sees it: nothing gets longer, and nothing else is touched. Only the header block
//! of a HEADERS frame is looked through (RFC 9113, 6.2; RFC 7541, 6); what is malformed is passed on for the parser to refuse.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a client of HTTP/2 says first (RFC 9113, 3.4).
const PREFACE_BYTES: usize = 24;

/// Before each frame: its length in three bytes, its type, its flags, and its stream in four.
const HEAD_BYTES: usize = 9;

/// Largest frame that HTTP/2 is told to take: a longer one is passed on, and refused there.
const FRAME_BYTES_MAX: usize = 16 << 10;

const HEADERS: u8 = 1;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 4 << 10;

/// `:authority` in the static table (RFC 7541, appendix A).
const AUTHORITY_INDEX: usize = 1;
const AUTHORITY: &[u8] = b":authority";

/// A connection on which every client calls a name that HTTP/2 takes.
pub(super) struct Named<S> {
    stream: S,
    /// Looked through, and not read yet from `given` on.
    ready: Vec<u8>,
    given: usize,
    at: At,
}

/// What comes next from the client.
enum At {
    /// So many bytes that are passed on.
    Passing(usize),
    /// A frame's head, and then its block if it is a HEADERS frame.
    Gathering(Vec<u8>),
}

impl<S> Named<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, ready: Vec::new(), given: 0, at: At::Passing(PREFACE_BYTES) }
    }

    /// Takes what the client sent.
    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let wanted = match &self.at {
                At::Passing(left) => *left,
                At::Gathering(frame) => frame_bytes(frame).saturating_sub(frame.len()),
            };
            let (taken, rest) = bytes.split_at(wanted.min(bytes.len()));
            bytes = rest;
            match &mut self.at {
                At::Passing(left) => {
                    self.ready.extend_from_slice(taken);
                    *left -= taken.len();
                }
                At::Gathering(frame) => frame.extend_from_slice(taken),
            }
            self.step();
        }
    }

    /// Passes on what is complete.
    fn step(&mut self) {
        match &mut self.at {
            At::Passing(0) => self.at = At::Gathering(Vec::with_capacity(HEAD_BYTES)),
            At::Passing(_) => {}
            At::Gathering(frame) if frame.len() < frame_bytes(frame) => {}
            At::Gathering(frame) => {
                let left = (HEAD_BYTES + payload_bytes(frame)).saturating_sub(frame.len());
                if left == 0
                    && let Some(block) = header_block(frame)
                    && let Some(block) = frame.get_mut(block)
                {
                    // A block that is cut off or wrong is done as far as it went.
                    let _done = soften(block);
                }
                self.ready.append(frame);
                self.at = At::Passing(left);
                self.step();
            }
        }
    }
}

/// How much of a frame is gathered before it is passed on: its head, and all of it if its headers are looked through.
fn frame_bytes(frame: &[u8]) -> usize {
    match frame.get(3) {
        Some(&HEADERS) if frame.len() >= HEAD_BYTES && payload_bytes(frame) <= FRAME_BYTES_MAX => {
            HEAD_BYTES + payload_bytes(frame)
        }
        Some(_) | None => HEAD_BYTES,
    }
}

fn payload_bytes(frame: &[u8]) -> usize {
    frame.iter().take(3).fold(0, |length, byte| length << 8 | usize::from(*byte))
}

/// Where the header block is in a frame; `None` in one of another type.
fn header_block(frame: &[u8]) -> Option<Range<usize>> {
    let (kind, flags) = (*frame.get(3)?, *frame.get(4)?);
    let padding = if flags & PADDED != 0 { usize::from(*frame.get(HEAD_BYTES)?) } else { 0 };
    let before = usize::from(flags & PADDED != 0) + if flags & PRIORITY != 0 { 5 } else { 0 };
    let block = HEAD_BYTES + before..frame.len().checked_sub(padding)?;
    (kind == HEADERS && block.start <= block.end).then_some(block)
}

/// Looks through the fields of a header block. `None` when it is cut off or wrong.
fn soften(block: &mut [u8]) -> Option<()> {
    let mut at = 0;
    while let Some(&first) = block.get(at) {
        let prefix = match first {
            0x80.. => 7,
            0x40.. => 6,
            0x20.. => 5,
            _ => 4,
        };
        let (index, next) = integer(block, at, prefix)?;
        at = next;
        // A field of the table, or a new size of it: no text follows.
        if prefix == 7 || prefix == 5 {
            continue;
        }
        let mut is_authority = index == AUTHORITY_INDEX;
        if index == 0 {
            let (name, is_plain) = text(block, at)?;
            is_authority = is_plain && block.get(name.clone())? == AUTHORITY;
            at = name.end;
        }
        let (value, is_plain) = text(block, at)?;
        at = value.end;
        if is_authority && is_plain {
            block.get_mut(value)?.iter_mut().filter(|byte| **byte == b'%').for_each(|byte| *byte = b'-');
        }
    }
    Some(())
}

/// An integer that begins in the low bits of a byte, and where it ends (RFC 7541, 5.1).
fn integer(block: &[u8], at: usize, prefix: u32) -> Option<(usize, usize)> {
    let mask = (1_usize << prefix) - 1;
    let mut value = usize::from(*block.get(at)?) & mask;
    let mut at = at + 1;
    if value < mask {
        return Some((value, at));
    }
    // Three bytes more say all that fits a frame.
    for shift in [0, 7, 14] {
        let byte = usize::from(*block.get(at)?);
        (value, at) = (value + ((byte & 0x7f) << shift), at + 1);
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
    }
    None
}

/// Where a text is, and whether it is written plainly (RFC 7541, 5.2).
fn text(block: &[u8], at: usize) -> Option<(Range<usize>, bool)> {
    let is_plain = block.get(at)? & 0x80 == 0;
    let (length, start) = integer(block, at, 7)?;
    let end = start.checked_add(length).filter(|end| *end <= block.len())?;
    Some((start..end, is_plain))
}

impl<S: AsyncRead + Unpin> AsyncRead for Named<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.given == self.ready.len() {
            (self.given, self.ready) = (0, Vec::new());
            let mut chunk = [0; CHUNK_BYTES];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.feed(read.filled());
        }
        let waiting = self.ready.get(self.given..).unwrap_or_default();
        let taken = waiting.len().min(buffer.remaining());
        buffer.put_slice(waiting.get(..taken).unwrap_or_default());
        self.given += taken;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Named<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    /// What comes out when this goes in, so many bytes at a time.
    fn through(bytes: &[u8], step: usize) -> Vec<u8> {
        let mut named = Named::new(());
        bytes.chunks(step).for_each(|chunk| named.feed(chunk));
        named.ready
    }

    fn said(frames: &[Vec<u8>]) -> Vec<u8> {
        [&[b'x'; PREFACE_BYTES][..], &frames.concat()].concat()
    }

    /// As grpc-core 58 writes it, for `/tmp/a.sock`.
    const BLOCK: &[u8] = b"@\x05:path\x03/%a@\x0a:authority\x0ctmp%2Fa.sock\x83\x86@\x02te\x08trailers";
    const SOFTENED: &[u8] = b"@\x05:path\x03/%a@\x0a:authority\x0ctmp-2Fa.sock\x83\x86@\x02te\x08trailers";

    #[test]
    fn the_name_alone_is_softened_however_the_bytes_arrive() {
        let others = frame(0, 0, b"\x41\x03a%b");
        let table = |value: &str| [b"\x3f\xe1\x1f\x41\x03", value.as_bytes()].concat();
        let padded = |block: &[u8]| [&[2, 0, 0, 0, 0, 0][..], block, &[0, 0]].concat();
        let sent = said(&[
            frame(4, 0, b"%"),
            frame(HEADERS, 4, BLOCK),
            others.clone(),
            frame(HEADERS, 5, &table("a%b")),
            frame(HEADERS, PADDED | PRIORITY, &padded(BLOCK)),
        ]);
        let expected = said(&[
            frame(4, 0, b"%"),
            frame(HEADERS, 4, SOFTENED),
            others,
            frame(HEADERS, 5, &table("a-b")),
            frame(HEADERS, PADDED | PRIORITY, &padded(SOFTENED)),
        ]);
        for step in [1, 2, 7, 4096] {
            assert_eq!(through(&sent, step), expected, "{step} bytes at a time");
        }
    }

    #[test]
    fn what_is_cut_off_compressed_or_too_long_is_passed_on_as_it_is() {
        let blocks = [&b"\x41\x7f\xff\xff\xff\xff"[..], b"\x41\x09a%b", b"\x41\x83a%b", b"\x40", b"\xff", b""];
        let mut frames: Vec<_> = blocks.iter().map(|block| frame(HEADERS, 4, block)).collect();
        frames.push(frame(HEADERS, PADDED, &[9, 1]));
        frames.push(frame(HEADERS, 4, &[b'%'; FRAME_BYTES_MAX + 1]));
        frames.push(frame(0, 1, b""));
        assert_eq!(through(&said(&frames), 5), said(&frames));
    }

    proptest! {
        #[test]
        fn nothing_is_ever_longer_shorter_or_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let sent = said(&[frame(HEADERS, 4, &bytes), frame(HEADERS, 0x2c, &bytes), frame(0, 0, b"end")]);
            prop_assert_eq!(through(&sent, 3).len(), sent.len());
        }
    }
}
