//! From a tree of names and texts to entries: flat, `service/key_name`, or nested by service; and fields below a
//! secret.

use std::collections::hash_map::{self, HashMap};

use super::entry::{Content, Entry};
use super::error::{Problem, Reason};
use super::target::{FieldTag, Target};
use super::tree::{Kind, Node, Pair};
use crate::crypto::plaintext::Plaintext;
use crate::model::fields::FIELDS_MAX;
use crate::model::name::ServiceName;

/// Every entry of the tree.
///
/// # Errors
/// Every name and value that does not fit.
pub(super) fn entries(root: Node) -> Result<Vec<Entry>, Vec<Problem>> {
    let Kind::Map(pairs) = root.kind else { return Err(vec![Problem::new(root.line, Reason::NotAMap)]) };
    let mut shape = Shape { entries: Vec::with_capacity(pairs.len()), problems: names_twice(&pairs) };
    for pair in pairs {
        shape.top(pair);
    }
    if shape.problems.is_empty() { Ok(shape.entries) } else { Err(shape.problems) }
}

/// Names that are there twice, each with both lines.
pub(super) fn twice<'a>(names: impl Iterator<Item = (usize, &'a str)>) -> Vec<Problem> {
    let mut first_lines: HashMap<&str, usize> = HashMap::new();
    let mut problems = Vec::new();
    for (line, name) in names {
        match first_lines.entry(name) {
            hash_map::Entry::Vacant(place) => {
                place.insert(line);
            }
            hash_map::Entry::Occupied(first) => {
                let reason = Reason::NameTwice { name: name.to_owned(), first: *first.get() };
                problems.push(Problem::new(line, reason));
            }
        }
    }
    problems
}

fn names_twice(pairs: &[Pair]) -> Vec<Problem> {
    twice(pairs.iter().map(|pair| (pair.line, pair.name.as_str())))
}

struct Shape {
    entries: Vec<Entry>,
    problems: Vec<Problem>,
}

impl Shape {
    /// A variable, a secret, or a service with secrets below it.
    fn top(&mut self, pair: Pair) {
        let Pair { line, name, node } = pair;
        let target = Target::parse(&name).ok();
        match (node.kind, target) {
            (Kind::Map(pairs), None) if pairs.is_empty() => self.push(line, name, None, Content::Nothing),
            (Kind::Map(pairs), None) => self.service(line, &name, pairs),
            (kind, target) => self.secret(line, name, target, Node { line: node.line, kind }),
        }
    }

    fn service(&mut self, line: usize, name: &str, pairs: Vec<Pair>) {
        self.problems.extend(names_twice(&pairs));
        let service = match ServiceName::parse(name) {
            Ok(service) => service,
            Err(error) => return self.refuse(line, Reason::MapName(error.reason)),
        };
        for pair in pairs {
            match Target::parse(&format!("{service}/{}", pair.name)) {
                Ok(target) => self.secret(pair.line, target.to_string(), Some(target), pair.node),
                Err(error) => self.refuse(pair.line, Reason::KeyName(error)),
            }
        }
    }

    fn secret(&mut self, line: usize, raw_name: String, target: Option<Target>, node: Node) {
        match node.kind {
            Kind::Text(value) => self.push(line, raw_name, target, Content::Value(value)),
            Kind::Nothing => self.push(line, raw_name, target, Content::Nothing),
            Kind::Map(pairs) if pairs.is_empty() => self.push(line, raw_name, target, Content::Nothing),
            Kind::Map(pairs) => self.fields(line, raw_name, target, pairs),
            Kind::NotText(kind) => self.refuse(node.line, Reason::NotText(kind)),
            Kind::NotAValue(kind) => self.refuse(node.line, Reason::NotAValue(kind)),
        }
    }

    fn fields(&mut self, line: usize, raw_name: String, target: Option<Target>, pairs: Vec<Pair>) {
        self.problems.extend(names_twice(&pairs));
        if target.as_ref().is_some_and(|target| target.field.is_some()) {
            return self.refuse(line, Reason::TooDeep);
        }
        let mut fields: Vec<(FieldTag, Plaintext)> = Vec::new();
        for Pair { line, name, node } in pairs {
            if fields.len() >= FIELDS_MAX {
                return self.refuse(line, Reason::TooManyFields(FIELDS_MAX));
            }
            match (FieldTag::parse(&name), node.kind) {
                (Ok(tag), Kind::Text(_)) if fields.iter().any(|(earlier, _)| earlier.name == tag.name) => {
                    self.refuse(line, Reason::FieldTwice(tag.name));
                }
                (Ok(tag), Kind::Text(value)) => fields.push((tag, value)),
                (Ok(_), Kind::Nothing) => self.refuse(line, Reason::FieldWithoutValue),
                (Ok(_), Kind::Map(_)) => self.refuse(line, Reason::TooDeep),
                (Ok(_), Kind::NotText(kind)) => self.refuse(node.line, Reason::NotText(kind)),
                (Ok(_), Kind::NotAValue(kind)) => self.refuse(node.line, Reason::NotAValue(kind)),
                (Err(error), _) => self.refuse(line, Reason::FieldName(error)),
            }
        }
        self.push(line, raw_name, target, Content::Fields(fields));
    }

    fn push(&mut self, line: usize, raw_name: String, target: Option<Target>, content: Content) {
        self.entries.push(Entry { line, raw_name, target, content });
    }

    fn refuse(&mut self, line: usize, reason: Reason) {
        self.problems.push(Problem::new(line, reason));
    }
}
