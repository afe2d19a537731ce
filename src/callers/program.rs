//! The program of a process: the file it runs, by a path that leads to the same file from here.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Statx, StatxFlags, readlinkat, statx};

use crate::model::principal::Executable;

/// What the kernel writes behind the path of a file that has none any more.
const DELETED: &[u8] = b" (deleted)";

/// Longest path that is told, in bytes: it stands in every audit line of its caller, which has a bound.
const PATH_BYTES_TOLD: usize = 1024;

/// Which file, in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileState {
    device: (u32, u32),
    inode: u64,
    /// Its size in bytes.
    pub(super) size: u64,
    modified: (i64, u32),
    /// When it was last changed in any way, in seconds since 1970 and nanoseconds. Nobody can set this time.
    pub(super) changed: (i64, u32),
}

impl FileState {
    fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// A program, and the file that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    /// Its path, without a digest.
    pub(super) name: Executable,
    /// The file, as it was when it was looked at.
    pub(super) file: FileState,
}

/// The program of the process whose directory in `/proc` this is. `None` when the file has no path any more, or none here:
/// a process can have its own view of the file system, in which any file stands at any path.
pub(super) fn program_of(directory: &Path) -> Option<Program> {
    let link = directory.join("exe");
    let path = readlinkat(CWD, &link, Vec::new()).ok()?.into_bytes();
    if path.ends_with(DELETED) || path.len() > PATH_BYTES_TOLD {
        return None;
    }
    let name = Executable::new(std::str::from_utf8(&path).ok()?, None).ok()?;
    let file = state_of(&link)?;
    let here = state_of(Path::new(name.path()))?;
    file.is_same_file(&here).then_some(Program { name, file })
}

/// The state of a regular file.
pub(super) fn state_of(path: &Path) -> Option<FileState> {
    // Nothing is opened that could notice it: the file may be on a file system of the caller's own making.
    let flags = AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    regular(statx(CWD, path, flags, StatxFlags::BASIC_STATS).ok()?)
}

/// The state of an open regular file, as its file system last told it.
pub(super) fn state(file: impl AsFd) -> Option<FileState> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    regular(statx(file, "", flags, StatxFlags::BASIC_STATS).ok()?)
}

fn regular(told: Statx) -> Option<FileState> {
    let is_file = FileType::from_raw_mode(told.stx_mode.into()) == FileType::RegularFile;
    is_file.then_some(FileState {
        device: (told.stx_dev_major, told.stx_dev_minor),
        inode: told.stx_ino,
        size: told.stx_size,
        modified: (told.stx_mtime.tv_sec, told.stx_mtime.tv_nsec),
        changed: (told.stx_ctime.tv_sec, told.stx_ctime.tv_nsec),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_process_is_the_program_whose_file_it_runs() {
        let ours = std::env::current_exe().expect("a path");
        let program = program_of(Path::new("/proc/self")).expect("a program");
        assert_eq!(Path::new(program.name.path()), ours);
        assert_eq!(Some(program.file), state_of(&ours));
    }

    /// A link in a directory of ours stands for the one in `/proc`: it leads to a file, and reads as a path.
    #[test]
    fn a_path_that_is_none_here_or_is_no_file_is_no_program() {
        let home = tempfile::tempdir().expect("directory");
        let program = |target: &str| {
            let process = tempfile::tempdir_in(home.path()).expect("directory");
            symlink(target, process.path().join("exe")).expect("link");
            program_of(process.path())
        };
        let at = |name: &str| home.path().join(name).to_str().expect("text").to_owned();
        let long = format!("/{}", "d/".repeat(PATH_BYTES_TOLD));
        for name in ["good", "gone (deleted)"] {
            fs::write(at(name), "x").expect("written");
        }
        fs::create_dir(at("directory")).expect("directory");
        assert!(program(&at("good")).is_some());
        for refused in [at("gone (deleted)"), at("absent"), at("directory"), "good".to_owned(), at("../x"), long] {
            assert_eq!(program(&refused), None, "{refused}");
        }
    }

    #[test]
    fn a_file_that_was_written_to_is_in_another_state() {
        let home = tempfile::tempdir().expect("directory");
        let (one, other) = (home.path().join("one"), home.path().join("other"));
        fs::write(&one, "x").expect("written");
        fs::write(&other, "x").expect("written");
        let before = state_of(&one).expect("a file");
        assert!(!before.is_same_file(&state_of(&other).expect("a file")));
        fs::write(&one, "xx").expect("written");
        let after = state_of(&one).expect("a file");
        assert!(before.is_same_file(&after) && before != after);
    }
}
