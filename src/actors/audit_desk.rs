//! Where the journals of all nodes come together, on the lead: takes what they send, vouches for it, and tells what is wrong.
//!
//! Nothing here blocks a read: files are written by threads of their own, a few at a time, so that a thousand nodes take
//! turns; of each node one batch is under way.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as TurnMutex, Semaphore, watch};

use super::board::Board;
use super::pace::Pace;
use crate::audit::copies::{chain_dir, chains, node_dir};
use crate::audit::error::AuditError;
use crate::audit::gap::{Gap, GapBook};
use crate::audit::head::Head;
use crate::audit::heads;
use crate::audit::journal::Journal;
use crate::audit::receiving::Receiving;
use crate::audit::seal::{Author, Seal, SignedHead};
use crate::crypto::signature::Signer;
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
    pub(super) nodes: Mutex<BTreeMap<NodeName, Arc<Turn>>>,
    pub(super) standings: Mutex<BTreeMap<NodeName, Standing>>,
    /// How much is told of each node.
    pub(super) paces: Mutex<BTreeMap<NodeName, Pace>>,
    /// The newest seal of the lead's own journal.
    pub(super) own_seal: watch::Sender<Option<Arc<Seal>>>,
    /// Lines of the lead's own journal that were looked up: followers ask for the same ones.
    looked_up: Mutex<BTreeMap<u64, [u8; 32]>>,
}

/// One node's journal, for one at a time.
pub(super) type Turn = TurnMutex<Option<Receiving>>;

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
    Offer { before: Head, head: SignedHead, sealed: Option<Box<Seal>> },
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
            paces: Mutex::default(),
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
        self.try_read_standing(node).await.unwrap_or_default()
    }

    /// The same, remembered: a node that is away is looked after each second, and its files need be read but once.
    pub(super) async fn recall(&self, node: &NodeName) -> Standing {
        match self.try_read_standing(node).await {
            Ok(standing) => lock(&self.standings).entry(node.clone()).or_insert(standing).clone(),
            Err(_) => Standing::default(),
        }
    }

    async fn try_read_standing(&self, node: &NodeName) -> Result<Standing, AuditError> {
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
        read.await
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

    /// Whether a seal is one this mesh made of the journal of a node.
    pub(super) fn is_ours(&self, seal: &Seal, node: &NodeName) -> bool {
        let author = Author { mesh: self.parts.own.mesh, node: node.clone() };
        seal.check(&author, &self.parts.authority.pin()).is_ok()
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
