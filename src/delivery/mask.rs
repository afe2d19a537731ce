//! Values out of a program's output, while it flows.
//!
//! Every byte that is part of a value is concealed, also where two values overlap, and a run of such bytes becomes one
//! [`CONCEALED`]. What comes out depends on the text alone, never on the pieces in which it arrived: only bytes that may
//! still turn out to be the beginning of a value are held back, and those until the stream says more or ends. They are
//! never let go because nothing came for a while: a program that prints a value in two halves with a pause between
//! would have it seen.
//!
//! What it does not find: a value that the program changed before it printed it (base64, percent-encoding, escapes of
//! JSON, upper case, a line wrapped elsewhere).

use std::collections::VecDeque;
use std::sync::Arc;

use super::mask_patterns::{Patterns, ROOT};
use crate::crypto::plaintext::Plaintext;

/// What stands where a value was.
pub const CONCEALED: &str = "<concealed by aurora>";

/// One stream of output. The time it takes grows with the text and with the values, not with their product, and it
/// holds no more of the text than the longest value has bytes.
pub struct Masker {
    patterns: Arc<Patterns>,
    /// The longest beginning of a value that the text ends with.
    state: usize,
    held: VecDeque<u8>,
    /// How much of the text went out before what is held.
    gone: u64,
    /// What of the held text belongs to values: ranges of places in the text, in order, none touching another.
    covered: VecDeque<(u64, u64)>,
    /// Whether the last byte that went out was concealed.
    concealing: bool,
}

impl Masker {
    /// A stream that has not begun.
    #[must_use]
    pub fn new(patterns: Arc<Patterns>) -> Self {
        let held = VecDeque::with_capacity(patterns.longest().saturating_add(1));
        Self { patterns, state: ROOT, held, gone: 0, covered: VecDeque::new(), concealing: false }
    }

    /// Takes in what comes next, and gives what may go out now.
    #[must_use]
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if self.state == ROOT && self.held.is_empty() && !self.patterns.may_begin(byte) {
                self.gone += 1;
                self.concealing = false;
                out.push(byte);
                continue;
            }
            self.state = self.patterns.step(self.state, byte);
            self.held.push_back(byte);
            let end = self.gone + self.held.len() as u64;
            let ends = self.patterns.ends(self.state);
            if ends > 0 {
                self.cover(end - ends as u64, end);
            }
            self.release(self.patterns.depth(self.state), &mut out);
        }
        out
    }

    /// The end of the stream: all that was held back, except what belongs to a value.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.release(0, &mut out);
        out
    }

    /// From here on, other values are looked for, also in what is held. What was found of the old ones stays concealed.
    pub fn look_for(&mut self, patterns: Arc<Patterns>) {
        let room = patterns.longest().max(self.held.len()).saturating_add(1);
        let mut held = VecDeque::with_capacity(room);
        let mut covered: Vec<(u64, u64)> = self.covered.drain(..).collect();
        self.state = ROOT;
        for (end, &byte) in (self.gone + 1..).zip(&self.held) {
            held.push_back(byte);
            self.state = patterns.step(self.state, byte);
            covered.push((end - patterns.ends(self.state) as u64, end));
        }
        covered.retain(|(from, to)| from < to);
        covered.sort_unstable();
        self.patterns = patterns;
        wipe(std::mem::replace(&mut self.held, held));
        for (from, to) in covered {
            self.cover(from, to);
        }
    }

    /// Marks a range that ends no earlier than those before it, or lies within them.
    fn cover(&mut self, from: u64, to: u64) {
        let (mut from, mut to) = (from, to);
        while let Some((earlier, until)) = self.covered.pop_back_if(|(_, until)| *until >= from) {
            from = from.min(earlier);
            to = to.max(until);
        }
        self.covered.push_back((from, to));
    }

    /// Lets go of all but the last `keep` bytes.
    fn release(&mut self, keep: usize, out: &mut Vec<u8>) {
        while self.held.len() > keep
            && let Some(byte) = self.held.pop_front()
        {
            let is_covered = self.covered.front().is_some_and(|(from, _)| *from <= self.gone);
            self.gone += 1;
            if self.covered.front().is_some_and(|(_, to)| *to <= self.gone) {
                self.covered.pop_front();
            }
            match (is_covered, self.concealing) {
                (true, false) => out.extend_from_slice(CONCEALED.as_bytes()),
                (true, true) => {}
                (false, _) => out.push(byte),
            }
            self.concealing = is_covered;
        }
    }
}

impl Drop for Masker {
    fn drop(&mut self) {
        wipe(std::mem::take(&mut self.held));
    }
}

