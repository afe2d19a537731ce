//! A map of values on its way in, as clients of other systems send it: read without a copy that stays, and judged when all
//! of it was read, so that what is wrong with it can be said without quoting it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::plaintext::Plaintext;
use crate::model::name::KeyName;

/// Most entries of one map: whoever writes a map of more means something else than the fields of one credential.
pub const ENTRIES_MAX: usize = 256;

/// A map of values in a request. Shows nothing in `Debug` but what kinds of values it has.
#[derive(Debug)]
pub struct TextMap(Vec<(Plaintext, Sent)>);

/// What is at a name.
#[derive(Debug)]
pub enum Sent {
    /// A text.
    Text(Plaintext),
    /// `null`.
    Null,
    /// A number, a list, an object, `true` or `false`.
    Other,
}

/// Why a map cannot be taken. Names no part of it: a name may be a value in the wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// A name that no key can have.
    #[error("a name is not one of a key")]
    BadName,
    /// One name twice.
    #[error("a name is there twice")]
    Twice,
    /// More than [`ENTRIES_MAX`].
    #[error("there are more than {ENTRIES_MAX}")]
    TooMany,
}

impl TextMap {
    /// The entries, in the order of their names.
    ///
    /// # Errors
    /// [`MapError`].
    pub fn entries(self) -> Result<Vec<(KeyName, Sent)>, MapError> {
        if self.0.len() > ENTRIES_MAX {
            return Err(MapError::TooMany);
        }
        let named = |(name, sent): (Plaintext, Sent)| {
            let text = std::str::from_utf8(name.expose()).map_err(|_| MapError::BadName)?;
            Ok((KeyName::parse(text).map_err(|_| MapError::BadName)?, sent))
        };
        let mut entries = self.0.into_iter().map(named).collect::<Result<Vec<_>, _>>()?;
        entries.sort_by(|(left, _), (right, _)| left.cmp(right));
        let twice = entries.windows(2).any(|pair| matches!(pair, [(left, _), (right, _)] if left == right));
        if twice { Err(MapError::Twice) } else { Ok(entries) }
    }
}

impl<'de> Deserialize<'de> for TextMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor)
    }
}

struct MapVisitor;

impl<'de> Visitor<'de> for MapVisitor {
    type Value = TextMap;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TextMap, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let name = Plaintext::new(name.into_bytes());
            let sent = map.next_value::<Sent>()?;
            // One more than is taken is enough to refuse it.
            if entries.len() <= ENTRIES_MAX {
                entries.push((name, sent));
            }
        }
        Ok(TextMap(entries))
    }
}

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SentVisitor)
    }
}

struct SentVisitor;

impl<'de> Visitor<'de> for SentVisitor {
    type Value = Sent;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Sent, E> {
        Ok(Sent::Text(Plaintext::new(text.as_bytes().to_vec())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Sent, E> {
        Ok(Sent::Text(Plaintext::new(text.into_bytes())))
    }

    fn visit_unit<E: Error>(self) -> Result<Sent, E> {
        Ok(Sent::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Sent, E> {
        Ok(Sent::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Sent, E> {
        Ok(Sent::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Sent, E> {
        Ok(Sent::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Sent, E> {
        Ok(Sent::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Sent, A::Error> {
        while parts.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Sent::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sent, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Sent::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(json: &str) -> Result<Vec<(KeyName, Sent)>, MapError> {
        serde_json::from_str::<TextMap>(json).expect(json).entries()
    }

    #[test]
    fn a_map_is_read_in_the_order_of_its_names_and_shows_nothing() {
        let map = entries(r#"{"user":"canary","b":null,"c":[1,{"x":2}],"d":{"a":"b"},"e":1.5,"f":-1,"g":true}"#)
            .expect("map");
        let kinds: Vec<char> = map
            .iter()
            .map(|(_, sent)| match sent {
                Sent::Text(_) => 't',
                Sent::Null => 'n',
                Sent::Other => 'o',
            })
            .collect();
        assert_eq!(kinds, ['n', 'o', 'o', 'o', 'o', 'o', 't']);
        assert!(matches!(&map[6], (name, Sent::Text(text)) if name.as_str() == "user" && text.expose() == b"canary"));
        assert!(!format!("{map:?}").contains("canary"));
    }

    #[test]
    fn names_that_are_none_twice_or_too_many_are_refused_and_not_quoted() {
        assert_eq!(entries(r#"{"API_KEY":"x"}"#).map(drop), Err(MapError::BadName));
        assert_eq!(entries(r#"{"a":"x","a":"y"}"#).map(drop), Err(MapError::Twice));
        let many = |count: usize| {
            format!("{{{}}}", (0..count).map(|n| format!(r#""k{n}":"x""#)).collect::<Vec<_>>().join(","))
        };
        assert_eq!(entries(&many(ENTRIES_MAX)).expect("as many as there may be").len(), ENTRIES_MAX);
        assert_eq!(entries(&many(ENTRIES_MAX + 50)).map(drop), Err(MapError::TooMany));
        assert!(
            serde_json::from_str::<TextMap>(r#"["canary"]"#).is_err_and(|error| !error.to_string().contains("canary"))
        );
    }
}
