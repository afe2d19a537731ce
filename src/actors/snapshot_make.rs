//! From the rows of the store to a snapshot: what is written is one moment of it, however long the writing takes.

use std::io::Write;
use std::sync::Arc;

use super::snapshot_error::SnapshotFailure;
use crate::crypto::chunks::ContentKey;
use crate::crypto::recovery::Recipient;
use crate::crypto::signature::Signer;
use crate::crypto::unseal::UnsealKey;
use crate::model::identity::StoreId;
use crate::model::time::{Entropy, Timestamp};
use crate::snapshot::header::{FreshKey, Header, JournalHead, WrappedRoot};
use crate::snapshot::row::Row;
use crate::snapshot::write::{Writer, Written};
use crate::store::blob::BlobName;
use crate::store::export::{Export, RawRow};

/// What is needed besides the rows.
pub(super) struct Ingredients<'a> {
    /// Unwraps the root key that the rows hold.
    pub(super) unseal: &'a UnsealKey,
    /// Who may open it besides.
    pub(super) recipients: &'a [Recipient],
    /// Where the journals ended, the lead's own first.
    pub(super) heads: Vec<JournalHead>,
    /// Signs it.
    pub(super) signer: Arc<dyn Signer>,
    /// The random source.
    pub(super) entropy: &'a dyn Entropy,
    /// When it is taken.
    pub(super) now: Timestamp,
}

/// A snapshot that is begun: its moment is fixed.
pub struct Making {
    export: Export,
    header: Header,
    key: ContentKey,
    signer: Arc<dyn Signer>,
}

impl Making {
    /// Draws its key and says what it will be.
    pub(super) fn begin(export: Export, from: Ingredients<'_>) -> Result<Self, SnapshotFailure> {
        let mesh = export.facts.mesh;
        let blob = |name| export.blobs.get(&name).cloned();
        let wrapped = blob(BlobName::RootKey).ok_or(SnapshotFailure::Mismatch("the store has no root key"))?;
        let root = from.unseal.unwrap_root(&mesh, &wrapped)?;
        let FreshKey { key, content, recipients } = FreshKey::generate(&mesh, &root, from.recipients, from.entropy)?;
        let header = Header {
            mesh,
            store: store_id(blob(BlobName::StoreId).as_deref()),
            node: export.facts.node.clone(),
            position: export.position,
            schema: export.schema,
            build: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at: from.now,
            heads: from.heads,
            root_key: WrappedRoot {
                wrapped,
                passphrase: blob(BlobName::PassphraseParameters),
                shares: blob(BlobName::ShareParameters),
            },
            content,
            recipients,
            authority: from.signer.public_key(),
        };
        Ok(Self { export, header, key, signer: from.signer })
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Writes it whole. Blocks on the disk, and on `to`.
    ///
    /// # Errors
    /// [`SnapshotFailure::Store`] when the store cannot be read to its end, [`SnapshotFailure::File`] when `to` takes no more.
    pub fn write(self, to: impl Write) -> Result<Written, SnapshotFailure> {
        let mut writer = Writer::begin(to, &self.header, &self.key)?;
        for row in self.export {
            let RawRow { table, key, row } = row?;
            writer.row(&Row { table, key, row })?;
        }
        Ok(writer.finish(&*self.signer)?)
    }
}

/// The life of a store; one from before stores were named has zeros.
pub(super) fn store_id(blob: Option<&[u8]>) -> StoreId {
    StoreId(blob.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default())
}
