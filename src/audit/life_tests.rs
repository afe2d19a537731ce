//! The life of a journal as a whole: whatever is done to it and wherever it is interrupted, it verifies and holds every line
//! whose number was given.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::sync::Arc;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};

use super::entry::{Entry, Ruling};
use super::error::{AuditError, Obstacle};
use super::files::{Form, Part, listed, parts};
use super::journal::Journal;
use super::lines::{Lines, Next};
use super::options::{JournalOptions, SpoolOptions};
use super::pack::pack_closed;
use super::retire::{self, Graveyard};
use super::sample::{self, TestClock, entry};
use super::tombstone::{Tombstone, Trust};
use super::verify::{verify_kept, verify_to};
use crate::config::node_config::Durability;
use crate::crypto::signature::Signer;
use crate::crypto::signature::pin;
use crate::crypto::signature_testing::Key;
use crate::model::identity::MeshId;
use crate::model::time::Clock;

const MESH: MeshId = MeshId([7; 16]);

/// Small enough that a few lines fill a file.
const FILE_BYTES_MAX: u64 = 2000;

/// What is done to a journal, or to what a crash leaves of it.
#[derive(Debug, Clone)]
enum Deed {
    Append(usize),
    Pack,
    Retire,
    Reopen,
    /// The clock goes on or back by so many months.
    Clock(i32),
    /// The process ended within a write.
    Torn(Vec<u8>),
    /// It ended after the next file was begun and before its first line.
    Begun,
    /// It ended while a file was packed.
    HalfPacked,
    /// It ended after a file was packed and before the plain one was removed.
    PackedTwice,
    /// It ended after a tombstone was written and before the file was removed.
    Buried,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (1_usize..12).prop_map(Deed::Append),
        1 => Just(Deed::Pack),
        1 => Just(Deed::Retire),
        1 => Just(Deed::Reopen),
        1 => (-2_i32..4).prop_map(Deed::Clock),
        1 => prop::collection::vec(any::<u8>(), 1..60).prop_map(Deed::Torn),
        1 => Just(Deed::Begun),
        1 => Just(Deed::HalfPacked),
        1 => Just(Deed::PackedTwice),
        1 => Just(Deed::Buried),
    ]
}

/// A journal and what is known of it.
struct Life {
    directory: tempfile::TempDir,
    clock: Arc<TestClock>,
    months: i32,
    key: Key,
    journal: Journal,
    /// The request of each line whose number was given.
    acknowledged: Vec<(u64, String)>,
}

impl Life {
    fn begin() -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let clock = Arc::new(TestClock::at("2026-01-15T08:00:00Z"));
        let journal = Self::open(&directory, &clock);
        Self { directory, clock, months: 0, key: Key::new(), journal, acknowledged: Vec::new() }
    }

    fn open(directory: &tempfile::TempDir, clock: &Arc<TestClock>) -> Journal {
        let shared: Arc<dyn Clock> = Arc::<TestClock>::clone(clock);
        let options = sample::options(directory.path(), Durability::Batched);
        let options = JournalOptions { clock: shared, file_bytes_max: FILE_BYTES_MAX, ..options };
        Journal::open(options).expect("opened").0
    }

    fn trust(&self) -> Trust {
        Trust { mesh: MESH, node: sample::node(), keys: vec![pin(&self.key.public_key())] }
    }

    /// The process ends, something is left, and the next one opens the journal.
    async fn interrupted(&mut self, leave: impl FnOnce(&Self)) {
        self.journal.close().await.expect("closed");
        leave(self);
        self.journal = Self::open(&self.directory, &self.clock);
    }

    fn bury(&self) -> Option<Tombstone> {
        let trust = self.trust();
        let (directory, signer) = (self.directory.path(), &self.key);
        let graveyard = Graveyard { directory, trust: &trust, signer, keep_months: 2, forwarded_seq: None };
        graveyard.bury(self.clock.now().wall).expect("whole")
    }

    async fn suffer(&mut self, deed: Deed) {
        let directory = self.directory.path().to_owned();
        match deed {
            Deed::Append(count) => {
                for _ in 0..count {
                    let request = format!("request-{}-", self.acknowledged.len());
                    let seq = self.journal.append(entry(&request)).await.expect("written");
                    self.acknowledged.push((seq, request));
                }
            }
            Deed::Pack => {
                let packing = pack_closed(&directory).expect("readable");
                assert!(packing.failed.is_empty(), "{packing:?}");
            }
            Deed::Retire => {
                while let Some(tombstone) = self.bury() {
                    retire::remove(&directory, &tombstone).expect("removed");
                }
            }
            Deed::Reopen => self.interrupted(|_| {}).await,
            Deed::Clock(months) => {
                self.months = (self.months + months).max(0);
                self.clock.set(&format!("{:04}-{:02}-15T08:00:00Z", 2026 + self.months / 12, 1 + self.months % 12));
            }
            Deed::Torn(bytes) => {
                let tear = |life: &Self| {
                    let Some(newest) = parts(life.directory.path()).expect("readable").pop() else { return };
                    let path = newest.path(life.directory.path());
                    let mut file = OpenOptions::new().append(true).open(path).expect("file");
                    file.write_all(&bytes).expect("torn");
                };
                self.interrupted(tear).await;
            }
            Deed::Begun => {
                let begin = |life: &Self| {
                    let Some(newest) = parts(life.directory.path()).expect("readable").pop() else { return };
                    fs::write(newest.next().path(life.directory.path()), "").expect("begun");
                };
                self.interrupted(begin).await;
            }
            Deed::HalfPacked | Deed::PackedTwice => self.interrupted(|life| life.pack_and_stop(&deed)).await,
            Deed::Buried => self.interrupted(|life| drop(life.bury())).await,
        }
    }

    /// Leaves what a crash leaves within or behind packing.
    fn pack_and_stop(&self, deed: &Deed) {
        let directory = self.directory.path();
        pack_closed(directory).expect("readable");
        let is_packed = |part: &Part| part.form == Form::Packed;
        let Some(packed) = listed(directory).expect("readable").into_iter().rfind(is_packed) else { return };
        let (path, mut text) = (packed.path(directory), String::new());
        let file = std::io::BufReader::new(fs::File::open(&path).expect("file"));
        flate2::bufread::MultiGzDecoder::new(file).read_to_string(&mut text).expect("whole");
        fs::write(packed.as_form(Form::Plain).path(directory), text).expect("still there");
        if matches!(deed, Deed::HalfPacked) {
            let bytes = fs::read(&path).expect("file");
            fs::write(path.with_extension("gz.new"), &bytes[..bytes.len() / 2]).expect("half");
            fs::remove_file(path).expect("not named yet");
        }
    }

    fn check(&self) {
        let verdict = verify_kept(self.directory.path(), Some(&self.journal.head()), &self.trust()).expect("readable");
        assert_eq!(verdict.broken, None);
        let mut kept = Vec::new();
        for part in parts(self.directory.path()).expect("readable") {
            let mut lines = Lines::of(self.directory.path(), &part).expect("readable");
            while let Next::Line(line) = lines.next().expect("readable") {
                kept.push(String::from_utf8(line.to_vec()).expect("text"));
            }
        }
        let first = self.journal.head().seq - u64::try_from(kept.len()).expect("few");
        for (seq, request) in self.acknowledged.iter().filter(|(seq, _)| *seq > first) {
            let line = &kept[usize::try_from(seq - first - 1).expect("few")];
            assert!(line.contains(request.as_str()) && line.contains(&format!("\"seq\":{seq},")), "{line}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_a_journal_it_verifies_and_holds_every_line_that_was_acknowledged(
        deeds in prop::collection::vec(deed(), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let mut life = Life::begin();
            for deed in deeds {
                life.suffer(deed).await;
                life.check();
            }
            life.journal.close().await.expect("closed");
        });
    }
}

