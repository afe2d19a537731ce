//! Checks that are under way: whoever asks for one that is, waits for its answer instead of asking the provider again.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::asking::Finding;
use crate::model::api_check::KeyMark;
use crate::model::name::{KeyName, ServiceName};

/// Most checks of a node at once.
const CHECKS_MAX: usize = 8;

/// Most requests that wait for checks at once: each goes on though its caller hangs up, and some hold a value that is to be
/// stored.
const ASKERS_MAX: usize = 64;

/// What makes two checks the same: whose probe it is, of which credential, with which values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flight {
    pub(super) provider: ServiceName,
    pub(super) credential: KeyName,
    pub(super) marks: Vec<KeyMark>,
}

/// The checks under way. Clones show the same.
#[derive(Debug, Clone)]
pub(super) struct Flights {
    under_way: Arc<Mutex<BTreeMap<Flight, watch::Receiver<Option<Finding>>>>>,
    seats: Arc<Semaphore>,
    askers: Arc<Semaphore>,
}

impl Default for Flights {
    fn default() -> Self {
        let [seats, askers] = [CHECKS_MAX, ASKERS_MAX].map(|count| Arc::new(Semaphore::new(count)));
        Self { under_way: Arc::default(), seats, askers }
    }
}

impl Flights {
    /// A place for somebody who asks for checks, until it is dropped; none if too many wait already.
    pub(super) fn asker(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.askers).try_acquire_owned().ok()
    }

    /// What the check finds: this one, or the same one that is under way. It goes on though whoever asked goes away, for
    /// others may have joined. None if it broke off.
    pub(super) async fn join(
        &self,
        flight: Flight,
        check: impl Future<Output = Finding> + Send + 'static,
    ) -> Option<Finding> {
        let mut finding = self.boarded(flight, check);
        finding.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// The same for a check that is like no other.
    pub(super) async fn alone(&self, check: impl Future<Output = Finding>) -> Option<Finding> {
        let _seat = self.seats.acquire().await.ok()?;
        Some(check.await)
    }

    fn boarded(
        &self,
        flight: Flight,
        check: impl Future<Output = Finding> + Send + 'static,
    ) -> watch::Receiver<Option<Finding>> {
        let mut under_way = locked(&self.under_way);
        if let Some(finding) = under_way.get(&flight) {
            return finding.clone();
        }
        let (tell, told) = watch::channel(None);
        under_way.insert(flight.clone(), told.clone());
        let (landed, seats) = (Landed { flights: self.clone(), flight }, Arc::clone(&self.seats));
        tokio::spawn(async move {
            let finding = match seats.acquire().await {
                Ok(_seat) => Some(check.await),
                Err(_closed) => None,
            };
            drop(landed);
            tell.send_replace(finding);
        });
        told
    }
}

/// Takes a check off the list whichever way it ends.
struct Landed {
    flights: Flights,
    flight: Flight,
}

impl Drop for Landed {
    fn drop(&mut self) {
        locked(&self.flights.under_way).remove(&self.flight);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
