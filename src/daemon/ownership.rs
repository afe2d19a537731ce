//! Whose the files are that root makes for a node: those of whoever has the directory. A unit runs the node as another user,
//! and systemd gives that user the state directory once, not the files that root puts there later.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FileType, Gid, Mode, OFlags, Uid, fchown, fstat, open, openat};

use super::durable;

/// Gives a file that root has made to the owner of its directory. Nothing else: not what a link leads to, and not what has a
/// second name, for the owner of the directory could have put either there.
///
/// # Errors
/// When it is not to be opened, or is no such file, or the file system keeps no owners.
pub(super) fn follow_directory(path: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let directory: OwnedFd = open(durable::parent(path), flags | OFlags::DIRECTORY, Mode::empty())?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let file = File::from(openat(&directory, name, flags | OFlags::RDONLY, Mode::empty())?);
    let (of, is) = (fstat(&directory)?, fstat(&file)?);
    if is.st_uid == of.st_uid {
        return Ok(());
    }
    if is.st_uid != 0 || is.st_nlink != 1 || FileType::from_raw_mode(is.st_mode) != FileType::RegularFile {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not a file that was just made"));
    }
    fchown(&file, Some(Uid::from_raw(of.st_uid)), Some(Gid::from_raw(of.st_gid)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, chown, symlink};

    use super::*;

    /// No user of any machine.
    const SOMEBODY: u32 = 61_234;

    fn owner(path: &Path) -> u32 {
        fs::symlink_metadata(path).expect("there").uid()
    }

    #[test]
    fn what_root_makes_in_a_directory_of_somebody_else_is_theirs_and_whoever_is_not_root_changes_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("store.redb");
        fs::write(&file, "rows").expect("written");
        let own = owner(&file);
        follow_directory(&file).expect("it is in a directory of its owner");
        assert_eq!(owner(&file), own);
        if !rustix::process::geteuid().is_root() {
            return;
        }
        chown(directory.path(), Some(SOMEBODY), Some(SOMEBODY)).expect("given away");
        follow_directory(&file).expect("followed");
        assert_eq!((owner(&file), fs::metadata(&file).expect("there").gid()), (SOMEBODY, SOMEBODY));
        follow_directory(&file).expect("it is theirs already");
    }

    #[test]
    fn what_somebody_else_put_there_is_not_given_to_them() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().expect("a directory");
        let elsewhere = tempfile::tempdir().expect("a directory");
        let of_root = elsewhere.path().join("shadow");
        fs::write(&of_root, "of root").expect("written");
        chown(directory.path(), Some(SOMEBODY), Some(SOMEBODY)).expect("given away");
        let [link, second] = ["link", "second"].map(|name| directory.path().join(name));
        symlink(&of_root, &link).expect("linked");
        fs::hard_link(&of_root, &second).expect("linked");
        for path in [&link, &second, &directory.path().join("missing")] {
            follow_directory(path).expect_err("it was not just made here");
        }
        assert_eq!(owner(&of_root), 0);
    }
}
