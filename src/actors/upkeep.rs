//! Sees to the files of the journals on this node's disk, its own and on the lead the copies of others': packs those that are
//! closed, and removes those whose time is over. On both roles. Supervised by `node`; when it dies it is started again, for
//! ever: nobody waits for it, and what it left is taken up where it lies.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ractor::ActorProcessingErr;

use crate::audit::copies::{JournalDir, journals};
use crate::audit::entry::{Entry, INTENT};
use crate::audit::error::AuditError;
use crate::audit::journal::Journal;
use crate::audit::pack::{index_packed, pack_closed};
use crate::audit::retire::{self, Graveyard};
use crate::audit::tombstone::{Tombstone, Trust};
use crate::audit::upkeep::{Calendar, PACK_EVERY};
use crate::crypto::signature::{Signer, pin};
use crate::model::identity::{MeshId, Role};
use crate::model::name::NodeName;
use crate::model::time::{Clock, Timestamp};

/// The line of the journal about a file whose time is over.
const RETIRED: &str = "audit.retired";

/// What the work needs.
pub struct UpkeepParts {
    /// Where it is told.
    pub journal: Journal,
    /// The directory of the node's own journal.
    pub audit_dir: PathBuf,
    /// The mesh.
    pub mesh: MeshId,
    /// This node.
    pub node: NodeName,
    /// What it is: on a follower, what the lead does not have is not removed.
    pub role: Role,
    /// Signs tombstones: the authority's key on the lead, the node's own on a follower.
    pub signer: Arc<dyn Signer>,
    /// How many months a file is kept.
    pub keep_months: u32,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The work.
pub struct Upkeep {
    parts: UpkeepParts,
    calendar: Mutex<Calendar>,
    /// The files that could not be packed or removed: each is told once.
    told: Mutex<Vec<PathBuf>>,
}

impl Upkeep {
    /// The work of a node that starts now.
    #[must_use]
    pub fn new(parts: UpkeepParts) -> Self {
        let calendar = Mutex::new(Calendar::new(parts.clock.now()));
        Self { parts, calendar, told: Mutex::new(Vec::new()) }
    }

    /// Looks, and does what is due.
    pub(super) async fn keep_up(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        loop {
            tokio::time::sleep(PACK_EVERY).await;
            Arc::clone(&self).tend().await?;
        }
    }

    /// One look. Packing reads and writes whole files, on a thread that holds up nobody.
    async fn tend(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        let now = self.parts.clock.now();
        let this = Arc::clone(&self);
        let journals = tokio::task::spawn_blocking(move || {
            let journals = journals(&this.parts.audit_dir, &this.parts.node)?;
            journals.iter().for_each(|journal| this.pack(journal));
            Ok::<_, AuditError>(journals)
        });
        let journals = journals.await??;
        if self.calendar.lock().unwrap_or_else(PoisonError::into_inner).retires_now(now) {
            for journal in journals {
                Arc::clone(&self).retire(journal, now.wall).await?;
            }
        }
        Ok(())
    }

    fn pack(&self, journal: &JournalDir) {
        match pack_closed(&journal.path) {
            Ok(packing) => {
                let is_new = !packing.packed.is_empty();
                for file in packing.packed {
                    tracing::info!(node = journal.node.as_str(), file, "a closed file of the journal was packed");
                }
                for (file, error) in packing.failed {
                    self.tell(journal.path.join(file), &error);
                }
                if let Some(Err(error)) = is_new.then(|| index_packed(&journal.path)) {
                    self.tell(journal.path.clone(), &error);
                }
            }
            Err(error) => self.tell(journal.path.clone(), &error),
        }
    }

    /// Removes what is past its time, oldest first. What does not hold stays, and holds up no other journal.
    async fn retire(self: Arc<Self>, journal: JournalDir, now: Timestamp) -> Result<(), ActorProcessingErr> {
        let journal = Arc::new(journal);
        loop {
            let (this, of) = (Arc::clone(&self), Arc::clone(&journal));
            let buried = match tokio::task::spawn_blocking(move || this.bury(&of, now)).await? {
                Ok(Some(buried)) => buried,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.tell(journal.path.clone(), &error);
                    return Ok(());
                }
            };
            let line = Entry::of_node(RETIRED, told(&journal, &buried));
            self.parts.journal.append(Entry { outcome: INTENT, ..line.clone() }).await?;
            let (path, of) = (journal.path.clone(), buried.clone());
            tokio::task::spawn_blocking(move || retire::remove(&path, &of)).await??;
            self.parts.journal.append(line).await?;
            tracing::info!(node = journal.node.as_str(), file = buried.file, "a file of the journal was past its time");
        }
    }

