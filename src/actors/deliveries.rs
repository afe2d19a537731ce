//! Sends what happens to those who want to hear of it: subscribers of the lead, and the channels of this node. Supervised by
//! `node`; when it dies it is started again, for ever, and what was under way is sent again.
//!
//! Every node goes by its own rules and its own history; subscriptions are the lead's. The history is read in order, and
//! what is to be sent is put on the disk together with how far it was read. From there on each receiver goes at its own
//! pace. Everything is sent at least once; the order of what one receiver gets is not promised.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ractor::ActorProcessingErr;
use tokio::sync::{Notify as Bell, watch};
use tokio::task::JoinSet;

use super::board::Board;
use super::courier::{Carried, Courier, Destination, Message};
use super::delivery_queue::DeliveryQueue;
use super::event_log::EventLog;
use super::subscription_book::SubscriptionBook;
use crate::events::dedup::Told;
use crate::events::id::EventId;
use crate::events::messages::{self, Origin};
use crate::events::parcel::Parcel;
use crate::events::retry::{self, Next};
use crate::events::route::Route;
use crate::events::rules::Rule;
use crate::events::subscription::{Receiver, State};
use crate::model::channel::{Channel, Notify};
use crate::model::event::Event;
use crate::model::name::KeyName;
use crate::model::quiet_hours::QuietHours;
use crate::model::time::{BootTime, Clock, Entropy, Timestamp};
use crate::store::error::StoreError;

/// How often the clock is looked at while nothing else happens: the shortest pause is five seconds.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is sent at once, in all.
const FLIGHTS_MAX: usize = 256;

/// How often it is told that too much waits.
const OVERFLOW_EVERY: Duration = Duration::from_secs(600);

/// What had to make room since it was told.
#[derive(Debug, Default)]
struct Overflow {
    told: Option<BootTime>,
    count: usize,
}

/// What the work needs.
pub struct Deliveries {
    pub(super) log: EventLog,
    /// What waits, and what ended.
    pub queue: DeliveryQueue,
    /// Who subscribed. Empty on a follower.
    pub book: SubscriptionBook,
    pub(super) notify: Notify,
    pub(super) rules: Vec<Rule>,
    pub(super) told: Mutex<Told>,
    pub(super) board: Arc<Board>,
    pub(super) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    pub(super) courier: watch::Sender<Option<Arc<dyn Courier>>>,
    bell: Bell,
    overflow: Mutex<Overflow>,
}

/// What a node tells its deliveries by.
pub struct DeliveryParts {
    /// The history.
    pub log: EventLog,
    /// The channels.
    pub notify: Notify,
    /// The rules.
    pub rules: Vec<Rule>,
    /// Where trouble is told.
    pub board: Arc<Board>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Spreads attempts.
    pub entropy: Arc<dyn Entropy>,
}

/// Where a message goes now, or why it does not.
enum Way {
    Open(Destination, Option<QuietHours>),
    Shut,
    Gone,
}

impl Deliveries {
    /// What waits on the disk of this node.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be read.
    pub async fn open(parts: DeliveryParts) -> Result<Self, StoreError> {
        let DeliveryParts { log, notify, rules, board, clock, entropy } = parts;
        let queue = DeliveryQueue::open(log.rows().clone()).await?;
        let book = SubscriptionBook::open(log.rows().clone()).await?;
        let (told, courier) = (Mutex::default(), watch::Sender::new(None));
        Ok(Self {
            log,
            queue,
            book,
            notify,
            rules,
            told,
            board,
            clock,
            entropy,
            courier,
            bell: Bell::new(),
            overflow: Mutex::default(),
        })
    }

    /// From here on the door carries what is to be sent.
    pub fn begin(&self, courier: Arc<dyn Courier>) {
        self.courier.send_replace(Some(courier));
    }

    /// Something changed that may let a message go: it is looked at now.
    pub fn wake(&self) {
        self.bell.notify_one();
    }

    /// A channel of this node.
    #[must_use]
    pub fn channel(&self, name: &KeyName) -> Option<&Channel> {
        self.notify.channels.get(name)
    }

