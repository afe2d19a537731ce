//! What a masker looks for: the texts of values in one automaton (Aho and Corasick, 1975), and which texts those are.

use std::collections::VecDeque;

use crate::crypto::plaintext::Plaintext;

/// Shortest value that is masked. A shorter one stands in ordinary output by chance, and what is missing would tell it.
pub const MASKED_BYTES_MIN: usize = 4;

/// Shortest line of a value of several lines that is masked by itself: a program may print one of them, indented or
/// numbered, but short ones (a brace, `foo: 1`) stand in any output.
pub const LINE_BYTES_MIN: usize = 8;

/// Where nothing of any value is there yet.
pub(super) const ROOT: usize = 0;

/// The texts to look for.
pub struct Patterns {
    /// The byte that leads to each node; the bytes of the values are here and nowhere else.
    labels: Plaintext,
    /// For each byte, 1 if a value begins with it.
    begins: Plaintext,
    nodes: Vec<Node>,
    longest: usize,
}

/// One beginning of a value. Node 0 is the empty one, so as a link 0 means none.
#[derive(Debug, Clone, Copy, Default)]
struct Node {
    child: usize,
    sibling: usize,
    /// The longest other beginning that this one ends with.
    fallback: usize,
    depth: usize,
    /// The length of the longest value that this one ends with; 0 for none.
    ends: usize,
}

impl Patterns {
    /// Looks for values in the forms in which programs print them: as they are but for the white space around them, and
    /// those of several lines with either line break and line by line. The number is how many are too short for it.
    #[must_use]
    pub fn of_values<'a>(values: impl IntoIterator<Item = &'a Plaintext>) -> (Self, usize) {
        let (mut forms, mut short) = (Vec::new(), 0);
        for value in values {
            let text = value.expose().trim_ascii();
            if text.len() < MASKED_BYTES_MIN {
                short += usize::from(!text.is_empty());
                continue;
            }
            forms.push(Plaintext::new(text.to_vec()));
            if text.contains(&b'\n') {
                several_lines(text, &mut forms);
            }
        }
        (Self::exact(&forms), short)
    }

    /// Looks for exactly these texts.
    #[must_use]
    pub fn exact(texts: &[Plaintext]) -> Self {
        let room = texts.iter().map(Plaintext::len).sum::<usize>().saturating_add(1);
        let mut labels = Vec::with_capacity(room);
        labels.push(0);
        let mut patterns = Growing { labels, nodes: vec![Node::default()] };
        texts.iter().for_each(|text| patterns.add(text.expose()));
        patterns.finish(texts.iter().map(Plaintext::len).max().unwrap_or_default())
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.longest == 0
    }

    /// The length of the longest text.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Whether a text begins with this byte.
    pub(super) fn may_begin(&self, byte: u8) -> bool {
        self.begins.expose().get(usize::from(byte)).is_some_and(|begins| *begins != 0)
    }

    /// From one state to the next.
    pub(super) fn step(&self, state: usize, byte: u8) -> usize {
        next(&self.nodes, self.labels.expose(), state, byte)
    }

    /// How many of the last bytes may become part of a text.
    pub(super) fn depth(&self, state: usize) -> usize {
        self.nodes[state].depth
    }

    /// How many of the last bytes are a text; 0 for none.
    pub(super) fn ends(&self, state: usize) -> usize {
        self.nodes[state].ends
    }
}

/// The other forms of a value of several lines.
fn several_lines(text: &[u8], forms: &mut Vec<Plaintext>) {
    let lines = || text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let breaks = lines().count().saturating_sub(1);
    for line_break in [&b"\n"[..], b"\r\n"] {
        let length = lines().map(<[u8]>::len).sum::<usize>().saturating_add(breaks.saturating_mul(line_break.len()));
        let mut form = Vec::with_capacity(length);
        for (number, line) in lines().enumerate() {
            form.extend_from_slice(if number == 0 { b"" } else { line_break });
            form.extend_from_slice(line);
        }
        forms.push(Plaintext::new(form));
    }
    // The frame of a PEM file is the same in all of them (RFC 7468), and no secret.
    let telling = lines().map(<[u8]>::trim_ascii).filter(|line| line.len() >= LINE_BYTES_MIN);
    forms.extend(telling.filter(|line| !is_frame(line)).map(|line| Plaintext::new(line.to_vec())));
}

/// `-----BEGIN …-----` and `-----END …-----`, and nothing that only begins like them.
fn is_frame(line: &[u8]) -> bool {
    let label = [&b"-----BEGIN "[..], b"-----END "].into_iter().find_map(|start| line.strip_prefix(start));
    let label = label.and_then(|rest| rest.strip_suffix(b"-----"));
    label.is_some_and(|label| {
        label.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ')
    })
}

