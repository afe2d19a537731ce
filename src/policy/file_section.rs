//! One table of a policy file, read key by key: each value with the line it stands in, and what is left over at the end is
//! a problem.

use std::fmt::Display;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file_error::Problem;

/// Finds the line of a place in a text.
#[derive(Debug)]
pub(super) struct Places(Vec<usize>);

impl Places {
    /// The places of this text.
    pub(super) fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.0.partition_point(|newline| *newline < at).saturating_add(1)
    }
}

/// A text of the file, and its line.
#[derive(Debug)]
pub(super) struct Text {
    /// The line it stands in.
    pub(super) line: usize,
    /// What it says.
    pub(super) text: String,
}

/// What a key holds that may be one text or a list of them.
#[derive(Debug)]
pub(super) enum Texts {
    /// `"*"`
    One(Text),
    /// `["a", "b"]`
    List(Vec<Text>),
}

/// A table being read. Wrong values are noted, and reading goes on to the next problem.
pub(super) struct Section<'a, 'i> {
    /// What stands before each key: `grant`, and the name once it is known.
    title: String,
    line: usize,
    places: &'a Places,
    values: Vec<(String, usize, Spanned<DeValue<'i>>)>,
    asked: Vec<&'static str>,
    problems: &'a mut Vec<Problem>,
}

impl<'a, 'i> Section<'a, 'i> {
    /// A table that begins in this line.
    pub(super) fn new(
        title: &str,
        line: usize,
        table: DeTable<'i>,
        places: &'a Places,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        let values = table.into_iter().map(|(key, value)| {
            let line = places.line(key.span().start);
            (key.into_inner().into_owned(), line, value)
        });
        Self { title: title.to_owned(), line, places, values: values.collect(), asked: Vec::new(), problems }
    }

    /// Adds what tells it from others of its kind to what problems say.
    pub(super) fn called(&mut self, name: &str) {
        self.title = format!("{} {name}", self.title);
    }

    /// Notes a problem with one key.
    pub(super) fn refuse(&mut self, key: &str, line: usize, what: impl Display, right: &str) {
        let (key, what) = (format!("{}.{key}", self.title), what.to_string());
        self.problems.push(Problem { line, key, what, right: right.to_owned() });
    }

    /// Notes a problem of the whole table, by the key that makes it one.
    pub(super) fn refuse_here(&mut self, key: &str, what: &str, right: &str) {
        self.refuse(key, self.line, what, right);
    }

    /// Notes that a key is not there.
    pub(super) fn missing(&mut self, key: &str, right: &str) {
        self.refuse_here(key, "is missing", right);
    }

    /// A value that may be absent.
    pub(super) fn value(&mut self, key: &'static str) -> Option<Spanned<DeValue<'i>>> {
        self.ask(key);
        let at = self.values.iter().position(|(name, _, _)| name == key)?;
        Some(self.values.swap_remove(at).2)
    }

    /// The line of a value.
    pub(super) fn line_of(&self, value: &Spanned<DeValue<'i>>) -> usize {
        self.places.line(value.span().start)
    }

    /// A text that may be absent, made into something.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        key: &'static str,
        right: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let line = self.line_of(&value);
        let read = as_text(&value).and_then(|text| parse(text).map_err(|error| error.to_string()));
        read.map_err(|what| self.refuse(key, line, what, right)).ok()
    }

    /// A text that must be there, made into something.
    pub(super) fn required<T, E: Display>(
        &mut self,
        key: &'static str,
        right: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        if self.lacks(key) {
            self.missing(key, right);
            return None;
        }
        self.optional(key, right, parse)
    }

    /// One text, or a list of at least one and at most `most`.
    pub(super) fn texts(&mut self, key: &'static str, right: &str, most: usize) -> Option<Texts> {
        let value = self.value(key)?;
        let line = self.line_of(&value);
        let items = match value.get_ref() {
            DeValue::String(text) => return Some(Texts::One(Text { line, text: text.clone().into_owned() })),
            DeValue::Array(items) => items,
            other @ (DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Table(_)) => {
                self.refuse(key, line, is_a(other), right);
                return None;
            }
        };
        if items.is_empty() {
            self.refuse(key, line, "is empty", right);
            return None;
        }
        if items.len() > most {
            self.refuse(key, line, format_args!("has {} entries, and at most {most} are taken", items.len()), right);
            return None;
        }
        let mut texts = Vec::with_capacity(items.len());
        for item in items.iter() {
            let line = self.line_of(item);
            match as_text(item) {
                Ok(text) => texts.push(Text { line, text: text.to_owned() }),
                Err(what) => self.refuse(key, line, format_args!("an entry {what}"), right),
            }
        }
        Some(Texts::List(texts))
    }

    /// Whether the table does not have the key, right or wrong.
    pub(super) fn lacks(&mut self, key: &'static str) -> bool {
        self.ask(key);
        !self.values.iter().any(|(name, _, _)| name == key)
    }

    fn ask(&mut self, key: &'static str) {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
    }

    /// Ends the table: every key nobody asked for is a problem. Its value is not shown.
    pub(super) fn finish(mut self) {
        let kind = self.title.split(' ').next().unwrap_or_default().to_owned();
        let right = format!("the keys of [[{kind}]] are {}", self.asked.join(", "));
        for (key, line, _) in std::mem::take(&mut self.values) {
            self.refuse(&shortened(&key), line, "is not a key this version knows", &right);
        }
    }
}

fn as_text<'v>(value: &'v Spanned<DeValue<'_>>) -> Result<&'v str, String> {
    value.get_ref().as_str().ok_or_else(|| is_a(value.get_ref()))
}

/// What a value of the wrong kind is.
pub(super) fn is_a(value: &DeValue<'_>) -> String {
    let kind = match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    format!("is {kind}")
}

/// A text of the file that is safe to show, and not longer than a line.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(80).collect::<String>().escape_debug().to_string()
}
