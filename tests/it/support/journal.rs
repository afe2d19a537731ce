//! The files of a node, read while it runs. A lead that seals its journal replaces a file each second, and files of months
//! that are over are packed: what was listed may be gone a moment later, and that is no error.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The plain files of a journal, the oldest first.
pub fn parts(directory: &Path) -> Vec<PathBuf> {
    let mut parts = items(directory);
    parts.retain(|path| {
        let is_audit = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("audit-"));
        is_audit && path.extension().is_some_and(|ending| ending == "jsonl")
    });
    // The second file of a month is named after the first: `audit-2026-11.002.jsonl`.
    parts.sort_by(|one, other| one.file_stem().cmp(&other.file_stem()));
    parts
}

/// The file that is being written.
///
/// # Panics
/// If there is none.
pub fn newest(directory: &Path) -> PathBuf {
    parts(directory).pop().unwrap_or_else(|| panic!("no journal in {}", directory.display()))
}

/// Every line of the plain files of a journal, as they stand there.
pub fn text(directory: &Path) -> String {
    let bytes = parts(directory).iter().filter_map(|path| bytes(path)).collect::<Vec<_>>().concat();
    // The end may be half a line that is being written.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is in a directory, in the order of the names; nothing where there is none.
pub fn items(directory: &Path) -> Vec<PathBuf> {
    let listed = match std::fs::read_dir(directory) {
        Ok(listed) => listed,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => panic!("{}: {error}", directory.display()),
    };
    let mut items: Vec<PathBuf> = listed.map(|item| item.expect("listed").path()).collect();
    items.sort();
    items
}

/// The bytes of a file; `None` if it has gone since it was listed.
pub fn bytes(path: &Path) -> Option<Vec<u8>> {
    if_there(path, std::fs::read(path))
}

/// What the system says of a name, and not of what a link leads to; `None` if it has gone since it was listed.
pub fn metadata(path: &Path) -> Option<std::fs::Metadata> {
    if_there(path, std::fs::symlink_metadata(path))
}

fn if_there<T>(path: &Path, done: std::io::Result<T>) -> Option<T> {
    match done {
        Ok(done) => Some(done),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// A line of a journal as if it had been written four years before: so the last day of a February stays a day.
///
/// # Panics
/// If the line tells no time.
pub fn four_years_before(line: &str) -> String {
    const TIME: &str = "\"time\":\"";
    let at = line.find(TIME).expect("a time") + TIME.len();
    let year: u16 = line[at..at + 4].parse().expect("a year");
    format!("{}{}{}", &line[..at], year - 4, &line[at + 4..])
}
