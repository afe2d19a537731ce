//! The files of other tools go in whole or not at all, come out again byte for byte, and no error shows a value.

mod killed;
mod malformed;
mod plans;
mod round_trip;

use tempfile::TempDir;

use crate::support::journal;
use crate::support::process::{Ended, Node, directory};

/// A lead, and a place for files.
struct Desk {
    dir: TempDir,
    lead: Node,
}

impl Desk {
    async fn open() -> Self {
        let dir = directory();
        let lead = Node::lead(dir.path()).await;
        Self { dir, lead }
    }

    /// Writes a file, and gives its path.
    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("writable");
        path.to_str().expect("text").to_owned()
    }

    /// `aurora import` with these options.
    async fn import(&self, arguments: &[&str]) -> Ended {
        self.lead.run(&[&["import"], arguments].concat(), b"").await
    }

    async fn revision(&self) -> u64 {
        self.lead.health().await["revision"].as_u64().expect("a revision")
    }

    /// Every line of the journal.
    fn journal(&self) -> String {
        journal::text(&self.lead.state_dir().join("audit"))
    }

    /// What a program reads; `None` where there is nothing.
    async fn value(&self, name: &str) -> Option<Vec<u8>> {
        let ended = self.lead.run(&["get", name], b"").await;
        (ended.code == Some(0)).then_some(ended.out)
    }
}
