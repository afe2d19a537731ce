//! Which of the lines that were found make up a page: the first so many after a place, in an order, however they come.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::name::NodeName;
use crate::model::time::Timestamp;

/// Which lines come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Those that were written last.
    Newest,
    /// Those that were written first.
    Oldest,
}

/// The place of a line among those of all journals. Ordered by time, then by node, chain and number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    time: Timestamp,
    node: NodeName,
    chain: u32,
    seq: u64,
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the cursor of a page")]
pub struct NotACursor;

impl Cursor {
    /// The place of a line; chain 0 is a node's own journal.
    pub(super) fn new(time: Timestamp, node: &NodeName, chain: Option<u32>, seq: u64) -> Self {
        Self { time, node: node.clone(), chain: chain.unwrap_or(0), seq }
    }

    /// Reads what [`fmt::Display`] wrote: `1795248000123.vengeance.1.42`.
    ///
    /// # Errors
    /// [`NotACursor`].
    pub fn parse(text: &str) -> Result<Self, NotACursor> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(NotACursor);
        let (time, node, chain, seq) = (next()?, next()?, next()?, next()?);
        let cursor = Self {
            time: Timestamp(time.parse().map_err(|_| NotACursor)?),
            node: NodeName::parse(node).map_err(|_| NotACursor)?,
            chain: chain.parse().map_err(|_| NotACursor)?,
            seq: seq.parse().map_err(|_| NotACursor)?,
        };
        // Each place has one spelling.
        if cursor.to_string() == text { Ok(cursor) } else { Err(NotACursor) }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}.{}", self.time.0, self.node, self.chain, self.seq)
    }
}

impl Order {
    /// Whether lines written between these times all come before a place.
    pub(super) fn is_past(self, first: Timestamp, last: Timestamp, after: &Cursor) -> bool {
        match self {
            Self::Newest => first > after.time,
            Self::Oldest => last < after.time,
        }
    }
}

/// The first lines so far.
pub(super) struct Selection {
    order: Order,
    most: usize,
    after: Option<Cursor>,
    lines: BTreeMap<Cursor, String>,
}

impl Selection {
    /// At most so many lines after a place.
    pub(super) fn new(order: Order, most: usize, after: Option<Cursor>) -> Self {
        Self { order, most, after, lines: BTreeMap::new() }
    }

    /// Whether a line of this time may still be one of them.
    pub(super) fn admits(&self, time: Timestamp) -> bool {
        let is_next = self.after.as_ref().is_none_or(|after| match self.order {
            Order::Newest => time <= after.time,
            Order::Oldest => time >= after.time,
        });
        is_next
            && self.worst().is_none_or(|worst| match self.order {
                Order::Newest => time >= worst,
                Order::Oldest => time <= worst,
            })
    }

    /// Whether no line between these times can be one of them any more, nor any after them in the order.
    pub(super) fn is_settled(&self, first: Timestamp, last: Timestamp) -> bool {
        self.worst().is_some_and(|worst| match self.order {
            Order::Newest => last < worst,
            Order::Oldest => first > worst,
        })
    }

    /// Takes a line in, if it is one of them.
    pub(super) fn take(&mut self, at: Cursor, line: &str) {
        let is_next = self.after.as_ref().is_none_or(|after| match self.order {
            Order::Newest => at < *after,
            Order::Oldest => at > *after,
        });
        if !is_next || !self.admits(at.time) {
            return;
        }
        self.lines.insert(at, line.to_owned());
        if self.lines.len() > self.most {
            match self.order {
                Order::Newest => self.lines.pop_first(),
                Order::Oldest => self.lines.pop_last(),
            };
        }
    }

    /// The first so many, the place of the last of these, and whether there are more.
    pub(super) fn finish(self, count: usize) -> (Vec<String>, Option<Cursor>, bool) {
        let more = self.lines.len() > count;
        let lines: Vec<(Cursor, String)> = match self.order {
            Order::Newest => self.lines.into_iter().rev().take(count).collect(),
            Order::Oldest => self.lines.into_iter().take(count).collect(),
        };
        let last = lines.last().map(|(at, _)| at.clone());
        (lines.into_iter().map(|(_, line)| line).collect(), last, more)
    }

    /// The time of the last of them, once there are enough.
    fn worst(&self) -> Option<Timestamp> {
        if self.lines.len() < self.most {
            return None;
        }
        let worst = match self.order {
            Order::Newest => self.lines.first_key_value(),
            Order::Oldest => self.lines.last_key_value(),
        };
        worst.map(|(at, _)| at.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: i64, seq: u64) -> Cursor {
        Cursor::new(Timestamp(time), &NodeName::parse("aurora").expect("name"), None, seq)
    }

    #[test]
    fn a_cursor_reads_back_as_it_prints_and_nothing_else_is_one() {
        let cursor = Cursor::new(Timestamp(-5), &NodeName::parse("run-pod").expect("name"), Some(3), 42);
        assert_eq!(cursor.to_string(), "-5.run-pod.3.42");
        assert_eq!(Cursor::parse("-5.run-pod.3.42"), Ok(cursor));
        for text in
            ["", "1", "1.a.1", "1.a.1.1.1", "+1.a.1.1", "1.A.1.1", "1.a.01.1", "1.a.1.x", "1.a.-1.1", "1.a.1.1 "]
        {
            assert_eq!(Cursor::parse(text), Err(NotACursor), "{text:?}");
        }
    }

    #[test]
    fn the_first_lines_after_a_place_are_kept_in_whatever_order_they_come() {
        for (order, wanted) in [(Order::Newest, ["4", "3"]), (Order::Oldest, ["6", "7"])] {
            let mut selection = Selection::new(order, 3, Some(at(50, 5)));
            for seq in [9, 1, 4, 5, 2, 8, 3, 7, 6] {
                selection.take(at(i64::try_from(seq).expect("small") * 10, seq), &seq.to_string());
            }
            let (lines, last, more) = selection.finish(2);
            assert_eq!(lines, wanted);
            assert_eq!(last.map(|at| at.seq.to_string()).as_deref(), wanted.last().copied());
            assert!(more);
        }
    }

    #[test]
    fn a_full_page_needs_nothing_that_comes_after_its_last_line() {
        let mut selection = Selection::new(Order::Newest, 2, None);
        selection.take(at(30, 3), "3");
        assert!(!selection.is_settled(Timestamp(0), Timestamp(1)) && selection.admits(Timestamp(0)));
        selection.take(at(20, 2), "2");
        assert!(
            selection.is_settled(Timestamp(0), Timestamp(19)) && !selection.is_settled(Timestamp(0), Timestamp(20))
        );
        assert!(!selection.admits(Timestamp(19)) && selection.admits(Timestamp(20)));
        let (_, _, more) = selection.finish(2);
        assert!(!more);
    }
}
