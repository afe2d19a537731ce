//! What waits to be delivered, on the disk: put there together with how far the history was read, and taken out only when
//! it has come to an end. So everything is sent at least once, whatever ends the node.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::delivery_index::DeliveryIndex;
use super::event_log::{row_key, row_number};
use crate::events::parcel::Parcel;
use crate::events::route::Route;
use crate::model::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::rows::{Order, Row, RowTable, RowWrite, Rows};

/// Most that waits; beyond it the oldest goes to the dead letters.
pub const WAITING_MAX: usize = 100_000;

/// Most that is kept of what was delivered, and of what could not be.
pub const ENDED_MAX: u64 = 10_000;

/// Rows that are looked at at once.
const PAGE: usize = 256;

/// The queue.
pub struct DeliveryQueue {
    rows: Rows,
    index: Mutex<DeliveryIndex>,
    next: Mutex<u64>,
    moved: watch::Sender<u64>,
}

impl DeliveryQueue {
    /// The queue in this file.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be read.
    pub(super) async fn open(rows: Rows) -> Result<Self, StoreError> {
        let (mut index, mut from, mut next) = (DeliveryIndex::default(), None, 1);
        loop {
            let page = rows.page(RowTable::Deliveries, from, Order::Up, PAGE).await?;
            page.iter().filter_map(parcel).for_each(|parcel| index.put(parcel.number, &parcel.route, parcel.due));
            let Some(last) = page.last().and_then(|(key, _)| row_number(key)) else { break };
            from = Some(row_key(last.saturating_add(1)));
        }
        for table in [RowTable::Deliveries, RowTable::DeadLetters, RowTable::Delivered] {
            let newest = rows.page(table, None, Order::Down, 1).await?;
            let newest = newest.first().and_then(|(key, _)| row_number(key)).unwrap_or(0);
            next = next.max(newest.saturating_add(1));
        }
        let moved = watch::Sender::new(0);
        Ok(Self { rows, index: Mutex::new(index), next: Mutex::new(next), moved })
    }

