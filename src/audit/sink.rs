//! Where lines go: the file of the month, repaired after a failure before anything else is written to it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;

use crate::config::node_config::Durability;

use super::error::AuditError;
use super::files::{Month, open_to_write, path_of, sync_directory};

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

/// The files of a directory.
pub(super) struct FileSink {
    directory: PathBuf,
    /// Held for its lock: one process writes a journal.
    _lock: File,
    current: Option<Current>,
}

struct Current {
    month: Month,
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
    pub(super) fn open(directory: PathBuf, lock: File, newest: Option<Month>) -> Result<Self, AuditError> {
        let current = newest.map(|month| Current::open(path_of(&directory, &month), month)).transpose()?;
        if let Some(current) = &current {
            current.file.sync_all().map_err(AuditError::io(&current.path))?;
        }
        Ok(Self { directory, _lock: lock, current })
    }

    /// The file lines go to now. A clock that went back does not go back to an earlier file: the chain would fork.
    fn file_of(&mut self, month: Month) -> io::Result<&mut Current> {
        let newer = self.current.as_ref().is_none_or(|current| current.month < month);
        if newer {
            if let Some(current) = &mut self.current {
                current.sync()?;
            }
            let path = path_of(&self.directory, &month);
            let opened = Current::open(path, month).map_err(AuditError::into_io)?;
            if opened.synced != 0 {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists));
            }
            sync_directory(&self.directory)?;
            self.current = Some(opened);
        }
        self.current.as_mut().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
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
    fn open(path: PathBuf, month: Month) -> Result<Self, AuditError> {
        let file = open_to_write(&path)?;
        let synced = file.metadata().map_err(AuditError::io(&path))?.len();
        Ok(Self { month, path, file, synced, pending: Vec::new(), damaged: false })
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
        FileSink::open(directory.to_owned(), File::open(directory).expect("directory"), None).expect("sink")
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
}
