//! A value with several fields: one JSON object of texts, whose names were declared. Read here, so that no other room
//! parses a plaintext.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use zeroize::Zeroizing;

use super::plaintext::Plaintext;
use super::text::ValueText;
use crate::model::fields::{FIELDS_MAX, Fields};
use crate::model::name::FieldName;

/// Why a value does not have the fields it should. Never says what it has instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// It is no JSON object of texts.
    #[error("a value with fields is one JSON object whose values are texts")]
    NotAnObject,
    /// A field is there that was not declared, or is there twice.
    #[error("the value holds a field that was not declared, or one field twice")]
    Undeclared,
    /// A declared field is not there.
    #[error("the value lacks the field {0}")]
    Missing(FieldName),
}

/// Checks that the value has exactly the declared fields, each once.
///
/// # Errors
/// [`FieldError`].
pub fn check(value: &Plaintext, declared: &Fields) -> Result<(), FieldError> {
    let names = object(value, None)?.names;
    let known = |name: &Zeroizing<String>| declared.get(name).is_some();
    let twice = |(index, name): (usize, &Zeroizing<String>)| names.iter().take(index).any(|earlier| earlier == name);
    if !names.iter().all(known) || names.iter().enumerate().any(twice) {
        return Err(FieldError::Undeclared);
    }
    let missing = declared.iter().find(|field| !names.iter().any(|name| name.as_str() == field.name.as_str()));
    missing.map_or(Ok(()), |field| Err(FieldError::Missing(field.name.clone())))
}

/// The text of one field.
///
/// # Errors
/// [`FieldError::Missing`] when it is not there, [`FieldError::NotAnObject`] when the value has no fields.
pub fn select(value: &Plaintext, name: &FieldName) -> Result<Plaintext, FieldError> {
    object(value, Some(name.as_str()))?.selected.ok_or_else(|| FieldError::Missing(name.clone()))
}

fn object(value: &Plaintext, wanted: Option<&str>) -> Result<Object, FieldError> {
    let mut json = serde_json::Deserializer::from_slice(value.expose());
    let object = ObjectSeed { wanted }.deserialize(&mut json).map_err(|_| FieldError::NotAnObject)?;
    json.end().map_err(|_| FieldError::NotAnObject)?;
    Ok(object)
}

/// What was found: the names, and the text that was asked for.
struct Object {
    names: Vec<Zeroizing<String>>,
    selected: Option<Plaintext>,
}

struct ObjectSeed<'ask> {
    wanted: Option<&'ask str>,
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = Object;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = Object;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object { names: Vec::new(), selected: None };
        while let Some(name) = map.next_key::<String>()? {
            let name = Zeroizing::new(name);
            // A value holds no more fields than may be declared; what has more is refused before it is kept.
            if object.names.len() > FIELDS_MAX {
                return Err(A::Error::custom("too many fields"));
            }
            let text: ValueText = map.next_value()?;
            if self.wanted == Some(name.as_str()) {
                object.selected = Some(text.into_plaintext());
            }
            object.names.push(name);
        }
        Ok(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fields::{Field, FieldKind};

    fn name(text: &str) -> FieldName {
        FieldName::parse(text).expect("name")
    }

    fn declared(names: &[&str]) -> Fields {
        let fields = names.iter().map(|text| Field { name: name(text), kind: FieldKind::Secret });
        Fields::new(fields.collect()).expect("fields")
    }

    fn value(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_value_has_exactly_the_declared_fields() {
        let two = declared(&["client_id", "client_secret"]);
        check(&value(r#"{"client_secret":"s","client_id":"i"}"#), &two).expect("both, in any order");
        let refused = |text: &str| check(&value(text), &two).expect_err("refused");
        assert_eq!(refused(r#"{"client_id":"i"}"#), FieldError::Missing(name("client_secret")));
        assert_eq!(refused(r#"{"client_id":"i","client_secret":"s","x":"y"}"#), FieldError::Undeclared);
        assert_eq!(refused(r#"{"client_id":"i","client_id":"i","client_secret":"s"}"#), FieldError::Undeclared);
        for text in ["", "x", r#""text""#, "[]", r#"["a"]"#, r#"{"client_id":1,"client_secret":"s"}"#, "{} {}", "null"]
        {
            assert_eq!(refused(text), FieldError::NotAnObject, "{text}");
        }
        let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(refused(&nested), FieldError::NotAnObject);
    }

    #[test]
    fn a_field_is_read_with_its_escapes_undone() {
        let fields = value(r#"{"a":"line\nbreak \"quoted\" \u00e9","b":""}"#);
        assert_eq!(select(&fields, &name("a")).expect("there").expose(), "line\nbreak \"quoted\" é".as_bytes());
        assert!(select(&fields, &name("b")).expect("there").is_empty());
        assert_eq!(select(&fields, &name("c")).map(drop), Err(FieldError::Missing(name("c"))));
        assert_eq!(select(&value("plain"), &name("a")).map(drop), Err(FieldError::NotAnObject));
    }
}
