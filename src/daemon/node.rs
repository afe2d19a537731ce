//! A running node: built in order, store to sockets, and taken down in reverse.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;

use super::disk::Disk;
use super::doors::Doors;
use super::seams::Seams;
use super::unseal;
use super::watchdog::Checks;
use super::works::Works;
use crate::actors::connectivity::Connectivity;
use crate::config::node_config::NodeConfig;
use crate::crypto::plaintext::Plaintext;
use crate::vault::parts::Vault;

/// A node that serves.
pub struct RunningNode {
    works: Works,
    doors: Doors,
    socket_dir: PathBuf,
}

impl RunningNode {
    /// Opens the store, unseals it, and starts every part. When this returns, the sockets answer. For a node whose key
    /// is at hand; one whose key people bring later starts as a [`super::sealed::SealedNode`].
    ///
    /// # Errors
    /// Whatever keeps the node from serving, with what to do about it.
    pub async fn start(config: &NodeConfig, passphrase: Option<&Plaintext>, seams: &Seams) -> Result<Self> {
        let disk = Disk::open(config, seams).await?;
        let key = match unseal::open(&config.unseal, passphrase, &disk.contents.blobs) {
            Ok(key) => key,
            Err(error) => {
                Disk::close(disk.store, disk.journal).await;
                return Err(error);
            }
        };
        let works = Works::start(key, disk, config, seams).await?;
        match Doors::open(config, seams, works.vault.clone()).await {
            Ok(doors) => Ok(Self::of(works, doors, config)),
            Err(error) => {
                works.stop().await;
                Err(error)
            }
        }
    }

    /// A node whose parts run and whose sockets answer.
    pub(super) fn of(works: Works, doors: Doors, config: &NodeConfig) -> Self {
        Self { works, doors, socket_dir: config.api.socket_dir.clone() }
    }

    /// The door, for callers in this process.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.works.vault
    }

    /// Which APIs work from where, for callers in this process.
    #[must_use]
    pub fn connectivity(&self) -> &Connectivity {
        &self.works.connectivity
    }

    /// Where a lead listens, with the port the system chose.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.works.address
    }

    /// Where programs that cannot speak to a Unix socket are answered, if anywhere, with the port the system chose.
    #[must_use]
    pub fn loopback(&self) -> Option<SocketAddr> {
        self.doors.loopback()
    }

    /// Where the sockets are.
    #[must_use]
    pub fn socket_dir(&self) -> &PathBuf {
        &self.socket_dir
    }

    /// What tells the watchdog whether the node is fit.
    pub(super) fn checks(&self) -> Checks {
        Checks::new(self.works.vault.clone(), self.works.handle.pulse())
    }

    /// Returns when the node has become unfit, with the reason.
    pub async fn unfit(&mut self) -> String {
        self.works.handle.unfit().await
    }

    /// Stops serving, then replicating, then closes the journal and the store.
    pub async fn stop(self) {
        self.doors.close().await;
        self.works.stop().await;
    }
}
