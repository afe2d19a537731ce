//! One section of the file, read key by key: what was asked for is known, what is left over is a problem.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;

use toml::{Table, Value};

use super::error::Problem;

/// A section being read. Wrong values are noted and the default is given back, so that reading goes on to the next problem.
pub(super) struct Section<'a> {
    name: String,
    table: Table,
    asked: Vec<&'static str>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Section<'a> {
    /// Takes the section out of the file; an absent one reads as empty.
    pub(super) fn take(root: &mut Table, name: &'static str, problems: &'a mut Vec<Problem>) -> Self {
        let table = match root.remove(name) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                problems.push(Problem::new(name, is_a(&other), format!("write it as a section: [{name}]")));
                Table::new()
            }
        };
        Self::of(name.to_owned(), table, problems)
    }

    /// A section that was taken out already, under the name that its problems are told with.
    pub(super) fn of(name: String, table: Table, problems: &'a mut Vec<Problem>) -> Self {
        Self { name, table, asked: Vec::new(), problems }
    }

    /// Whether a problem with one key was noted.
    pub(super) fn refused(&self, key: &str) -> bool {
        let whole = format!("{}.{key}", self.name);
        self.problems.iter().any(|problem| problem.key == whole)
    }

    /// Ends a section of which it is not known what it may hold.
    pub(super) fn set_aside(self) {}

    /// Whether the file has the key, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Notes a problem with one key.
    pub(super) fn refuse(&mut self, key: &str, what: impl Display, right: &str) {
        self.problems.push(Problem::new(format!("{}.{key}", self.name), what.to_string(), right));
    }

    /// A text, made into something; `None` if it is absent or wrong.
    pub(super) fn text<T, E: Display>(
        &mut self,
        key: &'static str,
        right: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let read = as_text(self.value(key)?).and_then(|text| parse(&text).map_err(|error| error.to_string()));
        read.map_err(|error| self.refuse(key, error, right)).ok()
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, key: &'static str, default: usize, bounds: RangeInclusive<usize>) -> usize {
        let right = format!("write a whole number from {} to {}", bounds.start(), bounds.end());
        match self.value(key) {
            None => default,
            Some(Value::Integer(number)) => match usize::try_from(number).ok().filter(|it| bounds.contains(it)) {
                Some(number) => number,
                None => {
                    self.refuse(key, format_args!("{number} is out of bounds"), &right);
                    default
                }
            },
            Some(other) => {
                self.refuse(key, is_a(&other), &right);
                default
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        match self.value(key) {
            None => default,
            Some(Value::Boolean(flag)) => flag,
            Some(other) => {
                self.refuse(key, is_a(&other), "write true or false");
                default
            }
        }
    }

    /// A list of texts, each checked; absent is empty.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        right: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Vec<String> {
        let items = match self.value(key) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.refuse(key, is_a(&other), right);
                return Vec::new();
            }
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match as_text(item).and_then(|text| check(&text).map(|()| text)) {
                Ok(text) => texts.push(text),
                Err(error) => self.refuse(key, format_args!("an item {error}"), right),
            }
        }
        texts
    }

    /// A section of names that the file makes up: each pair is read, and those that cannot be are problems.
    pub(super) fn pairs<K: Ord, V>(
        mut self,
        right: &str,
        read: impl Fn(&str, &str) -> Result<(K, V), String>,
    ) -> BTreeMap<K, V> {
        let mut pairs = BTreeMap::new();
        for (key, value) in std::mem::take(&mut self.table) {
            match as_text(value).and_then(|text| read(&key, &text)) {
                Ok((name, value)) => drop(pairs.insert(name, value)),
                Err(error) => self.refuse(&key.escape_debug().to_string(), error, right),
            }
        }
        pairs
    }

    /// Ends the section: every key nobody asked for is a problem. Its value is not shown.
    pub(super) fn finish(mut self) {
        let right = format!("the keys of [{}] are {}", self.name, self.asked.join(", "));
        let unknown: Vec<String> = self.table.keys().cloned().collect();
        for key in unknown {
            self.refuse(&key.escape_debug().to_string(), "is not a key this version knows", &right);
        }
    }

    fn value(&mut self, key: &'static str) -> Option<Value> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table.remove(key)
    }
}

fn as_text(value: Value) -> Result<String, String> {
    if let Value::String(text) = value { Ok(text) } else { Err(is_a(&value)) }
}

fn is_a(value: &Value) -> String {
    let kind = match value.type_str() {
        "integer" => "an integer",
        "array" => "a list",
        "table" => "a section",
        "string" => "a text",
        "boolean" => "true or false",
        "float" => "a fraction",
        _ => "a date",
    };
    format!("is {kind}")
}
