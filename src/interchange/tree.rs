//! What JSON and YAML have in common: a map of names to texts, or to maps, each with its line.

use super::entry::{ENTRIES_MAX, NAME_BYTES_MAX};
use super::error::{Problem, Reason};
use crate::crypto::plaintext::Plaintext;

/// Deepest nesting that is read. Three levels mean something; the rest is only so that the error can name its line.
pub(super) const DEPTH_MAX: usize = 16;

/// One value of a file, with the line it begins on.
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

/// What a value is.
pub(super) enum Kind {
    Text(Plaintext),
    /// Null, or nothing at all.
    Nothing,
    Map(Vec<Pair>),
    /// What would be a text in quotes: a number, true or false.
    NotText(&'static str),
    /// What no quotes would mend.
    NotAValue(&'static str),
}

/// One name of a map, and what stands under it.
pub(super) struct Pair {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) node: Node,
}

/// Counts the names of a file while it is read, so that a hostile one ends early.
#[derive(Default)]
pub(super) struct Count(usize);

impl Count {
    /// Takes one more name.
    ///
    /// # Errors
    /// [`Reason::TooManyEntries`], or [`Reason::UnprintableName`] for one that must not be shown.
    pub(super) fn take(&mut self, line: usize, name: &str) -> Result<(), Problem> {
        self.0 += 1;
        if self.0 > ENTRIES_MAX {
            return Err(Problem::new(line, Reason::TooManyEntries(ENTRIES_MAX)));
        }
        let is_printable = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(is_invisible);
        if is_printable { Ok(()) } else { Err(Problem::new(line, Reason::UnprintableName(NAME_BYTES_MAX))) }
    }
}

/// Control characters, and those that turn the direction of a line around.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A tree as tests compare it: values, names and lines.
#[cfg(test)]
pub(super) fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Text(text) => format!("{:?}", str::from_utf8(text.expose()).expect("text")),
        Kind::Nothing => "nothing".to_owned(),
        Kind::NotText(kind) | Kind::NotAValue(kind) => (*kind).to_owned(),
        Kind::Map(pairs) => {
            let pair = |pair: &Pair| format!("{}@{}={}", pair.name, pair.line, shown(&pair.node));
            format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(" "))
        }
    }
}
