//! Subscriptions of the lead: made, looked at, paused, rotated, tried and taken away. For whoever may subscribe wholly: a
//! subscriber hears of everything it asked for, whoever else may.
//!
//! The secret that a webhook is signed with is a secret of the mesh, in the scope of the lead alone, so that no follower
//! holds it. It is stored as whoever subscribes, who must be allowed to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actors::courier::Carried;
use crate::actors::deliveries::Deliveries;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::webhook::WebhookKey;
use crate::events::filter::EventFilter;
use crate::events::parcel::Parcel;
use crate::events::route::Route;
use crate::events::subscription::{Receiver, State, Subscription};
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::{KeyName, ServiceName};
use crate::model::patch::Patch;
use crate::model::secret::{Scope, SecretName};
use crate::model::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::rows::RowTable;

use super::account::{Account, noted};
use super::delivery_error::{DeliveryError, of_book};
use super::error::VaultError;
use super::parts::Vault;
use super::request::{Place, PutRequest};

/// The service under which signing secrets are stored.
const SERVICE: &str = "webhooks";

/// Most lines of a history in one answer.
const LINES_MAX: usize = 1000;

/// A wish to be told.
#[derive(Debug, Clone)]
pub struct SubscribeRequest {
    /// What it is called.
    pub name: KeyName,
    /// Of what.
    pub filter: EventFilter,
    /// Where.
    pub to: Receiver,
    /// Kept in the audit.
    pub reason: Option<String>,
}

/// What was made, with the secret that is shown this once.
#[derive(Debug)]
pub struct Subscribed {
    /// The subscription.
    pub subscription: Subscription,
    /// What its messages are signed with; none if it is told through a channel.
    pub secret: Option<Plaintext>,
}

/// One subscription, and how it fares.
#[derive(Debug, Clone)]
pub struct SubscriptionLine {
    /// The subscription.
    pub subscription: Arc<Subscription>,
    /// How many messages wait.
    pub waiting: usize,
    /// The one that has waited longest.
    pub first: Option<Parcel>,
    /// The one that was delivered last.
    pub delivered: Option<Parcel>,
    /// How many are dead letters.
    pub dead: usize,
}

/// Which messages that ended are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Those that were delivered.
    Delivered,
    /// Those that could not be.
    Dead,
}

/// The secret that the messages of a subscription are signed with.
pub(super) fn secret_of(name: &KeyName) -> SecretName {
    // `webhooks` is a canonical name, as a test sees.
    let service = ServiceName::parse(SERVICE).unwrap_or_else(|_| unreachable!("a canonical name"));
    SecretName { service, key: name.clone() }
}

