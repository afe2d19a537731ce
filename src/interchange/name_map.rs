//! The map file: which secret a name is, where the catalogue does not know or is wrong.
//!
//! TOML, `NAME = "service/key_name"` line by line, with `#field` and a scope where they are wanted; `NAME = false`
//! leaves the name out. Names are exact; there are no patterns.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::error::{FileError, Problem, Reason};
use super::target::Target;

/// What the map file says of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapping {
    /// It is this secret.
    To(Target),
    /// It is left out.
    Skip,
}

/// Names of a file, and what they are. Empty where no map file is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameMap(BTreeMap<String, Mapping>);

impl NameMap {
    /// Reads a map file that the caller names `file`.
    ///
    /// # Errors
    /// [`FileError`] with every wrong line. Nothing of what stands there is repeated: it might be a file of values.
    pub fn parse(file: &str, text: &str) -> Result<Self, FileError> {
        let line_at = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let table = DeTable::parse(text).map_err(|error| {
            let line = line_at(error.span().map_or(0, |span| span.start));
            FileError::new(file, vec![Problem::new(line, syntax(error.message()))])
        })?;
        let (mut map, mut problems) = (BTreeMap::new(), Vec::new());
        for (name, value) in table.into_inner() {
            match mapping(value.get_ref()) {
                Ok(mapping) => {
                    map.insert(name.into_inner().into_owned(), mapping);
                }
                Err(reason) => problems.push(Problem::new(line_at(name.span().start), reason)),
            }
        }
        if problems.is_empty() { Ok(Self(map)) } else { Err(FileError::new(file, problems)) }
    }

    /// What is said of a name, if anything is.
    #[must_use]
    pub fn get(&self, raw_name: &str) -> Option<&Mapping> {
        self.0.get(raw_name)
    }
}

fn mapping(value: &DeValue<'_>) -> Result<Mapping, Reason> {
    match value {
        DeValue::String(text) => Target::parse(text).map(Mapping::To).map_err(Reason::MapTarget),
        DeValue::Boolean(false) => Ok(Mapping::Skip),
        DeValue::Boolean(true)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => Err(Reason::MapValue),
    }
}

/// The parser's words name a rule; only a duplicate key is named by its text, which is a name.
fn syntax(message: &str) -> Reason {
    Reason::Syntax { format: "TOML", what: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_secrets_or_are_left_out() {
        let text = "# mine\nA = \"a/b\"\nB = false\nC = 'c/d#e company:acme'\n\"x y\" = \"f/g\"\n";
        let map = NameMap::parse("map.toml", text).expect("right");
        let to = |text| Some(Mapping::To(Target::parse(text).expect("target")));
        assert_eq!(map.get("A").cloned(), to("a/b"));
        assert_eq!(map.get("B"), Some(&Mapping::Skip));
        assert_eq!(map.get("C").cloned(), to("c/d#e company:acme"));
        assert_eq!(map.get("x y").cloned(), to("f/g"));
        assert_eq!(map.get("D"), None);
    }

    #[test]
    fn every_wrong_line_is_told_and_nothing_of_it_is_shown() {
        let text = "A = \"canary\"\nB = true\nC = 5\n[D]\nE = \"canary/CANARY\"\n";
        let error = NameMap::parse("map.toml", text).expect_err("wrong");
        let lines: Vec<usize> = error.problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [1, 2, 3, 4]);
        assert!(!error.to_string().contains("canary"), "{error}");
        for text in ["A = \"a/b\"\nB = canary\n", "A = \"a/b\"\nA=\"a/c\"\n", "A = \"a/b\"\ncanary\n"] {
            let error = NameMap::parse("map.toml", text).expect_err(text);
            assert!(error.to_string().starts_with("map.toml line 2: is not TOML: "), "{error}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
}
