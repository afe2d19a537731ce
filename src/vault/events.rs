//! Events at the door: what programs tell, and the history. Whether a caller may hear of an event is asked of policy each
//! time one is about to be told, because rules change and the history stays.

use crate::actors::event_posts::Taken;
use crate::events::audience::Audience;
use crate::events::filter::EventFilter;
use crate::events::kept::KeptEvent;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::entitlement::Entitlement;
use crate::model::event::Post;
use crate::model::event_kind::EventKind;
use crate::model::time::Timestamp;
use crate::store::error::StoreError;

use super::account::{Account, noted};
use super::authorise::Object;
use super::error::VaultError;
use super::event_error::{EventError, of_post};
use super::identity::Identified;
use super::parts::Vault;
use super::request::Context;
use super::resolve::CompanyChoice;

/// Most events of one page.
pub const HISTORY_MAX: usize = 1000;

/// Most events that are looked at for one page, so that a search for something rare holds nobody up. The page then ends early,
/// with a cursor.
const EXAMINED_MAX: usize = 20_000;

/// Events that are read at once.
const PAGE: usize = 256;

/// What a program tells.
#[derive(Debug, Clone)]
pub struct EventAsk {
    /// The type; one that is for programs.
    pub kind: EventKind,
    /// What it says, checked.
    pub data: String,
    /// By which a second try is known.
    pub key: Option<String>,
    /// Where, for whom, on which node, and why.
    pub context: Context,
}

/// Which events of the past are wanted.
#[derive(Debug, Clone, Default)]
pub struct HistoryAsk {
    /// Which.
    pub filter: EventFilter,
    /// None that is older.
    pub since: Option<Timestamp>,
    /// Only those before this number: where the page before ended.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
    /// On which node, and why.
    pub context: Context,
}

/// A page of the past, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The events.
    pub events: Vec<KeptEvent>,
    /// Where the next page begins; none when there is none.
    pub next: Option<u64>,
}

impl Vault {
    /// Takes in what a program tells. The same key of the same caller again is the same event.
    ///
    /// # Errors
    /// [`VaultError`]; then nothing was kept.
    pub async fn publish(&self, caller: &Caller, ask: EventAsk) -> Result<Taken, VaultError> {
        let mut account = Account::open(caller, Action::EventPublish, self.parts.clock.now());
        account.reason(Some(&noted(&format!("event {}", ask.kind), ask.context.reason.as_deref())));
        let post = self.try_publish(caller, ask, &mut account);
        // The line says that it was told; if it then cannot be kept, the caller hears of it and tells it again.
        let post = self.settle(&account, post).await?;
        self.parts.posts.post(post).await.map_err(of_post)
    }

    fn try_publish(&self, caller: &Caller, ask: EventAsk, account: &mut Account) -> Result<Post, VaultError> {
        let EventAsk { kind, data, key, context } = ask;
        let who = self.identify(caller, account)?;
        account.company(context.company.as_ref());
        self.check_node(&context)?;
        self.check_standing()?;
        let environment = self.environment(&who, context.environment.as_ref())?;
        account.environment(&environment);
        let entitlement = self.parts.board.held.load().entitlement.clone();
        if matches!(Self::company(&context, &entitlement), CompanyChoice::Refused) {
            return Err(self.refused_by_roster(account));
        }
        let object = Object { company: context.company.as_ref(), ..Object::of_node(&environment) };
        self.authorise(&who, Action::EventPublish, object, account)?;
        let (node, at) = (self.parts.node.clone(), self.parts.clock.now().wall);
        Ok(Post { kind, key, by: who.author(), node, environment, company: context.company, at, data })
    }

