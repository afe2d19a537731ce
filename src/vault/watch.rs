//! Watching: each change of what a caller may know, as it is made. Never a value.
//!
//! A watch is identified, authorised and accounted for when it begins, with one audit line. Policy and entitlement are
//! asked again for each change it tells: what is taken from the caller or the node is simply no longer told.

use tokio::sync::watch::Receiver;

use crate::actors::board::Held;
use crate::model::actions::Action;
use crate::model::attested::Presence;
use crate::model::caller::Caller;
use crate::model::name::EnvironmentName;
use crate::model::number::Position;
use crate::model::secret::ScopedSecret;
use crate::replication::history::Told;
use crate::replication::watch::{Break, Cursor, Past, Step, next};

use super::account::Account;
use super::answer::Freshness;
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;
use super::request::{Context, WatchRequest};

/// Something a watcher is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The watch begins here.
    Ready {
        /// The last change before it.
        at: Position,
    },
    /// What follows does not continue what the watcher knows.
    Reset {
        /// Why.
        reason: Break,
        /// From where it goes on: whoever loses the connection now resumes from here.
        from: Position,
        /// Where the node stands: up to here, what follows is the newest state of each secret and not each change.
        current: Position,
    },
    /// A secret changed.
    Changed(Heard),
}

impl News {
    /// What a watcher resumes from that has heard this.
    #[must_use]
    pub fn at(&self) -> Position {
        match self {
            Self::Ready { at } | Self::Reset { from: at, .. } | Self::Changed(Heard { at, .. }) => *at,
        }
    }
}

/// One change that a watcher may hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its place in the history.
    pub at: Position,
    /// Which secret, and what was done to it.
    pub told: Told,
    /// How fresh an answer about it would be; `None` when it would be refused as too old.
    pub freshness: Option<Freshness>,
}

/// One watch. It holds no news: whoever does not ask for more costs nothing but this.
pub struct Watch {
    vault: Vault,
    who: Identified,
    presence: Presence,
    ask: WatchRequest,
    environment: EnvironmentName,
    action: Action,
    cursor: Cursor,
    begun: bool,
    moved: Receiver<Position>,
}

impl Vault {
    /// Begins to watch one secret, or everything the caller may list.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not.
    pub async fn watch(&self, caller: &Caller, ask: WatchRequest) -> Result<Watch, VaultError> {
        let action = if ask.name.is_some() { Action::SecretInfo } else { Action::SecretList };
        let mut account = Account::open(caller, action, self.parts.clock.now());
        account.reason(ask.reason.as_deref());
        let result = self.try_watch(caller, ask, action, &mut account);
        self.settle(&account, result).await
    }

    fn try_watch(
        &self,
        caller: &Caller,
        ask: WatchRequest,
        action: Action,
        account: &mut Account,
    ) -> Result<Watch, VaultError> {
        let who = self.identify(caller, account)?;
        if let Some(name) = &ask.name {
            account.about(name, &self.parts.environment);
        }
        self.check_node(&Context::on(ask.node.as_ref()))?;
        let environment = self.environment(&who, ask.environment.as_ref())?;
        if let Some(name) = &ask.name {
            account.about(name, &environment);
        }
        self.check_standing()?;
        self.authorise(&who, action, object(&ask, &environment), account)?;
        let moved = match &self.parts.lead {
            Some(lead) => lead.board.moved.subscribe(),
            None => self.parts.board.moved.subscribe(),
        };
        let here = match &self.parts.lead {
            Some(lead) => lead.board.lead_view.load().view.position,
            None => self.parts.board.held.load().view.position,
        };
        let cursor = Cursor::new(ask.after.unwrap_or(here));
        let begun = ask.after.is_some();
        let presence = caller.attested.presence.clone();
        Ok(Watch { vault: self.clone(), who, presence, ask, environment, action, cursor, begun, moved })
    }
}

/// What a watch as a whole is about.
fn object<'ask>(ask: &'ask WatchRequest, environment: &'ask EnvironmentName) -> Object<'ask> {
    Object { secret: ask.name.as_ref(), ..Object::of_list(ask.scope.as_ref(), environment) }
}

impl Watch {
    /// Everything up to here was told, or did not concern this watch.
    #[must_use]
    pub fn position(&self) -> Position {
        self.cursor.at
    }

    /// Waits for something to tell; `None` when the node stops, the process that watches has ended, its API key or its agent
    /// works no more, or a freeze holds the watch up: nothing was then told of what came, and whoever resumes later misses
    /// nothing. Dropping the returned future
    /// loses nothing.
    pub async fn next(&mut self) -> Option<Vec<News>> {
        if !self.begun {
            self.begun = true;
            return Some(vec![News::Ready { at: self.cursor.at }]);
        }
        loop {
            self.moved.mark_unchanged();
            let frozen = self.vault.freeze_of(&self.who, self.action, object(&self.ask, &self.environment)).is_some();
            if frozen || !self.presence.is_there() || !self.vault.is_still(&self.who) {
                return None;
            }
            match self.step() {
                Some(news) if news.is_empty() => tokio::task::yield_now().await,
                Some(news) => return Some(news),
                None => self.moved.changed().await.ok()?,
            }
        }
    }

    /// What comes next, perhaps nothing that concerns this watch; `None` when it knows everything.
    fn step(&mut self) -> Option<Vec<News>> {
        let parts = &self.vault.parts;
        let held = parts.board.held.load_full();
        let lead_view = parts.lead.as_ref().map(|lead| lead.board.lead_view.load_full());
        let past = lead_view.as_deref().map_or(Past::Follower(&held.view), Past::Lead);
        match next(past, self.cursor, |at| self.wants(&held, at)) {
            Step::Current => None,
            Step::Changes { changes, cursor } => {
                self.cursor = cursor;
                Some(changes.into_iter().map(|told| self.changed(&held, told)).collect())
            }
            Step::Reset { reason, cursor } => {
                self.cursor = cursor;
                Some(vec![News::Reset { reason, from: cursor.at, current: past.position() }])
            }
        }
    }

    fn wants(&self, held: &Held, at: &ScopedSecret) -> bool {
        let name = &at.secret.name;
        at.secret.environment == self.environment
            && self.ask.name.as_ref().is_none_or(|wanted| wanted == name)
            && self.ask.scope.as_ref().is_none_or(|wanted| *wanted == at.scope)
            && self.ask.prefix.as_ref().is_none_or(|prefix| name.to_string().starts_with(prefix))
            && self.vault.may_know(&self.who, &held.entitlement, at, self.action)
    }

    fn changed(&self, held: &Held, told: Told) -> News {
        let options = held.view.get(&told.at).map(|record| record.options.clone()).unwrap_or_default();
        let freshness = self.vault.freshness(&told.at.secret.name, &options, &self.vault.parts.clock.now()).ok();
        News::Changed(Heard { at: Position { revision: told.revision, ..self.cursor.at }, told, freshness })
    }
}
