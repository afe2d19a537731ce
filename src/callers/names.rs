//! What this machine calls its users and groups: the plain files, read again when they changed.
//!
//! No name service is asked. It would be a library loaded into the node, or a network in the way of every caller; and a
//! directory that is down must not change who somebody is. Whom these files do not know is its number.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::program::{FileState, state, state_of};
use crate::model::name::LocalName;

/// Largest file that is read, in bytes: a hundred thousand users.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Both files.
#[derive(Debug)]
pub(super) struct Names {
    users: Book,
    groups: Book,
}

impl Names {
    /// Those of this machine.
    pub(super) fn of_machine() -> Self {
        Self { users: Book::new("/etc/passwd"), groups: Book::new("/etc/group") }
    }

    /// The name of a user.
    pub(super) fn user(&self, uid: u32) -> Option<LocalName> {
        self.users.read()?.get(&uid).cloned()
    }

    /// The names of those groups that have one, each once.
    pub(super) fn groups(&self, gids: &[u32]) -> Vec<LocalName> {
        let Some(names) = self.groups.read() else { return Vec::new() };
        // One of them may be denied something, so none is left out. There may be 65,536, and one id has one name.
        let mut told = HashSet::new();
        gids.iter().filter(|gid| told.insert(**gid)).filter_map(|gid| names.get(gid)).cloned().collect()
    }
}

type ById = HashMap<u32, LocalName>;

/// One file.
#[derive(Debug)]
struct Book {
    path: PathBuf,
    last: Mutex<Option<(FileState, Arc<ById>)>>,
}

impl Book {
    fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), last: Mutex::default() }
    }

    /// What the file says now; `None` when it cannot be read or is too large.
    fn read(&self) -> Option<Arc<ById>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, names)) = &*last
            && state_of(&self.path).is_some_and(|now| now == *then)
        {
            return Some(Arc::clone(names));
        }
        let file = File::open(&self.path).ok()?;
        let now = state(&file)?;
        if now.size > FILE_BYTES_MAX {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        let names = Arc::new(parse(&String::from_utf8_lossy(&bytes)));
        *last = Some((now, Arc::clone(&names)));
        Some(names)
    }
}

/// The third field of passwd(5) and group(5) is the id, the first the name. Of two names of one id, and of two ids of one
/// name, the first counts, as for getpwuid(3) and getpwnam(3): so that a name means one id, and that id has that name.
fn parse(text: &str) -> ById {
    let mut first_id: HashMap<&str, u32> = HashMap::new();
    let mut by_id: HashMap<u32, Option<LocalName>> = HashMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(id)) = (fields.next(), fields.nth(1).and_then(|id| id.parse().ok())) else { continue };
        let means_it = *first_id.entry(name).or_insert(id) == id;
        by_id.entry(id).or_insert_with(|| LocalName::parse(name).ok().filter(|_| means_it));
    }
    by_id.into_iter().filter_map(|(id, name)| Some((id, name?))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn name(text: &str) -> LocalName {
        LocalName::parse(text).expect(text)
    }

    #[test]
    fn a_name_means_one_id_and_that_id_has_that_name() {
        let names = parse(
            "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:\nalice:x:1001:1001::/:\n\
             +nis:x:1002:\n1003:x:1003:\n#c:x:1004:\nhalf:x\nbob:x:many:\nj\u{f6}rg:x:1005:\nbob:x:1006:\n",
        );
        assert_eq!(names, HashMap::from([(0, name("root")), (1000, name("alice")), (1006, name("bob"))]));
    }

    #[test]
    fn a_file_that_changed_is_read_again_and_one_that_is_gone_names_nobody() {
        let home = tempfile::tempdir().expect("directory");
        let path = home.path().join("passwd");
        let names = Names { users: Book::new(&path), groups: Book::new(&path) };
        assert_eq!(names.user(7), None);
        fs::write(&path, "alice:x:7:7\nstaff:x:8:\nalso:x:9:\n").expect("written");
        assert_eq!(names.user(7), Some(name("alice")));
        assert_eq!(names.groups(&[9, 8, 9, 10]), [name("also"), name("staff")]);
        fs::write(&path, "bob:x:7:7:longer\n").expect("written");
        assert_eq!(names.user(7), Some(name("bob")));
        fs::remove_file(&path).expect("removed");
        assert_eq!(names.user(7), None);
    }

    /// Beyond the thirty-second they were left out, and with them what was denied to one of them.
    #[test]
    fn every_group_is_named_however_many_there_are() {
        let home = tempfile::tempdir().expect("directory");
        let path = home.path().join("group");
        let lines: String = (0..100).map(|id| format!("g{id}:x:{id}:\n")).collect();
        fs::write(&path, lines).expect("written");
        let names = Names { users: Book::new(&path), groups: Book::new(&path) };
        let gids: Vec<u32> = (0..200).collect();
        assert_eq!(names.groups(&gids), (0..100).map(|id| name(&format!("g{id}"))).collect::<Vec<_>>());
    }

    #[test]
    fn a_file_over_the_bound_names_nobody() {
        let home = tempfile::tempdir().expect("directory");
        let path = home.path().join("passwd");
        fs::write(&path, "alice:x:7:7\n").expect("written");
        File::options().write(true).open(&path).expect("opens").set_len(FILE_BYTES_MAX + 1).expect("longer");
        assert!(Book::new(&path).read().is_none());
    }
}