fn spooled(directory: &tempfile::TempDir, forwarded_seq: u64) -> Journal {
    let options = sample::options(directory.path(), Durability::Batched);
    let spool = Some(SpoolOptions { bytes_max: 64 << 10, forwarded_seq });
    Journal::open(JournalOptions { spool, file_bytes_max: 20 << 10, ..options }).expect("opened").0
}

fn is_full(outcome: &Result<u64, AuditError>) -> bool {
    matches!(outcome, Err(AuditError::Unavailable { cause: Obstacle::SpoolFull }))
}

#[tokio::test]
async fn a_full_spool_closes_the_door_and_drops_no_line_until_the_lead_took_some_also_over_a_restart() {
    let directory = tempfile::tempdir().expect("directory");
    let journal = spooled(&directory, 0);
    let refused = loop {
        let outcome = journal.append(entry("r")).await;
        if outcome.is_err() {
            break outcome;
        }
    };
    assert!(is_full(&refused), "{refused:?}");
    let written = journal.head().seq;
    assert!((100..400).contains(&written), "{written}");
    let refusal = Entry { ruling: Ruling::Deny, ..entry("knocks") };
    assert_eq!(journal.append(refusal).await.expect("there is a reserve"), written + 1);
    journal.forwarded(u64::MAX);
    assert!(is_full(&journal.append(entry("r")).await), "what is not written yet cannot be forwarded");
    journal.close().await.expect("closed");

    let journal = spooled(&directory, 0);
    assert!(is_full(&journal.append(entry("r")).await), "a restart forgets nothing that waits");
    journal.forwarded(written / 2);
    journal.append(entry("r")).await.expect("there is room");
    assert_eq!(journal.forwarded_seq(), written / 2);
    journal.close().await.expect("closed");

    let journal = spooled(&directory, written + 2);
    journal.append(entry("r")).await.expect("the lead has all of it");
    let verdict = verify_to(directory.path(), &journal.head()).expect("readable");
    assert_eq!((verdict.lines, verdict.broken), (written + 3, None));
}

#[tokio::test]
async fn whoever_watches_the_head_sees_it_move_with_each_line() {
    let directory = tempfile::tempdir().expect("directory");
    let (journal, _) = Journal::open(sample::options(directory.path(), Durability::Strict)).expect("opened");
    let mut watched = journal.watch_head();
    assert_eq!(watched.borrow_and_update().seq, 0);
    journal.append(entry("r")).await.expect("written");
    watched.changed().await.expect("the journal is open");
    assert_eq!(*watched.borrow(), journal.head());
}
