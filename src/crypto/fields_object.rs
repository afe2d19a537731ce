//! A value with fields on its way in: from a JSON object, or field by field, into one plaintext that is always spelt the
//! same way, so that the same fields again are the same value.

use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::fields::FieldError;
use super::plaintext::Plaintext;
use super::text::ValueText;
use super::written::written;
use crate::model::fields::FIELDS_MAX;
use crate::model::name::FieldName;

/// A value in a request: a JSON text, or a JSON object of texts. Shows nothing in `Debug`.
#[derive(Debug)]
pub struct TextOrObject(Plaintext);

impl TextOrObject {
    /// The text as it is, or the object as [`object`] writes it.
    #[must_use]
    pub fn into_plaintext(self) -> Plaintext {
        self.0
    }
}

/// Writes fields as one JSON object, in the order of their names and without white space.
///
/// # Errors
/// [`FieldError::Undeclared`] for a name that is there twice, [`FieldError::NotAnObject`] for a field that is no text.
pub fn object(mut fields: Vec<(FieldName, Plaintext)>) -> Result<Plaintext, FieldError> {
    fields.sort_by(|(left, _), (right, _)| left.cmp(right));
    if fields.windows(2).any(|pair| matches!(pair, [(left, _), (right, _)] if left == right)) {
        return Err(FieldError::Undeclared);
    }
    let object = Object(fields.into_iter().map(|(name, text)| (name, ValueText::from(text))).collect());
    written(|to| serde_json::to_writer(to, &object)).map_err(|_| FieldError::NotAnObject)
}

struct Object(Vec<(FieldName, ValueText)>);

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, text) in &self.0 {
            map.serialize_entry(name.as_str(), text)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for TextOrObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = TextOrObject;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string, or an object of strings")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TextOrObject, E> {
        Ok(TextOrObject(Plaintext::new(text.as_bytes().to_vec())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<TextOrObject, E> {
        Ok(TextOrObject(Plaintext::new(text.into_bytes())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TextOrObject, A::Error> {
        let mut fields = Vec::new();
        // A name may be a value that got into the wrong place: it is wiped, and never part of an error.
        while let Some(name) = map.next_key::<String>()?.map(Zeroizing::new) {
            if fields.len() >= FIELDS_MAX {
                return Err(A::Error::custom("too many fields"));
            }
            let name = FieldName::parse(&name).map_err(|_| A::Error::custom("a name that is not one of a field"))?;
            fields.push((name, map.next_value::<ValueText>()?.into_plaintext()));
        }
        object(fields).map(TextOrObject).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Result<Plaintext, String> {
        serde_json::from_str::<TextOrObject>(json).map(TextOrObject::into_plaintext).map_err(|error| error.to_string())
    }

    #[test]
    fn a_text_stays_as_it_is_and_an_object_is_spelt_in_one_way() {
        assert_eq!(value(r#""{ \"b\": 1 }""#).expect("text").expose(), b"{ \"b\": 1 }");
        let one = value(r#"{"client_secret":"s\n","client_id":"é"}"#).expect("object");
        let other = value(r#"{ "client_id" : "\u00e9", "client_secret" : "s\u000a" }"#).expect("object");
        assert_eq!(one.expose(), r#"{"client_id":"é","client_secret":"s\n"}"#.as_bytes());
        assert!(one.equals(&other));
    }

    #[test]
    fn whatever_else_is_refused_and_not_quoted() {
        let many = (0..=FIELDS_MAX).map(|number| format!(r#""f{number}":"canary""#)).collect::<Vec<_>>().join(",");
        for json in [
            r#"{"a":1}"#,
            r#"{"a":{"b":"canary"}}"#,
            r#"{"a":null}"#,
            r#"{"canary value":"x"}"#,
            r#"{"a":"canary","a":"canary"}"#,
            r#"["canary"]"#,
            "1",
            "null",
            &format!("{{{many}}}"),
        ] {
            let error = value(json).map(drop).expect_err(json);
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_field_that_is_no_text_cannot_be_written() {
        let name = FieldName::parse("a").expect("name");
        assert_eq!(object(vec![(name, Plaintext::new(vec![0xff]))]).map(drop), Err(FieldError::NotAnObject));
    }
}
