//! Who reigns, as a lead knows it: its own reign, which it states to everybody it welcomes, and the later one that ended it, if
//! one did.
//!
//! A lead that was restored or replaced while it was away cannot know that by itself. Followers tell it: whoever knows of a
//! reign shows the statement, and the signature of the mesh's authority is what is believed, whoever brings it. A lead whose
//! reign is over takes no change any more, sends its followers away, and stays so when it is started again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::board::{Board, LeadBoard};
use super::error::SessionError;
use super::pace::{Measure, Pace};
use crate::audit::entry::{Entry, Ruling};
use crate::audit::journal::Journal;
use crate::crypto::succession;
use crate::model::caller::LeadAddress;
use crate::model::event::Event;
use crate::model::identity::KeyPin;
use crate::model::name::NodeName;
use crate::model::record::Contact;
use crate::model::reign::{Reign, Succession};
use crate::model::time::Clock;
use crate::replication::succession::{Heard, heard};
use crate::store::blob::BlobName;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;
use crate::wire::succession::SuccessionFrame;

/// The action of the lines about it in the journal.
const ACTION: &str = "lead.succession";

/// A member that shows false statements gets so many of them into the journal; then one a minute.
const FALSE_ONES: Measure = Measure { burst: 8, one_each: Duration::from_secs(60) };

/// What a throne is made of.
pub struct ThroneParts {
    /// The reign of this lead.
    pub own: Succession,
    /// The later reign it was told of before it was started, if it was.
    pub ended_by: Option<Reign>,
    /// Who states reigns.
    pub authority: KeyPin,
    /// Where it is kept.
    pub store: Store,
    /// Where it is written down.
    pub journal: Journal,
    /// Where it is told.
    pub board: Arc<Board>,
    /// Where it is published that the reign is over.
    pub lead_board: Arc<LeadBoard>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The reign of a lead, and its end.
pub struct Throne {
    parts: Arc<ThroneParts>,
    false_ones: Mutex<Pace>,
}

impl Throne {
    /// The throne as it was left.
    #[must_use]
    pub fn new(parts: ThroneParts) -> Self {
        if let Some(reign) = &parts.ended_by {
            tracing::error!(lead = %reign.lead, epoch = %reign.epoch, "this node is not the lead any more and takes no changes");
            publish(&parts, reign.clone());
            // Nothing tells since when what is here is not current: until somebody vouches for it again it is not given out.
            parts.board.contact.store(None);
        }
        let now = parts.clock.now().boot;
        Self { parts: Arc::new(parts), false_ones: Mutex::new(Pace::new(FALSE_ONES, now)) }
    }

    /// What is told to whoever is welcomed.
    pub(super) fn stated(&self) -> SuccessionFrame {
        SuccessionFrame::from(&self.parts.own)
    }

    /// Whether this reign is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.parts.lead_board.ended_by.borrow().is_some()
    }

    /// Returns once this reign is over.
    pub(super) async fn ends(&self) {
        let mut ended = self.parts.lead_board.ended_by.subscribe();
        if ended.wait_for(Option::is_some).await.is_err() {
            // The lead is stopping, and says so itself.
            std::future::pending::<()>().await;
        }
    }

    /// Takes in what a follower shows. A later reign ends this one; an earlier one is what the follower has to catch up from.
    ///
    /// # Errors
    /// [`SessionError`] for a statement that the authority did not make, or that speaks of another lead of the same epoch.
    pub(super) async fn hear(&self, from: &NodeName, frame: SuccessionFrame) -> Result<(), SessionError> {
        let told = Succession::try_from(frame)?;
        if let Err(flaw) = succession::check(&told, &self.parts.own.reign.mesh, &self.parts.authority) {
            self.note_false(format!("{from} showed a succession, and {flaw}")).await;
            return Err(SessionError::Unexpected("a succession that the authority of the mesh did not state"));
        }
        match heard(&self.parts.own.reign, &told.reign) {
            Heard::Same | Heard::Older => Ok(()),
            Heard::Newer => {
                // The session that brought it ends with the reign, and must not take this down half way.
                let parts = Arc::clone(&self.parts);
                tokio::spawn(step_down(parts, told, from.clone())).await.map_err(SessionError::Panicked)
            }
            Heard::Split => {
                let Reign { lead, store, epoch, .. } = &told.reign;
                let detail = format!("two leads speak for epoch {epoch}: {from} follows {lead} (store {store})");
                tracing::error!(detail, "this mesh has two leads");
                self.note_false(detail.clone()).await;
                self.parts.board.events.tell(Event::SystemError { part: "peers", detail });
                Err(SessionError::Unexpected("the succession of another lead of the same epoch"))
            }
        }
    }

    /// What is not believed is counted, and written down as far as one member may fill the journal.
    async fn note_false(&self, reason: String) {
        tracing::warn!(reason, "a succession is not believed");
        let now = self.parts.clock.now().boot;
        let taken = self.false_ones.lock().unwrap_or_else(PoisonError::into_inner).take(now);
        let Some(unwritten) = taken else { return };
        let reason = if unwritten == 0 { reason } else { format!("{reason}; {unwritten} more before it") };
        let line = Entry { ruling: Ruling::Deny, outcome: "refused", ..Entry::of_node(ACTION, reason) };
        if let Err(error) = self.parts.journal.append(line).await {
            tracing::error!(%error, "a succession that is not believed could not be written down");
        }
    }
}

/// Ends the reign: at once for whoever asks here, then on the disk, then in the journal and for people.
async fn step_down(parts: Arc<ThroneParts>, told: Succession, from: NodeName) {
    let reign = told.reign.clone();
    let now = parts.clock.now();
    if !publish(&parts, reign.clone()) {
        return;
    }
    // What is here was current until now, and goes on as the copy of a follower does.
    let position = parts.lead_board.lead_view.load().view.position;
    parts.board.contact.store(Some(Arc::new(Contact { position, at: now })));
    let detail = format!(
        "{} leads since {}, in epoch {} (store {}); this node stepped down from epoch {}",
        reign.lead, reign.begins_at, reign.epoch, reign.store, parts.own.reign.epoch
    );
    tracing::error!(told_by = %from, detail, "this node is not the lead any more and takes no changes");
    if let Err(error) = keep(&parts.store, &told).await {
        tracing::error!(%error, "that this node stepped down could not be kept; it will be told again after a restart");
    }
    if let Err(error) = parts.journal.append(Entry::of_node(ACTION, format!("{detail}; told by {from}"))).await {
        tracing::error!(%error, "that this node stepped down could not be written down");
    }
    parts.board.events.tell(Event::SystemMaintenance { detail });
}

/// Says that the reign is over; false if it was said of a reign as late as this.
fn publish(parts: &ThroneParts, reign: Reign) -> bool {
    let lead = LeadAddress { name: Some(reign.lead.clone()), address: None };
    let is_news = parts.lead_board.ended_by.send_if_modified(|ended| {
        let later = ended.as_ref().is_none_or(|known| known.epoch < reign.epoch);
        if later {
            *ended = Some(Arc::new(reign));
        }
        later
    });
    if is_news {
        parts.board.lead.store(Arc::new(lead));
    }
    is_news
}

/// Keeps a statement, on a lead or on a follower.
pub(super) async fn keep(store: &Store, told: &Succession) -> Result<(), StoreError> {
    store.commit(vec![Mutation::PutBlob(BlobName::Succession, told.to_bytes())]).await
}
