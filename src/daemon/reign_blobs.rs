//! The opaque values of a store that becomes another: which come from the snapshot, which from the present store, and which
//! are the new one's own. Asked of every name there is, so that a new one cannot be forgotten.

use anyhow::Result;

use super::keystore::Keystore;
use super::seams::Seams;
use crate::crypto::root::RootKey;
use crate::model::identity::MeshId;
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::mutation::Mutation;

/// Where the value of a name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The snapshot: the keys of the mesh and of its lead.
    Snapshot,
    /// The present store if it is there, else the snapshot: what only ever grew, or keeps people from being told twice.
    Present,
    /// The present store if it is there, opens and knows of everything; else it is gone, unless somebody vouches for it.
    Vouched,
    /// The new store's own, or none.
    Own,
}

fn source(name: BlobName) -> Source {
    match name {
        BlobName::Identity
        | BlobName::SealingKey
        | BlobName::AuthorityKey
        | BlobName::AuthorityCertificate
        | BlobName::MeshSealingKey
        | BlobName::RootRotated => Source::Snapshot,
        BlobName::SignedUntil
        | BlobName::KeyUse
        | BlobName::SpentCalls
        | BlobName::Told
        | BlobName::News
        | BlobName::AccessRequests => Source::Present,
        BlobName::SigningKeys => Source::Vouched,
        BlobName::RootKey
        | BlobName::PassphraseParameters
        | BlobName::ShareParameters
        | BlobName::MeshSealingPublicKey
        | BlobName::Certificate
        | BlobName::LeadName
        | BlobName::RebuildDue
        | BlobName::RulesAhead
        | BlobName::StoreId
        | BlobName::SnapshotVerified
        | BlobName::Restored
        | BlobName::Succession
        | BlobName::FirstNumbers => Source::Own,
    }
}

/// The present store of a lead, if it is there and not older than the snapshot.
pub(super) struct Present<'deed> {
    pub(super) contents: &'deed Contents,
    /// Whether no other lead took over since.
    pub(super) is_current: bool,
    /// Open, if what is at hand opens it.
    pub(super) keystore: Option<&'deed Keystore>,
}

/// The values that come along, wrapped by the snapshot's root key.
///
/// # Errors
/// When one that the present store wraps does not open, or cannot be wrapped.
pub(super) fn carried(
    snapshot: &Contents,
    root: &RootKey,
    present: Option<&Present<'_>>,
    vouched: bool,
    seams: &Seams,
) -> Result<Vec<Mutation>> {
    let mut mutations = Vec::new();
    for name in BlobName::ALL {
        let of_snapshot = || snapshot.blobs.get(&name).cloned();
        let bytes = match (source(name), present) {
            (Source::Own, _) => None,
            (Source::Snapshot, _) | (Source::Present, None) => of_snapshot(),
            (Source::Present, Some(present)) => present.contents.blobs.get(&name).cloned(),
            (Source::Vouched, None) => of_snapshot().filter(|_| vouched),
            (Source::Vouched, Some(present)) if !present.is_current && !vouched => None,
            (Source::Vouched, Some(present)) => rewrapped(name, present, (&snapshot.facts.mesh, root), seams)?,
        };
        mutations.extend(bytes.map(|bytes| Mutation::PutBlob(name, bytes)));
    }
    Ok(mutations)
}

fn rewrapped(
    name: BlobName,
    present: &Present<'_>,
    (mesh, root): (&MeshId, &RootKey),
    seams: &Seams,
) -> Result<Option<Vec<u8>>> {
    let Some(keystore) = present.keystore else { return Ok(None) };
    let Some(plain) = keystore.find(name)? else { return Ok(None) };
    Ok(Some(root.wrap(mesh, name.as_str(), &plain, &*seams.entropy)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key that the snapshot wraps can be taken from it as it lies; one of the present store is wrapped by another root.
    #[test]
    fn what_a_root_key_wraps_is_never_taken_from_the_present_store_as_it_lies() {
        for name in BlobName::ALL.into_iter().filter(|name| name.is_wrapped()) {
            assert_ne!(source(name), Source::Present, "{}", name.as_str());
        }
        assert_eq!(source(BlobName::RootKey), Source::Own);
    }
}
