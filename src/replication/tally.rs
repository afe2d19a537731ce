//! The lead's book of requests that nodes counted, by bucket: what all nodes but one counted is told to that one.
//!
//! A node's count of a bucket replaces what it said before. What was said becomes too old by itself, second by second, so
//! a node that is gone stops counting within a minute.

use std::collections::{BTreeMap, HashMap};

use crate::model::name::NodeName;
use crate::model::usage::{Bucket, Window};

/// Most counts in the book, over all nodes and buckets. At 350 bytes each it comes to 35 MB; beyond it counts are not
/// taken, and the limits of those buckets hold on each node by itself.
pub const COUNTS_MAX: usize = 100_000;

/// What nodes counted.
#[derive(Debug, Default)]
pub struct TallyBook {
    buckets: HashMap<Bucket, Counted>,
    counts: usize,
    swept: u64,
}

#[derive(Debug)]
struct Counted {
    total: Window,
    by_node: BTreeMap<NodeName, Window>,
}

impl TallyBook {
    /// A node counted this in a bucket. `false` when the book is full.
    pub fn note(&mut self, node: &NodeName, bucket: &Bucket, window: Window, now: u64) -> bool {
        self.sweep(now);
        let known = self.buckets.get(bucket).is_some_and(|counted| counted.by_node.contains_key(node));
        if !known && self.counts >= COUNTS_MAX {
            return false;
        }
        let counted = self.buckets.entry(bucket.clone());
        let counted = counted.or_insert_with(|| Counted { total: Window::new(now), by_node: BTreeMap::new() });
        counted.total.advance(now);
        if let Some(before) = counted.by_node.get(node) {
            counted.total.part(before);
        } else {
            self.counts = self.counts.saturating_add(1);
        }
        counted.total.join(&window);
        counted.by_node.insert(node.clone(), window);
        true
    }

    /// What every node but this one counted in a bucket.
    #[must_use]
    pub fn others(&self, node: &NodeName, bucket: &Bucket, now: u64) -> Window {
        let mut others = self.total(bucket, now);
        let own = self.buckets.get(bucket).and_then(|counted| counted.by_node.get(node));
        if let Some(own) = own {
            others.part(own);
        }
        others
    }

    /// What all nodes counted in a bucket.
    #[must_use]
    pub fn total(&self, bucket: &Bucket, now: u64) -> Window {
        let mut total = self.buckets.get(bucket).map_or_else(|| Window::new(now), |counted| counted.total.clone());
        total.advance(now);
        total
    }

    /// Whether a node's count of a bucket still says anything.
    #[must_use]
    pub fn holds(&self, node: &NodeName, bucket: &Bucket, now: u64) -> bool {
        let window = self.buckets.get(bucket).and_then(|counted| counted.by_node.get(node));
        window.is_some_and(|window| {
            let mut window = window.clone();
            window.advance(now);
            !window.is_empty()
        })
    }

    /// Forgets counts that say nothing any more, at most once a second.
    fn sweep(&mut self, now: u64) {
        if now <= self.swept {
            return;
        }
        self.swept = now;
        self.buckets.retain(|_, counted| {
            counted.by_node.retain(|_, window| {
                window.advance(now);
                !window.is_empty()
            });
            !counted.by_node.is_empty()
        });
        self.counts = self.buckets.values().map(|counted| counted.by_node.len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop, prop_assert_eq, proptest};

    use super::*;
    use crate::model::name::{AgentName, CompanyId};

    fn node(number: u8) -> NodeName {
        NodeName::parse(&format!("n{number}")).expect("name")
    }

    fn bucket(number: u8) -> Bucket {
        let company = CompanyId::parse(&format!("c{number}")).expect("name");
        Bucket::Agent(AgentName::parse("openclaw").expect("name"), Some(company))
    }

    fn counted(now: u64, count: u32) -> Window {
        Window::from_ages(now, &[count])
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
        /// Each node keeps its own window and reports it whole; the reference adds the windows that were reported last.
        #[test]
        fn a_node_hears_the_sum_of_what_the_others_said_last(
            steps in prop::collection::vec((0_u64..40, 0_u8..4, 0_u8..3, 1_u32..9), 1..80),
        ) {
            let (mut book, mut own, mut now) = (TallyBook::default(), BTreeMap::new(), 500_u64);
            for (passed, at, about, count) in steps {
                now += passed;
                let window = own.entry((at, about)).or_insert_with(|| Window::new(now));
                window.advance(now);
                window.add(count);
                prop_assert_eq!(book.note(&node(at), &bucket(about), window.clone(), now), true);
                for hears in 0..4 {
                    let others = own.iter().filter(|((at, what), _)| *at != hears && *what == about);
                    let expected: u64 = others.map(|(_, window)| {
                        let mut window = window.clone();
                        window.advance(now);
                        window.total()
                    }).sum();
                    prop_assert_eq!(book.others(&node(hears), &bucket(about), now).total(), expected);
                }
            }
        }
    }

    #[test]
    fn what_a_node_that_is_gone_counted_becomes_too_old() {
        let mut book = TallyBook::default();
        book.note(&node(1), &bucket(1), counted(100, 7), 100);
        assert!(book.holds(&node(1), &bucket(1), 159) && !book.holds(&node(1), &bucket(1), 160));
        assert_eq!((book.total(&bucket(1), 159).total(), book.total(&bucket(1), 160).total()), (7, 0));
        book.note(&node(2), &bucket(2), counted(200, 1), 200);
        assert_eq!((book.counts, book.buckets.len()), (1, 1));
    }

    #[test]
    fn a_full_book_takes_no_more_until_something_in_it_is_too_old() {
        let mut book = TallyBook::default();
        let numbered = |number: usize| {
            let company = CompanyId::parse(&format!("c{number}")).expect("name");
            Bucket::Agent(AgentName::parse("openclaw").expect("name"), Some(company))
        };
        for number in 0..COUNTS_MAX {
            assert!(book.note(&node(1), &numbered(number), counted(10, 1), 10));
        }
        assert!(!book.note(&node(1), &numbered(COUNTS_MAX), counted(11, 1), 11));
        assert!(book.note(&node(1), &numbered(0), counted(11, 2), 11), "what is known may change");
        assert!(book.note(&node(1), &numbered(COUNTS_MAX), counted(70, 1), 70));
    }
}
