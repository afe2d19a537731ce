//! From the history to the queue: each new event becomes a message to each who wants to hear of it. Here too are the
//! messages that somebody asks for: one to a channel, one to see whether it comes, and those that are sent again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::courier::{Carried, Courier, Message};
use super::deliveries::Deliveries;
use super::event_log::{row_key, row_number};
use crate::events::kept::KeptEvent;
use crate::events::messages::{self, MESSAGE, REPEATED};
use crate::events::parcel::Parcel;
use crate::events::route::Route;
use crate::events::subscription::{State, Subscription};
use crate::model::name::KeyName;
use crate::model::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::rows::{RowTable, RowWrite};

/// The row that says how far the history was read.
const READ_TO: &[u8] = b"deliveries";

/// Events that are looked at at once.
const PAGE: usize = 256;

/// Most that is sent again at once: more is asked for with a later start.
const AGAIN_MAX: usize = 10_000;

/// What came of a message that somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// It was taken.
    Delivered,
    /// It is still to be delivered.
    Queued {
        /// What came of the last attempt, if there was one.
        last: Option<String>,
    },
}

impl Deliveries {
    /// Puts what is new in the queue.
    pub(super) async fn sort_new(&self) -> Result<(), StoreError> {
        loop {
            let read_to = self.log.rows().get(RowTable::Progress, READ_TO.to_vec()).await?;
            let read_to = read_to.as_deref().and_then(row_number).unwrap_or(0);
            let page = self.log.after(read_to, PAGE).await?;
            let Some(last) = page.last().map(|event| event.number) else { return Ok(()) };
            let subscriptions = self.book.all();
            let now = self.clock.now().wall;
            let mut parcels = Vec::new();
            for event in &page {
                let wanted = |it: &&Arc<Subscription>| it.state != State::Disabled && it.filter.matches(&event.subject);
                let since = |it: &&Arc<Subscription>| event.at >= it.made_at;
                let of = |it: &Arc<Subscription>| of_event(event, Route::Subscription(it.name.clone()), false, now);
                parcels.extend(subscriptions.values().filter(wanted).filter(since).map(of));
                self.by_rules(event, now, &mut parcels);
            }
            let read_to = RowWrite::Put(RowTable::Progress, READ_TO.to_vec(), row_key(last));
            let (_, over) = self.queue.add(parcels, vec![read_to]).await?;
            self.tell_overflow(over);
        }
    }

    /// What the rules of this node say of one event. A channel is told once, however many of its rules want it.
    fn by_rules(&self, event: &KeptEvent, now: Timestamp, parcels: &mut Vec<Parcel>) {
        let mut channels: BTreeSet<&KeyName> = BTreeSet::new();
        for (index, rule) in self.rules.iter().enumerate() {
            if !rule.filter.matches(&event.subject) || channels.contains(&rule.channel) {
                continue;
            }
            let sameness = messages::sameness(&event.body);
            if self.told().is_news(&index.to_string(), &sameness, rule.repeat_after, now) {
                channels.insert(&rule.channel);
                parcels.push(of_event(event, Route::Channel(rule.channel.clone()), rule.urgent, now));
            }
        }
    }

    /// What came again and again while it was not told: its count, now that its time is over.
    pub(super) async fn tell_repeated(&self) -> Result<(), StoreError> {
        let now = self.clock.now().wall;
        let over = self.told().over(now);
        let mut parcels = Vec::new();
        for repeated in over {
            let rule = repeated.rule.parse().ok().and_then(|index: usize| self.rules.get(index));
            let Some(rule) = rule else { continue };
            let id = self.own_id(now);
            let body = messages::repeated(self.origin(&id, now), &repeated.subject, repeated.count);
            parcels.push(own(Route::Channel(rule.channel.clone()), (id, REPEATED), body, rule.urgent, now));
        }
        if !parcels.is_empty() {
            let (_, over) = self.queue.add(parcels, Vec::new()).await?;
            self.tell_overflow(over);
        }
        Ok(())
    }

