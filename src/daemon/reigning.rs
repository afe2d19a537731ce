//! The reign of a lead, as its store has it: stated once, kept beside the data, and over if a later one was kept.

use std::sync::Arc;

use anyhow::{Context, Result};

use super::assemble::Materials;
use crate::actors::board::{Board, LeadBoard};
use crate::actors::throne::{Throne, ThroneParts};
use crate::crypto::succession;
use crate::model::identity::StoreId;
use crate::model::number::{Epoch, FirstNumbers};
use crate::model::reign::{Reign, Succession};
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::mutation::Mutation;
use crate::transport::authority::Authority;

/// What a store says of the reign of its lead.
pub(super) struct Kept {
    store: StoreId,
    epoch: Epoch,
    stated: Option<Succession>,
}

impl Kept {
    /// Reads it.
    pub(super) fn of(contents: &Contents) -> Result<Self> {
        Ok(Self { store: store_id(contents)?, epoch: contents.position.epoch, stated: succession_of(contents)? })
    }
}

/// Which life of a lead's store this is.
pub(super) fn store_id(contents: &Contents) -> Result<StoreId> {
    let bytes = contents.blobs.get(&BlobName::StoreId).context("the store holds no store id")?;
    Ok(StoreId(bytes.as_slice().try_into().context("the store id is damaged")?))
}

/// The statement a store keeps: of its own reign, or on a follower of that of the lead.
pub(super) fn succession_of(contents: &Contents) -> Result<Option<Succession>> {
    let kept = contents.blobs.get(&BlobName::Succession);
    kept.map(|bytes| Succession::parse(bytes).context("the succession in the store is damaged")).transpose()
}

/// What new secrets and new scopes are numbered by.
pub(super) fn first_numbers(contents: &Contents) -> Result<FirstNumbers> {
    let kept = contents.blobs.get(&BlobName::FirstNumbers);
    let read = kept.map(|bytes| FirstNumbers::parse(bytes).context("the first numbers in the store are damaged"));
    Ok(read.transpose()?.unwrap_or_default())
}

/// The throne of this lead. A store that states no reign yet, because it is new or of an older build, states its own now.
pub(super) async fn throne(
    from: &Materials<'_>,
    kept: Kept,
    authority: &Authority,
    (board, lead_board): (&Arc<Board>, &Arc<LeadBoard>),
) -> Result<Throne> {
    let Materials { config, keystore, store, journal, seams, .. } = *from;
    let (mesh, lead) = (keystore.mesh, config.node.name.clone());
    let reign = Reign { mesh, store: kept.store, epoch: kept.epoch, lead, begins_at: seams.clock.now().wall };
    let believed = |told: &Succession| succession::check(told, &mesh, &authority.pin()).is_ok();
    let (own, ended_by) = match kept.stated.filter(believed) {
        Some(stated) if stated.reign.epoch > kept.epoch => (state(reign, authority)?, Some(stated.reign)),
        Some(stated) if stated.reign == (Reign { begins_at: stated.reign.begins_at, ..reign.clone() }) => {
            (stated, None)
        }
        Some(_) | None => {
            let own = state(reign, authority)?;
            store.commit(vec![Mutation::PutBlob(BlobName::Succession, own.to_bytes())]).await?;
            (own, None)
        }
    };
    Ok(Throne::new(ThroneParts {
        own,
        ended_by,
        authority: authority.pin(),
        store: store.clone(),
        journal: journal.clone(),
        board: Arc::clone(board),
        lead_board: Arc::clone(lead_board),
        clock: Arc::clone(&seams.clock),
    }))
}

/// States a reign in the name of the mesh.
pub(super) fn state(reign: Reign, authority: &Authority) -> Result<Succession> {
    succession::sign(reign, authority).context("the reign cannot be signed: there is no randomness")
}
