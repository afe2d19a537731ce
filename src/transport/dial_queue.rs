//! Dials that wait for a place among the handshakes, each until its client gives up.
//!
//! It is fair between those who dial. Sources have their turns one after another, and once the queue is full, room is made
//! where most wait: whoever floods the lead from one address waits behind its own dials, and keeps nobody else out. One
//! source alone may use all the room there is. Pure: the time is given.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use tokio::time::Instant;

/// The bits of an IPv6 address that name a network: whoever has one address of a /64 has them all (RFC 4291 section 2.5.4).
const NETWORK_BITS: u128 = u128::MAX << 64;

/// The dials, by where they come from.
#[derive(Debug)]
pub(super) struct DialQueue<D> {
    /// The dials of each source, oldest first. A source without any is not in here.
    lines: BTreeMap<Source, VecDeque<(Instant, D)>>,
    /// Every source of `lines` once. The first is served next.
    turns: VecDeque<Source>,
    /// Dials in all lines together.
    waiting: usize,
    most: usize,
    patience: Duration,
}

/// The dial whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn<D> {
    /// Its handshake may take until then.
    Begin(Instant, D),
    /// Its client has given up by now.
    Late(D),
}

impl<D> DialQueue<D> {
    /// An empty queue for at most so many, whose clients have so much patience each.
    pub(super) fn new(most: usize, patience: Duration) -> Self {
        Self { lines: BTreeMap::new(), turns: VecDeque::new(), waiting: 0, most, patience }
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Puts a dial behind all others of its source. Gives back the dial for which there is no room then, if there is one: the
    /// newest of the source that has most waiting, or the newcomer, if its own source would have as many as that.
    #[must_use]
    pub(super) fn push(&mut self, address: IpAddr, dial: D, now: Instant) -> Option<D> {
        let source = Source::of(address);
        let mut displaced = None;
        if self.waiting >= self.most {
            displaced = self.make_room_for(source);
            if displaced.is_none() {
                return Some(dial);
            }
        }
        let line = self.lines.entry(source).or_default();
        if line.is_empty() {
            self.turns.push_back(source);
        }
        line.push_back((now + self.patience, dial));
        self.waiting += 1;
        displaced
    }

    /// Takes the oldest dial of the source whose turn it is; that source is the last in turn then. A late dial is no turn.
    pub(super) fn next(&mut self, now: Instant) -> Option<Turn<D>> {
        let source = self.turns.pop_front()?;
        let mut line = self.lines.remove(&source)?;
        let (until, dial) = line.pop_front()?;
        self.waiting -= 1;
        let is_late = until <= now;
        if !line.is_empty() {
            self.lines.insert(source, line);
            if is_late {
                self.turns.push_front(source);
            } else {
                self.turns.push_back(source);
            }
        }
        Some(if is_late { Turn::Late(dial) } else { Turn::Begin(until, dial) })
    }

    /// Takes out the newest dial of the source that has most, unless the newcomer's would have as many with one more. Two are
    /// there at least, so no source loses its only dial.
    fn make_room_for(&mut self, newcomer: Source) -> Option<D> {
        let with_one_more = self.lines.get(&newcomer).map_or(0, VecDeque::len) + 1;
        let longest = self.lines.values_mut().max_by_key(|line| line.len())?;
        if longest.len() <= with_one_more {
            return None;
        }
        let (_, dial) = longest.pop_back()?;
        self.waiting -= 1;
        Some(dial)
    }
}

/// Of things by where they come from, oldest first, the place of the one that goes when there is one too many: the oldest of
/// the source that has most.
pub(super) fn surplus(addresses: impl Iterator<Item = IpAddr>) -> Option<usize> {
    let mut of_sources: BTreeMap<Source, (usize, usize)> = BTreeMap::new();
    for (place, address) in addresses.enumerate() {
        of_sources.entry(Source::of(address)).or_insert((0, place)).0 += 1;
    }
    let (_, oldest) = of_sources.into_values().max_by_key(|(count, oldest)| (*count, Reverse(*oldest)))?;
    Some(oldest)
}

/// Whom a dial counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Source(IpAddr);

impl Source {
    /// An IPv4 address counts by itself, also where a socket for both kinds shows it as one of IPv6.
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(IpAddr::V4(address)),
            IpAddr::V6(address) => Self(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK_BITS))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn source(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    /// All that wait, in the order in which they are served.
    fn served<D>(queue: &mut DialQueue<D>, now: Instant) -> Vec<D> {
        std::iter::from_fn(|| queue.next(now))
            .map(|turn| match turn {
                Turn::Begin(_, dial) | Turn::Late(dial) => dial,
            })
            .collect()
    }

    #[test]
    fn dials_of_one_source_have_their_turn_in_order_and_none_that_nobody_waits_for_any_more() {
        let (mut queue, begun) = (DialQueue::new(2, PATIENCE), Instant::now());
        assert!(queue.is_empty());
        assert_eq!(queue.push(source(1), "first", begun), None);
        assert_eq!(queue.push(source(1), "second", begun + PATIENCE / 2), None);
        assert!(!queue.is_empty());
        assert_eq!(queue.next(begun + PATIENCE), Some(Turn::Late("first")));
        assert_eq!(queue.next(begun + PATIENCE), Some(Turn::Begin(begun + PATIENCE / 2 + PATIENCE, "second")));
        assert_eq!(queue.next(begun), None);
        assert!(queue.is_empty());
    }

    #[test]
    fn sources_have_their_turns_one_after_another() {
        let (mut queue, now) = (DialQueue::new(8, PATIENCE), Instant::now());
        for (number, dial) in [(1, "a1"), (1, "a2"), (1, "a3"), (2, "b1"), (3, "c1"), (2, "b2")] {
            assert_eq!(queue.push(source(number), dial, now), None);
        }
        assert_eq!(queue.next(now), Some(Turn::Begin(now + PATIENCE, "a1")));
        assert_eq!(queue.push(source(4), "d1", now), None);
        assert_eq!(served(&mut queue, now), ["b1", "c1", "a2", "d1", "b2", "a3"]);
        assert!(queue.is_empty());
        assert_eq!(queue.push(source(2), "b3", now), None);
        assert_eq!(served(&mut queue, now), ["b3"], "who was served to the end begins anew");
    }

    #[test]
    fn a_late_dial_does_not_cost_its_source_the_turn() {
        let (mut queue, begun) = (DialQueue::new(8, PATIENCE), Instant::now());
        for (number, dial, at) in [(1, "a1", begun), (2, "b1", begun + PATIENCE), (1, "a2", begun + PATIENCE)] {
            assert_eq!(queue.push(source(number), dial, at), None);
        }
        let later = begun + PATIENCE;
        assert_eq!(queue.next(later), Some(Turn::Late("a1")));
        assert_eq!(queue.next(later), Some(Turn::Begin(later + PATIENCE, "a2")));
        assert_eq!(queue.next(later), Some(Turn::Begin(later + PATIENCE, "b1")));
    }

    /// Whoever came first with a thousand dials kept everybody else out for as long as it went on.
    #[test]
    fn a_flood_of_one_source_keeps_nobody_out_and_has_itself_to_wait() {
        let (mut queue, now) = (DialQueue::new(4, PATIENCE), Instant::now());
        for dial in ["a1", "a2", "a3", "a4"] {
            assert_eq!(queue.push(source(1), dial, now), None, "one source may use all there is");
        }
        assert_eq!(queue.push(source(1), "a5", now), Some("a5"));
        assert_eq!(queue.push(source(2), "b1", now), Some("a4"), "its newest makes room");
        assert_eq!(queue.push(source(1), "a6", now), Some("a6"), "it still has most");
        assert_eq!(queue.push(source(2), "b2", now), Some("a3"));
        assert_eq!(queue.push(source(2), "b3", now), Some("b3"), "nobody has more than it would");
        assert_eq!(queue.push(source(3), "c1", now), Some("b2"), "of two with as many, one makes room");
        assert_eq!(served(&mut queue, now), ["a1", "b1", "c1", "a2"]);
    }

    #[test]
    fn the_only_dial_of_a_source_is_never_taken_from_it() {
        let (mut queue, now) = (DialQueue::new(2, PATIENCE), Instant::now());
        assert_eq!(queue.push(source(1), "a1", now), None);
        assert_eq!(queue.push(source(2), "b1", now), None);
        assert_eq!(queue.push(source(3), "c1", now), Some("c1"));
        assert_eq!(queue.next(now), Some(Turn::Begin(now + PATIENCE, "a1")));
        assert_eq!(queue.push(source(3), "c2", now), None, "there is room again");
        assert_eq!(served(&mut queue, now), ["b1", "c2"]);
    }

    #[test]
    fn a_network_of_ipv6_is_one_source_and_an_address_of_ipv4_is_one_however_it_is_shown() {
        let (one, other) = (Source::of(address("2001:db8:0:1::1")), Source::of(address("2001:db8:0:1:ffff::2")));
        assert_eq!(one, other);
        assert_ne!(one, Source::of(address("2001:db8:0:2::1")), "another /64");
        let shown = Source::of(address("::ffff:192.0.2.1"));
        assert_eq!(shown, Source::of(source(1)));
        assert_ne!(shown, Source::of(address("::ffff:192.0.2.2")));
        let (mut queue, now) = (DialQueue::new(2, PATIENCE), Instant::now());
        assert_eq!(queue.push(address("2001:db8:0:1::1"), 1, now), None);
        assert_eq!(queue.push(address("2001:db8:0:1::2"), 2, now), None);
        assert_eq!(queue.push(address("2001:db8:0:1::3"), 3, now), Some(3), "its own source has most");
        assert_eq!(queue.push(source(1), 4, now), Some(2));
    }

    #[test]
    fn one_too_many_is_the_oldest_of_those_that_crowd() {
        let from = |last: u8| IpAddr::from([192, 0, 2, last]);
        assert_eq!(surplus([1, 2, 3, 2, 3].map(from).into_iter()), Some(1));
        assert_eq!(surplus([1, 2, 3].map(from).into_iter()), Some(0), "nobody crowds: the oldest");
        assert_eq!(surplus(std::iter::empty()), None);
    }
}
