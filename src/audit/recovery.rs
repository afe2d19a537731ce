//! Where a journal goes on after a start: behind its last whole line. What a crash tore is cut, kept aside and told.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::AuditError;
use super::files::{Form, Part, open_to_add, open_to_write, parts, sync_directory};
use super::head::Head;
use super::line::{LINE_BYTES_MAX, parse_link};
use super::lines::{Lines, Next};

/// Most bytes a crash can tear: what is written between two fsyncs. More than this missing is not a crash.
const TORN_BYTES_MAX: usize = 4 << 20;

/// A cut at the end of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The file that was cut.
    pub file: PathBuf,
    /// So many bytes were cut,
    pub bytes: usize,
    /// and added to this file.
    pub kept: PathBuf,
}

/// Where a chain goes on.
pub(super) struct Resumed {
    /// The last whole line.
    pub(super) head: Head,
    /// The newest file.
    pub(super) newest: Option<Part>,
    /// What had to be cut for that.
    pub(super) torn: Option<Torn>,
}

/// Finds the end of the chain in a directory. Afterwards everything in the newest file is whole and on the disk.
///
/// # Errors
/// [`AuditError::Corrupt`] when the end is not what a crash leaves; [`AuditError::Io`] when the disk refuses.
pub(super) fn resume(directory: &Path) -> Result<Resumed, AuditError> {
    let parts = parts(directory)?;
    let mut torn = None;
    let mut head = None;
    for part in parts.iter().rev() {
        let path = part.path(directory);
        head = match part.form {
            Form::Packed => last_of_packed(directory, part)?,
            Form::Plain => {
                let end = End::of(&path, parts.first() != Some(part))?;
                if !end.rest.is_empty() {
                    if torn.is_some() || Some(part) != parts.last() {
                        // Earlier files were on the disk before the next one was begun.
                        return Err(AuditError::Corrupt { path });
                    }
                    torn = Some(end.cut(directory, &path)?);
                }
                end.head
            }
        };
        if head.is_some() {
            break;
        }
    }
    Ok(Resumed { head: head.unwrap_or(Head::GENESIS), newest: parts.into_iter().next_back(), torn })
}

/// The last line of a packed file, which holds whole lines or was damaged since.
fn last_of_packed(directory: &Path, part: &Part) -> Result<Option<Head>, AuditError> {
    let path = part.path(directory);
    let corrupt = || AuditError::Corrupt { path: path.clone() };
    let mut last = Vec::new();
    let mut lines = Lines::of(directory, part)?;
    loop {
        match lines.next().map_err(AuditError::io(&path))? {
            Next::Line(line) => line.clone_into(&mut last),
            Next::End => break,
            Next::Cut | Next::TooLong => return Err(corrupt()),
        }
    }
    if last.is_empty() {
        return Ok(None);
    }
    let link = parse_link(&last).ok_or_else(corrupt)?;
    Ok(Some(Head::of_line(link.seq, &last)))
}

/// The end of one file.
struct End {
    file: File,
    /// The last whole line.
    head: Option<Head>,
    /// Where it ends.
    whole: u64,
    /// What stands behind it.
    rest: Vec<u8>,
}

impl End {
    /// `follows`: there is a file before this one, where the chain can go on from.
    fn of(path: &Path, follows: bool) -> Result<Self, AuditError> {
        let file = open_to_write(path)?;
        let length = file.metadata().map_err(AuditError::io(path))?.len();
        let window_max = TORN_BYTES_MAX.saturating_add(LINE_BYTES_MAX).saturating_add(1);
        let window_len = usize::try_from(length).unwrap_or(usize::MAX).min(window_max);
        let window_at = length.saturating_sub(u64::try_from(window_len).unwrap_or(u64::MAX));
        let mut window = vec![0; window_len];
        file.read_exact_at(&mut window, window_at).map_err(AuditError::io(path))?;
        let (head, whole) = match last_line(&window, window_at == 0) {
            Some((end, head)) => (Some(head), end),
            // The very first write to a file was torn. What is left of several lines may hold the end of one, but then
            // there are lines before it, or a file.
            None if window_at == 0 && (follows || !window.contains(&b'\n')) => (None, 0),
            None => return Err(AuditError::Corrupt { path: path.to_owned() }),
        };
        let rest = window.split_off(whole);
        let whole = length.saturating_sub(u64::try_from(rest.len()).unwrap_or(u64::MAX));
        Ok(Self { file, head, whole, rest })
    }

