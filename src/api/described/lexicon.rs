//! Says of each name in the document what it means and what form it has, and notices names that nobody explained.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::words::{Form, Word};

/// All words, and which of them were wanted.
pub(super) struct Lexicon {
    words: BTreeMap<&'static str, Word>,
    used: RefCell<BTreeSet<&'static str>>,
    missing: RefCell<BTreeSet<String>>,
}

impl Lexicon {
    /// These words; none may stand there twice.
    pub(super) fn new(lists: impl IntoIterator<Item = &'static [Word]>) -> Self {
        let mut words = BTreeMap::new();
        for word in lists.into_iter().flatten() {
            assert!(words.insert(word.name, *word).is_none(), "{} is explained twice", word.name);
        }
        Self { words, used: RefCell::default(), missing: RefCell::default() }
    }

    /// What is nowhere explained.
    pub(super) fn missing(&self) -> BTreeSet<String> {
        self.missing.borrow().clone()
    }

    /// What was explained for nothing.
    pub(super) fn unused(&self) -> BTreeSet<&'static str> {
        self.words.keys().copied().filter(|name| !self.used.borrow().contains(name)).collect()
    }

    /// The word of a name within something, or of that name anywhere.
    fn word(&self, within: &str, between: &str, name: &str) -> Option<Word> {
        let word =
            self.words.get(format!("{within}{between}{name}").as_str()).or_else(|| self.words.get(name)).copied();
        self.used.borrow_mut().extend(word.map(|word| word.name));
        word
    }

    fn says(&self, within: &str, name: &str, word: Option<Word>) -> &'static str {
        word.map_or_else(
            || {
                self.missing.borrow_mut().insert(format!("{within} {name}"));
                ""
            },
            |word| word.says,
        )
    }

    /// The parts of a path that are names.
    pub(super) fn path_parameters(&self, path: &str) -> Vec<Value> {
        let segments: Vec<&str> = path.split('/').collect();
        let named = segments.windows(2).filter(|pair| pair[1].starts_with('{'));
        let parameter = |pair: &[&str]| {
            let word = self.word(pair[0], "/", pair[1]);
            let (says, name) = (self.says(path, pair[1], word), pair[1].trim_matches(['{', '}']));
            let schema = parameter_schema(word);
            json!({"name": name, "in": "path", "required": true, "description": says, "schema": schema})
        };
        named.map(parameter).collect()
    }

    /// A field of the type of a query.
    pub(super) fn query_parameter(&self, of: &str, name: &str, field: &Value, required: bool) -> Value {
        let word = self.word(of, ".", name);
        let says = field["description"].as_str().unwrap_or_else(|| self.says(of, name, word));
        json!({"name": name, "in": "query", "required": required, "description": says, "schema": parameter_schema(word)})
    }

    /// A header of an answer.
    pub(super) fn header(&self, word: &Word) -> Value {
        json!({"description": word.says, "schema": parameter_schema(Some(*word))})
    }

    /// Explains the fields of these types.
    pub(super) fn explain(&self, schemas: &mut Map<String, Value>) {
        for (name, schema) in schemas {
            self.explain_fields(name, schema);
        }
    }

    /// The fields of an object, wherever it stands within a type.
    fn explain_fields(&self, of: &str, schema: &mut Value) {
        if let Value::Array(parts) = schema {
            parts.iter_mut().for_each(|part| self.explain_fields(of, part));
        }
        let Value::Object(parts) = schema else { return };
        if let Some(Value::Object(fields)) = parts.get_mut("properties") {
            for (name, field) in fields {
                self.explain_field(of, name, field);
            }
        }
        parts.values_mut().for_each(|part| self.explain_fields(of, part));
    }

    fn explain_field(&self, of: &str, name: &str, field: &mut Value) {
        let word = self.word(of, ".", name);
        if field.get("description").is_none() {
            let says = self.says(of, name, word);
            // A field of any type is `true` until something is said of it.
            if field.is_boolean() {
                *field = json!({});
            }
            field["description"] = json!(says);
        }
        if let Some(word) = word {
            shape(field, word.form);
        }
    }
}

/// Gives the schema of a field its form; of a list, that of what is in it.
fn shape(schema: &mut Value, form: Form) {
    if let Some(items) = schema.get_mut("items") {
        return shape(items, form);
    }
    let is_nullable = schema["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
    match form {
        Form::Plain | Form::Flag | Form::Several => {}
        Form::Time => schema["format"] = json!("date-time"),
        Form::Pattern(pattern) => schema["pattern"] = json!(pattern),
        Form::OneOf(words) => schema["enum"] = one_of(words, is_nullable),
        Form::Known(words) => schema["enum"] = one_of(&words(), is_nullable),
        Form::Number(least, most) => {
            schema["minimum"] = json!(least);
            schema["maximum"] = json!(most);
        }
    }
}

fn one_of(words: &[&str], is_nullable: bool) -> Value {
    words.iter().map(|word| json!(word)).chain(is_nullable.then_some(Value::Null)).collect()
}

/// The schema of what is text in a request or a header.
pub(super) fn parameter_schema(word: Option<Word>) -> Value {
    let mut schema = match word.map(|word| word.form) {
        Some(Form::Flag) => return json!({"type": "boolean"}),
        Some(Form::Several) => return json!({"type": "array", "items": {"type": "string"}}),
        Some(Form::Number(least, u64::MAX)) => return json!({"type": "integer", "minimum": least}),
        Some(Form::Number(..)) => json!({"type": "integer"}),
        _ => json!({"type": "string"}),
    };
    if let Some(word) = word {
        shape(&mut schema, word.form);
    }
    schema
}