    fn bury(&self, journal: &JournalDir, now: Timestamp) -> Result<Option<Tombstone>, AuditError> {
        let parts = &self.parts;
        let trust = Trust { mesh: parts.mesh, node: journal.node.clone(), keys: vec![pin(&parts.signer.public_key())] };
        let forwarded_seq = match parts.role {
            Role::Lead => None,
            Role::Follower => Some(parts.journal.forwarded_seq()),
        };
        let (directory, signer) = (journal.path.as_path(), &*parts.signer);
        Graveyard { directory, trust: &trust, signer, keep_months: parts.keep_months, forwarded_seq }.bury(now)
    }

    /// Somebody has to look; what stays as it is is told once.
    fn tell(&self, at: PathBuf, error: &AuditError) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.contains(&at) {
            tracing::warn!(%error, at = %at.display(), "a file of the journal is neither packed nor removed");
            told.push(at);
        }
    }
}

/// What is said of a file that goes.
fn told(journal: &JournalDir, buried: &Tombstone) -> String {
    let whose = match journal.chain {
        None => String::new(),
        Some(chain) => format!(" of the copy of {}, chain {chain}", journal.node),
    };
    let Tombstone { file, before, last, .. } = buried;
    format!("{file}{whose}: lines {} to {}, hash {}", before.next_seq(), last.seq, last.hex())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::audit::copies::chain_dir;
    use crate::audit::options::{JournalOptions, SpoolOptions};
    use crate::audit::verify::verify_kept;
    use crate::config::node_config::Durability;
    use crate::crypto::signature_testing::Key;
    use crate::model::identity::KeyPin;
    use crate::model::time::{BootTime, Moment};
    use crate::store::ground::Threads;

    const MESH: MeshId = MeshId([7; 16]);

    struct TestClock(Mutex<Moment>);

    impl TestClock {
        fn at(time: &str) -> Arc<Self> {
            let wall = Timestamp::parse(time).expect(time);
            Arc::new(Self(Mutex::new(Moment { wall, ..Moment::default() })))
        }

        fn jump_to(&self, time: &str) {
            self.0.lock().expect("not poisoned").wall = Timestamp::parse(time).expect(time);
        }

        fn pass(&self, time: Duration) {
            let mut now = self.0.lock().expect("not poisoned");
            *now = Moment { wall: now.wall.plus(time), boot: BootTime(now.boot.0 + time), ..*now };
        }
    }

    impl Clock for TestClock {
        fn now(&self) -> Moment {
            *self.0.lock().expect("not poisoned")
        }
    }

    fn name(text: &str) -> NodeName {
        NodeName::parse(text).expect(text)
    }

    fn open(directory: &Path, node: &str, clock: &Arc<TestClock>, spool: Option<SpoolOptions>) -> Journal {
        let options = JournalOptions {
            directory: directory.to_owned(),
            node: name(node),
            clock: Arc::<TestClock>::clone(clock),
            durability: Durability::Batched,
            file_bytes_max: 1 << 20,
            spool,
            crew: Arc::new(Threads),
        };
        Journal::open(options).expect("opened").0
    }

    /// One line a month, so a file each, and a newest one that is written.
    async fn months(journal: &Journal, clock: &TestClock, months: &[&str]) {
        for month in months {
            clock.jump_to(&format!("{month}-15T08:00:00Z"));
            journal.append(Entry::of_node("node.started", "x".to_owned())).await.expect("written");
        }
    }

    fn upkeep(
        directory: &Path,
        journal: &Journal,
        role: Role,
        clock: &Arc<TestClock>,
        key: Key,
    ) -> (Arc<Upkeep>, KeyPin) {
        let pin = pin(&key.public_key());
        let parts = UpkeepParts {
            journal: journal.clone(),
            audit_dir: directory.to_owned(),
            mesh: MESH,
            node: name("aurora"),
            role,
            signer: Arc::new(key),
            keep_months: 13,
            clock: Arc::<TestClock>::clone(clock),
        };
        (Arc::new(Upkeep::new(parts)), pin)
    }

    fn files(directory: &Path) -> Vec<String> {
        let items = fs::read_dir(directory).expect("directory").map(|item| item.expect("item"));
        let names = items.map(|item| item.file_name().to_string_lossy().into_owned());
        let is_part = |name: &String| name.starts_with("audit-") && !name.ends_with(".idx");
        let mut names: Vec<String> = names.filter(is_part).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn the_lead_packs_and_retires_its_own_journal_and_the_copies_and_says_so() {
        let directory = tempfile::tempdir().expect("directory");
        let clock = TestClock::at("2025-06-15T08:00:00Z");
        let own = open(directory.path(), "aurora", &clock, None);
        let copies = chain_dir(directory.path(), &name("vengeance"), 1);
        let copy = open(&copies, "vengeance", &clock, None);
        for journal in [&own, &copy] {
            months(journal, &clock, &["2025-06", "2025-09", "2026-10", "2026-11"]).await;
        }
        let (upkeep, pin) = upkeep(directory.path(), &own, Role::Lead, &clock, Key::new());
        Arc::clone(&upkeep).tend().await.expect("tended");
        for at in [directory.path(), &copies] {
            assert!(at.join("audit-2025-06.idx").exists(), "a search finds it indexed");
            let packed = ["audit-2025-06.jsonl.gz", "audit-2025-09.jsonl.gz", "audit-2026-10.jsonl.gz"];
            assert_eq!(files(at), [&packed[..], &["audit-2026-11.jsonl"]].concat());
        }
        clock.pass(Duration::from_secs(3601));
        upkeep.tend().await.expect("tended");
        for (node, at) in [("aurora", directory.path()), ("vengeance", &copies)] {
            assert_eq!(files(at), ["audit-2026-10.jsonl.gz", "audit-2026-11.jsonl"], "{node}");
            let trust = Trust { mesh: MESH, node: name(node), keys: vec![pin] };
            assert_eq!(verify_kept(at, None, &trust).expect("readable").broken, None);
            let other = Trust { node: name("another"), ..trust };
            assert!(verify_kept(at, None, &other).expect("readable").broken.is_some());
        }
        let text = fs::read_to_string(directory.path().join("audit-2026-11.jsonl")).expect("file");
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("\"action\":\"audit.retired\"")).collect();
        assert_eq!(lines.len(), 8, "an intent and an outcome for each of four files: {text}");
        assert!(lines[0].contains("audit-2025-06.jsonl: lines 1 to 1, hash ") && lines[0].contains("\"intent\""));
        assert!(
            lines[7].contains("audit-2025-09.jsonl of the copy of vengeance, chain 1: lines 2 to 2"),
            "{}",
            lines[7]
        );
    }

    #[tokio::test]
    async fn a_follower_keeps_what_the_lead_has_not_taken() {
        let directory = tempfile::tempdir().expect("directory");
        let clock = TestClock::at("2025-06-15T08:00:00Z");
        let spool = SpoolOptions { bytes_max: 1 << 20, forwarded_seq: 0 };
        let journal = open(directory.path(), "aurora", &clock, Some(spool));
        months(&journal, &clock, &["2025-06", "2025-09", "2026-11"]).await;
        let (upkeep, _) = upkeep(directory.path(), &journal, Role::Follower, &clock, Key::new());
        for (taken, left) in [(0, 3), (1, 2), (2, 1)] {
            journal.forwarded(taken);
            clock.pass(Duration::from_secs(25 * 3600));
            // The first look of a day on which the clock is found to have gone steadily.
            Arc::clone(&upkeep).tend().await.expect("tended");
            assert_eq!(files(directory.path()).len(), left, "{taken}");
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_packed_holds_up_no_other() {
        let directory = tempfile::tempdir().expect("directory");
        let clock = TestClock::at("2026-08-15T08:00:00Z");
        let journal = open(directory.path(), "aurora", &clock, None);
        months(&journal, &clock, &["2026-08", "2026-09", "2026-11"]).await;
        let damaged = directory.path().join("audit-2026-08.jsonl");
        fs::write(&damaged, "half a line").expect("file");
        let (upkeep, _) = upkeep(directory.path(), &journal, Role::Lead, &clock, Key::new());
        upkeep.tend().await.expect("tended");
        let left = ["audit-2026-08.jsonl", "audit-2026-09.jsonl.gz", "audit-2026-11.jsonl"];
        assert_eq!(files(directory.path()), left);
    }
}
