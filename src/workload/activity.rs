//! What goes on on a connection, and how many streams there may be: in all, and of one user.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::callers::seats::{Lane, Limits, Seat, Seats};

/// Streams of all connections. An Envoy opens one for each secret; each costs a task, its last answer and at most one message.
const STREAMS: Limits = Limits { connections: 1024, connections_per_uid: 256 };

/// Places for streams. A stream holds one for as long as it is answered.
#[derive(Clone)]
pub(super) struct Places(Arc<Seats>);

impl Default for Places {
    fn default() -> Self {
        Self::up_to(STREAMS)
    }
}

impl Places {
    pub(super) fn up_to(limits: Limits) -> Self {
        Self(Seats::new(limits))
    }

    /// A place for one stream of a user on a connection; `None` when all are taken.
    pub(super) fn take(&self, uid: u32, activity: &Activity) -> Option<Stay> {
        let place = self.0.take(uid);
        (place.lane() == Lane::Open).then(|| activity.stay(place))
    }
}

/// The streams of one connection.
#[derive(Clone, Default)]
pub(super) struct Activity {
    open: Arc<AtomicUsize>,
    begun: Arc<AtomicUsize>,
}

impl Activity {
    fn stay(&self, place: Seat) -> Stay {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        Stay { open: Arc::clone(&self.open), _place: place }
    }

    /// How many streams there were so far, if none is open.
    pub(super) fn idle_since(&self) -> Option<usize> {
        (self.open.load(Ordering::Relaxed) == 0).then(|| self.begun.load(Ordering::Relaxed))
    }
}

/// One stream that is answered.
pub(super) struct Stay {
    open: Arc<AtomicUsize>,
    _place: Seat,
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_its_share_of_streams_and_gets_them_back() {
        let places = Places::up_to(Limits { connections: 3, connections_per_uid: 2 });
        let activity = Activity::default();
        let first = places.take(1000, &activity).expect("free");
        let second = places.take(1000, &activity).expect("free");
        assert!(places.take(1000, &activity).is_none(), "its share is taken");
        assert!(places.take(1001, &Activity::default()).is_some(), "another user has its own");
        drop(first);
        assert!(places.take(1000, &activity).is_some(), "one was given back");
        assert_eq!(activity.idle_since(), None);
        drop(second);
        assert_eq!(activity.idle_since(), Some(3));
    }
}