    /// Adds these, with these rows besides: all or nothing. Their numbers, and how many older ones had to make room.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was added.
    pub(super) async fn add(
        &self,
        parcels: Vec<Parcel>,
        mut also: Vec<RowWrite>,
    ) -> Result<(Vec<u64>, usize), StoreError> {
        let parcels: Vec<Parcel> = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let numbered = |parcel| {
                let number = *next;
                *next = number.saturating_add(1);
                Parcel { number, ..parcel }
            };
            parcels.into_iter().map(numbered).collect()
        };
        let over = self.index().len().saturating_add(parcels.len()).saturating_sub(WAITING_MAX);
        let oldest = self.index().oldest(over);
        for number in &oldest {
            also.extend(self.moved_out(*number, "too much was waiting").await?);
        }
        also.extend(parcels.iter().map(|parcel| put(RowTable::Deliveries, parcel)));
        if !also.is_empty() {
            self.rows.write(also).await?;
        }
        let mut index = self.index();
        oldest.iter().for_each(|number| index.remove(*number));
        parcels.iter().for_each(|parcel| index.put(parcel.number, &parcel.route, parcel.due));
        Ok((parcels.iter().map(|parcel| parcel.number).collect(), oldest.len()))
    }

    /// The next that is due for each receiver that `may_go`. They are in flight until they are put somewhere.
    pub(super) async fn take_due(
        &self,
        now: Timestamp,
        may_go: impl Fn(&Route) -> bool,
    ) -> Result<Vec<Parcel>, StoreError> {
        let taken = self.index().take_due(now, may_go);
        self.read(taken).await
    }

    /// More of one receiver that was held back and is due; what was not held back stays where it is.
    pub(super) async fn take_held(&self, route: &Route, now: Timestamp) -> Result<Vec<Parcel>, StoreError> {
        let taken = self.index().take_more(route, now, PAGE);
        let (held, others): (Vec<Parcel>, Vec<Parcel>) =
            self.read(taken).await?.into_iter().partition(|parcel| parcel.held);
        let mut index = self.index();
        others.iter().for_each(|parcel| index.land(parcel.number));
        Ok(held)
    }

    /// These were delivered.
    pub(super) async fn delivered(&self, parcels: Vec<Parcel>, now: Timestamp) -> Result<(), StoreError> {
        self.end(parcels.into_iter().map(|parcel| parcel.delivered(now)).collect(), RowTable::Delivered).await
    }

    /// These are given up.
    pub(super) async fn give_up(&self, parcels: Vec<Parcel>, now: Timestamp) -> Result<(), StoreError> {
        let ended = |parcel| Parcel { ended: Some(now), ..parcel };
        self.end(parcels.into_iter().map(ended).collect(), RowTable::DeadLetters).await
    }

    /// These are tried again when they say.
    pub(super) async fn put_back(&self, parcels: Vec<Parcel>) -> Result<(), StoreError> {
        self.rows.write(parcels.iter().map(|parcel| put(RowTable::Deliveries, parcel)).collect()).await?;
        let mut index = self.index();
        parcels.iter().for_each(|parcel| index.put(parcel.number, &parcel.route, parcel.due));
        drop(index);
        self.tell();
        Ok(())
    }

    /// Nothing of one receiver waits any more, and nothing of it is kept among the dead letters.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget(&self, route: &Route) -> Result<(), StoreError> {
        let numbers = self.index().of(route);
        let mut writes: Vec<RowWrite> =
            numbers.iter().map(|number| RowWrite::Drop(RowTable::Deliveries, row_key(*number))).collect();
        let dead = self.ended(RowTable::DeadLetters, Some(route), usize::MAX).await?;
        writes.extend(dead.iter().map(|parcel| RowWrite::Drop(RowTable::DeadLetters, row_key(parcel.number))));
        self.rows.write(writes).await?;
        let mut index = self.index();
        numbers.iter().for_each(|number| index.remove(*number));
        Ok(())
    }

    /// What ended, the newest first: of one receiver, or of all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended(&self, table: RowTable, route: Option<&Route>, limit: usize) -> Result<Vec<Parcel>, StoreError> {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let page = self.rows.page(table, from, Order::Down, PAGE).await?;
            let wanted = |parcel: &Parcel| route.is_none_or(|route| parcel.route == *route);
            found.extend(page.iter().filter_map(parcel).filter(wanted));
            let before = page.last().and_then(|(key, _)| row_number(key)).and_then(|number| number.checked_sub(1));
            if found.len() >= limit || before.is_none() {
                found.truncate(limit);
                return Ok(found);
            }
            from = before.map(row_key);
        }
    }

    /// Tells everything that ended, the newest first, a page at a time: dead letters hold what was to be sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn each_ended(&self, table: RowTable, mut tell: impl FnMut(Parcel)) -> Result<(), StoreError> {
        let mut from = None;
        loop {
            let page = self.rows.page(table, from, Order::Down, PAGE).await?;
            page.iter().filter_map(parcel).for_each(&mut tell);
            let before = page.last().and_then(|(key, _)| row_number(key)).and_then(|number| number.checked_sub(1));
            let Some(before) = before else { return Ok(()) };
            from = Some(row_key(before));
        }
    }

    /// How many wait for one receiver.
    #[must_use]
    pub fn waiting(&self, route: &Route) -> usize {
        self.index().len_of(route)
    }

    /// The one that has waited longest for one receiver.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn first(&self, route: &Route) -> Result<Option<Parcel>, StoreError> {
        let Some(number) = self.index().of(route).into_iter().min() else { return Ok(None) };
        let row = self.rows.get(RowTable::Deliveries, row_key(number)).await?;
        Ok(row.and_then(|row| Parcel::parse(number, &row)))
    }

    /// How many wait in all.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.index().len()
    }

    /// Whether this one has not come to an end.
    #[must_use]
    pub fn holds(&self, number: u64) -> bool {
        self.index().holds(number)
    }

    /// Told whenever something was tried.
    pub(super) fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Whoever sent has ended: what was in flight waits again.
    pub(super) fn land_all(&self) {
        self.index().land_all();
    }

    async fn end(&self, parcels: Vec<Parcel>, table: RowTable) -> Result<(), StoreError> {
        let mut writes = Vec::new();
        for parcel in &parcels {
            writes.push(RowWrite::Drop(RowTable::Deliveries, row_key(parcel.number)));
            // Somebody unsubscribed meanwhile: nothing is kept of it.
            if self.holds(parcel.number) {
                writes.push(put(table, parcel));
            }
        }
        let newest = parcels.iter().map(|parcel| parcel.number).max().unwrap_or_default();
        writes.extend(newest.checked_sub(ENDED_MAX).map(|first| RowWrite::DropBefore(table, row_key(first))));
        self.rows.write(writes).await?;
        let mut index = self.index();
        parcels.iter().for_each(|parcel| index.remove(parcel.number));
        drop(index);
        self.tell();
        Ok(())
    }

    async fn moved_out(&self, number: u64, why: &str) -> Result<Vec<RowWrite>, StoreError> {
        let key = row_key(number);
        let row = self.rows.get(RowTable::Deliveries, key.clone()).await?;
        let dead = row.and_then(|row| Parcel::parse(number, &row)).map(|parcel| {
            let dead = Parcel { ended: Some(parcel.due), last: Some(why.to_owned()), ..parcel };
            put(RowTable::DeadLetters, &dead)
        });
        Ok(dead.into_iter().chain([RowWrite::Drop(RowTable::Deliveries, key)]).collect())
    }

    async fn read(&self, numbers: Vec<u64>) -> Result<Vec<Parcel>, StoreError> {
        let mut parcels = Vec::with_capacity(numbers.len());
        for number in numbers {
            let row = self.rows.get(RowTable::Deliveries, row_key(number)).await?;
            match row.and_then(|row| Parcel::parse(number, &row)) {
                Some(parcel) => parcels.push(parcel),
                None => self.index().remove(number),
            }
        }
        Ok(parcels)
    }

    fn tell(&self) {
        self.moved.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn index(&self) -> MutexGuard<'_, DeliveryIndex> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(table: RowTable, parcel: &Parcel) -> RowWrite {
    RowWrite::Put(table, row_key(parcel.number), parcel.to_bytes())
}

fn parcel(row: &Row) -> Option<Parcel> {
    Parcel::parse(row_number(&row.0)?, &row.1)
}
