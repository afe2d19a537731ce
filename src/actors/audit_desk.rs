//! Where the journals of all nodes come together, on the lead: takes what they send, vouches for it, and tells what is wrong.
//!
//! Nothing here blocks a read: files are written by threads of their own, a few at a time, so that a thousand nodes take
//! turns; of each node one batch is under way.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as TurnMutex, OwnedMutexGuard, Semaphore, watch};

use super::board::Board;
use crate::audit::copies::{chain_dir, chains, node_dir};
use crate::audit::copy::Copy;
use crate::audit::entry::Entry;
use crate::audit::error::AuditError;
use crate::audit::gap::{Cause, Gap, GapBook};
use crate::audit::head::Head;
use crate::audit::heads;
use crate::audit::journal::Journal;
use crate::audit::receiving::{Judged, Offered, Received, Receiving};
use crate::audit::seal::{Author, Seal, SignedHead};
use crate::crypto::signature::Signer;
use crate::model::event::Event;
use crate::model::identity::KeyPin;
use crate::model::name::NodeName;
use crate::model::time::{BootTime, Clock, Timestamp};
use crate::transport::authority::Authority;
use crate::transport::node_key::NodeKey;
use crate::wire::audit::NotTakenReason;

/// Files of copies that are written at the same time: a disk does no more at once, and the journal of the lead itself
/// must get its turn.
const WRITERS: usize = 4;

/// What the desk is made of.
pub struct DeskParts {
    /// The lead's own audit directory, with the copies below it.
    pub audit_dir: PathBuf,
    /// The lead's own journal.
    pub own: Author,
    /// A file of a copy that has grown to so many bytes is closed.
    pub file_bytes_max: u64,
    /// So much of the disk is left to the lead's own journal.
    pub reserve_bytes: u64,
    /// Vouches for heads.
    pub authority: Arc<Authority>,
    /// Signs the heads of the lead's own journal.
    pub key: Arc<NodeKey>,
    /// Where it is written what is wrong.
    pub journal: Journal,
    /// Where it is told.
    pub board: Arc<Board>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The desk.
pub struct AuditDesk {
    pub(super) parts: DeskParts,
    writers: Arc<Semaphore>,
    nodes: Mutex<BTreeMap<NodeName, Arc<Turn>>>,
    standings: Mutex<BTreeMap<NodeName, Standing>>,
    /// The newest seal of the lead's own journal.
    pub(super) own_seal: watch::Sender<Option<Arc<Seal>>>,
    /// Lines of the lead's own journal that were looked up: followers ask for the same ones.
    looked_up: Mutex<BTreeMap<u64, [u8; 32]>>,
}

/// One node's journal, for one at a time.
type Turn = TurnMutex<Option<Receiving>>;

/// What is known of the journal of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Which chain goes on.
    pub chain: Option<u32>,
    /// The number of the last line that is here.
    pub lines: u64,
    /// The number of the last line the node said it has.
    pub said: u64,
    /// When it last proved where its journal ends.
    pub proven_at: Option<Timestamp>,
    /// The same, for ages.
    pub proven: Option<BootTime>,
    /// What is wrong, as it was told.
    pub gaps: Vec<Gap>,
}

/// What a node is answered.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// Everything up to here is on the disk.
    Taken(Arc<Seal>),
    /// Send what follows this line.
    From(Head),
    /// Nothing is taken.
    NotTaken(NotTakenReason),
    /// There is nothing to say.
    Nothing,
}

/// Who sends.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) node: NodeName,
    pub(super) key: KeyPin,
}

/// What a node sent.
pub(super) enum Sent {
    Offer { before: Head, head: SignedHead, sealed: Option<Seal> },
    Lines { first: u64, lines: Vec<u8>, head: SignedHead },
    Alive { head: SignedHead },
    Broken { detail: String },
}

