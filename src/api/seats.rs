//! How many connections there may be: in all, of one user, and the few kept back so that `/health` is always answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::server::Limits;

/// Connections kept back for when the others are taken: enough for a few monitors and people, too few to matter.
const RESERVED: usize = 16;

/// Of those, for one user: a program that fills its own share must not take what is kept for others.
const RESERVED_PER_UID: usize = 4;

/// What a connection may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Everything.
    Open,
    /// One `/health`; anything else is told to come back later.
    Reserved,
}

/// All seats of both sockets.
#[derive(Debug)]
pub(super) struct Seats {
    limits: Limits,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    open: Counts,
    reserved: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_uid: HashMap<u32, usize>,
}

/// One seat; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    lane: Lane,
    uid: u32,
}

impl Seats {
    /// All seats free.
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, taken: Mutex::default() })
    }

    /// A seat for one connection of a user: an open one, else a reserved one, else none.
    pub(super) fn take(self: &Arc<Self>, uid: u32) -> Option<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = if taken.open.add(uid, self.limits.connections, self.limits.connections_per_uid) {
            Lane::Open
        } else if taken.reserved.add(uid, RESERVED, RESERVED_PER_UID) {
            Lane::Reserved
        } else {
            return None;
        };
        Some(Seat { seats: Arc::clone(self), lane, uid })
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
    pub(super) fn lane(&self) -> Lane {
        self.lane
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match self.lane {
            Lane::Open => taken.open.remove(self.uid),
            Lane::Reserved => taken.reserved.remove(self.uid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(connections: usize, connections_per_uid: usize) -> Arc<Seats> {
        Seats::new(Limits { connections, connections_per_uid, value_bytes_max: 1 })
    }

    #[test]
    fn a_user_beyond_its_share_gets_reserved_seats_and_then_none() {
        let seats = seats(10, 2);
        let mut held: Vec<Seat> = (0..6).filter_map(|_| seats.take(1000)).collect();
        let lanes: Vec<Lane> = held.iter().map(Seat::lane).collect();
        assert_eq!(lanes[..2], [Lane::Open; 2]);
        assert_eq!(lanes[2..], [Lane::Reserved; 4]);
        assert!(seats.take(1000).is_none());
        assert_eq!(seats.take(1001).expect("another user").lane(), Lane::Open);
        held.remove(0);
        assert_eq!(seats.take(1000).expect("one was given back").lane(), Lane::Open);
    }

    #[test]
    fn when_all_seats_are_taken_others_still_find_a_reserved_one() {
        let seats = seats(3, 3);
        let held: Vec<Seat> = (0..7).filter_map(|_| seats.take(1000)).collect();
        assert_eq!(held.len(), 7);
        assert_eq!(seats.take(1001).expect("kept back").lane(), Lane::Reserved);
        drop(held);
        assert!(seats.taken.lock().expect("lock").open.by_uid.is_empty());
    }
}
