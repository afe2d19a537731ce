//! Names that outlive a power cut: a file that was synchronised is still lost when its directory was not.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

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

/// Overwrites a small file before it is removed. On a file system that writes elsewhere, or a disk that spreads its wear, the
/// old bytes may stay all the same.
///
/// # Errors
/// When it cannot be written, synchronised or removed.
pub(super) fn wipe(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(WIPED_BYTES_MAX);
    file.write_all(&vec![0; length])?;
    file.sync_all()?;
    std::fs::remove_file(path)?;
    sync_parent(path)
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
        let (path, other) = (above.path().join("key"), above.path().join("another name"));
        std::fs::write(&path, "0123456789").expect("written");
        std::fs::hard_link(&path, &other).expect("linked");
        wipe(&path).expect("wiped");
        assert!(!path.exists());
        assert_eq!(std::fs::read(&other).expect("the same file"), [0; 10]);
        assert!(wipe(&path).is_err());
    }

    #[test]
    fn a_name_whose_directory_cannot_be_synchronised_is_not_called_durable() {
        let above = tempfile::tempdir().expect("a directory");
        assert!(sync_parent(&above.path().join("missing/file")).is_err());
        assert!(sync_file(&above.path().join("missing")).is_err());
        sync_parent(Path::new("bare-name")).expect("the current directory");
    }
}
