//! What may follow in a chain that is taken over from another node: pure, line by line, each refusal with its exact reason.

use std::borrow::Cow;

use serde::Deserialize;

use super::head::Head;
use super::line::LINE_BYTES_MAX;
use crate::model::name::NodeName;

/// What a reader needs of a line to take it over.
#[derive(Deserialize)]
struct Taken<'a> {
    #[serde(default = "first_format")]
    v: u8,
    seq: u64,
    #[serde(borrow)]
    prev: Cow<'a, str>,
    #[serde(borrow)]
    node: Cow<'a, str>,
}

/// Lines of before formats had a number are of the first.
fn first_format() -> u8 {
    1
}

/// The text of a line as a node writes it: it begins with its format or its number, and nothing in it ends a line or moves a
/// terminal. What is JSON all the same could be read as something else where lines stand beside other records, or be
/// passed over by who looks for text.
fn as_written(line: &[u8]) -> Option<&str> {
    let begins = [&b"{\"v\":"[..], b"{\"seq\":"].iter().any(|begin| line.starts_with(begin));
    let is_plain = line.iter().all(|byte| *byte >= b' ');
    std::str::from_utf8(line).ok().filter(|_| begins && is_plain)
}

/// The end of a chain as it is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Its last line.
    pub head: Head,
    /// The format of that line; 0 before the first.
    pub format: u8,
}

impl Tip {
    /// Behind a line of which nothing else is known.
    #[must_use]
    pub fn behind(head: Head) -> Self {
        Self { head, format: 0 }
    }

    /// The tip once this line (without newline) of this node follows.
    ///
    /// # Errors
    /// [`Misfit`] says why it does not follow.
    pub fn follow(&self, node: &NodeName, line: &[u8]) -> Result<Self, Misfit> {
        let expected = self.head.next_seq();
        if line.len() > LINE_BYTES_MAX {
            return Err(Misfit::TooLong { seq: expected });
        }
        let none = || Misfit::NotALine { seq: expected };
        let text = as_written(line).ok_or_else(none)?;
        let taken: Taken<'_> = serde_json::from_str(text).map_err(|_| none())?;
        if taken.seq != expected {
            return Err(Misfit::OutOfOrder { expected, found: taken.seq });
        }
        if taken.prev != self.head.hex() {
            return Err(Misfit::OtherPast { seq: expected });
        }
        if taken.node != node.as_str() {
            // A name of another node is told as it is; what is no name at all is not repeated.
            return Err(Misfit::OtherNode { seq: expected, found: NodeName::parse(&taken.node).ok() });
        }
        if taken.v < self.format {
            return Err(Misfit::OlderFormat { seq: expected, before: self.format, found: taken.v });
        }
        Ok(Self { head: Head::of_line(taken.seq, line), format: taken.v })
    }

    /// The tip once all these lines follow, each with its newline.
    ///
    /// # Errors
    /// [`Misfit`] of the first that does not follow; none is taken then.
    pub fn follow_all(&self, node: &NodeName, lines: &[u8]) -> Result<Self, Misfit> {
        let mut tip = *self;
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            let cut = || Misfit::NotALine { seq: tip.head.next_seq() };
            tip = tip.follow(node, line.strip_suffix(b"\n").ok_or_else(cut)?)?;
        }
        Ok(tip)
    }
}

/// Why a line does not follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Longer than any line that was ever written.
    #[error("line {seq} is longer than a line can be")]
    TooLong {
        /// The number that belongs there.
        seq: u64,
    },
    /// Not JSON with what every line has, or without an end.
    #[error("line {seq} is not a line of a journal")]
    NotALine {
        /// The number that belongs there.
        seq: u64,
    },
    /// A number is missing, doubled or out of order.
    #[error("number {found} stands where {expected} belongs")]
    OutOfOrder {
        /// The number that belongs there.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
    /// It names another line before it than there is.
    #[error(
        "line {seq} does not follow the line before it: one of the two was altered, or the journal was forked there"
    )]
    OtherPast {
        /// Its number.
        seq: u64,
    },
    /// It is of another node's journal.
    #[error("line {seq} is not of this node's journal{}", of(found.as_ref()))]
    OtherNode {
        /// Its number.
        seq: u64,
        /// Whose journal it says it is of, if that is a name.
        found: Option<NodeName>,
    },
    /// It is of an earlier format than the line before it.
    #[error("line {seq} is of format {found} behind lines of format {before}: lines were relabelled")]
    OlderFormat {
        /// Its number.
        seq: u64,
        /// The format of the line before.
        before: u8,
        /// Its format.
        found: u8,
    },
}

