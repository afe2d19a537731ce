//! `use` statements, taken apart: one path per imported name.

use super::source::Source;

/// One imported name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// The line the statement starts on.
    pub(super) line: usize,
    /// `["crate", "model", "name", "NodeName"]`; a star is a segment.
    pub(super) path: Vec<String>,
    /// What it is called here.
    pub(super) name: String,
    /// Whether it is exported again.
    pub(super) public: bool,
}

/// Every name a file imports.
pub(super) fn imports(source: &Source) -> Vec<Import> {
    let lines: Vec<&str> = source.code.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let (visibility, rest) = split_visibility(line.trim_start());
        let Some(first) = rest.strip_prefix("use ") else { continue };
        let mut statement = first.to_owned();
        for next in lines.iter().skip(at + 1).take_while(|_| !first.contains(';')) {
            if statement.contains(';') {
                break;
            }
            statement.push_str(next);
        }
        let tree = statement.split(';').next().unwrap_or_default();
        for (path, name) in expand(tree) {
            found.push(Import { line: at + 1, path, name, public: visibility });
        }
    }
    found
}

/// `pub`, `pub(super)` and the rest.
fn split_visibility(line: &str) -> (bool, &str) {
    let Some(rest) = line.strip_prefix("pub") else { return (false, line) };
    let rest = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest);
    (true, rest.trim_start())
}

fn expand(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    let Some((prefix, group)) = tree.split_once('{') else {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        let path: Vec<String> = path.split("::").map(|segment| segment.trim().to_owned()).collect();
        let path: Vec<String> = path.into_iter().filter(|segment| !segment.is_empty()).collect();
        let own = path.iter().rev().find(|segment| *segment != "self").cloned().unwrap_or_default();
        return vec![(path, if alias.is_empty() { own } else { alias.trim().to_owned() })];
    };
    let inside = group.rsplit_once('}').map_or(group, |(inside, _)| inside);
    let members = split_members(inside).into_iter().filter(|member| !member.trim().is_empty());
    members.flat_map(|member| expand(&format!("{prefix}{}", member.trim()))).collect()
}

/// Splits at the commas that stand in no inner braces.
fn split_members(text: &str) -> Vec<&str> {
    let (mut members, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                members.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members.push(&text[start..]);
    members
}

/// Each place where `word::` starts a path, with its line and the rest of that line.
pub(super) fn path_starts<'a>(source: &'a Source, word: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    source.numbered().flat_map(move |(number, line)| {
        let starts = line.match_indices(word).filter(move |(at, _)| {
            let before = line[..*at].chars().next_back();
            let inside =
                before.is_some_and(|character| character.is_alphanumeric() || character == '_' || character == ':');
            !inside && line[at + word.len()..].starts_with("::")
        });
        starts.map(move |(at, _)| (number, &line[at..]))
    })
}

#[test]
fn a_use_tree_is_taken_apart() {
    let source =
        Source::new("src/x.rs", "use a::{b, c::{self, d as e},\n    f::*};\npub(super) use ::g;\nlet use_ = 1;\n");
    let names: Vec<(String, String, bool)> =
        imports(&source).into_iter().map(|import| (import.path.join("::"), import.name, import.public)).collect();
    let expected = [
        ("a::b", "b", false),
        ("a::c::self", "c", false),
        ("a::c::d", "e", false),
        ("a::f::*", "*", false),
        ("g", "g", true),
    ];
    assert_eq!(names, expected.map(|(path, name, public)| (path.to_owned(), name.to_owned(), public)));
}
