//! The last lines of a journal, for people.

use std::collections::VecDeque;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::AuditError;
use super::files::{Form, Part, open_to_read, parts};
use super::lines::{Lines, Next};

/// Most lines given at once: with the longest lines they still fit in memory.
pub const TAIL_LINES_MAX: usize = 10_000;

/// How much is read at a time, from the end backwards.
const BLOCK_BYTES: usize = 64 << 10;

/// The last `count` lines, oldest first, at most [`TAIL_LINES_MAX`]. A line that is just being written is left out.
///
/// # Errors
/// [`AuditError`] when a file cannot be read: never fewer lines instead.
pub fn tail(directory: &Path, count: usize) -> Result<Vec<String>, AuditError> {
    let wanted = count.min(TAIL_LINES_MAX);
    let mut lines = VecDeque::new();
    for part in parts(directory)?.iter().rev() {
        if lines.len() >= wanted {
            break;
        }
        let path = part.path(directory);
        let missing = wanted.saturating_sub(lines.len());
        let last = match part.form {
            Form::Plain => match open_to_read(&path) {
                // It was packed since it was listed.
                Err(AuditError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                    last_packed(directory, &part.as_form(Form::Packed), missing)?
                }
                opened => last_lines(&opened?, missing).map_err(AuditError::io(&path))?,
            },
            Form::Packed => last_packed(directory, part, missing)?,
        };
        last.into_iter().for_each(|line| lines.push_front(line));
    }
    Ok(lines.into())
}

/// The last lines of a packed file, newest first. It can only be read from its beginning.
fn last_packed(directory: &Path, part: &Part, wanted: usize) -> Result<Vec<String>, AuditError> {
    let mut last = VecDeque::new();
    let mut lines = Lines::of(directory, part)?;
    while let Next::Line(line) = lines.next().map_err(AuditError::io(part.path(directory)))? {
        if last.len() == wanted {
            last.pop_front();
        }
        last.push_back(String::from_utf8_lossy(line).into_owned());
    }
    Ok(last.into_iter().rev().collect())
}

/// The last whole lines of one file, newest first.
fn last_lines(file: &File, wanted: usize) -> std::io::Result<Vec<String>> {
    let mut at = file.metadata()?.len();
    let mut bytes: Vec<u8> = Vec::new();
    // One newline more than lines: the one that ends the line before them.
    while at > 0 && bytes.iter().filter(|&&byte| byte == b'\n').count() <= wanted {
        let take = usize::try_from(at).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
        at = at.saturating_sub(u64::try_from(take).unwrap_or(at));
        let mut block = vec![0; take];
        file.read_exact_at(&mut block, at)?;
        block.append(&mut bytes);
        bytes = block;
    }
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline.saturating_add(1));
    bytes.truncate(whole);
    let lines = bytes.split_inclusive(|&byte| byte == b'\n').rev().take(wanted);
    Ok(lines.map(|line| String::from_utf8_lossy(line).trim_end_matches('\n').to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::sample;
    use super::*;

    fn journal(parts: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("directory");
        for (month, part) in parts.iter().enumerate() {
            fs::write(directory.path().join(format!("audit-2026-0{}.jsonl", month + 1)), part).expect("file");
        }
        directory
    }

    #[test]
    fn the_last_lines_come_oldest_first_across_months() {
        let lines = sample::lines(5);
        let directory = journal(&[&lines[..3].concat(), "", &lines[3..].concat()]);
        let last = |count| tail(directory.path(), count).expect("readable");
        let all: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        assert_eq!(last(0), [""; 0]);
        assert_eq!(last(1), all[4..]);
        assert_eq!(last(4), all[1..]);
        assert_eq!(last(100), all);
    }

    #[test]
    fn lines_longer_than_a_block_and_more_lines_than_a_block_are_read_whole() {
        let long = format!("{}\n", "x".repeat(BLOCK_BYTES * 2));
        let short = "y\n".repeat(BLOCK_BYTES);
        let directory = journal(&[&long, &short]);
        assert_eq!(tail(directory.path(), 2).expect("readable"), ["y", "y"]);
        assert_eq!(tail(directory.path(), usize::MAX).expect("readable").len(), TAIL_LINES_MAX);
        let directory = journal(&[&format!("{long}z\n")]);
        assert_eq!(tail(directory.path(), 2).expect("readable"), [long.trim_end(), "z"]);
    }

    #[test]
    fn a_line_being_written_is_left_out_and_a_missing_journal_is_an_error() {
        let directory = journal(&["a\nb\nhalf"]);
        assert_eq!(tail(directory.path(), 9).expect("readable"), ["a", "b"]);
        assert!(matches!(tail(&directory.path().join("missing"), 1), Err(AuditError::Io { .. })));
    }
}
