//! Where lines go: the newest file, repaired after a failure before anything else is written to it. A new month begins a
//! new file, and so does a file that is full.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;

use crate::config::node_config::Durability;

use super::error::AuditError;
use super::files::{Form, Month, Part, open_to_write, sync_directory};

/// Takes whole lines. After an error nothing of the refused lines may stay, as far as a later append can see.
pub(super) trait Sink: Send {
    /// Writes lines to the file of `month`, or of a later one if that is open already.
    ///
    /// # Errors
    /// The lines are not part of the journal.
    fn append(&mut self, month: Month, lines: &[u8], durability: Durability) -> io::Result<()>;

    /// Brings everything appended to the disk.
    ///
    /// # Errors
    /// The lines stay part of the journal, and are written again by the next call.
    fn sync(&mut self) -> io::Result<()>;
}

/// Takes every line and keeps none.
pub(super) struct Nowhere;

impl Sink for Nowhere {
    fn append(&mut self, _: Month, _: &[u8], _: Durability) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The files of a directory.
pub(super) struct FileSink {
    directory: PathBuf,
    /// Held for its lock: one process writes a journal.
    _lock: File,
    file_bytes_max: u64,
    /// The last file there is. It is `current`'s, or a packed one, which gets no more lines.
    newest: Option<Part>,
    current: Option<Current>,
}

struct Current {
    path: PathBuf,
    file: File,
    /// So much is on the disk.
    synced: u64,
    /// What follows it and was acknowledged. After a failed fsync the kernel drops its own copy, so it is kept here.
    pending: Vec<u8>,
    /// Whether the file may hold something else behind `synced` than `pending`.
    damaged: bool,
}

impl FileSink {
    /// Goes on with the newest file of a directory, if there is one. Brings it to the disk: a killed process may have
    /// left lines that are not there yet.
    ///
    /// # Errors
    /// As [`open_to_write`].
    pub(super) fn open(
        directory: PathBuf,
        lock: File,
        newest: Option<Part>,
        file_bytes_max: u64,
    ) -> Result<Self, AuditError> {
        let plain = newest.as_ref().filter(|part| part.form == Form::Plain);
        let current = plain.map(|part| Current::open(part.path(&directory))).transpose()?;
        if let Some(current) = &current {
            current.file.sync_all().map_err(AuditError::io(&current.path))?;
        }
        Ok(Self { directory, _lock: lock, file_bytes_max, newest, current })
    }