    /// Keeps the rest aside first, so that a crash in between loses nothing.
    fn cut(&self, directory: &Path, path: &Path) -> Result<Torn, AuditError> {
        let kept = path.with_extension("torn");
        let mut side = open_to_add(&kept)?;
        let keep = |side: &mut File| side.write_all(&self.rest).and_then(|()| side.sync_all());
        keep(&mut side).and_then(|()| sync_directory(directory)).map_err(AuditError::io(&kept))?;
        self.file.set_len(self.whole).and_then(|()| self.file.sync_all()).map_err(AuditError::io(path))?;
        Ok(Torn { file: path.to_owned(), bytes: self.rest.len(), kept })
    }
}

/// The last whole line in a window of a file, and where it ends. `from_start`: the window's first line is not cut off.
fn last_line(window: &[u8], from_start: bool) -> Option<(usize, Head)> {
    let newline_before = |end: usize| window.iter().take(end).rposition(|&byte| byte == b'\n');
    let mut newline = newline_before(window.len())?;
    loop {
        let before = newline_before(newline);
        let start = before.map_or(0, |at| at.saturating_add(1));
        let line = window.get(start..newline)?;
        if (before.is_some() || from_start)
            && let Some(link) = parse_link(line)
        {
            return Some((newline.saturating_add(1), Head::of_line(link.seq, line)));
        }
        newline = before?;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::sample;
    use super::*;

    const FILE: &str = "audit-2026-11.jsonl";

    #[test]
    fn an_empty_directory_begins_a_chain_and_a_missing_one_is_an_error() {
        let directory = tempfile::tempdir().expect("directory");
        let resumed = resume(directory.path()).expect("empty");
        assert_eq!((resumed.head, resumed.newest, resumed.torn), (Head::GENESIS, None, None));
        assert!(matches!(resume(&directory.path().join("missing")), Err(AuditError::Io { .. })));
    }

    #[test]
    fn a_torn_end_is_cut_and_kept_aside() {
        let lines = sample::lines(3);
        for rest in [lines[2].trim_end(), "{\"seq\":3", "\0\0\0\0", "garbage\n\0\0", "x"] {
            let directory = tempfile::tempdir().expect("directory");
            let path = directory.path().join(FILE);
            fs::write(&path, format!("{}{}{rest}", lines[0], lines[1])).expect("file");
            let resumed = resume(directory.path()).expect("recovered");
            assert_eq!(resumed.head.seq, 2, "{rest:?}");
            let torn = resumed.torn.expect("torn");
            assert_eq!((torn.bytes, fs::read_to_string(&torn.kept).expect("side file")), (rest.len(), rest.to_owned()));
            assert_eq!(fs::read_to_string(&path).expect("file"), format!("{}{}", lines[0], lines[1]));
            assert!(resume(directory.path()).expect("whole").torn.is_none());
        }
    }

    #[test]
    fn a_month_whose_first_line_was_torn_goes_on_from_the_month_before() {
        let directory = tempfile::tempdir().expect("directory");
        fs::write(directory.path().join(FILE), sample::lines(2).concat()).expect("file");
        // Also what a power cut leaves of several lines, whose first page never reached the disk.
        for torn in ["{\"seq\":3,", "\0\0\0\0\"}\n{\"s"] {
            fs::write(directory.path().join("audit-2026-12.jsonl"), torn).expect("file");
            let resumed = resume(directory.path()).expect("recovered");
            assert_eq!((resumed.head.seq, resumed.torn.expect("torn").bytes), (2, torn.len()));
        }
    }

    #[test]
    fn an_end_no_crash_leaves_stops_the_start_and_changes_nothing() {
        let lines = sample::lines(2);
        let cases = [
            "no journal\nat all\n".to_owned(),
            format!("{}{}", lines[0], "\0".repeat(TORN_BYTES_MAX + LINE_BYTES_MAX + 1)),
        ];
        for text in cases {
            let directory = tempfile::tempdir().expect("directory");
            let path = directory.path().join(FILE);
            fs::write(&path, &text).expect("file");
            assert!(matches!(resume(directory.path()), Err(AuditError::Corrupt { .. })));
            assert_eq!(fs::read_to_string(&path).expect("file"), text);
        }
    }

    #[test]
    fn an_earlier_month_that_is_torn_stops_the_start() {
        let directory = tempfile::tempdir().expect("directory");
        fs::write(directory.path().join(FILE), sample::lines(2).concat().trim_end()).expect("file");
        fs::write(directory.path().join("audit-2026-12.jsonl"), "").expect("file");
        assert!(matches!(resume(directory.path()), Err(AuditError::Corrupt { .. })));
    }
}
