//! Where a lead's snapshots are made and examined, for whoever asks and by the calendar ([`super::snapshot_keeper`]).
//!
//! One is made into the directory, or examined, at a time: each reads or writes as much as the store holds. What is sent to
//! somebody who asked is made beside that; it costs no more than a reader.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::audit_desk::AuditDesk;
use super::snapshot_error::SnapshotFailure;
use super::snapshot_folder::{Folder, Kept, remove};
use super::snapshot_make::{Ingredients, Making};
use super::snapshot_proof::{Proof, off_thread};
use crate::audit::head::Head;
use crate::audit::journal::Journal;
use crate::config::node_config::SnapshotSection;
use crate::crypto::recovery::Recipient;
use crate::crypto::unseal::UnsealKey;
use crate::model::identity::{MeshId, StoreId};
use crate::model::name::NodeName;
use crate::model::time::{Clock, Entropy, Timestamp};
use crate::snapshot::header::{HEADS_MAX, JournalHead};
use crate::snapshot::mark::Mark;
use crate::snapshot::name::SnapshotName;
use crate::store::blob::BlobName;
use crate::store::failpoint::{self, Failpoint};
use crate::store::handle::Store;
use crate::store::mutation::Mutation;
use crate::transport::authority::Authority;

/// In the state directory: what snapshots are restored into when they are examined.
const SCRATCH: &str = "snapshot-scratch";

/// A snapshot that is older than this does not vouch for what the store holds now.
pub(super) const FRESH_FOR: Duration = Duration::from_secs(24 * 3600);

/// How much is read or written at a time.
pub(super) const BUFFER_BYTES: usize = 256 << 10;

/// What the desk is made of.
pub struct SnapshotParts {
    /// What is saved.
    pub store: Store,
    /// The lead's own journal, whose end a snapshot knows.
    pub journal: Journal,
    /// The ends of the others'.
    pub audit: Arc<AuditDesk>,
    /// Where the journals are.
    pub audit_dir: PathBuf,
    /// Where there is room to restore.
    pub state_dir: PathBuf,
    /// The mesh.
    pub mesh: MeshId,
    /// This lead.
    pub node: NodeName,
    /// The life of its store.
    pub store_id: StoreId,
    /// Unwraps the root key.
    pub unseal: Arc<UnsealKey>,
    /// Signs.
    pub authority: Arc<Authority>,
    /// Who may open snapshots besides this node.
    pub recipients: Vec<Recipient>,
    /// How often, where to, and how many.
    pub section: SnapshotSection,
    /// What is remembered of the last that was whole.
    pub mark: Mark,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The random source.
    pub entropy: Arc<dyn Entropy>,
}

/// A snapshot that was saved and found whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its name in the directory; it may be gone from there if there is none but the command.
    pub name: SnapshotName,
    /// How large it is.
    pub bytes: u64,
    /// What came out of it.
    pub proof: Proof,
    /// Why the command did not take it, if there is one and it did not.
    pub not_taken: Option<String>,
}

/// The desk.
pub struct SnapshotDesk {
    pub(super) parts: SnapshotParts,
    pub(super) turn: Arc<Semaphore>,
    mark: Mutex<Mark>,
    pub(super) examinations: AtomicU64,
}