/// The automaton while it is put together. Its labels have room for all, so that no copy of them is left behind.
struct Growing {
    labels: Vec<u8>,
    nodes: Vec<Node>,
}

impl Growing {
    fn add(&mut self, text: &[u8]) {
        let mut at = ROOT;
        for &byte in text {
            let known = child(&self.nodes, &self.labels, at, byte);
            at = if known == ROOT { self.grow(at, byte) } else { known };
        }
        self.nodes[at].ends = text.len();
    }

    fn grow(&mut self, at: usize, byte: u8) -> usize {
        let new = self.nodes.len();
        self.nodes.push(Node { sibling: self.nodes[at].child, depth: self.nodes[at].depth + 1, ..Node::default() });
        self.labels.push(byte);
        self.nodes[at].child = new;
        new
    }

    /// Links each beginning to the longest other one that it ends with, the shorter before the longer.
    fn finish(mut self, longest: usize) -> Patterns {
        let mut begins = vec![0; 256];
        let mut next_up = VecDeque::from([ROOT]);
        while let Some(parent) = next_up.pop_front() {
            let mut at = self.nodes[parent].child;
            while at != ROOT {
                let byte = self.labels[at];
                if parent == ROOT {
                    begins[usize::from(byte)] = 1;
                } else {
                    self.nodes[at].fallback = next(&self.nodes, &self.labels, self.nodes[parent].fallback, byte);
                }
                if self.nodes[at].ends == 0 {
                    self.nodes[at].ends = self.nodes[self.nodes[at].fallback].ends;
                }
                next_up.push_back(at);
                at = self.nodes[at].sibling;
            }
        }
        let (labels, begins) = (Plaintext::new(self.labels), Plaintext::new(begins));
        Patterns { labels, begins, nodes: self.nodes, longest }
    }
}

fn next(nodes: &[Node], labels: &[u8], state: usize, byte: u8) -> usize {
    let mut state = state;
    loop {
        let onward = child(nodes, labels, state, byte);
        if onward != ROOT || state == ROOT {
            return onward;
        }
        state = nodes[state].fallback;
    }
}

fn child(nodes: &[Node], labels: &[u8], state: usize, byte: u8) -> usize {
    let mut at = nodes[state].child;
    while at != ROOT && labels[at] != byte {
        at = nodes[at].sibling;
    }
    at
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::mask::Masker;
    use super::*;

    fn masked(value: &str, text: &str) -> String {
        let (patterns, _) = Patterns::of_values([&Plaintext::new(value.as_bytes().to_vec())]);
        let mut masker = Masker::new(Arc::new(patterns));
        let mut out = masker.feed(text.as_bytes());
        out.extend(masker.finish());
        String::from_utf8(out).expect("text").replace(super::super::mask::CONCEALED, "*")
    }

    #[test]
    fn a_value_that_is_too_short_is_counted_and_not_looked_for() {
        let values = ["abc", " \n", "", "abcd", "xy\n"].map(|text| Plaintext::new(text.as_bytes().to_vec()));
        let (patterns, short) = Patterns::of_values(&values);
        assert_eq!((patterns.longest(), patterns.is_empty(), short), (4, false, 2));
        assert!(Patterns::of_values([]).0.is_empty());
    }

    #[test]
    fn the_line_break_at_the_end_of_a_value_need_not_be_printed() {
        assert_eq!(masked("sk-not-real\n", "it is sk-not-real."), "it is *.");
    }

    #[test]
    fn a_value_of_several_lines_is_found_whole_with_either_break_and_line_by_line() {
        let key = "-----BEGIN KEY-----\nbm90IGEgcmVhbCBrZXk\naGVyZSBuZWl0aGVy\nab\n-----END KEY-----\n";
        assert_eq!(masked(key, &format!("<{key}>")), "<*\n>");
        assert_eq!(masked(key, &key.replace('\n', "\r\n")), "*\r\n");
        assert_eq!(masked(&key.replace('\n', "\r\n"), key), "*\n");
        assert_eq!(masked(key, "1: bm90IGEgcmVhbCBrZXk\n2: aGVyZSBuZWl0aGVy\n3: ab"), "1: *\n2: *\n3: ab");
        assert_eq!(masked(key, "-----BEGIN KEY-----"), "-----BEGIN KEY-----");
        let odd = "first-line-of-it\n-----not-a-frame-but-a-secret";
        assert_eq!(masked(odd, "2: -----not-a-frame-but-a-secret"), "2: *");
    }
}
