//! How many connections there may be: in all, of one user, and the few kept back so that whether the node is well is always
//! answered.
//!
//! A reserved seat goes to whoever came last: the oldest makes room, for whoever wanted to know has heard it by then.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Connections kept back for when the others are taken: enough for a few monitors and people, too few to matter.
const RESERVED: usize = 16;

/// Of those, for one user: a program that fills its own share must not take what is kept for others.
const RESERVED_PER_UID: usize = 4;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In all, over the sockets that share seats.
    pub connections: usize,
    /// Of one user.
    pub connections_per_uid: usize,
}

impl Default for Limits {
    /// 1024 and 256.
    fn default() -> Self {
        Self { connections: 1024, connections_per_uid: 256 }
    }
}

/// What a connection may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Everything.
    Open,
    /// One question whether the node is well; anything else is told to come back later.
    Reserved,
}

/// All seats of the sockets that share them.
#[derive(Debug)]
pub struct Seats {
    limits: Limits,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    open: Counts,
    /// Oldest first.
    reserved: VecDeque<Reserved>,
    /// Tells reserved seats apart.
    next: u64,
}

#[derive(Debug)]
struct Reserved {
    id: u64,
    uid: u32,
    evicted: CancellationToken,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_uid: HashMap<u32, usize>,
}

/// One seat; dropping it gives it back.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    uid: u32,
    reserved: Option<(u64, CancellationToken)>,
}

impl Seats {
    /// All seats free.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, taken: Mutex::default() })
    }

    /// As many others, all free.
    pub fn as_many(&self) -> Arc<Self> {
        Self::new(self.limits)
    }

    /// A seat for one connection of a user: an open one, else a reserved one, for which an older one may have to go.
    pub fn take(self: &Arc<Self>, uid: u32) -> Seat {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let open = taken.open.add(uid, self.limits.connections, self.limits.connections_per_uid);
        let reserved = (!open).then(|| taken.reserve(uid));
        Seat { seats: Arc::clone(self), uid, reserved }
    }
}

impl Taken {
    fn reserve(&mut self, uid: u32) -> (u64, CancellationToken) {
        let own = self.reserved.iter().filter(|seat| seat.uid == uid).count();
        let oldest = if own >= RESERVED_PER_UID {
            self.reserved.iter().position(|seat| seat.uid == uid)
        } else {
            (self.reserved.len() >= RESERVED).then_some(0)
        };
        if let Some(evicted) = oldest.and_then(|at| self.reserved.remove(at)) {
            evicted.evicted.cancel();
        }
        let (id, evicted) = (self.next, CancellationToken::new());
        self.next = self.next.wrapping_add(1);
        self.reserved.push_back(Reserved { id, uid, evicted: evicted.clone() });
        (id, evicted)
    }
}

impl Counts {
    fn add(&mut self, uid: u32, most: usize, most_of_one: usize) -> bool {
        let own = self.by_uid.get(&uid).copied().unwrap_or(0);
        if self.all >= most || own >= most_of_one {
            return false;
        }
        self.all += 1;
        self.by_uid.insert(uid, own + 1);
        true
    }

    fn remove(&mut self, uid: u32) {
        self.all = self.all.saturating_sub(1);
        if let Some(own) = self.by_uid.get_mut(&uid) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.by_uid.remove(&uid);
            }
        }
    }
}

impl Seat {
    /// What the connection may be used for.
    pub fn lane(&self) -> Lane {
        if self.reserved.is_none() { Lane::Open } else { Lane::Reserved }
    }

    /// Returns when a newer connection needs this seat; never for an open one.
    pub async fn evicted(&self) {
        match &self.reserved {
            Some((_, evicted)) => evicted.cancelled().await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match &self.reserved {
            None => taken.open.remove(self.uid),
            Some((id, _)) => taken.reserved.retain(|seat| seat.id != *id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(connections: usize, connections_per_uid: usize) -> Arc<Seats> {
        Seats::new(Limits { connections, connections_per_uid })
    }

    /// Whether the seat was taken back.
    fn is_evicted(seat: &Seat) -> bool {
        seat.reserved.as_ref().is_some_and(|(_, evicted)| evicted.is_cancelled())
    }

    #[test]
    fn a_user_beyond_its_share_gets_reserved_seats_and_the_newest_ones_count() {
        let seats = seats(10, 2);
        let mut held: Vec<Seat> = (0..8).map(|_| seats.take(1000)).collect();
        assert_eq!(held.iter().filter(|seat| seat.lane() == Lane::Open).count(), 2);
        let evicted: Vec<bool> = held.iter().map(is_evicted).collect();
        assert_eq!(evicted, [false, false, true, true, false, false, false, false]);
        assert_eq!(seats.take(1001).lane(), Lane::Open, "another user");
        held.remove(0);
        assert_eq!(seats.take(1000).lane(), Lane::Open, "one was given back");
    }

    #[test]
    fn when_all_seats_are_taken_others_still_find_a_reserved_one() {
        let seats = seats(3, 3);
        let crowd: Vec<Seat> = (0..40_u32).map(|user| seats.take(1000 + user)).collect();
        let newcomer = seats.take(5000);
        assert_eq!(newcomer.lane(), Lane::Reserved);
        assert!(!is_evicted(&newcomer));
        assert_eq!(
            crowd.iter().filter(|seat| seat.lane() == Lane::Reserved && !is_evicted(seat)).count(),
            RESERVED - 1
        );
        drop((crowd, newcomer));
        let taken = seats.taken.lock().expect("lock");
        assert!(taken.open.by_uid.is_empty() && taken.reserved.is_empty());
    }
}