impl SnapshotDesk {
    /// A desk on these parts. What an earlier process left unfinished is removed.
    ///
    /// # Errors
    /// [`SnapshotFailure::Io`] when it stays: it would hold the rows of the whole store.
    pub fn open(parts: SnapshotParts) -> Result<Self, SnapshotFailure> {
        let mark = Mutex::new(parts.mark);
        let desk = Self { parts, turn: Arc::new(Semaphore::new(1)), mark, examinations: AtomicU64::new(0) };
        match fs::remove_dir_all(desk.scratch()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(SnapshotFailure::io("removing what a snapshot was restored into")(error));
            }
            Ok(()) | Err(_) => {}
        }
        if let Some(folder) = desk.folder() {
            // A directory that is away, such as one of the network, is told when something is to be saved there.
            if let Err(error) = folder.tidy() {
                tracing::warn!(%error, "unfinished snapshots may still be in the directory of snapshots");
            }
        }
        Ok(desk)
    }

    /// What is known of the last snapshot that was found whole.
    #[must_use]
    pub fn mark(&self) -> Mark {
        *self.marked()
    }

    /// Fixes the moment of a snapshot, to be written wherever somebody wants it.
    ///
    /// # Errors
    /// [`SnapshotFailure`].
    pub async fn begin(&self) -> Result<Making, SnapshotFailure> {
        let export = self.parts.store.export().await?;
        let heads = self.heads().await;
        let from = Ingredients {
            unseal: &self.parts.unseal,
            recipients: &self.parts.recipients,
            heads,
            signer: Arc::<Authority>::clone(&self.parts.authority),
            entropy: &*self.parts.entropy,
            now: self.parts.clock.now().wall,
        };
        Making::begin(export, from)
    }

    /// Saves into the directory, or for the command alone, and finds out whether it is whole. Under its name it is there only
    /// then. The command gets it last; that it does not take it is told, and takes nothing back.
    ///
    /// # Errors
    /// [`SnapshotFailure::NoDirectory`] when the node is told of no place, [`SnapshotFailure::Busy`], or what went wrong.
    pub async fn save(self: &Arc<Self>) -> Result<Saved, SnapshotFailure> {
        if !self.parts.section.is_scheduled() {
            return Err(SnapshotFailure::NoDirectory);
        }
        let _turn = self.turn.try_acquire().map_err(|_| SnapshotFailure::Busy)?;
        let making = self.begin().await?;
        let header = making.header().clone();
        let name = SnapshotName::new(&header.node, header.taken_at, header.position);
        let folder =
            self.folder().unwrap_or_else(|| Folder::new(self.scratch(), self.parts.mesh, self.parts.node.clone()));
        let (into, of) = (folder.clone(), name.clone());
        let written = off_thread(move || {
            let (path, file) = into.create(&of)?;
            let unfinished = Unfinished(Some(path));
            let file = write(making, file)?;
            Ok((unfinished, file))
        });
        let (mut unfinished, file) = written.await?;
        failpoint::pass(Failpoint::SnapshotWritten);
        let bytes = file.metadata().map_err(SnapshotFailure::io("looking at a snapshot"))?.len();
        let proof = self.examine(BufReader::with_capacity(BUFFER_BYTES, file)).await?;
        failpoint::pass(Failpoint::SnapshotProven);
        let path = unfinished.path()?;
        let not_taken = if self.parts.section.directory.is_some() {
            let (into, of, at) = (folder.clone(), name.clone(), self.parts.clock.now().wall);
            off_thread(move || into.place(&path, &of, at)).await?;
            unfinished.0 = None;
            failpoint::pass(Failpoint::SnapshotNamed);
            self.remember(&proof.header).await?;
            self.hand_over(&folder, &name).await
        } else {
            let taken = self.run_command(&path, &name).await;
            taken?;
            self.remember(&proof.header).await?;
            None
        };
        Ok(Saved { name, bytes, proof, not_taken })
    }

    /// Takes away what is past its time now that this one was placed. Gives what went.
    ///
    /// # Errors
    /// [`SnapshotFailure::Io`], [`SnapshotFailure::OpenDirectory`].
    pub(super) async fn retire(&self, placed: SnapshotName) -> Result<Vec<SnapshotName>, SnapshotFailure> {
        let Some(folder) = self.folder() else { return Ok(Vec::new()) };
        let keep = self.parts.section.keep;
        off_thread(move || folder.retire(keep, &placed)).await
    }

    /// The newest snapshot of this lead in the directory.
    ///
    /// # Errors
    /// [`SnapshotFailure::Io`].
    pub(super) async fn newest(&self) -> Result<Option<Kept>, SnapshotFailure> {
        let Some(folder) = self.folder() else { return Ok(None) };
        off_thread(move || folder.newest()).await
    }

    /// What is in the directory, newest first; nothing if the node has none.
    ///
    /// # Errors
    /// [`SnapshotFailure::Io`].
    pub async fn list(&self) -> Result<Vec<Kept>, SnapshotFailure> {
        let Some(folder) = self.folder() else { return Ok(Vec::new()) };
        off_thread(move || folder.list()).await
    }

    /// Notes that somebody was told that the last snapshot is too old.
    ///
    /// # Errors
    /// [`SnapshotFailure::Store`].
    pub(super) async fn told(&self) -> Result<(), SnapshotFailure> {
        let mark = Mark { told: true, ..self.mark() };
        self.keep(mark).await
    }

    pub(super) async fn keep(&self, mark: Mark) -> Result<(), SnapshotFailure> {
        self.parts.store.commit(vec![Mutation::PutBlob(BlobName::SnapshotVerified, mark.to_bytes())]).await?;
        *self.marked() = mark;
        Ok(())
    }

    /// Where the journals end: the lead's own, and of the others what is at hand.
    async fn heads(&self) -> Vec<JournalHead> {
        let head = |node: NodeName, chain, Head { seq, hash }| JournalHead { node, chain, seq, hash };
        let mut heads = vec![head(self.parts.node.clone(), None, self.parts.journal.head())];
        for (node, standing) in self.parts.audit.standings().into_iter().take(HEADS_MAX - 1) {
            let Some(end) = self.parts.audit.head_of(&node, standing.chain).await else { continue };
            heads.push(head(node, standing.chain, end));
        }
        heads
    }

    async fn hand_over(&self, folder: &Folder, name: &SnapshotName) -> Option<String> {
        if self.parts.section.command.is_empty() {
            return None;
        }
        let taken = self.run_command(&folder.place_of(name), name).await;
        taken.err().map(|error| error.to_string())
    }

    async fn run_command(&self, file: &Path, name: &SnapshotName) -> Result<(), SnapshotFailure> {
        super::snapshot_command::hand_over(&self.parts.section.command, file, name).await
    }

    pub(super) fn folder(&self) -> Option<Folder> {
        let directory = self.parts.section.directory.as_ref()?;
        Some(Folder::new(directory.clone(), self.parts.mesh, self.parts.node.clone()))
    }

    pub(super) fn scratch(&self) -> PathBuf {
        self.parts.state_dir.join(SCRATCH)
    }

    fn marked(&self) -> MutexGuard<'_, Mark> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By the clock of the node.
    pub(super) fn now(&self) -> Timestamp {
        self.parts.clock.now().wall
    }
}

/// Writes it and brings it to the disk; gives the file, to be read from its beginning.
fn write(making: Making, file: File) -> Result<File, SnapshotFailure> {
    let writing = SnapshotFailure::io("writing a snapshot");
    let mut to = BufWriter::with_capacity(BUFFER_BYTES, &file);
    making.write(&mut to)?;
    let flushed = to.flush().and_then(|()| file.sync_all());
    drop(to);
    let mut file = file;
    flushed.and_then(|()| file.rewind()).map_err(writing)?;
    Ok(file)
}

/// A file that goes unless it was placed.
struct Unfinished(Option<PathBuf>);

impl Unfinished {
    fn path(&self) -> Result<PathBuf, SnapshotFailure> {
        self.0.clone().ok_or(SnapshotFailure::CutShort)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(|path| remove(&path)) {
            tracing::warn!(%error, "an unfinished snapshot is still there");
        }
    }
}
