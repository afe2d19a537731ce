//! How much waits for the lead: the bytes of the lines that it does not have yet, counted in coarse chunks.
//!
//! What waits stays in the files of the journal, so nothing is copied, and nothing is lost when the node stops. The bound
//! closes the door instead of dropping a line: beyond it whoever asks for something is refused, and no line is needed for
//! what did not happen. Lines that tell of what happens in any case have a reserve above the bound.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::entry::Entry;
use super::error::AuditError;
use super::files::parts;
use super::line::parse_link;
use super::lines::{Lines, Next};
use super::options::SpoolOptions;

/// Chunks of a full spool. What the lead took is freed a chunk at a time, so up to one of them counts too long.
const CHUNKS: u64 = 1024;

/// The reserve of the spool is its sixteenth: a day of refusals at a knock a second.
const RESERVE: u64 = 16;

/// What waits.
#[derive(Debug)]
pub(super) struct Spool {
    bytes_max: u64,
    /// The last line the lead has; raised by the handle, read by the writer.
    forwarded: Arc<AtomicU64>,
    /// Oldest first.
    chunks: VecDeque<Chunk>,
    bytes: u64,
}

/// Lines behind one another.
#[derive(Debug)]
struct Chunk {
    last_seq: u64,
    bytes: u64,
}

impl Spool {
    /// Counts what waits in a journal whose end is whole.
    ///
    /// # Errors
    /// [`AuditError`] when a file cannot be read.
    pub(super) fn of(directory: &Path, options: SpoolOptions, forwarded: Arc<AtomicU64>) -> Result<Self, AuditError> {
        let mut spool = Self { bytes_max: options.bytes_max, forwarded, chunks: VecDeque::new(), bytes: 0 };
        // From the newest part back to the one that holds the last line the lead has.
        let mut waiting = Vec::new();
        for part in parts(directory)?.into_iter().rev() {
            let first = match Lines::of(directory, &part)?.next().map_err(AuditError::io(part.path(directory)))? {
                Next::Line(line) => parse_link(line).map(|link| link.seq),
                Next::Cut | Next::TooLong | Next::End => None,
            };
            let Some(first) = first else { continue };
            waiting.push((first, part));
            if first <= options.forwarded_seq.saturating_add(1) {
                break;
            }
        }
        for (first, part) in waiting.into_iter().rev() {
            let mut lines = Lines::of(directory, &part)?;
            let mut seq = first;
            while let Next::Line(line) = lines.next().map_err(AuditError::io(part.path(directory)))? {
                if seq > options.forwarded_seq {
                    spool.wrote(seq, line.len().saturating_add(1));
                }
                seq = seq.saturating_add(1);
            }
        }
        Ok(spool)
    }

    /// Whether there is room for a line behind so many bytes that are about to be written.
    pub(super) fn takes(&mut self, entry: &Entry, about: usize, bytes: usize) -> bool {
        self.free();
        let reserve = self.bytes_max / RESERVE;
        let bound = match (entry.lasting, entry.outlives_its_asker()) {
            (true, _) => self.bytes_max.saturating_add(reserve),
            // Who knocks all day must not take the place of what came of a change.
            (false, true) => self.bytes_max.saturating_add(reserve / 2),
            (false, false) => self.bytes_max,
        };
        let more = u64::try_from(about.saturating_add(bytes)).unwrap_or(u64::MAX);
        self.bytes.saturating_add(more) <= bound
    }

    /// A line was written; `bytes` with its newline.
    pub(super) fn wrote(&mut self, seq: u64, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
        match self.chunks.back_mut().filter(|chunk| chunk.bytes < self.bytes_max / CHUNKS) {
            Some(chunk) => {
                chunk.last_seq = seq;
                chunk.bytes = chunk.bytes.saturating_add(bytes);
            }
            None => self.chunks.push_back(Chunk { last_seq: seq, bytes }),
        }
    }

    /// Forgets what the lead has taken.
    fn free(&mut self) {
        let forwarded = self.forwarded.load(Ordering::Acquire);
        while let Some(chunk) = self.chunks.pop_front_if(|chunk| chunk.last_seq <= forwarded) {
            self.bytes = self.bytes.saturating_sub(chunk.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Ruling;
    use super::super::sample::{entry, lines};
    use super::*;

    const FULL: u64 = 1 << 20;

    fn spool(directory: &Path, forwarded_seq: u64) -> Spool {
        let forwarded = Arc::new(AtomicU64::new(forwarded_seq));
        Spool::of(directory, SpoolOptions { bytes_max: FULL, forwarded_seq }, forwarded).expect("readable")
    }

    #[test]
    fn a_full_spool_takes_no_line_until_the_lead_took_some() {
        let directory = tempfile::tempdir().expect("directory");
        let mut spool = spool(directory.path(), 0);
        let mut seq = 0;
        while spool.takes(&entry("r"), 0, 1000) {
            seq += 1;
            spool.wrote(seq, 1000);
        }
        assert_eq!(seq, FULL / 1000);
        assert!(spool.chunks.len() <= 1025, "memory is bounded: {}", spool.chunks.len());
        spool.forwarded.store(seq / 2, Ordering::Release);
        assert!(spool.takes(&entry("r"), 0, 1000));
        assert!(spool.bytes <= FULL / 2 + 3000, "{}", spool.bytes);
        spool.forwarded.store(u64::MAX, Ordering::Release);
        assert!(spool.takes(&entry("r"), 0, 1000));
        assert_eq!((spool.bytes, spool.chunks.len()), (0, 0));
    }

    #[test]
    fn above_the_bound_there_is_room_for_what_happens_in_any_case_and_for_outcomes_longest() {
        let directory = tempfile::tempdir().expect("directory");
        let mut spool = spool(directory.path(), 0);
        spool.wrote(1, usize::try_from(FULL).expect("small"));
        let refusal = Entry { ruling: Ruling::Deny, ..entry("r") };
        let outcome = Entry { lasting: true, ..entry("r") };
        assert!(!spool.takes(&entry("r"), 0, 1));
        assert!(spool.takes(&refusal, 0, 1) && spool.takes(&outcome, 0, 1));
        spool.wrote(2, usize::try_from(FULL / RESERVE / 2).expect("small"));
        assert!(!spool.takes(&refusal, 0, 1) && spool.takes(&outcome, 0, 1));
        spool.wrote(3, usize::try_from(FULL / RESERVE / 2).expect("small"));
        assert!(!spool.takes(&outcome, 0, 1), "also the reserve has an end");
    }

    #[test]
    fn a_start_counts_what_the_lead_does_not_have_over_all_files() {
        let directory = tempfile::tempdir().expect("directory");
        let all = lines(9);
        let names = ["audit-2026-10.jsonl", "audit-2026-11.jsonl", "audit-2026-11.002.jsonl", "audit-2026-12.jsonl"];
        for (name, text) in names.iter().zip([&all[..3], &all[3..6], &all[6..], &[]]) {
            std::fs::write(directory.path().join(name), text.concat()).expect("file");
        }
        for forwarded in 0..=9 {
            let behind: usize = all[forwarded..].iter().map(String::len).sum();
            let spool = spool(directory.path(), u64::try_from(forwarded).expect("small"));
            assert_eq!(spool.bytes, u64::try_from(behind).expect("small"), "{forwarded}");
        }
    }
}
