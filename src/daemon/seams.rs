//! Where time, randomness, the network and the disk enter a node. A test puts its own clock here, and a simulation a whole
//! machine; nothing else in the node reads a clock, opens a socket or has a thread that waits for a disk.

use std::sync::Arc;

use anyhow::{Context, Result};

use super::system_clock::SystemClock;
use crate::crypto::system_entropy::SystemEntropy;
use crate::model::time::{Clock, Entropy};
use crate::store::ground::Ground;
use crate::transport::network::{MachineNetwork, Network};
use crate::wire::version::{ProtocolVersion, SPOKEN};

/// The seams of one node.
#[derive(Clone)]
pub struct Seams {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Where the lines of the journal go.
    pub journal: JournalPlace,
    /// Which versions of the protocol it speaks, newest first. A test has a node of the version before here.
    pub speaks: &'static [ProtocolVersion],
    /// Its sockets to other nodes.
    pub network: Arc<dyn Network>,
    /// What its stores and its journal stand on.
    pub ground: Ground,
}

/// Where the lines of a journal go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JournalPlace {
    /// To its files.
    #[default]
    Files,
    /// Nowhere, once they are made and chained: to measure what the files cost. No configuration asks for this.
    Nowhere,
}

impl Seams {
    /// The clocks and the random source of this machine.
    ///
    /// # Errors
    /// When the kernel does not say which boot this is.
    pub fn system() -> Result<Self> {
        let clock = SystemClock::new().context("the kernel does not name this boot")?;
        Ok(Self {
            clock: Arc::new(clock),
            entropy: Arc::new(SystemEntropy),
            journal: JournalPlace::Files,
            speaks: &SPOKEN,
            network: Arc::new(MachineNetwork),
            ground: Ground::machine(),
        })
    }
}
