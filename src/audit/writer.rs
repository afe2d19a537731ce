//! The one thread that writes: it groups what waits, writes once, answers, and brings lines to the disk in time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::timeout;

use crate::config::node_config::Durability;
use crate::model::name::NodeName;
use crate::model::time::{BootTime, Clock, Timestamp};

use super::entry::Entry;
use super::error::{AuditError, Obstacle};
use super::files::Month;
use super::head::Head;
use super::line::{Stamp, render};
use super::options::JournalOptions;
use super::sink::Sink;
use super::spool::Spool;

/// Longest time a batched line stays off the disk.
const SYNC_WITHIN: Duration = Duration::from_millis(50);

/// Most lines of one write: a group of the longest lines stays within a few megabytes.
const GROUP_MAX: usize = 256;

/// What the thread is asked.
pub(super) enum Message {
    /// Write this, and say its number.
    Append(Box<Waiting>),
    /// Bring everything to the disk and end.
    Close(oneshot::Sender<Result<(), AuditError>>),
}

/// An entry, and who waits for it.
pub(super) struct Waiting {
    /// What to write.
    pub(super) entry: Entry,
    /// Where the number goes.
    pub(super) reply: oneshot::Sender<Result<u64, AuditError>>,
    /// The place in the queue; free again when the answer is given.
    pub(super) permit: OwnedSemaphorePermit,
}

/// A line that is about to be written.
struct Rendered {
    /// The end of the chain with it.
    head: Head,
    /// Its length, with its newline.
    bytes: usize,
    waiting: Waiting,
}

/// The thread's state.
pub(super) struct Writer {
    sink: Box<dyn Sink>,
    clock: Arc<dyn Clock>,
    node: NodeName,
    durability: Durability,
    spool: Option<Spool>,
    head: watch::Sender<Head>,
    /// Since when a line is not on the disk.
    unsynced: Option<BootTime>,
    /// Whether the last attempt failed: only a change is logged.
    failing: bool,
}

impl Writer {
    /// A writer that goes on behind `head`'s value.
    pub(super) fn new(
        sink: Box<dyn Sink>,
        options: JournalOptions,
        spool: Option<Spool>,
        head: watch::Sender<Head>,
    ) -> Self {
        let JournalOptions { clock, node, durability, .. } = options;
        Self { sink, clock, node, durability, spool, head, unsynced: None, failing: false }
    }

    /// Serves the queue until it is closed, or every handle is gone.
    pub(super) async fn run(mut self, mut queue: Receiver<Message>) {
        loop {
            let waited = match self.sync_due_in() {
                Some(left) => timeout(left, queue.recv()).await.ok(),
                None => Some(queue.recv().await),
            };
            match waited {
                Some(Some(Message::Append(first))) => {
                    if let Some(reply) = self.append_with_what_waits(*first, &mut queue) {
                        return self.close(reply);
                    }
                }
                Some(Some(Message::Close(reply))) => return self.close(reply),
                Some(None) => return self.sync(),
                None => self.sync(),
            }
            if self.sync_due_in() == Some(Duration::ZERO) {
                self.sync();
            }
        }
    }

    fn sync_due_in(&self) -> Option<Duration> {
        let waited = self.clock.now().boot.since(self.unsynced?);
        Some(SYNC_WITHIN.saturating_sub(waited))
    }

    /// Writes one group. Gives back a request to close that came in between.
    fn append_with_what_waits(
        &mut self,
        first: Waiting,
        queue: &mut Receiver<Message>,
    ) -> Option<oneshot::Sender<Result<(), AuditError>>> {
        let mut group = vec![first];
        let mut closing = None;
        while group.len() < GROUP_MAX && closing.is_none() {
            match queue.try_recv() {
                Ok(Message::Append(waiting)) => group.push(*waiting),
                Ok(Message::Close(reply)) => closing = Some(reply),
                Err(_) => break,
            }
        }
        self.append(group);
        closing
    }

    fn append(&mut self, group: Vec<Waiting>) {
        let now = self.clock.now();
        let (lines, written) = self.render(group, now.wall);
        let Some(head) = written.last().map(|line| line.head) else { return };
        #[cfg(feature = "seeded_bugs")]
        let (lines, written) =
            if crate::model::seeded::bug(2) { self.answered_first(lines, written) } else { (lines, written) };
        let month = Month::of(now.wall).unwrap_or_else(Month::first);
        let durability = self.durability_of(&written);
        let outcome = self.sink.append(month, &lines, durability);
        self.note(&outcome);
        match outcome {
            Ok(()) => {
                if let Some(spool) = &mut self.spool {
                    written.iter().for_each(|line| spool.wrote(line.head.seq, line.bytes));
                }
                self.head.send_replace(head);
                self.note_unsynced(durability, now.boot);
                written.into_iter().for_each(|line| answer(line.waiting, Ok(line.head.seq)));
            }
            Err(error) => written.into_iter().for_each(|line| answer(line.waiting, Err(refused(&error)))),
        }
    }

