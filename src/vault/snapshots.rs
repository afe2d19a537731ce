//! Snapshots of the lead: made, listed and examined, for whoever manages backups.
//!
//! Nobody is told a path, and nobody can name one: a snapshot of the directory has a name, and any other comes and goes over
//! the connection. Every deed is announced in the journal before a byte is written or sent.

use std::io::Read;

use crate::actors::snapshot_desk::{Saved, SnapshotDesk};
use crate::actors::snapshot_error::SnapshotFailure;
use crate::actors::snapshot_folder::Kept;
use crate::actors::snapshot_keeper;
use crate::actors::snapshot_make::Making;
use crate::actors::snapshot_proof::Proof;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::snapshot::mark::Mark;
use crate::snapshot::name::SnapshotName;
use crate::snapshot::write::Written;

use super::account::{Account, noted};
use super::backup_error::told;
use super::error::VaultError;
use super::parts::Vault;

/// The snapshots there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotList {
    /// Those of the directory, newest first.
    pub kept: Vec<Kept>,
    /// The last that was found whole, wherever it is by now.
    pub mark: Mark,
}

/// Which snapshot is to be examined.
pub enum SnapshotSource {
    /// One of the directory.
    Kept(SnapshotName),
    /// One that the caller brings.
    Brought(Box<dyn Read + Send>),
}

/// What is still to be written down of a snapshot that is sent.
#[derive(Debug)]
pub struct SnapshotReceipt(Account);

impl Vault {
    /// Whether the caller may: asked before a body is read.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn may_back_up(&self, caller: &Caller) -> Result<(), VaultError> {
        let mut account = Account::open(caller, Action::BackupManage, self.parts.clock.now());
        let permitted = self.node_permit(caller, Action::BackupManage, &mut account);
        match permitted.and_then(|()| self.lead().map(drop)) {
            // What comes of it is a line of its own.
            Ok(()) => Ok(()),
            refused @ Err(_) => self.settle(&account, refused).await,
        }
    }

    /// Saves the lead into its directory, and finds out whether what was saved could be restored.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn save_snapshot(&self, caller: &Caller, reason: Option<&str>) -> Result<Saved, VaultError> {
        let mut account = self.about_snapshot(caller, "save", reason);
        let saved = async {
            let desk = self.snapshot_desk(caller, &mut account)?;
            self.announce(&mut account).await?;
            let saved = desk.save().await.map_err(|failure| told(&failure))?;
            account.reason(Some(&noted(&snapshot_keeper::told(&saved), reason)));
            Ok(saved)
        };
        let saved = saved.await;
        self.settle(&account, saved).await
    }

    /// The snapshots of the directory.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn snapshots(&self, caller: &Caller) -> Result<SnapshotList, VaultError> {
        let mut account = self.about_snapshot(caller, "list", None);
        let listed = async {
            let desk = self.snapshot_desk(caller, &mut account)?;
            let kept = desk.list().await.map_err(|failure| told(&failure))?;
            Ok(SnapshotList { kept, mark: desk.mark() })
        };
        let listed = listed.await;
        self.settle(&account, listed).await
    }

    /// Restores a snapshot into a directory that goes again, opens everything in it and compares.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn verify_snapshot(
        &self,
        caller: &Caller,
        from: SnapshotSource,
        reason: Option<&str>,
    ) -> Result<Proof, VaultError> {
        let which = match &from {
            SnapshotSource::Kept(name) => format!("verify {name}"),
            SnapshotSource::Brought(_) => "verify one that was brought".to_owned(),
        };
        let mut account = self.about_snapshot(caller, &which, reason);
        let proven = async {
            let desk = self.snapshot_desk(caller, &mut account)?;
            self.announce(&mut account).await?;
            let proven = match from {
                SnapshotSource::Kept(name) => desk.verify_kept(name).await,
                SnapshotSource::Brought(bytes) => desk.verify(bytes).await,
            };
            proven.map_err(|failure| told(&failure))
        };
        let proven = proven.await;
        self.settle(&account, proven).await
    }

    /// Begins a snapshot that the caller is sent. What became of it is to be told with [`Self::snapshot_sent`].
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn send_snapshot(
        &self,
        caller: &Caller,
        reason: Option<&str>,
    ) -> Result<(Making, SnapshotReceipt), VaultError> {
        let mut account = self.about_snapshot(caller, "export", reason);
        let begun = async {
            let desk = self.snapshot_desk(caller, &mut account)?;
            self.announce(&mut account).await?;
            desk.begin().await.map_err(|failure| told(&failure))
        };
        match begun.await {
            Ok(making) => {
                let position = making.header().position;
                let deed = format!("export of revision {} of epoch {}", position.revision.0, position.epoch.0);
                account.reason(Some(&noted(&deed, reason)));
                Ok((making, SnapshotReceipt(account)))
            }
            Err(error) => self.settle(&account, Err(error)).await,
        }
    }

    /// Writes down what became of a snapshot that was sent.
    pub async fn snapshot_sent(&self, receipt: SnapshotReceipt, sent: Result<Written, SnapshotFailure>) {
        let SnapshotReceipt(account) = receipt;
        let sent = sent.map(drop).map_err(|failure| told(&failure));
        match self.settle(&account, sent).await {
            // Whoever has all of it has no reason to stay.
            Ok(()) | Err(VaultError::CallerGone) => {}
            Err(error) => tracing::warn!(%error, "a snapshot was not sent to its end"),
        }
    }

    fn about_snapshot(&self, caller: &Caller, deed: &str, reason: Option<&str>) -> Account {
        let mut account = Account::open(caller, Action::BackupManage, self.parts.clock.now());
        account.reason(Some(&noted(deed, reason)));
        account
    }

    fn snapshot_desk(
        &self,
        caller: &Caller,
        account: &mut Account,
    ) -> Result<std::sync::Arc<SnapshotDesk>, VaultError> {
        self.node_permit(caller, Action::BackupManage, account)?;
        Ok(std::sync::Arc::clone(&self.lead()?.snapshots))
    }
}
