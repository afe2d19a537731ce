//! The handle: append a line, know the head, close. Any number of clones share one task that writes.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use super::entry::Entry;
use super::error::{AuditError, Obstacle};
use super::files::Month;
use super::head::Head;
use super::line::{Stamp, render};
use super::options::JournalOptions;
use super::recovery::{Torn, resume};
use super::sink::{AtOnce, FileSink, Sink};
use super::spool::Spool;
use super::syncer::{self, ORDERS_MAX};
use super::writer::{Message, Waiting, Writer};

/// Longest time a caller waits for its line: past a second a person thinks the node hangs, and the refusal has to reach him
/// within it.
const APPEND_WITHIN: Duration = Duration::from_millis(900);

/// Most lines that wait. As many as there are local connections: each has one request at a time.
const QUEUE_MAX: usize = 1024;

/// Lines of one asker that are in the queue together: enough that the task is never idle between them, and few enough
/// that others find places.
const TOGETHER: usize = 128;

/// The journal of one node.
#[derive(Debug, Clone)]
pub struct Journal {
    queue: mpsc::Sender<Message>,
    places: Arc<Semaphore>,
    head: watch::Receiver<Head>,
    forwarded: Arc<AtomicU64>,
}

/// What was found when the journal was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The end of the chain, behind the line that announces a cut.
    pub head: Head,
    /// What a crash had torn, if anything; a `journal.recovered` line says the same.
    pub torn: Option<Torn>,
}

impl Journal {
    /// Opens a journal, and starts its task and its thread: within a runtime, of at least two threads if a disk that hangs
    /// shall not stop it.
    ///
    /// # Errors
    /// [`AuditError::InUse`], [`AuditError::NotAFile`], [`AuditError::Corrupt`] or [`AuditError::Io`].
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn open(options: JournalOptions) -> Result<(Self, Recovered), AuditError> {
        let directory = options.directory.clone();
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(AuditError::io(&directory))?;
        let lock = lock(&directory)?;
        let resumed = resume(&directory)?;
        let mut sink = FileSink::open(directory.clone(), lock, resumed.newest, options.file_bytes_max)?;
        let mut head = resumed.head;
        if let Some(torn) = &resumed.torn {
            let now = options.clock.now().wall;
            let mut line = Vec::new();
            let next = render(&head, Stamp { node: &options.node, time: now }, &announcement(torn), &mut line)?;
            let month = Month::of(now).unwrap_or(Month::FIRST);
            sink.append_durably(month, &line).map_err(AuditError::io(&directory))?;
            head = next;
        }
        let journal = Self::start(Box::new(sink), head, options)?;
        Ok((journal, Recovered { head, torn: resumed.torn }))
    }

