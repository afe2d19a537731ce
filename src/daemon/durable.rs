//! Names that outlive a power cut: a file that was synchronised is still lost when its directory was not.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::ownership;
use crate::store::failpoint::{self, Failpoint};

/// Most bytes that are overwritten: the only files that are wiped hold a key.
const WIPED_BYTES_MAX: usize = 4096;

/// Makes the names in the directory of `path` durable.
///
/// # Errors
/// When the directory cannot be opened or synchronised.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

/// Makes a file and its name durable.
///
/// # Errors
/// When it or its directory cannot be opened or synchronised.
pub(super) fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    sync_parent(path)
}

/// Makes a new file that its owner alone may read, who is the owner of the directory, whole or not at all: it has its name once its bytes are on the disk. What an
/// attempt that was killed leaves has another name.
///
/// # Errors
/// `AlreadyExists` when something has the name; otherwise when it cannot be written or synchronised.
pub(super) fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = OsString::from(path);
    beside.push(format!(".new-{}", std::process::id()));
    let beside = Path::new(&beside);
    // Nobody else has our number: it is from a process that had it before, and was killed.
    match std::fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let named = write_private(beside, bytes)
        .and_then(|()| ownership::follow_directory(beside))
        .and_then(|()| std::fs::hard_link(beside, path));
    let tidied = std::fs::remove_file(beside);
    named.and(tidied)?;
    sync_parent(path)
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    failpoint::pass(Failpoint::KeyFileBegun);
    file.write_all(bytes)?;
    file.sync_all()
}

/// What went with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wiped {
    /// The file, overwritten.
    File,
    /// The name alone: it was a link, no regular file, or a file that has another name besides.
    Name,
}

/// Overwrites a small file before it is removed. On a file system that writes elsewhere, or a disk that spreads its wear, the
/// old bytes may stay all the same.
///
/// The superuser does this in a directory of the node's user, who may have put a link there to anything. So no link is
/// followed, and nothing is overwritten that has another name: of these only the name goes.
///
/// # Errors
/// When it is not there, or cannot be written, synchronised or removed.
pub(super) fn wipe(path: &Path) -> io::Result<Wiped> {
    // A pipe that nobody reads would be waited for.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let only = |found: &Metadata| found.is_file() && found.nlink() == 1;
    let mut wiped = Wiped::Name;
    if only(&std::fs::symlink_metadata(path)?) {
        let mut file = OpenOptions::new().write(true).custom_flags(flags).open(path)?;
        // It may be another one by now.
        let found = file.metadata()?;
        if only(&found) {
            let length = usize::try_from(found.len()).unwrap_or(usize::MAX).min(WIPED_BYTES_MAX);
            file.write_all(&vec![0; length])?;
            file.sync_all()?;
            wiped = Wiped::File;
        }
    }
    std::fs::remove_file(path)?;
    sync_parent(path)?;
    Ok(wiped)
}

/// Makes a directory and those above it that are missing, with this mode, and makes their names durable.
///
/// # Errors
/// When one cannot be made, or its name cannot be synchronised.
pub(super) fn make_directory(path: &Path, mode: u32) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|directory| !directory.exists()).collect();
    DirBuilder::new().recursive(true).mode(mode).create(path)?;
    missing.into_iter().filter(|directory| !directory.as_os_str().is_empty()).try_for_each(sync_parent)
}

/// The directory a path is in; of a bare name, the current one.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_is_made_with_those_above_it_and_again_without_complaint() {
        let above = tempfile::tempdir().expect("a directory");
        let path = above.path().join("var/lib/aurora");
        for _ in 0..2 {
            make_directory(&path, 0o700).expect("made");
        }
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_private_file_is_whole_and_never_made_over_another_and_leaves_nothing_else() {
        let above = tempfile::tempdir().expect("a directory");
        let path = above.path().join("key");
        let left_behind = above.path().join(format!("key.new-{}", std::process::id()));
        std::fs::write(left_behind, "ha").expect("written");
        create_private(&path, b"half").expect("made");
        let again = create_private(&path, b"other").expect_err("it is there");
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).expect("read"), b"half");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(above.path()).expect("listed").count(), 1);
    }

    #[test]
    fn a_wiped_file_is_overwritten_before_it_goes() {
        let above = tempfile::tempdir().expect("a directory");
        let path = above.path().join("key");
        std::fs::write(&path, "0123456789").expect("written");
        let mut held = File::open(&path).expect("there");
        assert_eq!(wipe(&path).expect("wiped"), Wiped::File);
        assert!(!path.exists());
        let mut left = Vec::new();
        held.read_to_end(&mut left).expect("the same file");
        assert_eq!(left, [0; 10]);
        assert!(wipe(&path).is_err());
    }

    /// `sudo aurora leave` wiped whatever the user of the node had linked the name of a key to.
    #[test]
    fn a_name_that_leads_to_another_file_goes_alone() {
        let above = tempfile::tempdir().expect("a directory");
        let (path, other) = (above.path().join("key"), above.path().join("of somebody else"));
        std::fs::write(&other, "0123456789").expect("written");
        let link: [fn(&Path, &Path) -> io::Result<()>; 2] =
            [|to, at| std::os::unix::fs::symlink(to, at), |to, at| std::fs::hard_link(to, at)];
        for link in link {
            link(&other, &path).expect("linked");
            assert_eq!(wipe(&path).expect("the name goes"), Wiped::Name);
            assert!(std::fs::symlink_metadata(&path).is_err());
            assert_eq!(std::fs::read(&other).expect("there"), b"0123456789");
        }
    }

    #[test]
    fn a_name_whose_directory_cannot_be_synchronised_is_not_called_durable() {
        let above = tempfile::tempdir().expect("a directory");
        assert!(sync_parent(&above.path().join("missing/file")).is_err());
        assert!(sync_file(&above.path().join("missing")).is_err());
        sync_parent(Path::new("bare-name")).expect("the current directory");
    }
}