    /// A seeded bug: whoever waits is answered before the lines are written.
    #[cfg(feature = "seeded_bugs")]
    fn answered_first(&self, lines: Vec<u8>, written: Vec<Rendered>) -> (Vec<u8>, Vec<Rendered>) {
        self.head.send_replace(written.last().map_or(*self.head.borrow(), |line| line.head));
        written.into_iter().for_each(|line| answer(line.waiting, Ok(line.head.seq)));
        (lines, Vec::new())
    }

    /// The lines of a group, behind one another. Who cannot have one is told.
    fn render(&mut self, group: Vec<Waiting>, now: Timestamp) -> (Vec<u8>, Vec<Rendered>) {
        let mut head = *self.head.borrow();
        let (mut lines, mut written) = (Vec::new(), Vec::with_capacity(group.len()));
        for waiting in group.into_iter().filter(is_due) {
            let (next, line) = match render(&head, Stamp { node: &self.node, time: now }, &waiting.entry) {
                Ok(rendered) => rendered,
                Err(error) => {
                    answer(waiting, Err(error));
                    continue;
                }
            };
            if self.spool.as_mut().is_some_and(|spool| !spool.takes(&waiting.entry, lines.len(), line.len())) {
                answer(waiting, Err(AuditError::Unavailable { cause: Obstacle::SpoolFull }));
                continue;
            }
            head = next;
            lines.extend_from_slice(&line);
            written.push(Rendered { head, bytes: line.len(), waiting });
        }
        (lines, written)
    }

    /// A power cut may take lines that are batched, but never the one that announced a change the store has on the disk.
    fn durability_of(&self, group: &[Rendered]) -> Durability {
        if group.iter().any(|line| line.waiting.entry.is_intent()) { Durability::Strict } else { self.durability }
    }

    /// A strict write takes with it to the disk what was batched before it.
    fn note_unsynced(&mut self, durability: Durability, now: BootTime) {
        self.unsynced = match durability {
            Durability::Batched => self.unsynced.or(Some(now)),
            Durability::Strict => None,
        };
    }

    /// Brings lines to the disk. After a failure it is tried again in the same rhythm, and before the next line.
    fn sync(&mut self) {
        let outcome = self.sink.sync();
        self.note(&outcome);
        self.unsynced = match outcome {
            Ok(()) => None,
            Err(_) => Some(self.clock.now().boot),
        };
    }

    fn close(mut self, reply: oneshot::Sender<Result<(), AuditError>>) {
        let outcome = self.sink.sync();
        self.note(&outcome);
        // The lock goes with the sink: whoever waited for this may open the journal again.
        drop(self);
        // Nobody may be left to hear it; the log has it.
        let _ = reply.send(outcome.map_err(|error| refused(&error)));
    }

    fn note(&mut self, outcome: &io::Result<()>) {
        match outcome {
            Ok(()) if self.failing => tracing::info!("the audit journal is written again"),
            Err(error) if !self.failing => {
                tracing::error!(%error, "the audit journal cannot be written: nothing is given out until it can");
            }
            Ok(()) | Err(_) => {}
        }
        self.failing = outcome.is_err();
    }
}

/// Whoever gave up waiting for leave to act has not acted: a line would record what did not happen.
fn is_due(waiting: &Waiting) -> bool {
    !waiting.reply.is_closed() || waiting.entry.outlives_its_asker()
}

fn answer(waiting: Waiting, outcome: Result<u64, AuditError>) {
    // An asker that gave up in this instant has refused its caller already.
    let _ = waiting.reply.send(outcome);
    drop(waiting.permit);
}

fn refused(error: &io::Error) -> AuditError {
    AuditError::Unavailable { cause: Obstacle::Refused(error.kind()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::Semaphore;

    use super::super::entry::Ruling;
    use super::super::sample::{entry, options};
    use super::*;

    /// Keeps in memory what is written.
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Sink for Kept {
        fn append(&mut self, _: Month, lines: &[u8], _: Durability) -> io::Result<()> {
            self.0.lock().expect("not poisoned").extend_from_slice(lines);
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The line of a caller that closed its connection was skipped whatever it said: one could try doors all day
    /// unrecorded, and a change that had been made was left with its intent alone.
    #[test]
    fn a_refusal_and_an_outcome_are_written_though_nobody_waits_for_them() {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (head, _) = watch::channel(Head::GENESIS);
        let options = options(std::path::Path::new("nowhere"), Durability::Batched);
        let mut writer = Writer::new(Box::new(Kept(Arc::clone(&kept))), options, None, head);
        let places = Arc::new(Semaphore::new(3));
        let unheard = |entry| {
            let permit = Arc::clone(&places).try_acquire_owned().expect("a place");
            Waiting { entry, reply: oneshot::channel().0, permit }
        };
        writer.append(vec![
            unheard(entry("read")),
            unheard(Entry { ruling: Ruling::Deny, ..entry("refused") }),
            unheard(Entry { lasting: true, ..entry("outcome") }),
        ]);
        let text = String::from_utf8(kept.lock().expect("not poisoned").clone()).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() == 2 && lines[0].contains("refused") && lines[1].contains("outcome"), "{text}");
        assert_eq!(places.available_permits(), 3, "who was skipped leaves its place too");
    }
}