impl AuditDesk {
    /// A desk that knows nothing yet.
    #[must_use]
    pub fn new(parts: DeskParts) -> Self {
        Self {
            parts,
            writers: Arc::new(Semaphore::new(WRITERS)),
            nodes: Mutex::default(),
            standings: Mutex::default(),
            own_seal: watch::Sender::new(None),
            looked_up: Mutex::default(),
        }
    }

    /// What is known of each node's journal since the start.
    #[must_use]
    pub fn standings(&self) -> BTreeMap<NodeName, Standing> {
        lock(&self.standings).clone()
    }

    /// When the lead's own journal was last sealed.
    #[must_use]
    pub fn own_sealed_at(&self) -> Option<Timestamp> {
        self.own_seal.borrow().as_ref().map(|seal| seal.sealed_at)
    }

    /// The end of what was taken of a chain, if it is the one that goes on.
    pub async fn head_of(&self, node: &NodeName, chain: Option<u32>) -> Option<Head> {
        let turn = lock(&self.nodes).get(node).cloned()?;
        let turn = turn.lock_owned().await;
        let copy = turn.as_ref()?.copy()?;
        (Some(copy.chain()) == chain).then(|| copy.tip().head)
    }

    /// What the files tell of the journal of a node that sent nothing since the start.
    pub async fn read_standing(&self, node: &NodeName) -> Standing {
        let (audit_dir, node) = (self.parts.audit_dir.clone(), node.clone());
        let read = self.off_thread(move || {
            let Some(chain) = chains(&audit_dir, &node)?.into_iter().next_back() else {
                return Ok(Standing::default());
            };
            let newest = heads::newest(&chain_dir(&audit_dir, &node, chain))?;
            let lines = newest.as_ref().map_or(0, |seal| seal.chain_head().seq);
            let gaps = GapBook::open(&node_dir(&audit_dir, &node))?.told();
            let proven_at = newest.map(|seal| seal.sealed_at);
            Ok(Standing { chain: Some(chain), lines, said: lines, proven_at, proven: None, gaps })
        });
        read.await.unwrap_or_default()
    }

    /// The newest seals of the lead's own journal.
    pub(super) fn own_seals(&self) -> watch::Receiver<Option<Arc<Seal>>> {
        self.own_seal.subscribe()
    }

    /// Whose journal the lead's own is.
    pub(super) fn own(&self) -> &Author {
        &self.parts.own
    }

    /// Takes what a node sent, and says what it is answered. What is wrong is told before it returns.
    pub(super) async fn take(self: &Arc<Self>, from: &Sender, sent: Sent) -> Answer {
        let turn = {
            let mut nodes = lock(&self.nodes);
            Arc::clone(nodes.entry(from.node.clone()).or_default())
        };
        let turn = turn.lock_owned().await;
        let (desk, sender) = (Arc::clone(self), from.clone());
        let judged = self.off_thread(move || desk.judge(turn, &sender, sent)).await;
        let (answer, gaps) = judged.unwrap_or_else(|error| {
            tracing::error!(node = %from.node, %error, "the journal of a node cannot be taken");
            (Answer::NotTaken(NotTakenReason::Disk), Vec::new())
        });
        for gap in gaps {
            self.tell(&from.node, gap).await;
        }
        answer
    }

