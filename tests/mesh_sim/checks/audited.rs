//! Invariant 6: whatever was given out or changed has its line in the journal of the machine that did it, whatever happened
//! to that machine since.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What must be in the journal of one machine, by the numbers of the questions.
#[derive(Debug, Default)]
pub struct Audited(BTreeSet<u64>);

impl Audited {
    /// A question was answered with something.
    pub fn answered(&mut self, id: u64) {
        self.0.insert(id);
    }

    /// Whether all of it is in the journal in this directory. Gives how much was looked for.
    pub fn check(&self, directory: &Path) -> Result<usize, String> {
        let found = requests(directory);
        match self.0.iter().find(|id| !found.contains(id)) {
            Some(id) => Err(format!("request {id} was answered and is not in the journal in {}", directory.display())),
            None => Ok(self.0.len()),
        }
    }
}

/// The numbers of all requests in the journal.
fn requests(directory: &Path) -> BTreeSet<u64> {
    let files = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let texts = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "jsonl"));
    let texts = texts.filter_map(|file| fs::read_to_string(file.path()).ok());
    texts.flat_map(|text| text.lines().filter_map(number).collect::<Vec<u64>>()).collect()
}

fn number(line: &str) -> Option<u64> {
    line.split_once("\"request_id\":\"sim-")?.1.split_once('"')?.0.parse().ok()
}

#[test]
fn an_answer_without_its_line_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let line = "{\"seq\":1,\"request_id\":\"sim-7\",\"outcome\":\"ok\"}\n";
    fs::write(directory.path().join("audit-2026-11.jsonl"), line).expect("written");
    let mut audited = Audited::default();
    audited.answered(7);
    assert_eq!(audited.check(directory.path()), Ok(1));
    audited.answered(8);
    assert!(audited.check(directory.path()).is_err());
}
