//! What a snapshot says of itself before anything of it is opened.

use super::error::SnapshotError;
use crate::crypto::chunks::ContentKey;
use crate::crypto::recovery::{Recipient, Recovered, RecoveryKey};
use crate::crypto::root::RootKey;
use crate::crypto::signature::pin;
use crate::model::identity::{KeyPin, MeshId, StoreId};
use crate::model::name::NodeName;
use crate::model::number::Position;
use crate::model::time::{Entropy, Timestamp};

/// Most recipients of one snapshot.
pub const RECIPIENTS_MAX: usize = 64;

/// Most heads of journals in one header.
pub const HEADS_MAX: usize = 512;

/// The header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The mesh.
    pub mesh: MeshId,
    /// The life of the store.
    pub store: StoreId,
    /// The lead it was taken on.
    pub node: NodeName,
    /// The last change in it.
    pub position: Position,
    /// The schema of its rows.
    pub schema: u32,
    /// The version of the program that wrote it.
    pub build: String,
    /// When it was taken, by the clock of the lead.
    pub taken_at: Timestamp,
    /// Where the journals ended then: first the lead's own.
    pub heads: Vec<JournalHead>,
    /// The root key as the store has it, with what is needed to open it.
    pub root_key: WrappedRoot,
    /// The key of the text, wrapped by the root key.
    pub content: Vec<u8>,
    /// The same key and the root key, for each recipient.
    pub recipients: Vec<SealedTo>,
    /// The public key of the mesh authority (`SubjectPublicKeyInfo`, DER), which signed it.
    pub authority: Vec<u8>,
}

/// The end of one journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalHead {
    /// Whose.
    pub node: NodeName,
    /// Which chain of the copies on the lead; none for the lead's own journal.
    pub chain: Option<u32>,
    /// The number of the last line.
    pub seq: u64,
    /// Its SHA-256.
    pub hash: [u8; 32],
}

/// A wrapped root key. What it takes to unwrap it is no secret: the salt of a passphrase, or the name of a set of shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedRoot {
    /// Wrapped by the unseal key.
    pub wrapped: Vec<u8>,
    /// How a passphrase becomes the unseal key.
    pub passphrase: Option<Vec<u8>>,
    /// Which shares make the unseal key.
    pub shares: Option<Vec<u8>>,
}

/// The keys of a snapshot for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedTo {
    /// The first bytes of the SHA-256 of the recipient's key.
    pub recipient: [u8; 8],
    /// What only the recipient opens.
    pub sealed: Vec<u8>,
}

/// A fresh key for the text of a snapshot, and everybody's wrapping of it.
#[derive(Debug)]
pub struct FreshKey {
    /// The key.
    pub key: ContentKey,
    /// It, wrapped by the root key.
    pub content: Vec<u8>,
    /// It and the root key, for each recipient.
    pub recipients: Vec<SealedTo>,
}

impl FreshKey {
    /// Draws a key and wraps it.
    ///
    /// # Errors
    /// [`SnapshotError::Closed`] when it cannot be wrapped; [`SnapshotError::BadHeader`] for too many recipients.
    pub fn generate(
        mesh: &MeshId,
        root: &RootKey,
        recipients: &[Recipient],
        entropy: &dyn Entropy,
    ) -> Result<Self, SnapshotError> {
        if recipients.len() > RECIPIENTS_MAX {
            return Err(SnapshotError::BadHeader("it has too many recipients"));
        }
        let key = ContentKey::generate(entropy)?;
        let content = key.wrap(root, mesh, entropy)?;
        let seal = |to: &Recipient| {
            let sealed = to.seal(mesh, &key, root, entropy)?;
            Ok::<_, SnapshotError>(SealedTo { recipient: to.fingerprint(), sealed })
        };
        let recipients = recipients.iter().map(seal).collect::<Result<_, _>>()?;
        Ok(Self { key, content, recipients })
    }
}

impl Header {
    /// The pin of the authority that signed it.
    #[must_use]
    pub fn authority_pin(&self) -> KeyPin {
        pin(&self.authority)
    }

    /// The key of the text, with the root key of the store.
    ///
    /// # Errors
    /// [`SnapshotError::Closed`] for another root key.
    pub fn open_with_root(&self, root: &RootKey) -> Result<ContentKey, SnapshotError> {
        Ok(ContentKey::unwrap(root, &self.mesh, &self.content)?)
    }

    /// Both keys, with a recovery key.
    ///
    /// # Errors
    /// [`SnapshotError::NotForKey`] when it is none of the recipients; [`SnapshotError::Closed`].
    pub fn open_with_recovery(&self, key: &RecoveryKey) -> Result<Recovered, SnapshotError> {
        let fingerprint = key.recipient()?.fingerprint();
        let own = self.recipients.iter().find(|sealed| sealed.recipient == fingerprint);
        Ok(key.open(&self.mesh, &own.ok_or(SnapshotError::NotForKey)?.sealed)?)
    }
}