    /// Everything that touches files.
    fn judge(
        &self,
        mut turn: OwnedMutexGuard<Option<Receiving>>,
        from: &Sender,
        sent: Sent,
    ) -> Result<(Answer, Vec<Gap>), AuditError> {
        let author = Author { mesh: self.parts.own.mesh, node: from.node.clone() };
        let receiving = match turn.take() {
            Some(receiving) => turn.insert(receiving),
            None => turn.insert(Receiving::open(&self.parts.audit_dir, author, self.parts.file_bytes_max)?),
        };
        let head = match &sent {
            Sent::Offer { head, .. } | Sent::Lines { head, .. } | Sent::Alive { head } => head.clone(),
            Sent::Broken { detail } => {
                let gap = Gap::new(Cause::Broken, format!("it cannot be read on the node: {detail}"));
                return Ok((Answer::NotTaken(NotTakenReason::Misfit), vec![gap]));
            }
        };
        if let Err(gap) = receiving.check(&head, &from.key) {
            return Ok((Answer::NotTaken(NotTakenReason::Signature), vec![gap]));
        }
        let has_lines = matches!(sent, Sent::Lines { .. });
        if has_lines && self.is_short_of_disk()? {
            tracing::error!("the disk is nearly full: the lead takes no lines of other nodes' journals");
            return Ok((Answer::NotTaken(NotTakenReason::Disk), Vec::new()));
        }
        let judged = match sent {
            Sent::Offer { before, sealed, .. } => {
                let believed = sealed.filter(|seal| self.is_ours(seal, &from.node));
                receiving.offered(&Offered { before, head: &head, sealed: believed.as_ref() })?
            }
            Sent::Lines { first, lines, .. } => receiving.lines(first, &lines, &head)?,
            Sent::Alive { .. } | Sent::Broken { .. } => match receiving.alive(&head)? {
                Some(judged) => judged,
                None => return Ok(self.noted(receiving, from, &head, Answer::Nothing, Vec::new())),
            },
        };
        self.answered(receiving, from, head, judged)
    }

    fn answered(
        &self,
        receiving: &mut Receiving,
        from: &Sender,
        head: SignedHead,
        (received, gap): Judged,
    ) -> Result<(Answer, Vec<Gap>), AuditError> {
        let mut gaps: Vec<Gap> = gap.into_iter().collect();
        let answer = match received {
            Received::From(from) => Answer::From(from),
            Received::Refused => Answer::NotTaken(NotTakenReason::Misfit),
            Received::TooManyChains => Answer::NotTaken(NotTakenReason::Chains),
            Received::Taken(tip) => {
                let known = receiving.copy().and_then(|copy| copy.heads().newest());
                match known.filter(|seal| *seal.chain_head() == tip.head).cloned() {
                    Some(seal) => Answer::Taken(Arc::new(seal)),
                    None => match Seal::new(head.clone(), self.parts.clock.now().wall, &*self.parts.authority) {
                        Some(seal) => {
                            gaps.extend(receiving.seal(seal.clone())?);
                            Answer::Taken(Arc::new(seal))
                        }
                        None => Answer::NotTaken(NotTakenReason::Disk),
                    },
                }
            }
        };
        if matches!(answer, Answer::Taken(_)) {
            for over in [Cause::Signature, Cause::Misfit, Cause::Broken, Cause::Silent, Cause::Gone] {
                receiving.gaps.over(over)?;
            }
        }
        Ok(self.noted(receiving, from, &head, answer, gaps))
    }

    /// Shows to people what is known now.
    fn noted(
        &self,
        receiving: &Receiving,
        from: &Sender,
        head: &SignedHead,
        answer: Answer,
        gaps: Vec<Gap>,
    ) -> (Answer, Vec<Gap>) {
        let now = self.parts.clock.now();
        let standing = Standing {
            chain: receiving.copy().map(Copy::chain),
            lines: receiving.copy().map_or(0, |copy| copy.tip().head.seq),
            said: head.statement.head.seq,
            proven_at: Some(now.wall),
            proven: Some(now.boot),
            gaps: receiving.gaps.told(),
        };
        lock(&self.standings).insert(from.node.clone(), standing);
        (answer, gaps)
    }

    /// Whether a seal is one this mesh made of the journal of a node.
    pub(super) fn is_ours(&self, seal: &Seal, node: &NodeName) -> bool {
        let author = Author { mesh: self.parts.own.mesh, node: node.clone() };
        seal.check(&author, &self.parts.authority.pin()).is_ok()
    }

    fn is_short_of_disk(&self) -> Result<bool, AuditError> {
        let (free, size) = crate::audit::room::of(&self.parts.audit_dir)?;
        // Of a small disk a twentieth.
        Ok(free < self.parts.reserve_bytes.min(size / 20))
    }

