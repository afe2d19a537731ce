//! A copy of another node's journal: takes what follows, brings it to the disk, and keeps what was sealed of it.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::copies::{chain_dir, chains};
use super::error::AuditError;
use super::files::{Month, Part};
use super::head::Head;
use super::heads::Heads;
use super::intake::{Misfit, Tip};
use super::line::{parse_format, parse_time};
use super::recovery::resume;
use super::sink::FileSink;
use super::tail::tail;
use crate::model::name::NodeName;
use crate::model::time::Timestamp;

/// A line is no older than this, as far as files go: 120 months.
const BACK_MAX: Duration = Duration::from_secs(10 * 365 * 86_400);

/// How far the clock of a node is believed to be ahead.
const AHEAD_MAX: Duration = Duration::from_secs(86_400);

/// One chain of one node, as the lead keeps it. One at a time writes it.
pub struct Copy {
    node: NodeName,
    chain: u32,
    directory: PathBuf,
    tip: Tip,
    heads: Heads,
    newest: Option<Part>,
    file_bytes_max: u64,
    /// Open while lines come.
    sink: Option<FileSink>,
}

impl Copy {
    /// The newest chain of a node; none if nothing of it was taken yet.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn newest(audit_dir: &Path, node: &NodeName, file_bytes_max: u64) -> Result<Option<Self>, AuditError> {
        let newest = chains(audit_dir, node)?.into_iter().next_back();
        newest.map(|chain| Self::open(audit_dir, node, chain, file_bytes_max)).transpose()
    }

    /// A chain, made if it is missing. What a crash tore off its end was never acknowledged, and comes again.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn open(audit_dir: &Path, node: &NodeName, chain: u32, file_bytes_max: u64) -> Result<Self, AuditError> {
        let directory = chain_dir(audit_dir, node, chain);
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(AuditError::io(&directory))?;
        let resumed = resume(&directory)?;
        let format = tail(&directory, 1)?.first().and_then(|line| parse_format(line.as_bytes())).unwrap_or_default();
        let heads = Heads::open(&directory)?;
        let (node, tip) = (node.clone(), Tip { head: resumed.head, format });
        Ok(Self { node, chain, directory, tip, heads, newest: resumed.newest, file_bytes_max, sink: None })
    }

    /// Which of the node's chains it is.
    #[must_use]
    pub fn chain(&self) -> u32 {
        self.chain
    }

    /// The end of what was taken.
    #[must_use]
    pub fn tip(&self) -> Tip {
        self.tip
    }

    /// What was sealed of it.
    #[must_use]
    pub fn heads(&self) -> &Heads {
        &self.heads
    }

    /// The same, to keep one more.
    pub fn heads_mut(&mut self) -> &mut Heads {
        &mut self.heads
    }

    /// Says behind which line an empty copy begins: what was before it cannot be had any more.
    pub fn begin_behind(&mut self, head: Head) {
        if self.tip.head.seq == 0 || self.newest.is_none() {
            self.tip = Tip::behind(head);
        }
    }

    /// The end of the copy once these lines follow, each with its newline; nothing is taken yet.
    ///
    /// # Errors
    /// [`Misfit`] of the first that does not follow.
    pub fn preview(&self, lines: &[u8]) -> Result<Tip, Misfit> {
        self.tip.follow_all(&self.node, lines)
    }

    /// Takes the lines that came to this preview. When this returns they are on the disk.
    ///
    /// # Errors
    /// [`AuditError`]; some of the first of them may be part of the copy then.
    pub fn take(&mut self, lines: &[u8], preview: Tip, now: Timestamp) -> Result<(), AuditError> {
        for (month, lines) in by_month(lines, now) {
            let written = self.sink()?.append_durably(month, lines);
            if let Err(error) = written {
                self.sink = None;
                let resumed = resume(&self.directory)?;
                if resumed.head.seq > self.tip.head.seq {
                    self.tip = Tip { head: resumed.head, ..self.tip };
                }
                self.newest = resumed.newest;
                return Err(AuditError::io(&self.directory)(error));
            }
        }
        self.tip = preview;
        Ok(())
    }

    /// Closes its file until more lines come.
    ///
    /// # Errors
    /// [`AuditError`] when the directory cannot be read; it is then as closed as it was.
    pub fn rest(&mut self) -> Result<(), AuditError> {
        if self.sink.take().is_some() {
            self.newest = resume(&self.directory)?.newest;
        }
        Ok(())
    }

    fn sink(&mut self) -> Result<&mut FileSink, AuditError> {
        if self.sink.is_none() {
            // The journal's own lock covers the copies below it.
            let handle = File::open(&self.directory).map_err(AuditError::io(&self.directory))?;
            let newest = self.newest.clone();
            let sink = FileSink::open(self.directory.clone(), handle, newest, self.file_bytes_max)?;
            self.sink = Some(sink);
        }
        self.sink.as_mut().ok_or_else(|| AuditError::NotAFile { path: self.directory.clone() })
    }
}