fn wipe(held: VecDeque<u8>) {
    drop(Plaintext::new(held.into()));
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Strategy, proptest};
    use proptest::sample::select;

    use super::*;

    fn patterns(values: &[&[u8]]) -> Arc<Patterns> {
        let values: Vec<Plaintext> = values.iter().map(|value| Plaintext::new(value.to_vec())).collect();
        Arc::new(Patterns::exact(&values))
    }

    /// In pieces of the given lengths, over and over.
    fn masked(values: &[&[u8]], text: &[u8], pieces: &[usize]) -> Vec<u8> {
        let mut masker = Masker::new(patterns(values));
        let (mut out, mut rest) = (Vec::new(), text);
        for length in pieces.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*length).clamp(1, rest.len()));
            out.extend(masker.feed(piece));
            rest = after;
        }
        out.extend(masker.finish());
        out
    }

    /// Which bytes of a text belong to values: each is looked at once for each value.
    fn coverage(values: &[&[u8]], text: &[u8]) -> Vec<bool> {
        let mut covered = vec![false; text.len()];
        for value in values.iter().filter(|value| !value.is_empty()) {
            for at in 0..text.len() {
                if text[at..].starts_with(value) {
                    covered[at..at + value.len()].fill(true);
                }
            }
        }
        covered
    }

    fn concealed(text: &[u8], covered: &[bool]) -> Vec<u8> {
        let mut out = Vec::new();
        for (at, &byte) in text.iter().enumerate() {
            match (covered[at], at > 0 && covered[at - 1]) {
                (true, false) => out.extend_from_slice(CONCEALED.as_bytes()),
                (true, true) => {}
                (false, _) => out.push(byte),
            }
        }
        out
    }

    fn text(of: &'static [u8], length: usize) -> impl Strategy<Value = Vec<u8>> {
        vec(select(of), 0..length)
    }

    proptest! {
        #[test]
        fn any_text_in_any_pieces_comes_out_as_if_it_had_come_at_once(
            values in vec(text(b"abc", 6), 0..6),
            text in text(b"abcx", 60),
            pieces in vec(1usize..7, 1..5),
        ) {
            let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            assert_eq!(masked(&values, &text, &pieces), concealed(&text, &coverage(&values, &text)));
        }

        #[test]
        fn values_that_are_learned_on_the_way_are_masked_from_there_on_and_the_old_ones_still(
            old in vec(text(b"abc", 5), 0..3),
            new in vec(text(b"abc", 5), 0..3),
            before in text(b"abcx", 30),
            after in text(b"abcx", 30),
        ) {
            let both: Vec<&[u8]> = old.iter().chain(&new).map(Vec::as_slice).collect();
            let old: Vec<&[u8]> = old.iter().map(Vec::as_slice).collect();
            let mut masker = Masker::new(patterns(&old));
            let mut out = masker.feed(&before);
            let held = masker.held.len();
            masker.look_for(patterns(&both));
            out.extend(masker.feed(&after));
            out.extend(masker.finish());

            let whole: Vec<u8> = before.iter().chain(&after).copied().collect();
            let known = before.len() - held;
            let mut covered = coverage(&old, &before);
            covered.resize(whole.len(), false);
            let late = coverage(&both, &whole[known..]);
            covered[known..].iter_mut().zip(late).for_each(|(covered, late)| *covered |= late);
            assert_eq!(out, concealed(&whole, &covered));
        }
    }

    #[test]
    fn a_value_is_concealed_wherever_the_pieces_break() {
        let text = b"key=sk-not-a-real-key; done";
        for at in 0..text.len() {
            let out = masked(&[b"sk-not-a-real-key"], text, &[at.max(1), text.len()]);
            assert_eq!(String::from_utf8_lossy(&out), "key=<concealed by aurora>; done", "broken at {at}");
        }
    }

    #[test]
    fn values_that_overlap_leave_nothing_of_either() {
        assert_eq!(masked(&[b"abcdef", b"defghi"], b"xabcdefghix", &[3]), b"x<concealed by aurora>x");
        assert_eq!(masked(&[b"abcd", b"bc"], b"abcx bcx", &[1]), b"a<concealed by aurora>x <concealed by aurora>x");
        assert_eq!(masked(&[b"aaaa"], b"aaaaaaaaaaab", &[2]), b"<concealed by aurora>b");
    }

    #[test]
    fn only_what_may_be_the_beginning_of_a_value_is_held_back() {
        let mut masker = Masker::new(patterns(&[b"secret"]));
        assert_eq!(masker.feed(b"Password: "), b"Password: ");
        assert_eq!(masker.feed(b"name? se"), b"name? ");
        assert_eq!(masker.feed(b"e"), b"see");
        assert_eq!(masker.feed(b"sec"), b"");
        assert_eq!(masker.finish(), b"sec", "at the end it was none");
    }

    #[test]
    fn a_value_at_the_very_end_is_concealed() {
        assert_eq!(masked(&[b"secret"], b"it is secret", &[100]), b"it is <concealed by aurora>");
    }

    #[test]
    fn learned_values_are_found_in_what_is_held_back() {
        let mut masker = Masker::new(patterns(&[b"sec-one"]));
        assert_eq!(masker.feed(b"x sec-"), b"x ");
        masker.look_for(patterns(&[b"sec-one", b"sec-two"]));
        assert_eq!(masker.feed(b"two sec-one"), b"<concealed by aurora> ");
        assert_eq!(masker.finish(), CONCEALED.as_bytes());
    }

    /// Values that are all prefixes of themselves once made the time grow with the product of text and value.
    #[test]
    fn ten_megabytes_of_the_worst_text_take_time_that_grows_with_the_text_alone() {
        let value = vec![b'a'; 64 << 10];
        let mut masker = Masker::new(patterns(&[&value]));
        let mut bytes = 0;
        for _ in 0..32 {
            bytes += masker.feed(&vec![b'a'; 64 << 10]).len();
        }
        assert_eq!(bytes + masker.finish().len(), CONCEALED.len());
    }
}