    /// Events of the past that the caller may hear of, the newest first.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not list events.
    pub async fn event_history(&self, caller: &Caller, ask: HistoryAsk) -> Result<HistoryPage, VaultError> {
        let who = self.may_list_events(caller, &ask.context).await?;
        let HistoryAsk { filter, since, before, limit, .. } = ask;
        let (log, limit) = (&self.parts.events, limit.clamp(1, HISTORY_MAX));
        let mut before = before.unwrap_or_else(|| log.last().saturating_add(1));
        let (mut events, mut examined) = (Vec::new(), 0_usize);
        loop {
            let page = log.before(before, PAGE).await.map_err(unreadable)?;
            if page.is_empty() {
                return Ok(HistoryPage { events, next: None });
            }
            let entitlement = self.parts.board.held.load().entitlement.clone();
            for event in page {
                // What came from elsewhere says when it happened there; the rest is in order of time.
                let is_own = event.subject.node == self.parts.node;
                if is_own && since.is_some_and(|since| event.at < since) {
                    return Ok(HistoryPage { events, next: None });
                }
                if events.len() >= limit || examined >= EXAMINED_MAX {
                    return Ok(HistoryPage { events, next: Some(before) });
                }
                (before, examined) = (event.number, examined.saturating_add(1));
                let is_old = since.is_some_and(|since| event.at < since);
                if !is_old
                    && filter.matches(&event.subject)
                    && self.may_hear(&who, &entitlement, &event, Action::EventList)
                {
                    events.push(event);
                }
            }
        }
    }

    /// The types of events there are, for whoever may list events.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not.
    pub async fn event_types(&self, caller: &Caller, context: &Context) -> Result<&'static [EventKind], VaultError> {
        self.may_list_events(caller, context).await?;
        Ok(EventKind::ALL)
    }

    async fn may_list_events(&self, caller: &Caller, context: &Context) -> Result<Identified, VaultError> {
        let mut account = Account::open(caller, Action::EventList, self.parts.clock.now());
        account.reason(context.reason.as_deref());
        let who = self.try_list_events(caller, context, &mut account);
        self.settle(&account, who).await
    }

    fn try_list_events(
        &self,
        caller: &Caller,
        context: &Context,
        account: &mut Account,
    ) -> Result<Identified, VaultError> {
        let who = self.identify(caller, account)?;
        self.check_node(context)?;
        self.check_standing()?;
        self.authorise(&who, Action::EventList, Object::of_node(&self.parts.environment), account)?;
        Ok(who)
    }

    /// Whether this caller may hear of an event now, by the action it asks with. About a secret nobody hears who may not both
    /// hear of events about it and list it.
    pub(super) fn may_hear(&self, who: &Identified, entitled: &Entitlement, event: &KeptEvent, action: Action) -> bool {
        let environment = event.subject.environment.as_ref().unwrap_or(&self.parts.environment);
        match &event.audience {
            Audience::Secret(at) => {
                let object = Object::in_scope(&at.secret.name, &at.scope, &at.secret.environment);
                self.may_know(who, entitled, at, Action::SecretList) && self.is_granted(who, action, object)
            }
            Audience::Named(name) => {
                let object = Object::of_secret(name, environment);
                self.is_granted(who, Action::SecretList, object) && self.is_granted(who, action, object)
            }
            Audience::Service(_) => self.is_wholly(who, Action::IntegrationHealth),
            Audience::Admins => self.is_wholly(who, Action::NodeManage),
            Audience::Everyone => {
                let company = event.subject.company.as_ref();
                let object = Object { company, ..Object::of_node(environment) };
                let speaks = company.is_none_or(|company| entitled.companies.contains(company));
                (speaks || (self.parts.lead.is_some() && who.is_admin())) && self.is_granted(who, action, object)
            }
        }
    }

    /// Whether a grant without bounds gives the caller this.
    fn is_wholly(&self, who: &Identified, action: Action) -> bool {
        let (rules, now) = (self.parts.board.rules.load(), self.parts.clock.now().wall);
        let wholly = who.is_admin() || who.holds_wholly(&rules, action.capability(), now);
        wholly && self.is_granted(who, action, Object::of_node(&self.parts.environment))
    }
}

/// What a caller is told when the history cannot be read.
pub(super) fn unreadable(error: StoreError) -> VaultError {
    tracing::error!(%error, "the history of events cannot be read");
    EventError::Unavailable.into()
}
