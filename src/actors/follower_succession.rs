//! The reign a follower knows of: kept with its cache, shown to every lead it meets, and the reason why it follows none whose
//! reign is over, nor either of two that speak for one epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

use super::board::Board;
use super::error::SessionError;
use super::throne;
use crate::crypto::succession;
use crate::model::event::Event;
use crate::model::identity::{KeyPin, MeshId};
use crate::model::name::NodeName;
use crate::model::number::Epoch;
use crate::model::reign::Succession;
use crate::replication::succession::{Disowned, Heard, follow};
use crate::store::handle::Store;
use crate::wire::succession::SuccessionFrame;

/// What a follower knows of who reigns.
pub struct FollowerSuccession {
    known: ArcSwapOption<Succession>,
    mesh: MeshId,
    authority: KeyPin,
    store: Store,
    board: Arc<Board>,
    /// The last epoch of which it was told that it has two leads; 0 is none.
    split_told: AtomicU64,
}

/// Who welcomed a follower, and what it said of its reign then.
pub(super) struct Welcomed<'lead> {
    pub(super) lead: &'lead NodeName,
    pub(super) epoch: Epoch,
}

impl FollowerSuccession {
    /// What was kept.
    #[must_use]
    pub fn new(kept: Option<Succession>, (mesh, authority): (MeshId, KeyPin), store: Store, board: Arc<Board>) -> Self {
        let known = ArcSwapOption::from(kept.map(Arc::new));
        Self { known, mesh, authority, store, board, split_told: AtomicU64::new(0) }
    }

    /// What is shown to a lead, if there is anything.
    pub(super) fn shown(&self) -> Option<SuccessionFrame> {
        self.known.load().as_deref().map(SuccessionFrame::from)
    }

    /// Judges a lead that states no reign, because it speaks an older protocol: by its epoch alone.
    ///
    /// # Errors
    /// [`SessionError::Disowned`] when its reign is over.
    pub(super) fn meet_without(&self, offered: Epoch) -> Result<(), SessionError> {
        match self.known.load().as_deref() {
            Some(known) if offered < known.reign.epoch => {
                Err(Disowned::Over { offered, own: known.reign.epoch }.into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Judges the reign a lead states. One that is new is kept before anything of it is followed.
    ///
    /// # Errors
    /// [`SessionError::Disowned`] says why this lead is not followed; or the statement is none.
    pub(super) async fn meet(
        &self,
        frame: SuccessionFrame,
        by: Welcomed<'_>,
        cache: Epoch,
    ) -> Result<(), SessionError> {
        let told = Succession::try_from(frame)?;
        if succession::check(&told, &self.mesh, &self.authority).is_err() {
            return Err(SessionError::Unexpected("a succession that the authority of the mesh did not state"));
        }
        if told.reign.lead != *by.lead || told.reign.epoch != by.epoch {
            return Err(Disowned::NotItsOwn.into());
        }
        let known = self.known.load_full();
        match follow(known.as_deref().map(|known| &known.reign), cache, &told.reign) {
            Ok(Heard::Newer) => {
                throne::keep(&self.store, &told).await.map_err(SessionError::Succession)?;
                self.known.store(Some(Arc::new(told)));
                Ok(())
            }
            Ok(Heard::Same | Heard::Older | Heard::Split) => Ok(()),
            Err(disowned) => {
                self.tell_of_split(&disowned);
                Err(disowned.into())
            }
        }
    }

    /// Tells it once for each epoch: the lead is dialled again and again.
    fn tell_of_split(&self, disowned: &Disowned) {
        let Disowned::Split { epoch, .. } = disowned else { return };
        if self.split_told.swap(epoch.get(), Ordering::Relaxed) != epoch.get() {
            self.board.events.tell(Event::SystemError { part: "peers", detail: disowned.to_string() });
        }
    }
}