/// The lines in pieces of one month each. A line without a time, which no node wrote, stays with the lines before it. A time
/// that cannot be makes no month of its own: a node that lies with each line would else make a file with each.
fn by_month(lines: &[u8], now: Timestamp) -> Vec<(Month, &[u8])> {
    let (oldest, newest) = (now.minus(BACK_MAX), now.plus(AHEAD_MAX));
    let month = |line: &[u8]| parse_time(line).map(|time| time.clamp(oldest, newest)).and_then(Month::of);
    let mut pieces: Vec<(Month, &[u8])> = Vec::new();
    let mut rest = lines;
    let mut current = None;
    let mut taken = 0_usize;
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        let of_line = month(line).or(current).unwrap_or(Month::FIRST);
        if let Some(before) = current.take().filter(|before| *before != of_line) {
            let (piece, more) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
            pieces.push((before, piece));
            (rest, taken) = (more, 0);
        }
        taken = taken.saturating_add(line.len());
        current = Some(of_line);
    }
    pieces.extend(current.filter(|_| !rest.is_empty()).map(|month| (month, rest)));
    pieces
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::sample;
    use super::super::verify::verify;
    use super::*;

    const FILE_BYTES_MAX: u64 = 1 << 20;

    fn take(copy: &mut Copy, lines: &[String]) -> Result<(), Misfit> {
        let lines = lines.concat();
        let preview = copy.preview(lines.as_bytes())?;
        copy.take(lines.as_bytes(), preview, now()).expect("taken");
        Ok(())
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-12-21T08:00:00Z").expect("a time")
    }

    fn open(directory: &Path) -> Copy {
        Copy::open(directory, &sample::node(), 1, FILE_BYTES_MAX).expect("opens")
    }

    #[test]
    fn a_copy_goes_on_where_it_ended_and_is_a_journal_like_any_other() {
        let directory = tempfile::tempdir().expect("directory");
        let lines = sample::lines(9);
        assert!(Copy::newest(directory.path(), &sample::node(), FILE_BYTES_MAX).expect("readable").is_none());
        let mut copy = open(directory.path());
        take(&mut copy, &lines[..4]).expect("taken");
        copy.rest().expect("closed");
        take(&mut copy, &lines[4..6]).expect("taken");
        drop(copy);
        let mut copy = Copy::newest(directory.path(), &sample::node(), FILE_BYTES_MAX).expect("readable").expect("one");
        assert_eq!((copy.tip().head.seq, copy.tip().format, copy.chain()), (6, 2, 1));
        assert_eq!(take(&mut copy, &lines[7..]), Err(Misfit::OutOfOrder { expected: 7, found: 8 }));
        take(&mut copy, &lines[6..]).expect("taken");
        let path = chain_dir(directory.path(), &sample::node(), 1);
        let verdict = verify(&path).expect("readable");
        assert_eq!((verdict.lines, verdict.broken), (9, None));
        assert_eq!(fs::read_to_string(path.join("audit-2026-11.jsonl")).expect("one file"), lines.concat());
    }

    #[test]
    fn lines_go_to_the_file_of_their_month_and_never_back_to_an_earlier_one() {
        let line = |month: &str| format!("{{\"time\":\"2026-{month}-01T00:00:00Z\"}}\n");
        let lines = [line("11"), line("11"), line("12"), "{}\n".to_owned(), line("11")].concat();
        let pieces: Vec<_> =
            by_month(lines.as_bytes(), now()).iter().map(|(month, piece)| (*month, piece.len())).collect();
        let month = |text: &str| Month::of(crate::model::time::Timestamp::parse(text).expect("time")).expect("month");
        let (november, december) = (month("2026-11-05T00:00:00Z"), month("2026-12-05T00:00:00Z"));
        let long = line("11").len();
        assert_eq!(pieces, [(november, 2 * long), (december, long + 3), (november, long)]);
        assert!(by_month(b"", now()).is_empty());
    }

    #[test]
    fn a_node_that_lies_about_the_time_of_each_line_does_not_make_a_file_with_each() {
        let line = |year: u32, month: u32| format!("{{\"time\":\"{year:04}-{month:02}-01T00:00:00Z\"}}\n");
        let years = (1..60).chain(1990..2100).flat_map(|year| (1..13).map(move |month| line(year, month)));
        let lines: String = years.collect();
        let mut months: Vec<Month> = by_month(lines.as_bytes(), now()).into_iter().map(|(month, _)| month).collect();
        months.dedup();
        assert!((100..130).contains(&months.len()), "{}", months.len());
        let newest = months.iter().max().cloned();
        assert_eq!(newest, Month::of(now().plus(AHEAD_MAX)));
    }

    #[test]
    fn what_a_crash_tore_comes_again() {
        let directory = tempfile::tempdir().expect("directory");
        let lines = sample::lines(4);
        take(&mut open(directory.path()), &lines[..3]).expect("taken");
        let file = chain_dir(directory.path(), &sample::node(), 1).join("audit-2026-11.jsonl");
        let whole = fs::read(&file).expect("readable");
        fs::write(&file, &whole[..whole.len() - 5]).expect("torn");
        let mut copy = open(directory.path());
        assert_eq!(copy.tip().head.seq, 2);
        take(&mut copy, &lines[2..]).expect("taken");
        assert_eq!(fs::read_to_string(&file).expect("readable"), lines.concat());
    }
}