    /// Lets the files of a node's copy rest: it went away, or has nothing to send.
    pub(super) async fn rest(self: &Arc<Self>, node: &NodeName) {
        let turn = lock(&self.nodes).get(node).cloned();
        let Some(turn) = turn else { return };
        let mut turn = turn.lock_owned().await;
        let rested = self.off_thread(move || match turn.as_mut().and_then(Receiving::copy_mut) {
            Some(copy) => copy.rest(),
            None => Ok(()),
        });
        if let Err(error) = rested.await {
            tracing::warn!(%node, %error, "the copy of a journal cannot be closed");
        }
    }

    /// Tells that something is wrong with a journal: once, until it is another thing or is over.
    pub(super) async fn tell(self: &Arc<Self>, node: &NodeName, gap: Gap) {
        let directory = match *node == self.parts.own.node {
            true => self.parts.audit_dir.clone(),
            false => node_dir(&self.parts.audit_dir, node),
        };
        let turn = {
            let mut nodes = lock(&self.nodes);
            Arc::clone(nodes.entry(node.clone()).or_default())
        };
        let mut turn = turn.lock_owned().await;
        // The lead's own journal is not received from anybody.
        let mut own = None;
        let book = match turn.as_mut() {
            Some(receiving) => &mut receiving.gaps,
            None => match GapBook::open(&directory) {
                Ok(book) => own.insert(book),
                Err(error) => return tracing::error!(%node, %error, "what was told of a journal cannot be read"),
            },
        };
        if !book.is_news(&gap) {
            return;
        }
        let detail = gap.detail.clone();
        tracing::warn!(%node, detail, "audit.gap");
        if let Err(error) = self.parts.journal.append(Entry::of_node("audit.gap", format!("{node}: {detail}"))).await {
            // It is told again when it shows again.
            return tracing::error!(%node, %error, "what is wrong with a journal could not be recorded");
        }
        self.parts.board.events.tell(Event::AuditGap { node: node.clone(), detail });
        if let Err(error) = book.note(gap) {
            tracing::warn!(%node, %error, "that it was told could not be kept: it is told again after a start");
        }
        lock(&self.standings).entry(node.clone()).or_default().gaps = book.told();
    }

    /// The hash of a line of the lead's own journal that was looked up before.
    pub(super) fn looked_up(&self, seq: u64) -> Option<[u8; 32]> {
        lock(&self.looked_up).get(&seq).copied()
    }

    /// Remembers the hash of a line of the lead's own journal.
    pub(super) fn remember(&self, head: Head) {
        /// A mesh of followers that come back holds seals of a few moments.
        const REMEMBERED_MAX: usize = 4096;
        let mut looked_up = lock(&self.looked_up);
        if looked_up.len() >= REMEMBERED_MAX {
            looked_up.pop_first();
        }
        looked_up.insert(head.seq, head.hash);
    }

    /// Runs what uses the disk on a thread for such work, with a few others at most.
    pub(super) async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, AuditError> + Send + 'static,
    ) -> Result<T, AuditError> {
        let closed = |_| AuditError::Unavailable { cause: crate::audit::error::Obstacle::Closed };
        let permit = Arc::clone(&self.writers).acquire_owned().await.map_err(closed)?;
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(permit);
            outcome
        });
        match done.await {
            Ok(outcome) => outcome,
            Err(error) => {
                let source = std::io::Error::other(error);
                Err(AuditError::Io { path: self.parts.audit_dir.clone(), source })
            }
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The head of the lead's own journal, signed and sealed; none when the library has no randomness.
pub(super) fn seal_own(parts: &DeskParts, head: Head, format: u8) -> Option<Seal> {
    let now = parts.clock.now().wall;
    let key: &dyn Signer = &*parts.key;
    Seal::new(SignedHead::sign(&parts.own, head, format, now, key)?, now, &*parts.authority)
}

/// How long a copy's file stays open when nothing comes.
pub(super) const REST_AFTER: Duration = Duration::from_secs(10);
