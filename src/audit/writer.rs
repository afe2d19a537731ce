//! The one task that writes: it groups what waits, writes once, answers, and has lines brought to the disk in time.
//!
//! It runs among those who ask, so that a line costs no way to another thread and back. A write that hangs takes one thread
//! of the runtime with it, and leaves the others: whoever waits gives up in time. What may take long on a disk that is well,
//! bringing lines to it, is done by a thread of its own.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::config::node_config::Durability;
use crate::model::name::NodeName;
use crate::model::time::{BootTime, Clock, Timestamp};

use super::entry::Entry;
use super::error::{AuditError, Obstacle};
use super::files::Month;
use super::head::Head;
use super::line::{Stamp, render};
use super::options::JournalOptions;
use super::owed::Owed;
use super::sink::Sink;
use super::spool::Spool;
use super::syncer::{Brought, Order};

/// Most lines of one write: a group of the longest lines stays within a few megabytes.
const GROUP_MAX: usize = 256;

/// What the task is asked.
pub(super) enum Message {
    /// Write this, and say its number.
    Append(Waiting),
    /// Bring everything to the disk and end.
    Close(oneshot::Sender<Result<(), AuditError>>),
}

/// An entry, and who waits for it.
pub(super) struct Waiting {
    /// What to write.
    pub(super) entry: Box<Entry>,
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

/// A line that is written, and not yet on the disk as it has to be before its asker hears of it.
struct Held {
    /// The place behind it.
    end: u64,
    line: Rendered,
}

/// The state of the one task that writes.
pub(super) struct Writer {
    sink: Box<dyn Sink>,
    clock: Arc<dyn Clock>,
    node: NodeName,
    durability: Durability,
    spool: Option<Spool>,
    head: watch::Sender<Head>,
    /// The lines of the group that is being written: a buffer that is used again.
    lines: Vec<u8>,
    /// To whom it falls to bring lines to the disk.
    orders: Sender<Order>,
    /// In the order of their places.
    held: VecDeque<Held>,
    owed: Owed,
    /// Whether they were ordered to the disk, and it was not told yet what came of it.
    is_ordered: bool,
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
        orders: Sender<Order>,
    ) -> Self {
        let JournalOptions { clock, node, durability, .. } = options;
        let (lines, held, owed) = (Vec::new(), VecDeque::new(), Owed::default());
        let (is_ordered, failing) = (false, false);
        Self { sink, clock, node, durability, spool, head, lines, orders, held, owed, is_ordered, failing }
    }

