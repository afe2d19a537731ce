//! The lines of a stretch of a journal's file: of one gzip member of a packed one, or of one mebibyte of a plain one.
//!
//! Whoever writes an index and whoever reads lines by it must agree on which line has which number: both read here.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use flate2::bufread::GzDecoder;
use memchr::memchr_iter;

use super::line::LINE_BYTES_MAX;

/// Largest member that is read as one: sixteen times what is written.
const MEMBER_BYTES_MAX: usize = 4 << 20;

/// How much of a plain file is read at once.
pub(super) const CHUNK_BYTES: u64 = 1 << 20;

/// What a reader of members found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// Whole lines, each with its newline.
    Whole,
    /// More than is read at once, or a cut line at its end: it can only be read together with the others.
    Odd,
    /// There are no more.
    End,
}

/// Reads the next member into `raw`.
///
/// # Errors
/// What the disk says; `InvalidData` or `UnexpectedEof` when it is no member, or a damaged one.
pub(super) fn next(from: &mut impl BufRead, raw: &mut Vec<u8>) -> io::Result<Member> {
    raw.clear();
    if from.fill_buf()?.is_empty() {
        return Ok(Member::End);
    }
    let limit = u64::try_from(MEMBER_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    GzDecoder::new(from).take(limit).read_to_end(raw)?;
    let whole = raw.len() <= MEMBER_BYTES_MAX && raw.last().is_none_or(|byte| *byte == b'\n');
    Ok(if whole { Member::Whole } else { Member::Odd })
}

/// Reads the member that begins here.
///
/// # Errors
/// As [`next`]; also `InvalidData` when there is none, or an odd one.
pub(super) fn at(file: &File, offset: u64, raw: &mut Vec<u8>) -> io::Result<()> {
    let mut file = BufReader::with_capacity(64 << 10, file);
    file.seek(SeekFrom::Start(offset))?;
    match next(&mut file, raw)? {
        Member::Whole => Ok(()),
        Member::Odd | Member::End => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Reads the lines that begin within one chunk of a plain file into `raw`, each with its newline. A line that is being
/// written has none yet, and is left out.
///
/// # Errors
/// What the disk says.
pub(super) fn chunk(file: &File, number: u64, raw: &mut Vec<u8>) -> io::Result<()> {
    let begin = number.saturating_mul(CHUNK_BYTES);
    // One byte before tells whether a line begins here; one line after completes the last.
    let from = begin.saturating_sub(1);
    let line_max = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(2);
    let bytes = begin.saturating_sub(from).saturating_add(CHUNK_BYTES).saturating_add(line_max);
    raw.clear();
    raw.resize(usize::try_from(bytes).unwrap_or(usize::MAX), 0);
    let mut filled = 0;
    while let Some(free) = raw.get_mut(filled..).filter(|free| !free.is_empty()) {
        let read = file.read_at(free, from.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX)))?;
        if read == 0 {
            break;
        }
        filled = filled.saturating_add(read);
    }
    raw.truncate(filled);
    let skipped = if begin == 0 { 0 } else { memchr::memchr(b'\n', raw).map_or(raw.len(), |newline| newline + 1) };
    // The last line that begins within the chunk, and its end.
    let own = usize::try_from(begin.saturating_sub(from).saturating_add(CHUNK_BYTES)).unwrap_or(usize::MAX);
    let end = match raw.get(own.saturating_sub(1)..) {
        Some(rest) => memchr::memchr(b'\n', rest).map_or(0, |newline| own.saturating_add(newline)),
        None => 0,
    };
    let end = if end == 0 { memchr::memrchr(b'\n', raw).map_or(0, |newline| newline + 1) } else { end };
    raw.truncate(end);
    raw.drain(..skipped.min(end));
    Ok(())
}

/// The lines, without their newlines.
pub(super) fn lines(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut begin = 0;
    memchr_iter(b'\n', raw).filter_map(move |end| {
        let line = raw.get(begin..end);
        begin = end.saturating_add(1);
        line
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn chunks_give_every_line_once_wherever_their_borders_are() {
        let size = usize::try_from(CHUNK_BYTES).expect("small");
        for at in [size - 3, size - 2, size - 1, size, size + 1] {
            // One line ends just around the border; the one after it is cut.
            let text = format!("{}\n{}\n{}\ncut", "a".repeat(at / 2), "b".repeat(at - at / 2 - 2), "c".repeat(9000));
            let text = format!("{text}{}", "");
            let mut file = tempfile::tempfile().expect("file");
            file.write_all(text.as_bytes()).expect("written");
            let (mut raw, mut found) = (Vec::new(), Vec::new());
            for number in 0..3 {
                chunk(&file, number, &mut raw).expect("readable");
                found.extend(lines(&raw).map(<[u8]>::to_vec));
            }
            let wanted: Vec<Vec<u8>> = text.lines().take(3).map(|line| line.as_bytes().to_vec()).collect();
            assert_eq!(found.len(), 3, "{at}");
            assert_eq!(found, wanted, "{at}");
        }
    }

    #[test]
    fn members_are_read_one_by_one_and_an_odd_one_is_told() {
        let member = |text: &[u8]| {
            let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
            packer.write_all(text).expect("packed");
            packer.finish().expect("packed")
        };
        let packed =
            [member(b"a\nb\n"), member(b""), member(b"cut"), member(&vec![b'x'; MEMBER_BYTES_MAX + 1])].concat();
        let (mut from, mut raw) = (packed.as_slice(), Vec::new());
        assert_eq!(next(&mut from, &mut raw).expect("a member"), Member::Whole);
        assert_eq!(lines(&raw).collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(next(&mut from, &mut raw).expect("a member"), Member::Whole);
        assert_eq!(next(&mut from, &mut raw).expect("a member"), Member::Odd);
        assert_eq!(next(&mut from, &mut raw).expect("a member"), Member::Odd);
        assert!(next(&mut &b"no member at all"[..], &mut raw).is_err());
        assert!(next(&mut packed.get(..5).expect("cut"), &mut raw).is_err());
        assert_eq!(next(&mut &b""[..], &mut raw).expect("nothing"), Member::End);
    }
}
