//! What is known about APIs, published: every task reads it without waiting; few write, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

use crate::connectivity::elsewhere::Tally;
use crate::connectivity::matrix::Matrix;
use crate::model::api_check::Elsewhere;
use crate::model::name::{NodeName, ServiceName};
use crate::model::time::{BootTime, Moment, Timestamp};

/// All followers are told from one count of who watches what: at most so old, for it is made of the whole matrix.
const TALLY_EVERY: Duration = Duration::from_secs(5);

/// The matrix as this node knows it: its own row as it is now, those of others as the lead told them.
#[derive(Debug)]
pub struct ConnectivityBoard {
    matrix: ArcSwap<Matrix>,
    writer: Mutex<()>,
    moved: watch::Sender<u64>,
    failures: Mutex<BTreeSet<ServiceName>>,
    failed: Notify,
    calls: Mutex<BTreeMap<ServiceName, u32>>,
    called: Notify,
    tally: Mutex<Option<(BootTime, Arc<Tally>)>>,
}

impl Default for ConnectivityBoard {
    fn default() -> Self {
        Self {
            matrix: ArcSwap::default(),
            writer: Mutex::default(),
            moved: watch::Sender::new(0),
            failures: Mutex::default(),
            failed: Notify::new(),
            calls: Mutex::default(),
            called: Notify::new(),
            tally: Mutex::default(),
        }
    }
}

impl ConnectivityBoard {
    /// The matrix.
    #[must_use]
    pub fn matrix(&self) -> Arc<Matrix> {
        self.matrix.load_full()
    }

    /// Changes it, and tells whoever waits.
    pub fn change(&self, change: impl FnOnce(&mut Matrix)) {
        self.change_if(|matrix| {
            change(matrix);
            true
        });
    }

    /// Changes it and tells whoever waits, if `change` says so; else all stays as it was.
    pub fn change_if(&self, change: impl FnOnce(&mut Matrix) -> bool) {
        if self.note_if(change) {
            self.moved.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Notes until when nodes kept up their checks, which nobody waits for.
    pub fn confirm(&self, nodes: &[(NodeName, Timestamp)]) {
        self.note_if(|matrix| {
            nodes.iter().for_each(|(node, at)| matrix.confirm(node, *at));
            !nodes.is_empty()
        });
    }

    /// Notes what the lead told of nodes that have no row here, which nobody waits for.
    pub fn tell_elsewhere(&self, told: BTreeMap<ServiceName, Elsewhere>) {
        self.note_if(|matrix| {
            matrix.tell_elsewhere(told);
            true
        });
    }

    /// On a lead: who watches what, as it was not long ago.
    #[must_use]
    pub fn tally(&self, now: &Moment) -> Arc<Tally> {
        let mut known = locked(&self.tally);
        if let Some((_, tally)) = known.as_ref().filter(|(at, _)| now.boot.since(*at) < TALLY_EVERY) {
            return Arc::clone(tally);
        }
        let tally = Arc::new(Tally::of(&self.matrix.load()));
        *known = Some((now.boot, Arc::clone(&tally)));
        tally
    }

    fn note_if(&self, change: impl FnOnce(&mut Matrix) -> bool) -> bool {
        let _turn = locked(&self.writer);
        let mut matrix = self.matrix.load().as_ref().clone();
        let changed = change(&mut matrix);
        if changed {
            self.matrix.store(Arc::new(matrix));
        }
        changed
    }

    /// Told of every change.
    #[must_use]
    pub fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Somebody who uses a key of this service met a failure: its keys are checked soon.
    pub fn report_failure(&self, service: ServiceName) {
        locked(&self.failures).insert(service);
        self.failed.notify_one();
    }

    /// A provider was asked about a key of this service because somebody wanted it: the call counts for the day.
    pub fn note_call(&self, service: &ServiceName) {
        let mut calls = locked(&self.calls);
        let count = calls.entry(service.clone()).or_default();
        *count = count.saturating_add(1);
        self.called.notify_one();
    }

    /// The calls that were noted and not counted yet, by service; waits until there are some.
    pub async fn calls(&self) -> BTreeMap<ServiceName, u32> {
        loop {
            let calls = self.uncounted();
            if !calls.is_empty() {
                return calls;
            }
            self.called.notified().await;
        }
    }

    /// The same without waiting.
    #[must_use]
    pub fn uncounted(&self) -> BTreeMap<ServiceName, u32> {
        std::mem::take(&mut *locked(&self.calls))
    }

    /// The services with failures that were not looked into yet; waits until there are some.
    pub async fn failures(&self) -> BTreeSet<ServiceName> {
        loop {
            let failures = std::mem::take(&mut *locked(&self.failures));
            if !failures.is_empty() {
                return failures;
            }
            self.failed.notified().await;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
