//! Events as they happen, for one caller. Like a watch it is only a place in the history: nothing is queued for a reader, and a
//! slow one costs no memory.

use tokio::sync::watch::Receiver;

use crate::events::filter::EventFilter;
use crate::events::kept::KeptEvent;
use crate::model::actions::Action;
use crate::model::attested::Presence;
use crate::model::caller::Caller;

use super::account::Account;
use super::authorise::Object;
use super::error::VaultError;
use super::events::unreadable;
use super::identity::Identified;
use super::parts::Vault;
use super::request::Context;

/// Events that are in memory for one reader: of the largest, 300 KiB.
const PAGE: usize = 16;

/// Which events are wanted from now on, or from a place in the history.
#[derive(Debug, Clone, Default)]
pub struct StreamAsk {
    /// Which.
    pub filter: EventFilter,
    /// The number of the last that the reader has seen.
    pub after: Option<u64>,
    /// On which node, and why.
    pub context: Context,
}

/// Something a reader is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It begins behind this number.
    Ready(u64),
    /// What follows does not continue what the reader has seen: it begins behind this number.
    Reset(u64),
    /// An event.
    Event(Box<KeptEvent>),
}

/// One reader.
pub struct EventStream {
    vault: Vault,
    who: Identified,
    presence: Presence,
    filter: EventFilter,
    after: u64,
    begun: bool,
    moved: Receiver<u64>,
}

impl Vault {
    /// Begins to tell a caller of events.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not subscribe.
    pub async fn event_stream(&self, caller: &Caller, ask: StreamAsk) -> Result<EventStream, VaultError> {
        let mut account = Account::open(caller, Action::EventSubscribe, self.parts.clock.now());
        account.reason(ask.context.reason.as_deref());
        let result = self.try_stream(caller, ask, &mut account);
        self.settle(&account, result).await
    }

    fn try_stream(&self, caller: &Caller, ask: StreamAsk, account: &mut Account) -> Result<EventStream, VaultError> {
        let who = self.identify(caller, account)?;
        self.check_node(&ask.context)?;
        self.check_standing()?;
        self.authorise(&who, Action::EventSubscribe, Object::of_node(&self.parts.environment), account)?;
        let moved = self.parts.events.moved();
        let after = ask.after.unwrap_or_else(|| self.parts.events.last());
        let presence = caller.attested.presence.clone();
        Ok(EventStream { vault: self.clone(), who, presence, filter: ask.filter, after, begun: false, moved })
    }
}

impl EventStream {
    /// Everything up to this number was told, or was not for this reader.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.after
    }

    /// Waits for something to tell; `None` when the node stops, the process that reads has ended, its key or its agent works
    /// no more, a freeze holds it up, or the history cannot be read. Whoever resumes later misses nothing. Dropping the
    /// returned future loses nothing.
    pub async fn next(&mut self) -> Option<Vec<Heard>> {
        let log = self.vault.parts.events.clone();
        if !self.begun {
            self.begun = true;
            return Some(vec![self.begin().await?]);
        }
        loop {
            self.moved.mark_unchanged();
            let object = Object::of_node(&self.vault.parts.environment);
            let frozen = self.vault.freeze_of(&self.who, Action::EventSubscribe, object).is_some();
            if frozen || !self.presence.is_there() || !self.vault.is_still(&self.who) {
                return None;
            }
            let page = log.after(self.after, PAGE).await.map_err(unreadable).ok()?;
            let Some(last) = page.last().map(|event| event.number) else {
                self.moved.changed().await.ok()?;
                continue;
            };
            self.after = last;
            let entitlement = self.vault.parts.board.held.load().entitlement.clone();
            let may = |event: &KeptEvent| {
                self.filter.matches(&event.subject)
                    && self.vault.may_hear(&self.who, &entitlement, event, Action::EventSubscribe)
            };
            let told: Vec<Heard> = page.into_iter().filter(may).map(|event| Heard::Event(Box::new(event))).collect();
            if !told.is_empty() {
                return Some(told);
            }
        }
    }

    /// Where it begins, and whether that continues what the reader has seen.
    async fn begin(&mut self) -> Option<Heard> {
        let log = &self.vault.parts.events;
        let oldest = log.after(0, 1).await.map_err(unreadable).ok()?;
        let before = oldest.first().map_or_else(|| log.last(), |event| event.number.saturating_sub(1));
        if self.after > log.last() || self.after < before {
            // A history that was begun anew, or that has forgotten some of what the reader has not seen.
            self.after = before;
            return Some(Heard::Reset(before));
        }
        Some(Heard::Ready(self.after))
    }
}