    /// Serves the queue until it is closed, or every handle is gone. `told` is what comes of orders.
    pub(super) async fn run(mut self, mut queue: Receiver<Message>, mut told: Receiver<Brought>) {
        loop {
            tokio::select! {
                biased;
                Some(brought) = told.recv() => self.note_brought(brought),
                message = queue.recv() => match message {
                    Some(Message::Append(first)) => {
                        if let Some(reply) = self.append_with_what_waits(first, &mut queue) {
                            return self.close(reply, told).await;
                        }
                    }
                    Some(Message::Close(reply)) => return self.close(reply, told).await,
                    // Nobody is left to hear what comes of it; the log has it.
                    None => return drop(self.bring_all(&mut told).await),
                }
            }
        }
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
                Ok(Message::Append(waiting)) => group.push(waiting),
                Ok(Message::Close(reply)) => closing = Some(reply),
                Err(_) => break,
            }
        }
        self.append(group);
        closing
    }

    fn append(&mut self, group: Vec<Waiting>) {
        let now = self.clock.now();
        let written = self.render(group, now.wall);
        let Some(head) = written.last().map(|line| line.head) else { return };
        #[cfg(feature = "seeded_bugs")]
        let written = if crate::model::seeded::bug(2) { self.answered_first(written) } else { written };
        let month = Month::of(now.wall).unwrap_or(Month::FIRST);
        let outcome = self.sink.append(month, &self.lines);
        self.note(&outcome);
        match outcome {
            Ok(end) => {
                if let Some(spool) = &mut self.spool {
                    written.iter().for_each(|line| spool.wrote(line.head.seq, line.bytes));
                }
                self.head.send_replace(head);
                self.acknowledge(written, end, now.boot);
            }
            Err(error) => written.into_iter().for_each(|line| answer(line.waiting, Err(refused(&error)))),
        }
    }

    /// Tells whoever waits for lines that are written now, or, where they have to be on the disk for that, once they are.
    fn acknowledge(&mut self, written: Vec<Rendered>, end: u64, now: BootTime) {
        let is_on_disk = self.sink.synced() >= end;
        // A disk that does not keep up must not owe more and more lines.
        let is_late = self.owed.is_late(now);
        let mut somebody_waits = false;
        for line in written {
            if is_on_disk || !(is_late || self.is_strict(&line)) {
                answer(line.waiting, Ok(line.head.seq));
            } else {
                somebody_waits = true;
                self.held.push_back(Held { end, line });
            }
        }
        self.owed.add(end, now);
        self.release();
        self.order(somebody_waits);
    }

    /// A power cut may take lines that are batched, but never the one that announced a change the store has on the disk.
    fn is_strict(&self, line: &Rendered) -> bool {
        self.durability == Durability::Strict || line.waiting.entry.is_intent()
    }

    /// Tells those who waited for the disk, as far as it has their lines.
    fn release(&mut self) {
        let synced = self.sink.synced();
        while let Some(Held { line, .. }) = self.held.pop_front_if(|held| held.end <= synced) {
            answer(line.waiting, Ok(line.head.seq));
        }
        self.owed.forget(synced);
    }

    /// Has lines brought to the disk that are not there, unless that was ordered and nobody waits for it.
    fn order(&mut self, somebody_waits: bool) {
        let Some(disk) = self.sink.unsynced() else { return };
        let order = match (somebody_waits, self.is_ordered) {
            (true, _) => Order::Now(disk),
            (false, false) => Order::Soon(disk),
            (false, true) => return,
        };
        self.is_ordered = true;
        if let Err(TrySendError::Closed(_)) = self.orders.try_send(order) {
            // Whoever brings lines to the disk has died of a fault of ours.
            self.refuse_held(Obstacle::Closed);
        }
    }

    /// Goes on from what came of an order. After a failure it is tried again in the same rhythm, and before the next line.
    fn note_brought(&mut self, brought: Brought) {
        let outcome = self.sink.brought(brought);
        self.note(&outcome);
        match outcome {
            Ok(()) => self.release(),
            Err(error) => self.refuse_held(Obstacle::Refused(error.kind())),
        }
        self.is_ordered = false;
        self.order(!self.held.is_empty());
    }

    /// Tells those who wait that their lines are not surely on the disk. They stay in the journal: what they stand for was
    /// attempted.
    fn refuse_held(&mut self, cause: Obstacle) {
        for Held { line, .. } in self.held.drain(..) {
            answer(line.waiting, Err(AuditError::Unavailable { cause }));
        }
    }

    /// A seeded bug: whoever waits is answered before the lines are written.
    #[cfg(feature = "seeded_bugs")]
    fn answered_first(&self, written: Vec<Rendered>) -> Vec<Rendered> {
        self.head.send_replace(written.last().map_or(*self.head.borrow(), |line| line.head));
        written.into_iter().for_each(|line| answer(line.waiting, Ok(line.head.seq)));
        Vec::new()
    }

    /// The lines of a group, behind one another. Who cannot have one is told.
    fn render(&mut self, group: Vec<Waiting>, now: Timestamp) -> Vec<Rendered> {
        let mut head = *self.head.borrow();
        let mut written = Vec::with_capacity(group.len());
        self.lines.clear();
        for waiting in group.into_iter().filter(is_due) {
            let begins = self.lines.len();
            let stamp = Stamp { node: &self.node, time: now };
            let next = match render(&head, stamp, &waiting.entry, &mut self.lines) {
                Ok(next) => next,
                Err(error) => {
                    answer(waiting, Err(error));
                    continue;
                }
            };
            let bytes = self.lines.len().saturating_sub(begins);
            if self.spool.as_mut().is_some_and(|spool| !spool.takes(&waiting.entry, begins, bytes)) {
                self.lines.truncate(begins);
                answer(waiting, Err(AuditError::Unavailable { cause: Obstacle::SpoolFull }));
                continue;
            }
            head = next;
            written.push(Rendered { head, bytes, waiting });
        }
        written
    }

    async fn close(mut self, reply: oneshot::Sender<Result<(), AuditError>>, mut told: Receiver<Brought>) {
        let outcome = self.bring_all(&mut told).await;
        // The lock goes with the sink: whoever waited for this may open the journal again.
        drop(self);
        // Nobody may be left to hear it; the log has it.
        let _ = reply.send(outcome);
    }

    /// Brings everything to the disk.
    async fn bring_all(&mut self, told: &mut Receiver<Brought>) -> Result<(), AuditError> {
        while let Some(disk) = self.sink.unsynced() {
            let closed = || AuditError::Unavailable { cause: Obstacle::Closed };
            if let Err(TrySendError::Closed(_)) = self.orders.try_send(Order::Now(disk)) {
                return Err(closed());
            }
            let brought = told.recv().await.ok_or_else(closed)?;
            let outcome = self.sink.brought(brought);
            self.note(&outcome);
            outcome.map_err(|error| refused(&error))?;
            self.release();
        }
        Ok(())
    }

    fn note<T>(&mut self, outcome: &io::Result<T>) {
        match outcome {
            Ok(_) if self.failing => tracing::info!("the audit journal is written again"),
            Err(error) if !self.failing => {
                tracing::error!(%error, "the audit journal cannot be written: nothing is given out until it can");
            }
            Ok(_) | Err(_) => {}
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
    use super::super::sink::AtOnce;
    use super::*;

    /// The line of a caller that closed its connection was skipped whatever it said: one could try doors all day
    /// unrecorded, and a change that had been made was left with its intent alone.
    #[test]
    fn a_refusal_and_an_outcome_are_written_though_nobody_waits_for_them() {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let held = Arc::clone(&kept);
        let sink = AtOnce(move |lines: &[u8]| {
            held.lock().expect("not poisoned").extend_from_slice(lines);
            Ok(())
        });
        let (head, _) = watch::channel(Head::GENESIS);
        let options = options(std::path::Path::new("nowhere"), Durability::Batched);
        let orders = tokio::sync::mpsc::channel(1).0;
        let mut writer = Writer::new(Box::new(sink), options, None, head, orders);
        let places = Arc::new(Semaphore::new(3));
        let unheard = |entry| {
            let permit = Arc::clone(&places).try_acquire_owned().expect("a place");
            Waiting { entry: Box::new(entry), reply: oneshot::channel().0, permit }
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
