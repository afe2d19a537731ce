//! How a snapshot is examined: restored into a scratch directory, opened, compared; and what is remembered of one that is whole.

use std::fs;
use std::io::{BufReader, Read};
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::snapshot_desk::{BUFFER_BYTES, FRESH_FOR, SnapshotDesk};
use super::snapshot_error::SnapshotFailure;
use super::snapshot_proof::{Examination, Journals, Opener, Proof, off_thread, prove};
use crate::snapshot::header::Header;
use crate::snapshot::mark::{Mark, Verified};
use crate::snapshot::name::SnapshotName;

impl SnapshotDesk {
    /// Examines a snapshot of the directory, and notes what came of it.
    ///
    /// # Errors
    /// [`SnapshotFailure`]: why it could not be restored, or examined.
    pub async fn verify_kept(self: &Arc<Self>, name: SnapshotName) -> Result<Proof, SnapshotFailure> {
        let folder = self.folder().ok_or(SnapshotFailure::NoDirectory)?;
        let _turn = self.turn.try_acquire().map_err(|_| SnapshotFailure::Busy)?;
        let (from, of) = (folder.clone(), name.clone());
        let file = off_thread(move || from.open(&of)).await?;
        let examined = self.examine(BufReader::with_capacity(BUFFER_BYTES, file)).await;
        let now = self.parts.clock.now().wall;
        let verdict = match &examined {
            Ok(_) => Some(Some(now)),
            // It is for the nodes of that mesh to say what it is worth.
            Err(SnapshotFailure::ForeignMesh(_)) => None,
            Err(error) if error.is_of_the_snapshot() => Some(None),
            // That the disk is full, say, tells nothing of the snapshot.
            Err(_) => None,
        };
        if let Some(verified_at) = verdict {
            off_thread(move || folder.note(&name, verified_at)).await?;
        }
        let proof = examined?;
        self.remember(&proof.header).await?;
        Ok(proof)
    }

    /// Examines a snapshot that somebody brought.
    ///
    /// # Errors
    /// As [`Self::verify_kept`].
    pub async fn verify(self: &Arc<Self>, from: impl Read + Send + 'static) -> Result<Proof, SnapshotFailure> {
        let _turn = self.turn.try_acquire().map_err(|_| SnapshotFailure::Busy)?;
        let proof = self.examine(from).await?;
        self.remember(&proof.header).await?;
        Ok(proof)
    }

    pub(super) async fn examine(&self, from: impl Read + Send + 'static) -> Result<Proof, SnapshotFailure> {
        let scratch = self.scratch();
        let number = self.examinations.fetch_add(1, Ordering::Relaxed);
        let parent = scratch.clone();
        off_thread(move || {
            let mut builder = fs::DirBuilder::new();
            builder.mode(0o700).recursive(true);
            builder.create(&parent).map_err(SnapshotFailure::io("making a directory to restore into"))
        })
        .await?;
        let how = Examination {
            scratch: scratch.join(number.to_string()),
            opener: Opener::Unseal(Arc::clone(&self.parts.unseal)),
            expected: Some((self.parts.mesh, self.parts.authority.pin())),
            journals: Some(Journals {
                audit_dir: self.parts.audit_dir.clone(),
                node: self.parts.node.clone(),
                store: self.parts.store_id,
            }),
            now: self.parts.clock.now().wall,
        };
        prove(from, how).await
    }

    /// A snapshot of this life of the store that is not old vouches for it, unless a newer one did.
    pub(super) async fn remember(&self, header: &Header) -> Result<(), SnapshotFailure> {
        let now = self.parts.clock.now().wall;
        let is_fresh = now.since(header.taken_at).is_none_or(|age| age < FRESH_FOR);
        let known = self.mark().verified.map(|verified| verified.position);
        if header.store != self.parts.store_id || !is_fresh || known.is_some_and(|known| known > header.position) {
            return Ok(());
        }
        let verified = Verified { taken_at: header.taken_at, position: header.position, store: header.store };
        self.keep(Mark { verified: Some(verified), told: false }).await
    }
}
