//! What whoever makes a node brings besides the configuration, for the unseal sources that need a person.

use anyhow::Result;

use crate::crypto::plaintext::Plaintext;
use crate::crypto::shares::{Quorum, ShareParameters};

/// Shows the shares of a new node, once. If it fails, the node is not made.
pub type Show<'person> = &'person (dyn Fn(&ShareParameters, &[Plaintext]) -> Result<()> + Send + Sync);

/// What is brought.
#[derive(Clone, Copy)]
pub enum Brought<'person> {
    /// The passphrase that will open the node.
    Passphrase(&'person Plaintext),
    /// How many shares are wanted, and where they are shown.
    Quorum(Quorum, Show<'person>),
}

impl<'person> Brought<'person> {
    /// The passphrase, if it is one.
    pub(super) fn passphrase(self) -> Option<&'person Plaintext> {
        match self {
            Self::Passphrase(passphrase) => Some(passphrase),
            Self::Quorum(..) => None,
        }
    }
}