    /// Sends, until the node stops.
    pub(super) async fn keep_delivering(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        let mut known = self.courier.subscribe();
        let courier = known.wait_for(Option::is_some).await?.clone().ok_or("nobody carries")?;
        self.queue.land_all();
        let mut moved = self.log.moved();
        // What is under way ends with this.
        let mut flights: JoinSet<Result<(), StoreError>> = JoinSet::new();
        loop {
            self.sort_new().await?;
            self.tell_repeated().await?;
            while flights.len() < FLIGHTS_MAX && self.send_due(&courier, &mut flights).await? {}
            tokio::select! {
                changed = moved.changed() => changed?,
                () = self.bell.notified() => {}
                Some(landed) = flights.join_next(), if !flights.is_empty() => landed??,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Sends one message of each receiver that is due. Whether there was any.
    async fn send_due(
        self: &Arc<Self>,
        courier: &Arc<dyn Courier>,
        flights: &mut JoinSet<Result<(), StoreError>>,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now().wall;
        let due = self.queue.take_due(now, |route| !matches!(self.way(route, now), Way::Shut)).await?;
        let any = !due.is_empty();
        for parcel in due {
            match self.way(&parcel.route, now) {
                Way::Open(to, quiet) => {
                    let until = quiet.and_then(|quiet| quiet.until(now)).filter(|_| !parcel.urgent);
                    if let Some(until) = until {
                        self.queue.put_back(vec![Parcel { held: true, due: until, ..parcel }]).await?;
                        continue;
                    }
                    let parcels = if parcel.held { self.with_others_held(parcel, now).await? } else { vec![parcel] };
                    let (this, courier) = (Arc::clone(self), Arc::clone(courier));
                    flights.spawn(async move { this.send(&*courier, to, parcels).await });
                }
                Way::Shut => self.queue.put_back(vec![parcel]).await?,
                Way::Gone => {
                    let parcel = parcel.tried("there is no such receiver any more");
                    self.queue.give_up(vec![parcel], now).await?;
                }
            }
        }
        Ok(any)
    }

    async fn with_others_held(&self, first: Parcel, now: Timestamp) -> Result<Vec<Parcel>, StoreError> {
        let others = self.queue.take_held(&first.route, now).await?;
        Ok(std::iter::once(first).chain(others).collect())
    }

    /// Sends one message, for one parcel or for several that were held back, and sees to what follows.
    async fn send(&self, courier: &dyn Courier, to: Destination, parcels: Vec<Parcel>) -> Result<(), StoreError> {
        let Some(first) = parcels.first() else { return Ok(()) };
        let message = self.message(to, first, &parcels);
        let (route, attempts) = (first.route.clone(), first.attempts.saturating_add(1));
        // What was held back could not be tried before: its day begins when it could.
        let born = if first.held { first.due.max(first.born) } else { first.born };
        let Carried { outcome, told } = courier.carry(message).await;
        let now = self.clock.now().wall;
        let parcels: Vec<Parcel> = parcels.into_iter().map(|parcel| parcel.tried(&told)).collect();
        match retry::next(&outcome, attempts, born, now, self.jitter()) {
            Next::Done => self.queue.delivered(parcels, now).await,
            Next::At(due) => {
                // What was held back together is tried alone from now on, so that nothing grows.
                let again = |parcel| Parcel { due, ..parcel };
                self.queue.put_back(parcels.into_iter().map(again).collect()).await
            }
            Next::GiveUp => {
                tracing::warn!(receiver = %route, attempts, "a message could not be delivered and is a dead letter now");
                self.queue.give_up(parcels, now).await
            }
            Next::Disable => {
                self.queue.give_up(parcels, now).await?;
                self.disable(&route).await;
                Ok(())
            }
        }
    }

    /// The receiver says that it is gone, for good. A channel is the configuration's, and stays.
    async fn disable(&self, route: &Route) {
        if let Route::Subscription(name) = route {
            match self.book.set(name, State::Disabled).await {
                Ok(_) => tracing::warn!(receiver = %route, "the receiver is gone (410): its subscription is disabled"),
                Err(error) => tracing::warn!(receiver = %route, %error, "a subscription could not be disabled"),
            }
        }
    }

    fn message(&self, to: Destination, first: &Parcel, all: &[Parcel]) -> Message {
        let (mut id, mut body) = (first.id.clone(), first.body.clone());
        if all.len() > 1 {
            id.push_str("_summary");
            let bodies: Vec<&str> = all.iter().map(|parcel| parcel.body.as_str()).collect();
            body = messages::summary(self.origin(&id, self.clock.now().wall), &bodies);
        }
        Message { to, id, body, born: first.born, urgent: first.urgent }
    }

    fn way(&self, route: &Route, now: Timestamp) -> Way {
        let channel = |name: &KeyName| self.notify.channels.get(name);
        let through = |name: &KeyName| match channel(name) {
            Some(channel) => {
                let quiet = channel.quiet;
                Way::Open(Destination::Channel { name: name.clone(), channel: Arc::new(channel.clone()) }, quiet)
            }
            None => Way::Gone,
        };
        match route {
            Route::Channel(name) => through(name),
            Route::Subscription(name) => match self.book.get(name) {
                None => Way::Gone,
                Some(subscription) if subscription.state != State::Active => Way::Shut,
                Some(subscription) => match &subscription.to {
                    Receiver::Channel(name) => through(name),
                    Receiver::Webhook(url) => {
                        let both_sign = subscription.signs_with_both(now);
                        Way::Open(Destination::Subscriber { name: name.clone(), url: url.clone(), both_sign }, None)
                    }
                },
            },
        }
    }

    /// Where this subscriber or channel is reached now, whether or not anything is sent there.
    pub(super) fn destination(&self, route: &Route, now: Timestamp) -> Option<Destination> {
        match self.way(route, now) {
            Way::Open(to, _) => Some(to),
            Way::Shut | Way::Gone => None,
        }
    }

    /// Who says something of our own.
    pub(super) fn origin<'a>(&'a self, id: &'a str, at: Timestamp) -> Origin<'a> {
        Origin { id, node: self.log.home().node.as_str(), at }
    }

    /// An id for a message of our own.
    pub(super) fn own_id(&self, now: Timestamp) -> String {
        let mut random = [0; 16];
        // Without random bytes an id tells no more than the time.
        let _ = self.entropy.fill(&mut random);
        EventId::next(None, now, random).to_string()
    }

    /// Too much waits: what was oldest made room.
    ///
    /// Now and then: who hears of it gets one more message, for which another has to make room.
    pub(super) fn tell_overflow(&self, count: usize) {
        let now = self.clock.now().boot;
        let mut overflow = self.overflow.lock().unwrap_or_else(PoisonError::into_inner);
        overflow.count = overflow.count.saturating_add(count);
        let is_due = overflow.told.is_none_or(|at| now.since(at) >= OVERFLOW_EVERY);
        if count > 0 && is_due {
            let count = std::mem::take(&mut overflow.count);
            overflow.told = Some(now);
            let detail = format!("too much waits to be delivered: {count} older messages are dead letters now");
            tracing::warn!("{detail}");
            self.board.events.tell(Event::SystemError { part: "deliveries", detail });
        }
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn jitter(&self) -> u64 {
        let mut random = [0; 8];
        // Jitter is a courtesy to the receiver.
        let _ = self.entropy.fill(&mut random);
        u64::from_le_bytes(random)
    }
}