    /// Sends a message to a channel, and waits this long for it to be taken.
    ///
    /// # Errors
    /// [`StoreError`]: it could not be kept, and is not sent.
    pub async fn tell_channel(
        &self,
        channel: &KeyName,
        (text, by): (&str, &str),
        urgent: bool,
        patience: Duration,
    ) -> Result<Sent, StoreError> {
        let now = self.clock.now().wall;
        let id = self.own_id(now);
        let body = messages::message(self.origin(&id, now), text, by);
        let route = Route::Channel(channel.clone());
        let mut moved = self.queue.moved();
        let (numbers, over) =
            self.queue.add(vec![own(route.clone(), (id, MESSAGE), body, urgent, now)], Vec::new()).await?;
        self.tell_overflow(over);
        self.wake();
        let number = numbers.first().copied().unwrap_or_default();
        let tried = async {
            while self.queue.holds(number) && self.last_of(number).await?.is_none() {
                if moved.changed().await.is_err() {
                    break;
                }
            }
            Ok::<(), StoreError>(())
        };
        if let Ok(failed) = tokio::time::timeout(patience, tried).await {
            failed?;
        }
        let delivered = self.log.rows().get(RowTable::Delivered, row_key(number)).await?;
        if delivered.is_some() {
            return Ok(Sent::Delivered);
        }
        Ok(Sent::Queued { last: self.last_of(number).await? })
    }

    async fn last_of(&self, number: u64) -> Result<Option<String>, StoreError> {
        let row = self.log.rows().get(RowTable::Deliveries, row_key(number)).await?;
        Ok(row.and_then(|row| Parcel::parse(number, &row)).and_then(|parcel| parcel.last))
    }

    /// Sends a subscriber a sign of life, past the queue. `None` if nothing is sent to it now.
    pub async fn send_test(&self, name: &KeyName) -> Option<Carried> {
        let now = self.clock.now().wall;
        let to = self.destination(&Route::Subscription(name.clone()), now)?;
        let courier: Arc<dyn Courier> = self.courier.borrow().clone()?;
        let id = self.own_id(now);
        let body = messages::test(self.origin(&id, now), name.as_str());
        Some(courier.carry(Message { to, id, body, born: now, urgent: false }).await)
    }

    /// Sends again what a subscriber wanted since then, or one event; dead letters of it too. How many that are.
    ///
    /// # Errors
    /// [`StoreError`]: nothing is sent again.
    pub async fn replay(
        &self,
        subscription: &Subscription,
        since: Option<Timestamp>,
        id: Option<&str>,
    ) -> Result<usize, StoreError> {
        let now = self.clock.now().wall;
        let route = Route::Subscription(subscription.name.clone());
        let (mut again, mut also, mut ids) = (Vec::new(), Vec::new(), BTreeSet::new());
        for dead in self.queue.ended(RowTable::DeadLetters, Some(&route), AGAIN_MAX).await? {
            let wanted = id.is_none_or(|id| dead.id == id) && since.is_none_or(|since| dead.born >= since);
            if wanted && ids.insert(dead.id.clone()) {
                also.push(RowWrite::Drop(RowTable::DeadLetters, row_key(dead.number)));
                again.push(Parcel { born: now, due: now, attempts: 0, held: false, ended: None, last: None, ..dead });
            }
        }
        let mut after = 0;
        // Without a start or an id it is the dead letters alone.
        while (since.is_some() || id.is_some()) && again.len() < AGAIN_MAX {
            let page = self.log.after(after, PAGE).await?;
            let Some(last) = page.last().map(|event| event.number) else { break };
            after = last;
            for event in &page {
                let is_named = id.is_none_or(|id| event.id.to_string() == id);
                let is_since = since.is_none_or(|since| event.at >= since);
                if is_named
                    && is_since
                    && subscription.filter.matches(&event.subject)
                    && ids.insert(event.id.to_string())
                {
                    again.push(Parcel { born: now, ..of_event(event, route.clone(), false, now) });
                }
            }
        }
        again.truncate(AGAIN_MAX);
        let count = again.len();
        let (_, over) = self.queue.add(again, also).await?;
        self.tell_overflow(over);
        self.wake();
        Ok(count)
    }
}

fn of_event(event: &KeptEvent, route: Route, urgent: bool, now: Timestamp) -> Parcel {
    Parcel {
        number: 0,
        route,
        id: event.id.to_string(),
        kind: event.subject.kind.to_string(),
        born: event.at,
        body: event.body.clone(),
        urgent,
        held: false,
        attempts: 0,
        due: now,
        ended: None,
        last: None,
    }
}

fn own(route: Route, (id, kind): (String, &str), body: String, urgent: bool, now: Timestamp) -> Parcel {
    let (kind, born, due) = (kind.to_owned(), now, now);
    Parcel { number: 0, route, id, kind, born, body, urgent, held: false, attempts: 0, due, ended: None, last: None }
}
