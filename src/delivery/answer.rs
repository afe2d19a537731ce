//! What a node answered about one secret: the value, and what is known beside it. Every way of delivery speaks of this.

use std::time::Duration;

use crate::crypto::fields::{self, FieldError};
use crate::crypto::plaintext::Plaintext;
use crate::model::fields::Fields;
use crate::model::name::FieldName;
use crate::model::time::Timestamp;

/// How a node vouches for an answer (DESIGN, freshness contract).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is the authority.
    Lead,
    /// The lead vouched for the copy within its `ttl`.
    Fresh,
    /// The lead is away, and the copy may still be used.
    Stale,
}

impl Standing {
    /// The word for it: `lead`, `fresh` or `stale`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
        }
    }
}

/// A secret as it was answered. Its `Debug` shows no value.
#[derive(Debug)]
pub struct Answer {
    /// The value, whole.
    pub value: Plaintext,
    /// The declared fields; none for a plain value.
    pub fields: Fields,
    /// Which value it is.
    pub version: u64,
    /// The scope that won, such as `company:acme`.
    pub scope: String,
    /// How it is vouched for.
    pub standing: Standing,
    /// How long ago the lead last vouched for it.
    pub age: Duration,
    /// Until when it counts as fresh, in RFC 3339, as the node said it.
    pub fresh_until: Option<String>,
    /// When the credential stops working, if that is known.
    pub expires_at: Option<Timestamp>,
}

impl Answer {
    /// The text of one field.
    ///
    /// # Errors
    /// [`FieldError`] when the value has no fields, or not this one.
    pub fn field(&self, name: &FieldName) -> Result<Plaintext, FieldError> {
        if self.fields.is_empty() {
            return Err(FieldError::NotAnObject);
        }
        fields::select(&self.value, name)
    }

    /// The text of the field, if it is declared.
    ///
    /// # Errors
    /// [`FieldError`] when it is declared and the value lacks it.
    pub fn field_if_declared(&self, name: &str) -> Result<Option<Plaintext>, FieldError> {
        self.fields.get(name).map(|field| fields::select(&self.value, &field.name)).transpose()
    }
}

/// An answer for tests: `fields` are declared, those named in `texts` as such that may be shown.
#[cfg(test)]
pub(super) fn sample(value: &str, names: &[&str], texts: &[&str]) -> Answer {
    use crate::model::fields::{Field, FieldKind};
    let kind = |name: &str| if texts.contains(&name) { FieldKind::Text } else { FieldKind::Secret };
    let field = |name: &&str| Field { name: FieldName::parse(name).expect("name"), kind: kind(name) };
    Answer {
        value: Plaintext::new(value.as_bytes().to_vec()),
        fields: Fields::new(names.iter().map(field).collect()).expect("fields"),
        version: 3,
        scope: "global".to_owned(),
        standing: Standing::Fresh,
        age: Duration::from_secs(4),
        fresh_until: Some("2026-11-21T08:00:00.000Z".to_owned()),
        expires_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_taken_out_of_a_value_that_declares_it() {
        let answer = sample(r#"{"username":"robot","password":"p"}"#, &["username", "password"], &["username"]);
        let name = FieldName::parse("password").expect("name");
        assert_eq!(answer.field(&name).expect("there").expose(), b"p");
        assert!(answer.field_if_declared("token").expect("none").is_none());
        let plain = sample(r#"{"password":"p"}"#, &[], &[]);
        assert_eq!(plain.field(&name).expect_err("nothing was declared"), FieldError::NotAnObject);
    }
}
