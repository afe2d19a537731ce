//! A node whose key nobody has brought yet. Its disk is open and its sockets answer, so that it can be asked and unsealed;
//! once it is, the node starts on those same sockets.
//!
//! No keys, no peers, no values: a follower of a sealed lead finds nobody, and serves from its cache by the usual rule.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::sync::mpsc;

use super::disk::Disk;
use super::doors::{self, Doors};
use super::node::RunningNode;
use super::seams::Seams;
use super::unseal;
use super::works::Works;
use crate::config::node_config::{NodeConfig, UnsealSource};
use crate::crypto::unseal::UnsealKey;
use crate::store::blob::BlobName;
use crate::store::facts::Facts;
use crate::vault::sealed::SealedDoor;
use crate::vault::sealed_parts::{Lock, SealedParts};

/// A node that waits for its key.
pub struct SealedNode {
    config: NodeConfig,
    seams: Seams,
    disk: Disk,
    door: SealedDoor,
    doors: Doors,
    key: mpsc::Receiver<UnsealKey>,
}

impl SealedNode {
    /// Opens the disk and the sockets. When this returns, the sockets answer that the node is sealed.
    ///
    /// # Errors
    /// Whatever keeps the node from being unsealed later, with what to do about it.
    pub async fn start(config: &NodeConfig, seams: &Seams) -> Result<Self> {
        let disk = Disk::open(config, seams).await?;
        match stand_sealed(config, &disk, seams).await {
            Ok((door, key, doors)) => Ok(Self { config: config.clone(), seams: seams.clone(), disk, door, doors, key }),
            Err(error) => {
                Disk::close(disk.store, disk.journal).await;
                Err(error)
            }
        }
    }

    /// The door, for callers in this process.
    pub(super) fn door(&self) -> SealedDoor {
        self.door.clone()
    }

    /// Returns with the key once it was brought.
    ///
    /// # Errors
    /// When nobody can bring it any more.
    pub async fn unsealed(&mut self) -> Result<UnsealKey> {
        self.key.recv().await.context("the door of the sealed node is gone")
    }

    /// Starts the node with its key, on the sockets that answer already.
    ///
    /// # Errors
    /// Whatever keeps the node from serving; disk and sockets are closed then.
    pub async fn open(self, key: UnsealKey) -> Result<RunningNode> {
        let Self { config, seams, disk, door, doors, .. } = self;
        match Works::start(key, disk, &config, &seams).await {
            Ok(works) => {
                doors.admit(&works.vault);
                door.opened();
                Ok(RunningNode::of(works, doors, &config))
            }
            Err(error) => {
                // Whoever brought the key waits for an answer, which leaves before the sockets close.
                door.failed();
                doors.close().await;
                Err(error)
            }
        }
    }

    /// Where programs that cannot speak to a Unix socket are told so, if anywhere, with the port the system chose.
    #[must_use]
    pub fn loopback(&self) -> Option<SocketAddr> {
        self.doors.loopback()
    }

    /// Closes the sockets and the disk.
    pub async fn stop(self) {
        self.doors.close().await;
        Disk::close(self.disk.store, self.disk.journal).await;
    }
}

/// Opens the sockets of a node whose disk is open.
async fn stand_sealed(
    config: &NodeConfig,
    disk: &Disk,
    seams: &Seams,
) -> Result<(SealedDoor, mpsc::Receiver<UnsealKey>, Doors)> {
    let Facts { mesh, node, role, environment } = disk.contents.facts.clone();
    let (door, key) = SealedDoor::new(SealedParts {
        mesh,
        node,
        role,
        environment,
        position: disk.contents.position,
        house: doors::house(config)?,
        journal: disk.journal.clone(),
        clock: Arc::clone(&seams.clock),
        root: disk.contents.blobs.get(&BlobName::RootKey).context("the store holds no root key")?.clone(),
        lock: lock(&config.unseal, disk)?,
    });
    let doors = Doors::sealed(config, seams, door.clone()).await?;
    Ok((door, key, doors))
}

/// What opens the node, as its store remembers it.
fn lock(source: &UnsealSource, disk: &Disk) -> Result<Lock> {
    match source {
        UnsealSource::Shamir => unseal::share_parameters(&disk.contents.blobs).map(Lock::Shares),
        UnsealSource::Passphrase => unseal::passphrase_parameters(&disk.contents.blobs).map(Lock::Passphrase),
        UnsealSource::File { .. } | UnsealSource::SystemdCredential { .. } => {
            bail!("this node opens by itself, with what [unseal] names")
        }
    }
}
