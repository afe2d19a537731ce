//! The stream of audit, on a follower: its journal goes to the lead, in order, from where the lead is; one batch is under way.
//! What the lead vouches for comes back and is kept, and so are the seals of the lead's own journal.
//!
//! Reads never wait for any of this. While there is no lead, lines wait in the files of the journal, up to the bound of its
//! spool.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::audit_frames::{head_frame, seal, seal_frame};
use super::error::SessionError;
use super::follower_sealed::Sealed;
use super::follower_session::FollowerSessions;
use super::follower_witness::Witness;
use crate::audit::cursor::{Batch, Cursor, CursorError, before_oldest};
use crate::audit::error::{AuditError, Obstacle};
use crate::audit::head::Head;
use crate::audit::intake::Tip;
use crate::audit::journal::Journal;
use crate::audit::seal::{Author, SignedHead};
use crate::model::event::Event;
use crate::model::identity::KeyPin;
use crate::transport::connection::PeerConnection;
use crate::transport::stream::{FrameReceiver, FrameSender};
use crate::wire::audit::{Alive, BATCH_BYTES_MAX, Broken, FromFollower, FromLead, Lines, Offer, SendFrom};
use crate::wire::open::StreamKind;
use crate::wire::version::{AUDIT_SINCE, ProtocolVersion};

/// Lines within this go together: a lead writes and signs once for all of them, and a node that is read from all the time
/// spends no more on it than one that is read from now and then.
const TOGETHER: Duration = Duration::from_millis(100);

/// How often the lead is told where the journal ends when nothing is written.
const ALIVE_EVERY: Duration = Duration::from_secs(60);

/// A lead that took no lines is asked again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(15);

/// A lead writes a batch within moments; with a thousand nodes that come back at once, within a minute or two.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(180);

/// What forwarding uses of a follower.
pub struct Forwarded {
    /// The journal.
    pub journal: Journal,
    /// Its directory.
    pub audit_dir: PathBuf,
    /// Whom this node trusts.
    pub authority: KeyPin,
}

/// Runs as long as the session.
pub(super) async fn run(
    connection: &PeerConnection,
    sessions: &Arc<FollowerSessions>,
    version: ProtocolVersion,
) -> Result<(), SessionError> {
    if version < AUDIT_SINCE {
        // Lines wait for a lead that takes them.
        return std::future::pending().await;
    }
    let author = Author { mesh: sessions.certificate.mesh, node: sessions.certificate.node.clone() };
    let lead = Author { mesh: author.mesh, node: connection.identity().node.clone() };
    let (audit_dir, own) = (sessions.forwarded.audit_dir.clone(), author.clone());
    let open = move || Ok((Sealed::open(&audit_dir, own)?, Witness::open(&audit_dir, lead)?));
    let (sealed, witness) = match off_thread(open).await {
        Ok(open) => open,
        Err(error) => {
            tracing::error!(%error, "the seals of the journal cannot be read: it is not forwarded");
            return std::future::pending().await;
        }
    };
    let (sender, receiver) = connection.open_stream(StreamKind::Audit).await?;
    let now = Instant::now();
    let (cursor, send_at, alive_at) = (None, now, now);
    Forwarding { sessions, author, sender, receiver, sealed, witness, cursor, send_at, alive_at }.run().await
}

struct Forwarding<'session> {
    sessions: &'session Arc<FollowerSessions>,
    author: Author,
    sender: FrameSender,
    receiver: FrameReceiver,
    /// What was sealed of this node's journal.
    sealed: Sealed,
    witness: Witness,
    /// Behind the last line that was sent; lent to a thread while it reads.
    cursor: Option<Cursor>,
    /// Before this, lines wait for others to go with.
    send_at: Instant,
    /// When the lead is next told where the journal ends.
    alive_at: Instant,
}

/// What the lead said that matters to whoever waits.
enum Heard {
    /// It wants what follows this line.
    From(SendFrom),
    /// Lines are on its disk.
    Taken(Head),
    /// It takes nothing.
    NotTaken,
    /// Something that was dealt with.
    Other,
}

/// How an attempt goes on.
enum Turn {
    /// There may be more to send.
    On,
    /// The lead wants another place.
    From(SendFrom),
    /// The lead took nothing, or the journal cannot be read: later, again.
    Later,
}