fn of(found: Option<&NodeName>) -> String {
    found.map(|node| format!(" but of that of {node}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn genesis() -> Tip {
        Tip::behind(Head::GENESIS)
    }

    fn told(change: impl Fn(&mut Vec<String>)) -> Misfit {
        let mut lines = sample::lines(4);
        change(&mut lines);
        genesis().follow_all(&sample::node(), lines.concat().as_bytes()).expect_err("refused")
    }

    #[test]
    fn a_chain_is_taken_in_pieces_and_ends_where_its_last_line_does() {
        let lines = sample::lines(4);
        let half = genesis().follow_all(&sample::node(), lines[..2].concat().as_bytes()).expect("follows");
        let whole = half.follow_all(&sample::node(), lines[2..].concat().as_bytes()).expect("follows");
        assert_eq!(whole.head, Head::of_line(4, lines[3].trim_end().as_bytes()));
        assert_eq!((half.head.seq, whole.format), (2, 2));
        assert_eq!(whole.follow_all(&sample::node(), b""), Ok(whole), "nothing follows everything");
    }

    #[test]
    fn what_does_not_follow_is_refused_with_its_number_and_reason() {
        assert_eq!(told(|lines| drop(lines.remove(1))), Misfit::OutOfOrder { expected: 2, found: 3 });
        assert_eq!(told(|lines| lines.insert(1, lines[0].clone())), Misfit::OutOfOrder { expected: 2, found: 1 });
        assert_eq!(told(|lines| lines.swap(1, 2)), Misfit::OutOfOrder { expected: 2, found: 3 });
        let edit = |lines: &mut Vec<String>| lines[1] = lines[1].replace("user:1000", "user:1001");
        assert_eq!(told(edit), Misfit::OtherPast { seq: 3 });
        assert_eq!(told(|lines| lines[2] = "{}\n".to_owned()), Misfit::NotALine { seq: 3 });
        assert_eq!(told(|lines| lines[3].truncate(40)), Misfit::NotALine { seq: 4 });
        assert_eq!(told(|lines| lines[3] = lines[3].trim_end().to_owned()), Misfit::NotALine { seq: 4 });
        let long = |lines: &mut Vec<String>| lines[3] = format!("{}\n", "x".repeat(LINE_BYTES_MAX + 1));
        assert_eq!(told(long), Misfit::TooLong { seq: 4 });
        let relabel = |lines: &mut Vec<String>| lines[3] = lines[3].replace("\"v\":2,", "");
        assert_eq!(told(relabel), Misfit::OlderFormat { seq: 4, before: 2, found: 1 });
        let other = |lines: &mut Vec<String>| lines[3] = lines[3].replace("vengeance", "runpod");
        let runpod = NodeName::parse("runpod").expect("name");
        assert_eq!(told(other), Misfit::OtherNode { seq: 4, found: Some(runpod) });
        let hostile = |lines: &mut Vec<String>| lines[3] = lines[3].replace("\"vengeance\"", "\"\\u001b[31m\"");
        assert_eq!(told(hostile).to_string(), "line 4 is not of this node's journal");
    }

    #[test]
    fn what_is_json_and_could_be_read_as_something_else_is_no_line() {
        let line = |seq: &str| format!("{seq},\"prev\":\"{}\",\"node\":\"vengeance\"", Head::GENESIS.hex());
        let first = line("\"seq\":1");
        let follows = |text: Vec<u8>| genesis().follow(&sample::node(), &text).map(|tip| tip.head.seq);
        assert_eq!(follows(format!("{{{first}}}").into_bytes()), Ok(1));
        for odd in [
            format!("{{\"journal\":{{\"node\":\"aurora\"}},{first}}}"),
            format!("{{\"seal\":{{}},{first}}}"),
            format!("{{\"tombstone\":{{}},{first}}}"),
            format!(" {{{first}}}"),
            format!("{{{first},\r\"reason\":\"a\"}}"),
        ] {
            assert_eq!(follows(odd.clone().into_bytes()), Err(Misfit::NotALine { seq: 1 }), "{odd}");
        }
        let mut torn = format!("{{{first},\"reason\":\"").into_bytes();
        torn.extend([0xff, b'"', b'}']);
        assert_eq!(follows(torn), Err(Misfit::NotALine { seq: 1 }));
    }

    #[test]
    fn lines_of_before_formats_had_numbers_are_followed_by_newer_ones() {
        let mut head = Head::GENESIS;
        let mut old = |line: &str| {
            let line = line.replace("\"v\":2,", "").replace("PREV", &head.hex());
            head = Head::of_line(head.next_seq(), line.as_bytes());
            format!("{line}\n")
        };
        let lines = [1, 2].map(|seq| old(&format!("{{\"seq\":{seq},\"prev\":\"PREV\",\"node\":\"vengeance\"}}")));
        let tip = genesis().follow_all(&sample::node(), lines.concat().as_bytes()).expect("follows");
        assert_eq!((tip.head, tip.format), (head, 1));
    }
}
