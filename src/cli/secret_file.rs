//! A file that holds values: only its owner may read it, unless somebody said otherwise, and it is there whole or not at
//! all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::{Pid, test_kill_process};

use super::error::CliError;
use super::owner::Owner;
use crate::crypto::plaintext::Plaintext;

/// Who may do what with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// The permission bits.
    pub(super) mode: u32,
    /// Whose it is; the user's who writes it if nobody was named.
    pub(super) owner: Option<Owner>,
}

impl Default for Shape {
    fn default() -> Self {
        Self { mode: 0o600, owner: None }
    }
}

/// Writes a file that only its owner may read.
///
/// # Errors
/// As [`write_as`].
pub(super) fn write(path: &Path, content: &Plaintext) -> Result<(), CliError> {
    write_as(path, content, Shape::default())
}

/// Writes the file under another name beside its place, brings it to the disk, and moves it there. A file that is there
/// already is replaced; what is no file, a link above all, is left alone. Nobody but its writer may open it before it
/// has its owner and mode.
///
/// # Errors
/// [`CliError::Unsaved`], and then the place is as it was.
pub(super) fn write_as(path: &Path, content: &Plaintext, shape: Shape) -> Result<(), CliError> {
    let unsaved = |source| CliError::Unsaved { path: path.to_owned(), source };
    check_place(path).map_err(unsaved)?;
    let beside = beside(path).map_err(unsaved)?;
    remove_leftovers(path);
    let written = fill(&beside, content, shape).and_then(|()| fs::rename(&beside, path));
    if let Err(source) = written {
        // Whatever was written of it must not stay; that there may be nothing is no second error.
        let _gone = fs::remove_file(&beside);
        return Err(unsaved(source));
    }
    File::open(directory(path)).and_then(|directory| directory.sync_all()).map_err(unsaved)
}

/// Whether the place has this content and shape already: then there is nothing to write. A file of somebody else's is not
/// ours whatever it holds: its owner could change it afterwards.
pub(super) fn is_written(path: &Path, content: &Plaintext, shape: Shape) -> bool {
    // A pipe that somebody put there would be waited for until somebody wrote to it.
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(path) else { return false };
    let Ok(found) = file.metadata() else { return false };
    let owner = shape.owner.unwrap_or_else(|| Owner { user: rustix::process::geteuid().as_raw(), group: None });
    let is_owned = found.uid() == owner.user && owner.group.is_none_or(|group| found.gid() == group);
    let is_shaped = found.is_file() && found.mode() & 0o7777 == shape.mode && is_owned;
    let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if !is_shaped || found.len() != length {
        return false;
    }
    // A buffer of the right size does not grow, and so leaves no copy behind.
    let mut bytes = Vec::with_capacity(content.len().saturating_add(1));
    let read = file.take(length).read_to_end(&mut bytes);
    let there = Plaintext::new(bytes);
    read.is_ok() && there.equals(content)
}

/// Removes what an earlier run left behind when it was killed before it moved its file to its place. What belongs to a
/// process that lives, and what is no such file, stays.
fn remove_leftovers(path: &Path) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
    let Ok(entries) = fs::read_dir(directory(path)) else { return };
    for entry in entries.filter_map(Result::ok) {
        let found = entry.file_name();
        let parts = found.to_str().and_then(|found| found.strip_prefix('.')?.strip_prefix(name)?.strip_prefix('.'));
        let number = parts.and_then(|rest| rest.strip_suffix(".part")?.parse().ok());
        let is_dead = number.and_then(Pid::from_raw).is_some_and(|pid| {
            pid == rustix::process::getpid() || test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
        });
        if is_dead && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            // Whoever cannot remove it is told by the file that stays.
            let _gone = fs::remove_file(entry.path());
        }
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A link, a device or a pipe would be replaced by the file, not written to.
fn check_place(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(io::Error::other("something that is not a file has that name")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it has no name"))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(hidden))
}

fn fill(path: &Path, content: &Plaintext, shape: Shape) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content.expose())?;
    if let Some(Owner { user, group }) = shape.owner {
        fchown(&file, Some(user), group)?;
    }
    // After the owner: a change of owner takes bits away.
    file.set_permissions(fs::Permissions::from_mode(shape.mode))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn plain(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_file_is_replaced_whole_and_only_its_owner_may_read_it() {
        let home = tempfile::tempdir().expect("directory");
        let path = home.path().join("out.env");
        fs::write(&path, "something longer that was there before").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
        write(&path, &plain("A=1\n")).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "A=1\n");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(home.path()).expect("read").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_that_is_as_it_should_be_is_known_by_content_mode_and_owner() {
        let home = tempfile::tempdir().expect("directory");
        let path = home.path().join("out.conf");
        let shape = Shape { mode: 0o640, owner: None };
        assert!(!is_written(&path, &plain("A"), shape));
        write_as(&path, &plain("A"), shape).expect("written");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o7777, 0o640);
        assert!(is_written(&path, &plain("A"), shape));
        assert!(!is_written(&path, &plain("B"), shape) && !is_written(&path, &plain("AA"), shape));
        assert!(!is_written(&path, &plain("A"), Shape::default()));
        let stranger = Owner { user: fs::metadata(&path).expect("there").uid() + 1, group: None };
        assert!(!is_written(&path, &plain("A"), Shape { mode: 0o640, owner: Some(stranger) }));
        let link = home.path().join("link");
        symlink(&path, &link).expect("linked");
        assert!(!is_written(&link, &plain("A"), shape), "a link is not the file");
        let pipe = home.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o640.into(), 0).expect("made");
        assert!(!is_written(&pipe, &plain("A"), shape), "a pipe is not waited for");
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(1), None).expect("given away");
            assert!(!is_written(&path, &plain("A"), shape), "what is somebody else's is written anew");
        }
    }

    /// A run that is killed between two steps leaves a file with values behind, under a name that nobody looks at.
    #[test]
    fn what_a_killed_run_left_behind_is_removed_by_the_next() {
        let home = tempfile::tempdir().expect("directory");
        let at = |name: &str| home.path().join(name);
        // No process has this number: it is larger than any kernel gives.
        let (left, living) = (at(".out.env.2147483647.part"), at(".out.env.1.part"));
        let others = [at(".other.env.2147483647.part"), at(".out.env.x.part"), at("out.env.2147483647.part")];
        for path in others.iter().chain([&left, &living, &at(&format!(".out.env.{}.part", std::process::id()))]) {
            fs::write(path, "A=left").expect("written");
        }
        write(&at("out.env"), &plain("A=1\n")).expect("written");
        assert!(!left.exists() && living.exists() && others.iter().all(|path| path.exists()));
        assert_eq!(fs::read_dir(home.path()).expect("read").count(), 5);
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let home = tempfile::tempdir().expect("directory");
        let (target, link) = (home.path().join("target"), home.path().join("link"));
        fs::write(&target, "kept").expect("written");
        symlink(&target, &link).expect("linked");
        for path in [link.as_path(), home.path(), Path::new("/dev/null"), Path::new("/nonexistent/x"), Path::new("/")] {
            assert!(matches!(write(path, &plain("x")), Err(CliError::Unsaved { .. })), "{}", path.display());
        }
        assert_eq!(fs::read_to_string(&target).expect("read"), "kept");
        assert_eq!(fs::read_dir(home.path()).expect("read").count(), 2);
    }
}