impl Forwarding<'_> {
    async fn run(mut self) -> Result<(), SessionError> {
        loop {
            self.attempt().await?;
            let again = Instant::now() + AGAIN_AFTER;
            // What comes meanwhile is heard: seals of the lead's journal.
            while let Ok(frame) = tokio::time::timeout_at(again, self.receiver.receive::<FromLead>()).await {
                self.hear(frame?).await?;
            }
        }
    }

    /// Offers the journal, and sends what the lead wants of it until it wants no more.
    async fn attempt(&mut self) -> Result<(), SessionError> {
        let Some(offer) = self.offer().await? else { return Ok(()) };
        self.sender.send(&FromFollower::from(offer)).await?;
        let mut from = loop {
            match self.answered().await? {
                Heard::From(from) => break from,
                Heard::NotTaken => return Ok(()),
                Heard::Taken(_) | Heard::Other => {}
            }
        };
        loop {
            if !self.go_behind(from).await? {
                return Ok(());
            }
            from = loop {
                match self.turn().await? {
                    Turn::On => {}
                    Turn::From(from) => break from,
                    Turn::Later => return Ok(()),
                }
            };
        }
    }

    /// What this node has; none if its files cannot be read.
    async fn offer(&mut self) -> Result<Option<Offer>, SessionError> {
        let directory = self.sessions.forwarded.audit_dir.clone();
        let before = match off_thread(move || before_oldest(&directory)).await {
            Ok(Some(before)) => before,
            Ok(None) => {
                self.cannot_read("its oldest line is not a line of a journal").await?;
                return Ok(None);
            }
            Err(error) => {
                self.cannot_read(&error.to_string()).await?;
                return Ok(None);
            }
        };
        let head = self.sign(Tip::behind(self.sessions.forwarded.journal.head()))?;
        let sealed = self.sealed.newest().map(seal_frame).map(Box::new);
        let lead = self.witness.newest().map(seal_frame).map(Box::new);
        let head = head_frame(&head);
        Ok(Some(Offer { before_seq: before.seq, before_hash: before.hash, head, sealed, lead }))
    }

    /// Looks for the place the lead wants; false if it cannot be had.
    async fn go_behind(&mut self, from: SendFrom) -> Result<bool, SessionError> {
        let (directory, node) = (self.sessions.forwarded.audit_dir.clone(), self.author.node.clone());
        let found = tokio::task::spawn_blocking(move || Cursor::behind(&directory, &node, from.seq)).await;
        let cursor = match found.map_err(SessionError::Panicked)? {
            Ok(cursor) => cursor,
            Err(CursorError::Missing { .. }) => {
                return Err(SessionError::Unexpected("a place in the journal that never was"));
            }
            Err(error) => {
                self.cannot_read(&error.to_string()).await?;
                return Ok(false);
            }
        };
        if cursor.tip().head.hash == from.hash {
            // It is on the lead's disk, though the answer that said so may have been lost.
            self.sessions.forwarded.journal.forwarded(from.seq);
        }
        self.cursor = Some(cursor);
        self.alive_at = Instant::now();
        Ok(true)
    }

    /// Sends what there is, or waits until there is something to do.
    async fn turn(&mut self) -> Result<Turn, SessionError> {
        let mut head = self.sessions.forwarded.journal.watch_head();
        let until = *head.borrow_and_update();
        let tip = self.cursor.as_ref().map_or(Tip::behind(Head::GENESIS), Cursor::tip);
        if tip.head.seq < until.seq {
            if Instant::now() >= self.send_at {
                return self.send_next(until).await;
            }
            tokio::time::sleep_until(self.send_at).await;
            return Ok(Turn::On);
        }
        if Instant::now() >= self.alive_at {
            self.alive_at = Instant::now() + ALIVE_EVERY;
            let alive = Alive { head: head_frame(&self.sign(tip)?) };
            self.sender.send(&FromFollower::from(alive)).await?;
        }
        let frame = tokio::select! {
            changed = head.changed() => {
                changed.map_err(|_| SessionError::Stopping)?;
                self.send_at = Instant::now() + TOGETHER;
                return Ok(Turn::On);
            }
            frame = self.receiver.receive::<FromLead>() => frame?,
            () = tokio::time::sleep_until(self.alive_at) => return Ok(Turn::On),
        };
        Ok(self.hear(frame).await?.into())
    }

    async fn send_next(&mut self, until: Head) -> Result<Turn, SessionError> {
        let Some(mut cursor) = self.cursor.take() else { return Ok(Turn::Later) };
        let read = tokio::task::spawn_blocking(move || {
            let batch = cursor.next_durable(until.seq, BATCH_BYTES_MAX);
            (cursor, batch)
        });
        let (cursor, batch) = read.await.map_err(SessionError::Panicked)?;
        self.cursor = Some(cursor);
        let batch = match batch {
            Ok(Some(batch)) => batch,
            Ok(None) => {
                // It is acknowledged, so it is in a file: one that was just begun is found the next time.
                self.send_at = Instant::now() + TOGETHER;
                return Ok(Turn::On);
            }
            Err(error) => {
                self.cannot_read(&error.to_string()).await?;
                return Ok(Turn::Later);
            }
        };
        if batch.tip.head.seq == until.seq && batch.tip.head != until {
            self.cannot_read(&format!("line {} is not the line that was written: it was altered", until.seq)).await?;
            return Ok(Turn::Later);
        }
        // What is left of a journal that fills more than a batch does not wait.
        let is_all = batch.tip.head.seq >= until.seq;
        self.send_at = Instant::now() + if is_all { TOGETHER } else { Duration::ZERO };
        self.send(batch).await
    }

    /// Sends one batch, and waits until the lead has it.
    async fn send(&mut self, batch: Batch) -> Result<Turn, SessionError> {
        let sent = batch.tip.head;
        let head = head_frame(&self.sign(batch.tip)?);
        let lines = Lines { first_seq: batch.first, lines: batch.lines, head };
        self.sender.send(&FromFollower::from(lines)).await?;
        self.alive_at = Instant::now() + ALIVE_EVERY;
        loop {
            match self.answered().await? {
                Heard::Taken(head) if head == sent => {
                    self.sessions.forwarded.journal.forwarded(sent.seq);
                    return Ok(Turn::On);
                }
                // The answer to a head that was told before.
                Heard::Taken(head) if head.seq < sent.seq => {}
                Heard::Taken(_) => return Err(SessionError::Unexpected("a seal of what was not sent")),
                Heard::Other => {}
                other @ (Heard::From(_) | Heard::NotTaken) => return Ok(other.into()),
            }
        }
    }

    /// What the lead says, which must not take for ever.
    async fn answered(&mut self) -> Result<Heard, SessionError> {
        let frame = tokio::time::timeout(ANSWER_TIMEOUT, self.receiver.receive::<FromLead>()).await;
        self.hear(frame.map_err(|_| SessionError::Silent)??).await
    }

    /// Deals with what the lead said. Never cut short: what is lent to a thread comes back.
    async fn hear(&mut self, frame: Option<FromLead>) -> Result<Heard, SessionError> {
        match frame.ok_or(SessionError::Unexpected("the end of audit"))? {
            FromLead::SendFrom(from) => Ok(Heard::From(from)),
            FromLead::NotTaken(not) => {
                tracing::warn!(reason = ?not.reason, "the lead does not take this node's journal; it is asked again");
                Ok(Heard::NotTaken)
            }
            FromLead::Taken(taken) => Ok(Heard::Taken(self.sealed.keep(self.sessions, seal(taken.seal)?).await?)),
            FromLead::LeadHead(told) => {
                self.witness.hear(self.sessions, seal(told.seal)?).await?;
                Ok(Heard::Other)
            }
        }
    }

    /// Says that the journal cannot be read, here and to the lead.
    async fn cannot_read(&mut self, detail: &str) -> Result<(), SessionError> {
        tracing::error!(detail, "the journal cannot be forwarded");
        let node = self.author.node.clone();
        self.sessions.board.events.tell(Event::AuditGap { node, detail: detail.to_owned() });
        self.sender.send(&FromFollower::from(Broken::new(detail))).await?;
        Ok(())
    }

    fn sign(&self, tip: Tip) -> Result<SignedHead, SessionError> {
        let now = self.sessions.clock.now().wall;
        let signed = SignedHead::sign(&self.author, tip.head, tip.format, now, &self.sessions.certificate.key);
        signed.ok_or(SessionError::Unexpected("no randomness to sign with"))
    }
}

impl From<Heard> for Turn {
    fn from(heard: Heard) -> Self {
        match heard {
            Heard::From(from) => Self::From(from),
            Heard::NotTaken => Self::Later,
            Heard::Taken(_) | Heard::Other => Self::On,
        }
    }
}

/// Runs what uses the disk on a thread for such work.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AuditError> + Send + 'static,
) -> Result<T, AuditError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(AuditError::Unavailable { cause: Obstacle::Closed }))
}
