//! The subscriptions of a lead: read from the file of rows once, and changed there before anybody sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::events::subscription::{State, Subscription};
use crate::model::name::KeyName;
use crate::store::error::StoreError;
use crate::store::rows::{Order, RowTable, RowWrite, Rows};

/// Most subscriptions: each is looked at for each event.
pub const SUBSCRIPTIONS_MAX: usize = 1000;

/// The subscriptions. One change is made at a time.
pub struct SubscriptionBook {
    rows: Rows,
    all: ArcSwap<BTreeMap<KeyName, Arc<Subscription>>>,
    turn: tokio::sync::Mutex<()>,
}

/// Leave to change the book, which nobody else has meanwhile: what belongs to a subscription, such as its signing secret, is
/// stored and taken away under it. All other changes wait for as long.
pub struct Turn<'a> {
    book: &'a SubscriptionBook,
    _held: tokio::sync::MutexGuard<'a, ()>,
}

/// Why a subscription cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// There is none of this name.
    #[error("there is no subscription of this name")]
    NoSuch,
    /// There is one already.
    #[error("there is a subscription of this name already")]
    Exists,
    /// There are too many.
    #[error("there are {SUBSCRIPTIONS_MAX} subscriptions, and no more are kept")]
    TooMany,
    /// The file cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SubscriptionBook {
    /// The subscriptions in this file.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be read.
    pub(super) async fn open(rows: Rows) -> Result<Self, StoreError> {
        let page = rows.page(RowTable::Subscriptions, None, Order::Up, SUBSCRIPTIONS_MAX).await?;
        let read = |(key, value): &(Vec<u8>, Vec<u8>)| {
            let name = KeyName::parse(std::str::from_utf8(key).ok()?).ok()?;
            Some((name.clone(), Arc::new(Subscription::parse(name, value)?)))
        };
        let all: BTreeMap<_, _> = page.iter().filter_map(read).collect();
        if all.len() < page.len() {
            tracing::error!(lost = page.len().saturating_sub(all.len()), "some subscriptions cannot be read");
        }
        Ok(Self { rows, all: ArcSwap::from_pointee(all), turn: tokio::sync::Mutex::new(()) })
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Arc<BTreeMap<KeyName, Arc<Subscription>>> {
        self.all.load_full()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, name: &KeyName) -> Option<Arc<Subscription>> {
        self.all.load().get(name).cloned()
    }

    /// Leave to change it.
    pub async fn turn(&self) -> Turn<'_> {
        Turn { book: self, _held: self.turn.lock().await }
    }

    /// Lets one send, or not.
    ///
    /// # Errors
    /// [`BookError`].
    pub async fn set(&self, name: &KeyName, state: State) -> Result<Subscription, BookError> {
        self.turn().await.change(name, |subscription| subscription.state = state).await
    }

    async fn put(&self, subscription: Subscription) -> Result<(), BookError> {
        let row = RowWrite::Put(RowTable::Subscriptions, key(&subscription.name), subscription.to_bytes());
        self.rows.write(vec![row]).await?;
        let mut all = BTreeMap::clone(&self.all.load());
        all.insert(subscription.name.clone(), Arc::new(subscription));
        self.all.store(Arc::new(all));
        Ok(())
    }
}

impl Turn<'_> {
    /// Whether there is a place for one of this name.
    ///
    /// # Errors
    /// [`BookError`] when there is none.
    pub fn has_place(&self, name: &KeyName) -> Result<(), BookError> {
        let all = self.book.all.load();
        if all.contains_key(name) {
            return Err(BookError::Exists);
        }
        if all.len() >= SUBSCRIPTIONS_MAX { Err(BookError::TooMany) } else { Ok(()) }
    }

    /// Adds one.
    ///
    /// # Errors
    /// [`BookError`].
    pub async fn add(&self, subscription: Subscription) -> Result<(), BookError> {
        self.has_place(&subscription.name)?;
        self.book.put(subscription).await
    }

    /// Changes one, and gives it as it is now.
    ///
    /// # Errors
    /// [`BookError`].
    pub async fn change(
        &self,
        name: &KeyName,
        change: impl FnOnce(&mut Subscription),
    ) -> Result<Subscription, BookError> {
        let mut changed = Subscription::clone(&*self.book.get(name).ok_or(BookError::NoSuch)?);
        change(&mut changed);
        self.book.put(changed.clone()).await?;
        Ok(changed)
    }

    /// Takes one away.
    ///
    /// # Errors
    /// [`BookError`].
    pub async fn remove(&self, name: &KeyName) -> Result<(), BookError> {
        let mut all = BTreeMap::clone(&self.book.all.load());
        all.remove(name).ok_or(BookError::NoSuch)?;
        self.book.rows.write(vec![RowWrite::Drop(RowTable::Subscriptions, key(name))]).await?;
        self.book.all.store(Arc::new(all));
        Ok(())
    }
}

fn key(name: &KeyName) -> Vec<u8> {
    name.as_str().as_bytes().to_vec()
}