    /// A journal whose lines are made and chained and go nowhere: to measure what the files cost.
    ///
    /// # Errors
    /// [`AuditError::Io`] when there is no thread for it.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn to_nowhere(options: JournalOptions) -> Result<Self, AuditError> {
        let nowhere = AtOnce(|_: &[u8]| Ok(()));
        Self::start(Box::new(nowhere), Head::GENESIS, JournalOptions { spool: None, ..options })
    }

    /// Starts the task and its thread over any sink.
    fn start(sink: Box<dyn Sink>, head: Head, options: JournalOptions) -> Result<Self, AuditError> {
        let known = options.spool.map_or(0, |spool| spool.forwarded_seq.min(head.seq));
        let forwarded = Arc::new(AtomicU64::new(known));
        let count = |spool| Spool::of(&options.directory, spool, Arc::clone(&forwarded));
        let spool = options.spool.map(count).transpose()?;
        let (queue, received) = mpsc::channel(QUEUE_MAX);
        let (publish, head) = watch::channel(head);
        let (directory, crew) = (options.directory.clone(), Arc::clone(&options.crew));
        let (orders, ordered) = mpsc::channel(ORDERS_MAX);
        let (tell, told) = mpsc::channel(ORDERS_MAX);
        crew.take("audit", Box::pin(syncer::run(ordered, tell))).map_err(AuditError::io(directory))?;
        tokio::spawn(Writer::new(sink, options, spool, publish, orders).run(received, told));
        Ok(Self { queue, places: Arc::new(Semaphore::new(QUEUE_MAX)), head, forwarded })
    }

    /// Writes a line and gives its number, once it is written (batched) or on the disk (strict, and every intent).
    ///
    /// # Errors
    /// [`AuditError::Unavailable`] within [a second](APPEND_WITHIN), whatever the disk does: then what the line stands
    /// for must not happen. A line whose asker gave up may be in the journal all the same: it records an attempt; a
    /// refusal, and what came of a change, surely is once the disk takes lines again. [`AuditError::LineTooLong`] when the caller's texts are too long.
    pub fn append(&self, entry: Entry) -> impl Future<Output = Result<u64, AuditError>> + Send {
        // On the heap from the start: it would be within every future that waits for this one.
        let entry = Box::new(entry);
        async move {
            let written = async { heard(self.hand_over(entry).await?).await };
            tokio::time::timeout(APPEND_WITHIN, written).await.map_err(|_| unavailable(Obstacle::Slow))?
        }
    }

    /// Writes many lines, in their order, without waiting for each before the next is handed over. Lines of others may
    /// come between them.
    ///
    /// # Errors
    /// As [`Journal::append`]; some of the lines may be in the journal then.
    pub async fn append_all(&self, entries: impl IntoIterator<Item = Entry>) -> Result<(), AuditError> {
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let together: Vec<Box<Entry>> = entries.by_ref().take(TOGETHER).map(Box::new).collect();
            let written = async {
                let mut answers = Vec::with_capacity(together.len());
                for entry in together {
                    answers.push(self.hand_over(entry).await?);
                }
                for answer in answers {
                    heard(answer).await?;
                }
                Ok(())
            };
            tokio::time::timeout(APPEND_WITHIN, written).await.map_err(|_| unavailable(Obstacle::Slow))??;
        }
        Ok(())
    }

    /// Puts a line into the queue, behind all that are there.
    async fn hand_over(&self, entry: Box<Entry>) -> Result<oneshot::Receiver<Result<u64, AuditError>>, AuditError> {
        let permit = Arc::clone(&self.places).acquire_owned().await.map_err(|_| unavailable(Obstacle::Closed))?;
        let (reply, answer) = oneshot::channel();
        self.send(Message::Append(Waiting { entry, reply, permit }))?;
        Ok(answer)
    }

    /// The end of the chain: what [`super::verify::verify_to`] must find.
    #[must_use]
    pub fn head(&self) -> Head {
        *self.head.borrow()
    }

    /// The end of the chain, and whenever it moves: once the lines are written, which is not yet on the disk.
    #[must_use]
    pub fn watch_head(&self) -> watch::Receiver<Head> {
        self.head.clone()
    }

    /// The lead has every line up to this number, for good: their place in the spool is free. A number below one that was
    /// told before, or of a line that is not written yet, frees nothing.
    pub fn forwarded(&self, seq: u64) {
        if seq <= self.head().seq {
            self.forwarded.fetch_max(seq, Ordering::AcqRel);
        }
    }

    /// The last line the lead has, as far as this node knows; 0 if it has none.
    #[must_use]
    pub fn forwarded_seq(&self) -> u64 {
        self.forwarded.load(Ordering::Acquire)
    }

    /// Brings everything to the disk and ends the task; other handles are refused from then on. Closing twice is no error.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`] when the last lines could not be brought to the disk in time.
    pub async fn close(&self) -> Result<(), AuditError> {
        let (reply, answer) = oneshot::channel();
        match self.queue.try_send(Message::Close(reply)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(unavailable(Obstacle::Slow)),
            Err(TrySendError::Closed(_)) => return Ok(()),
        }
        let closed = tokio::time::timeout(APPEND_WITHIN, answer).await.map_err(|_| unavailable(Obstacle::Slow))?;
        closed.unwrap_or(Ok(()))
    }

    fn send(&self, message: Message) -> Result<(), AuditError> {
        self.queue.try_send(message).map_err(|refused| match refused {
            TrySendError::Full(_) => unavailable(Obstacle::Slow),
            TrySendError::Closed(_) => unavailable(Obstacle::Closed),
        })
    }
}

async fn heard(answer: oneshot::Receiver<Result<u64, AuditError>>) -> Result<u64, AuditError> {
    answer.await.map_err(|_| unavailable(Obstacle::Closed))?
}

fn unavailable(cause: Obstacle) -> AuditError {
    AuditError::Unavailable { cause }
}

/// The lock is on the directory itself: it needs no file, and goes when the process does.
fn lock(directory: &Path) -> Result<File, AuditError> {
    let handle = File::open(directory).map_err(AuditError::io(directory))?;
    match handle.try_lock() {
        Ok(()) => Ok(handle),
        Err(TryLockError::WouldBlock) => Err(AuditError::InUse { path: directory.to_owned() }),
        Err(TryLockError::Error(error)) => Err(AuditError::io(directory)(error)),
    }
}