impl Vault {
    /// Makes a subscription.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn subscribe(&self, caller: &Caller, ask: SubscribeRequest) -> Result<Subscribed, VaultError> {
        let mut account = self.about_subscription(caller, "subscription", &ask.name, ask.reason.as_deref());
        let made = self.try_subscribe(caller, ask, &mut account).await;
        self.settle(&account, made).await
    }

    async fn try_subscribe(
        &self,
        caller: &Caller,
        ask: SubscribeRequest,
        account: &mut Account,
    ) -> Result<Subscribed, VaultError> {
        let by = self.may_subscribe(caller, account)?;
        let SubscribeRequest { name, filter, to, reason } = ask;
        let deliveries = self.deliveries();
        // From here on nobody else makes, rotates or ends one: a secret that is stored is that of the subscription.
        let turn = deliveries.book.turn().await;
        turn.has_place(&name).map_err(|error| of_book(&name, error))?;
        if let Receiver::Channel(channel) = &to {
            deliveries.channel(channel).ok_or_else(|| DeliveryError::NoSuchChannel(channel.clone()))?;
        }
        self.announce(account).await?;
        let secret = match &to {
            Receiver::Webhook(_) => Some(self.new_secret(caller, &name, reason).await?),
            Receiver::Channel(_) => None,
        };
        let made_at = self.parts.clock.now().wall;
        let state = State::Active;
        let subscription = Subscription { name: name.clone(), filter, to, state, by, made_at, rotated_at: None };
        turn.add(subscription.clone()).await.map_err(|error| of_book(&name, error))?;
        Ok(Subscribed { subscription, secret })
    }

    /// Takes a subscription away, with what waits for it and its signing secret.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn unsubscribe(&self, caller: &Caller, name: KeyName, reason: Option<&str>) -> Result<(), VaultError> {
        let mut account = self.about_subscription(caller, "end of the subscription", &name, reason);
        let ended = async {
            self.may_subscribe(caller, &mut account)?;
            let deliveries = self.deliveries();
            let turn = deliveries.book.turn().await;
            let subscription = self.subscription(&name)?;
            self.announce(&mut account).await?;
            turn.remove(&name).await.map_err(|error| of_book(&name, error))?;
            deliveries.queue.forget(&Route::Subscription(name.clone())).await.map_err(failed)?;
            if matches!(subscription.to, Receiver::Webhook(_)) {
                match self.delete(caller, self.place_of(&name, reason.map(str::to_owned))).await {
                    // Somebody was there before, and nothing is left to delete.
                    Ok(_) | Err(VaultError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        let ended = ended.await;
        self.settle(&account, ended).await
    }

    /// Lets a subscription wait, or go on. One that was disabled goes on too, with what comes from now on.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn set_subscription(
        &self,
        caller: &Caller,
        name: KeyName,
        state: State,
        reason: Option<&str>,
    ) -> Result<Subscription, VaultError> {
        let deed = if state == State::Active { "resumption of the subscription" } else { "pause of the subscription" };
        let mut account = self.about_subscription(caller, deed, &name, reason);
        let set = async {
            self.may_subscribe(caller, &mut account)?;
            self.subscription(&name)?;
            self.announce(&mut account).await?;
            let set = self.deliveries().book.set(&name, state).await.map_err(|error| of_book(&name, error))?;
            self.deliveries().wake();
            Ok(set)
        };
        let set = set.await;
        self.settle(&account, set).await
    }

    /// Gives a webhook a new signing secret; the one before signs too for a day.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn rotate_subscription(
        &self,
        caller: &Caller,
        name: KeyName,
        reason: Option<&str>,
    ) -> Result<Subscribed, VaultError> {
        let mut account = self.about_subscription(caller, "new signing secret of the subscription", &name, reason);
        let rotated = async {
            self.may_subscribe(caller, &mut account)?;
            let turn = self.deliveries().book.turn().await;
            if matches!(self.subscription(&name)?.to, Receiver::Channel(_)) {
                return Err(DeliveryError::Unsigned(name.clone()).into());
            }
            self.announce(&mut account).await?;
            let secret = self.new_secret(caller, &name, reason.map(str::to_owned)).await?;
            let now = self.parts.clock.now().wall;
            let changed = turn.change(&name, |subscription| subscription.rotated_at = Some(now)).await;
            let subscription = changed.map_err(|error| of_book(&name, error))?;
            Ok(Subscribed { subscription, secret: Some(secret) })
        };
        let rotated = rotated.await;
        self.settle(&account, rotated).await
    }

    /// Sends a subscriber a sign of life, and tells what came of it.
    ///
    /// # Errors
    /// [`VaultError`]; `NotActive` when nothing is sent to it now.
    pub async fn test_subscription(&self, caller: &Caller, name: KeyName) -> Result<Carried, VaultError> {
        let mut account = self.about_subscription(caller, "test of the subscription", &name, None);
        let tested = async {
            self.may_subscribe(caller, &mut account)?;
            self.subscription(&name)?;
            self.announce(&mut account).await?;
            self.deliveries().send_test(&name).await.ok_or_else(|| DeliveryError::NotActive(name.clone()).into())
        };
        let tested = tested.await;
        self.settle(&account, tested).await
    }

    /// Sends again what a subscriber wanted since then, or one event; without either, its dead letters. How many.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn replay_subscription(
        &self,
        caller: &Caller,
        name: KeyName,
        since: Option<Timestamp>,
        id: Option<&str>,
    ) -> Result<usize, VaultError> {
        let mut account = self.about_subscription(caller, "replay for the subscription", &name, None);
        let replayed = async {
            self.may_subscribe(caller, &mut account)?;
            let subscription = self.subscription(&name)?;
            self.announce(&mut account).await?;
            self.deliveries().replay(&subscription, since, id).await.map_err(failed)
        };
        let replayed = replayed.await;
        self.settle(&account, replayed).await
    }

    /// Every subscription, and how it fares.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn subscriptions(&self, caller: &Caller) -> Result<Vec<SubscriptionLine>, VaultError> {
        let mut account = Account::open(caller, Action::EventSubscribe, self.parts.clock.now());
        account.reason(Some("list of subscriptions"));
        let listed = async {
            self.may_subscribe(caller, &mut account)?;
            let deliveries = self.deliveries();
            let (mut delivered, mut dead) = (BTreeMap::new(), BTreeMap::<Route, usize>::new());
            let newest = |parcel: Parcel| {
                delivered.entry(parcel.route.clone()).or_insert(parcel);
            };
            deliveries.queue.each_ended(RowTable::Delivered, newest).await.map_err(failed)?;
            let count = |parcel: Parcel| *dead.entry(parcel.route).or_default() += 1;
            deliveries.queue.each_ended(RowTable::DeadLetters, count).await.map_err(failed)?;
            let mut lines = Vec::new();
            for subscription in deliveries.book.all().values() {
                let route = Route::Subscription(subscription.name.clone());
                lines.push(SubscriptionLine {
                    subscription: Arc::clone(subscription),
                    waiting: deliveries.queue.waiting(&route),
                    first: deliveries.queue.first(&route).await.map_err(failed)?,
                    delivered: delivered.get(&route).cloned(),
                    dead: dead.get(&route).copied().unwrap_or_default(),
                });
            }
            Ok(lines)
        };
        let listed = listed.await;
        self.settle(&account, listed).await
    }

    /// What was delivered to subscribers and channels of this node, or could not be: the newest first.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn deliveries_ended(
        &self,
        caller: &Caller,
        which: Ended,
        name: Option<KeyName>,
        limit: usize,
    ) -> Result<Vec<Parcel>, VaultError> {
        let mut account = Account::open(caller, Action::EventSubscribe, self.parts.clock.now());
        account.reason(Some(if which == Ended::Dead { "list of dead letters" } else { "list of deliveries" }));
        let listed = async {
            let who = self.identify(caller, &mut account)?;
            self.authorise_wholly(&who, Action::EventSubscribe, &mut account)?;
            let table = match which {
                Ended::Delivered => RowTable::Delivered,
                Ended::Dead => RowTable::DeadLetters,
            };
            let route = name.map(Route::Subscription);
            self.deliveries().queue.ended(table, route.as_ref(), limit.clamp(1, LINES_MAX)).await.map_err(failed)
        };
        let listed = listed.await;
        self.settle(&account, listed).await
    }

    /// Who asks, if it may subscribe wholly, on the lead.
    fn may_subscribe(&self, caller: &Caller, account: &mut Account) -> Result<String, VaultError> {
        let who = self.identify(caller, account)?;
        self.authorise_wholly(&who, Action::EventSubscribe, account)?;
        self.lead()?;
        Ok(who.author())
    }

    fn subscription(&self, name: &KeyName) -> Result<Arc<Subscription>, VaultError> {
        self.deliveries().book.get(name).ok_or_else(|| DeliveryError::NoSuch(name.clone()).into())
    }

    /// A new signing secret, stored as the caller; its text, to be shown once.
    async fn new_secret(
        &self,
        caller: &Caller,
        name: &KeyName,
        reason: Option<String>,
    ) -> Result<Plaintext, VaultError> {
        let no_entropy = |error: crate::crypto::error::CryptoError| VaultError::Internal(error.to_string());
        let key = WebhookKey::generate(&*self.parts.entropy).map_err(no_entropy)?;
        let place = self.place_of(name, reason);
        self.put(caller, PutRequest { place, value: key.text(), patch: Patch::default(), cas: None }).await?;
        Ok(key.text())
    }

    fn place_of(&self, name: &KeyName, reason: Option<String>) -> Place {
        let scope = Scope::Node(self.parts.node.clone());
        Place { name: secret_of(name), scope, environment: None, node: None, reason }
    }

    fn about_subscription(&self, caller: &Caller, deed: &str, name: &KeyName, reason: Option<&str>) -> Account {
        let mut account = Account::open(caller, Action::EventSubscribe, self.parts.clock.now());
        account.reason(Some(&noted(&format!("{deed} {name}"), reason)));
        account
    }

    pub(super) fn deliveries(&self) -> &Deliveries {
        &self.parts.deliveries
    }
}

/// The file of what is to be delivered does not work.
pub(super) fn failed(error: StoreError) -> VaultError {
    VaultError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signing_secret_of_a_subscription_has_a_canonical_name() {
        let name = KeyName::parse("ci").expect("a name");
        assert_eq!(secret_of(&name).to_string(), "webhooks/ci");
    }
}
