//! One table of a provider's file, read key by key: what is left over at the end is a problem.

use toml::{Table, Value};

use super::error::{Problem, Reason};

/// A table being read. Wrong values are noted, and reading goes on to the next problem.
pub(super) struct Section<'a> {
    file: &'a str,
    /// What stands before each key: empty, or `fields[2].`.
    before: String,
    table: Table,
    asked: Vec<&'static str>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Section<'a> {
    pub(super) fn new(file: &'a str, before: String, table: Table, problems: &'a mut Vec<Problem>) -> Self {
        Self { file, before, table, asked: Vec::new(), problems }
    }

    /// Notes a problem with one key.
    pub(super) fn refuse(&mut self, key: &str, reason: Reason) {
        self.problems.push(Problem { file: self.file.to_owned(), key: format!("{}{key}", self.before), reason });
    }

    /// Whether the key is there and was not read yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A table inside this one, whose keys are told with where it stands.
    pub(super) fn inside(&mut self, key: &str, table: Table) -> Section<'_> {
        Section::new(self.file, format!("{}{key}.", self.before), table, self.problems)
    }

    /// A table inside this one that may be absent.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Table> {
        let value = self.value(key)?;
        let table = as_table(value);
        if table.is_none() {
            self.refuse(key, Reason::Kind("a table"));
        }
        table
    }

    /// A text that may be absent.
    pub(super) fn optional_text(&mut self, key: &'static str) -> Option<String> {
        let text = as_text(self.value(key)?).filter(|text| !text.is_empty());
        if text.is_none() {
            self.refuse(key, Reason::Kind("a text that is not empty"));
        }
        text
    }

    /// A text that may be absent, made into something.
    pub(super) fn optional<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, Reason>) -> Option<T> {
        let text = self.optional_text(key)?;
        parse(&text).map_err(|reason| self.refuse(key, reason)).ok()
    }

    /// A text that must be there, made into something.
    pub(super) fn text<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, Reason>) -> Option<T> {
        if self.has(key) {
            return self.optional(key, parse);
        }
        self.asked.push(key);
        self.refuse(key, Reason::Missing);
        None
    }

    /// `true` or `false`; false if it is absent.
    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        match self.value(key) {
            None => false,
            Some(Value::Boolean(flag)) => flag,
            Some(_) => {
                self.refuse(key, Reason::Kind("true or false"));
                false
            }
        }
    }

    /// A whole number from 1 that may be absent.
    pub(super) fn count(&mut self, key: &'static str) -> Option<u32> {
        let value = self.value(key)?;
        let count = value.as_integer().and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
        if count.is_none() {
            self.refuse(key, Reason::Kind("a whole number from 1"));
        }
        count
    }

    /// A list of texts that must be there and hold something; each wrong one is noted.
    pub(super) fn texts(&mut self, key: &'static str, check: impl Fn(&str) -> Result<(), Reason>) -> Vec<String> {
        let mut texts = Vec::new();
        for item in self.list(key, "a list of texts") {
            let checked = as_text(item).ok_or(Reason::Kind("a list of texts"));
            match checked.and_then(|text| check(&text).map(|()| text)) {
                Ok(text) => texts.push(text),
                Err(reason) => self.refuse(key, reason),
            }
        }
        texts
    }

    /// Such a list, if it is there.
    pub(super) fn optional_texts(
        &mut self,
        key: &'static str,
        check: impl Fn(&str) -> Result<(), Reason>,
    ) -> Vec<String> {
        if self.has(key) {
            return self.texts(key, check);
        }
        self.asked.push(key);
        Vec::new()
    }

    /// A table of texts that may be absent: names and what they say, each made into something.
    pub(super) fn named<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str, &str) -> Result<T, Reason>,
    ) -> Vec<(String, T)> {
        let mut named = Vec::new();
        for (name, value) in self.table(key).unwrap_or_default() {
            let text = as_text(value).ok_or(Reason::Kind("a text"));
            match text.and_then(|text| parse(&name, &text)) {
                Ok(parsed) => named.push((name, parsed)),
                Err(reason) => self.refuse(&format!("{key}.{}", name.escape_debug()), reason),
            }
        }
        named
    }

    /// The items of a list that must be there and hold something.
    pub(super) fn list(&mut self, key: &'static str, wanted: &'static str) -> Vec<Value> {
        match self.value(key) {
            Some(Value::Array(items)) if !items.is_empty() => items,
            Some(_) => {
                self.refuse(key, Reason::Kind(wanted));
                Vec::new()
            }
            None => {
                self.refuse(key, Reason::Missing);
                Vec::new()
            }
        }
    }

    /// The tables of `[[key]]`, of which there must be one at least.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Table> {
        let items = self.list(key, "one or more [[tables]]");
        let tables: Vec<Option<Table>> = items.into_iter().map(as_table).collect();
        if tables.iter().any(Option::is_none) {
            self.refuse(key, Reason::Kind("one or more [[tables]]"));
        }
        tables.into_iter().flatten().collect()
    }

    /// The tables of `[[key]]`, if there are any.
    pub(super) fn optional_tables(&mut self, key: &'static str) -> Vec<Table> {
        if self.has(key) {
            return self.tables(key);
        }
        self.asked.push(key);
        Vec::new()
    }

    /// The value of a key, of whatever kind.
    pub(super) fn value(&mut self, key: &'static str) -> Option<Value> {
        self.asked.push(key);
        self.table.remove(key)
    }

    /// Ends the table: every key nobody asked for is a problem.
    pub(super) fn finish(mut self) {
        let known = self.asked.join(", ");
        let unknown: Vec<String> = self.table.keys().map(|key| key.escape_debug().to_string()).collect();
        for key in unknown {
            self.refuse(&key, Reason::Unknown(known.clone()));
        }
    }
}

fn as_text(value: Value) -> Option<String> {
    if let Value::String(text) = value { Some(text) } else { None }
}

fn as_table(value: Value) -> Option<Table> {
    if let Value::Table(table) = value { Some(table) } else { None }
}
