//! A value as a text in JSON: taken out of it into wiped memory, and written back, without a copy that stays.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::plaintext::Plaintext;

/// A value that is a JSON text. Shows nothing in `Debug`, because [`Plaintext`] shows nothing.
#[derive(Debug)]
pub struct ValueText(Plaintext);

impl ValueText {
    /// The value.
    #[must_use]
    pub fn into_plaintext(self) -> Plaintext {
        self.0
    }

    /// The value, lent.
    #[must_use]
    pub fn plaintext(&self) -> &Plaintext {
        &self.0
    }
}

impl From<Plaintext> for ValueText {
    fn from(value: Plaintext) -> Self {
        Self(value)
    }
}

impl Serialize for ValueText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let text = std::str::from_utf8(self.0.expose()).map_err(|_| S::Error::custom("a value that is no text"))?;
        serializer.serialize_str(text)
    }
}

impl<'de> Deserialize<'de> for ValueText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ValueVisitor)
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = ValueText;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ValueText, E> {
        Ok(ValueText(Plaintext::new(text.as_bytes().to_vec())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<ValueText, E> {
        Ok(ValueText(Plaintext::new(text.into_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_out_and_written_back_as_it_was() {
        let text: ValueText = serde_json::from_str(r#""\u0000\"é""#).expect("text");
        assert_eq!(text.plaintext().expose(), "\0\"é".as_bytes());
        assert_eq!(serde_json::to_string(&text).expect("json"), r#""\u0000\"é""#);
        assert!(!format!("{text:?}").contains('é'));
        assert!(serde_json::from_str::<ValueText>("1").is_err());
        assert!(serde_json::to_string(&ValueText::from(Plaintext::new(vec![0xff]))).is_err());
    }
}