fn announcement(torn: &Torn) -> Entry {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (file, kept) = (name(&torn.file), name(&torn.kept));
    Entry::of_node("journal.recovered", format!("{} torn bytes were cut from {file} and added to {kept}", torn.bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;

    use crate::config::node_config::Durability;
    use crate::model::time::Clock;

    use super::super::entry::INTENT;
    use super::super::sample::{self, TestClock, entry};
    use super::super::syncer::{Brought, Disk};
    use super::super::verify::verify_to;
    use super::*;

    const FILE: &str = "audit-2026-11.jsonl";

    fn open(directory: &Path, durability: Durability) -> (Journal, Recovered) {
        Journal::open(sample::options(directory, durability)).expect("opened")
    }

    fn over(sink: impl Sink + 'static) -> Journal {
        let options = sample::options(Path::new("nowhere"), Durability::Batched);
        Journal::start(Box::new(sink), Head::GENESIS, options).expect("started")
    }

    fn obstacle(outcome: Result<u64, AuditError>) -> Obstacle {
        match outcome {
            Err(AuditError::Unavailable { cause }) => cause,
            other => panic!("not unavailable: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_line_is_in_the_file_before_its_number_is_given() {
        for durability in [Durability::Batched, Durability::Strict] {
            let directory = tempfile::tempdir().expect("directory");
            let (journal, _) = open(directory.path(), durability);
            for number in 1..=3 {
                assert_eq!(journal.append(entry("r")).await.expect("written"), number);
                let text = fs::read_to_string(directory.path().join(FILE)).expect("file");
                assert_eq!(text.lines().count(), usize::try_from(number).expect("small"));
            }
        }
    }

    #[tokio::test]
    async fn only_the_node_may_read_its_journal() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().expect("directory");
        let directory = parent.path().join("audit");
        let (journal, _) = open(&directory, Durability::Batched);
        journal.append(entry("r")).await.expect("written");
        let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&directory.join(FILE))), (0o700, 0o600));
    }

    #[tokio::test]
    async fn many_at_once_get_different_numbers_and_one_whole_chain() {
        let directory = tempfile::tempdir().expect("directory");
        let (journal, _) = open(directory.path(), Durability::Batched);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..500 {
            let journal = journal.clone();
            tasks.spawn(async move { journal.append(entry("r")).await.expect("written") });
        }
        let mut numbers = tasks.join_all().await;
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=500).collect::<Vec<u64>>());
        let verdict = verify_to(directory.path(), &journal.head()).expect("read");
        assert_eq!((verdict.lines, verdict.broken), (500, None));
    }

    #[tokio::test]
    async fn many_lines_of_one_asker_are_written_in_their_order() {
        let directory = tempfile::tempdir().expect("directory");
        let (journal, _) = open(directory.path(), Durability::Batched);
        let count = 2 * TOGETHER + 1;
        let asked = |number: usize| entry(&format!("request-{number}"));
        journal.append_all((0..count).map(asked)).await.expect("written");
        let text = fs::read_to_string(directory.path().join(FILE)).expect("file");
        for (number, line) in text.lines().enumerate() {
            assert!(line.contains(&format!("\"request_id\":\"request-{number}\"")), "{line}");
        }
        let verdict = verify_to(directory.path(), &journal.head()).expect("read");
        assert_eq!((verdict.lines, verdict.broken), (u64::try_from(count).expect("few"), None));
        journal.close().await.expect("closed");
        let refused = journal.append_all([entry("r")]).await.map(|()| 0);
        assert_eq!(obstacle(refused), Obstacle::Closed);
    }

    #[tokio::test]
    async fn the_chain_goes_on_across_restarts_and_months() {
        let directory = tempfile::tempdir().expect("directory");
        let clock = Arc::new(TestClock::at("2026-11-30T23:59:59Z"));
        for (month, time) in [(11, "2026-11-30T23:59:59Z"), (12, "2026-12-01T00:00:01Z"), (12, "2026-11-30T00:00:00Z")]
        {
            clock.set(time);
            let shared: Arc<dyn Clock> = clock.clone();
            let options = sample::options(directory.path(), Durability::Batched);
            let (journal, recovered) = Journal::open(JournalOptions { clock: shared, ..options }).expect("opened");
            assert_eq!(recovered.torn, None);
            let before = recovered.head.seq;
            assert_eq!(journal.append(entry("r")).await.expect("written"), before + 1);
            journal.close().await.expect("closed");
            assert!(directory.path().join(format!("audit-2026-{month}.jsonl")).exists());
            let verdict = verify_to(directory.path(), &journal.head()).expect("read");
            assert_eq!((verdict.lines, verdict.broken), (before + 1, None));
        }
    }

    #[tokio::test]
    async fn a_torn_last_line_is_announced_by_the_next_start() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join(FILE);
        fs::write(&path, format!("{}{{\"seq\":3,\"pr", sample::lines(2).concat())).expect("file");
        let (journal, recovered) = open(directory.path(), Durability::Batched);
        assert_eq!((recovered.head.seq, recovered.torn.expect("torn").bytes), (3, 12));
        let text = fs::read_to_string(&path).expect("file");
        let last = text.lines().last().expect("line");
        assert!(last.contains("\"action\":\"journal.recovered\""), "{last}");
        assert!(last.contains("12 torn bytes were cut from audit-2026-11.jsonl"), "{last}");
        assert_eq!(verify_to(directory.path(), &journal.head()).expect("read").broken, None);
    }

    #[tokio::test]
    async fn a_journal_has_one_writer_and_is_free_again_once_closed() {
        let directory = tempfile::tempdir().expect("directory");
        let (journal, _) = open(directory.path(), Durability::Batched);
        let second = Journal::open(sample::options(directory.path(), Durability::Batched));
        assert!(matches!(second, Err(AuditError::InUse { .. })));
        journal.close().await.expect("closed");
        journal.close().await.expect("closed twice");
        assert_eq!(obstacle(journal.append(entry("r")).await), Obstacle::Closed);
        open(directory.path(), Durability::Batched);
    }

    #[test]
    fn a_pipe_in_place_of_the_file_stops_the_start_instead_of_hanging_it() {
        let directory = tempfile::tempdir().expect("directory");
        sample::make_pipe(&directory.path().join(FILE));
        let opened = Journal::open(sample::options(directory.path(), Durability::Batched));
        assert!(matches!(opened, Err(AuditError::NotAFile { .. })));
    }

    #[tokio::test]
    async fn a_full_disk_refuses_at_once_and_the_journal_goes_on_without_a_gap_when_there_is_room() {
        let full = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&full);
        let disk =
            move |_: &[u8]| if told.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) };
        let journal = over(AtOnce(disk));
        assert_eq!(journal.append(entry("r")).await.expect("written"), 1);
        full.store(true, Ordering::SeqCst);
        assert_eq!(obstacle(journal.append(entry("r")).await), Obstacle::Refused(io::ErrorKind::StorageFull));
        assert_eq!(journal.head().seq, 1);
        full.store(false, Ordering::SeqCst);
        assert_eq!(journal.append(entry("r")).await.expect("written"), 2);
    }

    /// What each bringing to the disk comes to, once it may happen.
    type Leave = Arc<Mutex<std::sync::mpsc::Receiver<io::Result<()>>>>;

    /// Takes every line at once, and has none on the disk before it may.
    struct Held {
        written: u64,
        synced: u64,
        leave: Leave,
    }

    struct HeldDisk {
        upto: u64,
        leave: Leave,
    }

    impl Disk for HeldDisk {
        fn bring(&self) -> Brought {
            let gone = |_| Err(io::ErrorKind::BrokenPipe.into());
            let outcome = self.leave.lock().expect("not poisoned").recv().unwrap_or_else(gone);
            Brought { upto: self.upto, outcome }
        }
    }

    impl Sink for Held {
        fn append(&mut self, _: Month, _: &[u8]) -> io::Result<u64> {
            self.written += 1;
            Ok(self.written)
        }

        fn synced(&self) -> u64 {
            self.synced
        }

        fn unsynced(&self) -> Option<Arc<dyn Disk>> {
            let disk = HeldDisk { upto: self.written, leave: Arc::clone(&self.leave) };
            (self.synced < self.written).then(|| Arc::new(disk) as Arc<dyn Disk>)
        }

        fn brought(&mut self, brought: Brought) -> io::Result<()> {
            brought.outcome?;
            self.synced = brought.upto;
            Ok(())
        }
    }

    /// A journal over such a disk, and what gives it leave.
    fn over_held(durability: Durability) -> (Journal, std::sync::mpsc::SyncSender<io::Result<()>>) {
        let (give, leave) = std::sync::mpsc::sync_channel(4);
        let sink = Held { written: 0, synced: 0, leave: Arc::new(Mutex::new(leave)) };
        let options = sample::options(Path::new("nowhere"), durability);
        (Journal::start(Box::new(sink), Head::GENESIS, options).expect("started"), give)
    }

    fn intent() -> Entry {
        Entry { outcome: INTENT, ..entry("r") }
    }

    /// Batched lines reached the disk 50 ms late, also the one that announces a change, which the store fsyncs: after a
    /// power cut there could be a new version that no line of the journal accounts for.
    #[tokio::test]
    async fn an_intent_is_on_the_disk_before_its_number_is_given_and_other_lines_do_not_wait_for_it() {
        let (journal, give) = over_held(Durability::Batched);
        assert_eq!(journal.append(entry("before")).await.expect("written"), 1);
        let mut announced = std::pin::pin!(journal.append(intent()));
        assert!(futures_util::poll!(announced.as_mut()).is_pending());
        assert_eq!(journal.append(entry("after")).await.expect("written"), 3);
        assert!(futures_util::poll!(announced.as_mut()).is_pending());
        give.send(Ok(())).expect("the disk is there");
        assert_eq!(announced.await.expect("on the disk"), 2);
    }

    #[tokio::test]
    async fn every_line_is_on_the_disk_before_its_number_is_given_when_lines_are_strict() {
        let (journal, give) = over_held(Durability::Strict);
        let mut read = std::pin::pin!(journal.append(entry("r")));
        assert!(futures_util::poll!(read.as_mut()).is_pending());
        assert_eq!(journal.head().seq, 0, "the writer has had no turn yet");
        tokio::task::yield_now().await;
        assert_eq!(journal.head().seq, 1);
        assert!(futures_util::poll!(read.as_mut()).is_pending(), "written, and not on the disk");
        give.send(Ok(())).expect("the disk is there");
        assert_eq!(read.await.expect("on the disk"), 1);
    }

    #[tokio::test]
    async fn an_intent_that_does_not_reach_the_disk_is_refused() {
        let (journal, give) = over_held(Durability::Batched);
        give.send(Err(io::ErrorKind::StorageFull.into())).expect("the disk is there");
        assert_eq!(obstacle(journal.append(intent()).await), Obstacle::Refused(io::ErrorKind::StorageFull));
        give.send(Ok(())).expect("the disk is there");
        assert_eq!(journal.append(intent()).await.expect("on the disk"), 2, "what was attempted stays");
    }

    /// Lines are given to the page cache as long as that takes them: with a disk that hangs, it takes a great many.
    #[tokio::test]
    async fn a_disk_that_does_not_keep_up_lets_nobody_pass() {
        let clock = Arc::new(TestClock::at("2026-11-30T12:00:00Z"));
        let (give, leave) = std::sync::mpsc::sync_channel(4);
        let sink = Held { written: 0, synced: 0, leave: Arc::new(Mutex::new(leave)) };
        let shared: Arc<dyn Clock> = clock.clone();
        let options = sample::options(Path::new("nowhere"), Durability::Batched);
        let options = JournalOptions { clock: shared, ..options };
        let journal = Journal::start(Box::new(sink), Head::GENESIS, options).expect("started");
        assert_eq!(journal.append(entry("r")).await.expect("written"), 1);
        clock.set("2026-11-30T12:00:00.050Z");
        assert_eq!(obstacle(journal.append(entry("r")).await), Obstacle::Slow);
        give.send(Ok(())).expect("the disk is there");
        give.send(Ok(())).expect("the disk is there");
        assert_eq!(journal.append(intent()).await.expect("it keeps up again"), 3);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_sink_that_blocks_makes_callers_give_up_and_recovers_by_itself() {
        let directory = tempfile::tempdir().expect("directory");
        let pipe = directory.path().join("pipe");
        sample::make_pipe(&pipe);
        // To open it waits for a reader, as a stuck file system would.
        let into = pipe.clone();
        let journal = over(AtOnce(move |lines: &[u8]| fs::write(&into, lines)));
        let attempts = (0..3 * QUEUE_MAX / 2).map(|_| journal.append(entry("r")));
        let all = tokio::time::timeout(Duration::from_secs(5), futures_util::future::join_all(attempts));
        let outcomes = all.await.expect("nobody hangs");
        assert!(outcomes.into_iter().all(|outcome| obstacle(outcome) == Obstacle::Slow));

        // The stuck group gets through. Those whose askers gave up while waiting are not written.
        let stuck = fs::read_to_string(&pipe).expect("the stuck group").lines().count();
        assert!((1..=QUEUE_MAX / 2).contains(&stuck), "{stuck}");
        let reader = tokio::task::spawn_blocking(move || fs::read_to_string(pipe).expect("the next line"));
        let number = journal.append(entry("after")).await.expect("written");
        assert_eq!(usize::try_from(number).expect("small"), stuck + 1);
        let next = reader.await.expect("joined");
        assert!(next.lines().count() == 1 && next.contains("\"after\""), "{next}");
    }
}