    /// The file lines go to now.
    fn file_of(&mut self, month: Month) -> io::Result<&mut Current> {
        if let Some(next) = self.due(month) {
            if let Some(current) = &mut self.current {
                current.sync()?;
            }
            self.current = Some(self.begin(&next)?);
            self.newest = Some(next);
        }
        self.current.as_mut().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    /// The file that has to be begun, if one has. A clock that went back does not go back to an earlier file: the chain
    /// would fork.
    fn due(&self, month: Month) -> Option<Part> {
        let Some(newest) = &self.newest else { return Some(Part::first(month)) };
        if newest.month < month {
            return Some(Part::first(month));
        }
        let is_full = |current: &Current| current.end() >= self.file_bytes_max;
        self.current.as_ref().is_none_or(is_full).then(|| newest.next())
    }

    /// Begins a file. The one before it is whole and on the disk, and this one's name is before its first line is: so
    /// whatever a crash leaves, only the last file can be torn, and an empty one stands behind a whole one.
    fn begin(&self, part: &Part) -> io::Result<Current> {
        if std::fs::symlink_metadata(part.as_form(Form::Packed).path(&self.directory)).is_ok() {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let begun = Current::open(part.path(&self.directory)).map_err(AuditError::into_io)?;
        if begun.synced != 0 {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        sync_directory(&self.directory)?;
        Ok(begun)
    }
}

impl Sink for FileSink {
    fn append(&mut self, month: Month, lines: &[u8], durability: Durability) -> io::Result<()> {
        let current = self.file_of(month)?;
        current.append(lines)?;
        match durability {
            Durability::Batched => Ok(()),
            Durability::Strict => current.sync().inspect_err(|_| current.withdraw(lines.len())),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.current.as_mut().map_or(Ok(()), Current::sync)
    }
}

impl Current {
    fn open(path: PathBuf) -> Result<Self, AuditError> {
        let file = open_to_write(&path)?;
        let synced = file.metadata().map_err(AuditError::io(&path))?.len();
        Ok(Self { path, file, synced, pending: Vec::new(), damaged: false })
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.check_in_place()?;
        if self.damaged {
            self.repair()?;
        }
        if self.file.metadata()?.len() != self.end() {
            return Err(io::Error::other("somebody else changed the length of the audit journal"));
        }
        self.file.write_all_at(lines, self.end()).inspect_err(|_| self.damaged = true)?;
        self.pending.extend_from_slice(lines);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.damaged {
            self.check_in_place()?;
            return self.repair();
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        self.file.sync_data().inspect_err(|_| self.damaged = true)?;
        self.synced = self.end();
        self.pending.clear();
        Ok(())
    }

    /// Puts the file back to what was acknowledged, and on the disk.
    fn repair(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.pending, self.synced)?;
        self.file.set_len(self.end())?;
        self.file.sync_data()?;
        self.synced = self.end();
        self.pending.clear();
        self.damaged = false;
        Ok(())
    }

    /// Forgets the last bytes, which were refused after all.
    fn withdraw(&mut self, bytes: usize) {
        self.pending.truncate(self.pending.len().saturating_sub(bytes));
        self.damaged = true;
    }

    fn end(&self) -> u64 {
        self.synced.saturating_add(u64::try_from(self.pending.len()).unwrap_or(u64::MAX))
    }

    /// A journal that was moved or replaced is not written on into the void.
    fn check_in_place(&self) -> io::Result<()> {
        let (named, held) = (std::fs::symlink_metadata(&self.path)?, self.file.metadata()?);
        if (named.dev(), named.ino()) == (held.dev(), held.ino()) {
            Ok(())
        } else {
            Err(io::Error::other("somebody else replaced the file of the audit journal"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::model::time::Timestamp;

    fn month(text: &str) -> Month {
        Month::of(Timestamp::parse(&format!("{text}-15T00:00:00Z")).expect(text)).expect(text)
    }

    fn sink(directory: &Path) -> FileSink {
        sink_of(directory, None, u64::MAX)
    }

    fn sink_of(directory: &Path, newest: Option<Part>, file_bytes_max: u64) -> FileSink {
        let lock = File::open(directory).expect("directory");
        FileSink::open(directory.to_owned(), lock, newest, file_bytes_max).expect("sink")
    }

    fn text(directory: &Path, month: &str) -> String {
        fs::read_to_string(directory.join(format!("audit-{month}.jsonl"))).expect("file")
    }

    /// Puts a handle in the place of the file that refuses every write, and gives back the good one.
    fn break_file(sink: &mut FileSink) -> File {
        let current = sink.current.as_mut().expect("a file is open");
        std::mem::replace(&mut current.file, File::open(&current.path).expect("file"))
    }

    #[test]
    fn a_refused_write_leaves_nothing_and_the_next_one_succeeds() {
        for durability in [Durability::Batched, Durability::Strict] {
            let directory = tempfile::tempdir().expect("directory");
            let mut sink = sink(directory.path());
            sink.append(month("2026-11"), b"one\n", durability).expect("written");
            let good = break_file(&mut sink);
            sink.append(month("2026-11"), b"two\n", durability).expect_err("refused");
            // What a disk that filled up half-way through leaves behind.
            good.write_all_at(b"tw", 4).expect("written");
            sink.append(month("2026-11"), b"two\n", durability).expect_err("still refused");
            sink.current.as_mut().expect("a file is open").file = good;
            sink.append(month("2026-11"), b"three\n", durability).expect("written");
            sink.sync().expect("synced");
            assert_eq!(text(directory.path(), "2026-11"), "one\nthree\n");
        }
    }

    #[test]
    fn after_a_failed_fsync_acknowledged_lines_are_written_again() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        sink.append(month("2026-11"), b"one\n", Durability::Batched).expect("written");
        let current = sink.current.as_mut().expect("a file is open");
        // The kernel reports a failed write-back once and then forgets the page: the content is lost, the length stays.
        current.damaged = true;
        current.file.write_all_at(b"\0\0\0\0", 0).expect("written");
        sink.append(month("2026-11"), b"two\n", Durability::Batched).expect("written");
        assert_eq!(text(directory.path(), "2026-11"), "one\ntwo\n");
    }

    #[test]
    fn a_strict_line_was_fsynced_when_its_write_returns_with_all_that_was_batched_before_it() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        let mut behind = |durability| {
            sink.append(month("2026-11"), b"line\n", durability).expect("written");
            let current = sink.current.as_ref().expect("a file is open");
            current.end() - current.synced
        };
        assert_eq!([Durability::Batched, Durability::Batched].map(&mut behind), [5, 10]);
        assert_eq!([Durability::Strict, Durability::Strict].map(&mut behind), [0, 0]);
    }

    #[test]
    fn a_strict_line_whose_fsync_failed_is_withdrawn() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        sink.append(month("2026-11"), b"one\n", Durability::Strict).expect("written");
        let current = sink.current.as_mut().expect("a file is open");
        current.append(b"two\n").expect("written");
        current.withdraw(4);
        sink.append(month("2026-11"), b"three\n", Durability::Strict).expect("written");
        assert_eq!(text(directory.path(), "2026-11"), "one\nthree\n");
    }

    #[test]
    fn a_file_that_was_moved_replaced_or_cut_is_not_written_until_it_is_back() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        sink.append(month("2026-11"), b"one\n", Durability::Batched).expect("written");
        let path = directory.path().join("audit-2026-11.jsonl");
        let away = directory.path().join("away");
        fs::rename(&path, &away).expect("moved");
        sink.append(month("2026-11"), b"two\n", Durability::Batched).expect_err("moved");
        std::os::unix::fs::symlink("/dev/full", &path).expect("link");
        sink.append(month("2026-11"), b"two\n", Durability::Batched).expect_err("replaced");
        fs::rename(&away, &path).expect("moved back");
        File::options().write(true).open(&path).expect("file").set_len(2).expect("cut");
        sink.append(month("2026-11"), b"two\n", Durability::Batched).expect_err("cut");
        fs::write(&path, b"one\n").expect("put back");
        sink.append(month("2026-11"), b"two\n", Durability::Batched).expect("written");
        assert_eq!(text(directory.path(), "2026-11"), "one\ntwo\n");
    }

    #[test]
    fn a_new_month_has_its_own_file_and_a_clock_that_goes_back_does_not_reopen_the_old_one() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        for (at, line) in [("2026-11", b"one\n"), ("2026-12", b"two\n"), ("2026-11", b"six\n")] {
            sink.append(month(at), line, Durability::Batched).expect("written");
        }
        assert_eq!(text(directory.path(), "2026-11"), "one\n");
        assert_eq!(text(directory.path(), "2026-12"), "two\nsix\n");
    }

    #[test]
    fn a_file_somebody_put_there_for_next_month_is_not_written_to() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        sink.append(month("2026-11"), b"one\n", Durability::Batched).expect("written");
        fs::write(directory.path().join("audit-2026-12.jsonl"), "x").expect("file");
        let refused = sink.append(month("2026-12"), b"two\n", Durability::Batched).expect_err("not empty");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_full_file_is_followed_by_the_next_of_the_month_and_a_new_month_begins_with_its_first() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink_of(directory.path(), None, 8);
        for (at, line) in [("2026-11", "one\n"), ("2026-11", "two\n"), ("2026-11", "six\n"), ("2026-12", "ten\n")] {
            sink.append(month(at), line.as_bytes(), Durability::Batched).expect("written");
        }
        // The clock went back, and the file is full: the chain goes on in the month it has reached.
        for line in ["elf\n", "end\n"] {
            sink.append(month("2026-11"), line.as_bytes(), Durability::Batched).expect("written");
        }
        assert_eq!(text(directory.path(), "2026-11"), "one\ntwo\n");
        assert_eq!(text(directory.path(), "2026-11.002"), "six\n");
        assert_eq!(text(directory.path(), "2026-12"), "ten\nelf\n");
        assert_eq!(text(directory.path(), "2026-12.002"), "end\n");
        assert_eq!(fs::read_dir(directory.path()).expect("directory").count(), 4);
    }

    #[test]
    fn a_packed_file_is_never_written_and_one_put_in_the_place_of_the_next_is_left_alone() {
        let directory = tempfile::tempdir().expect("directory");
        let packed = Part { form: Form::Packed, ..Part::first(month("2026-11")) };
        let mut sink = sink_of(directory.path(), Some(packed), 4);
        sink.append(month("2026-11"), b"one\n", Durability::Strict).expect("written");
        assert_eq!(text(directory.path(), "2026-11.002"), "one\n");
        let foreign = directory.path().join("audit-2026-11.003.jsonl.gz");
        fs::write(&foreign, "x").expect("file");
        sink.append(month("2026-11"), b"two\n", Durability::Strict).expect_err("there is one");
        fs::remove_file(&foreign).expect("removed");
        sink.append(month("2026-11"), b"two\n", Durability::Strict).expect("written");
        assert_eq!(text(directory.path(), "2026-11.003"), "two\n");
    }

    #[test]
    fn a_pipe_in_the_place_of_the_next_file_refuses_at_once_until_it_is_gone() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink_of(directory.path(), None, 4);
        sink.append(month("2026-11"), b"one\n", Durability::Batched).expect("written");
        let pipe = directory.path().join("audit-2026-11.002.jsonl");
        super::super::sample::make_pipe(&pipe);
        sink.append(month("2026-11"), b"two\n", Durability::Batched).expect_err("a pipe");
        fs::remove_file(&pipe).expect("removed");
        sink.append(month("2026-11"), b"two\n", Durability::Batched).expect("written");
        assert_eq!(text(directory.path(), "2026-11.002"), "two\n");
    }
}
