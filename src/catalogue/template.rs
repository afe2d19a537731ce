//! Texts with places for fields, read and written: `Bearer {api_key}`.

use std::fmt;

use super::error::Reason;
use super::probe::{Piece, Template};
use crate::model::name::KeyName;

impl Template {
    /// The fields it names.
    pub fn fields(&self) -> impl Iterator<Item = &KeyName> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Field(field) => Some(field),
            Piece::Text(_) => None,
        })
    }

    /// Whether it names a field.
    #[must_use]
    pub fn names(&self, wanted: &KeyName) -> bool {
        self.fields().any(|field| field == wanted)
    }
}

/// As its file writes it, with the names of the fields and none of their values: fit for a log.
impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => formatter.write_str(text),
            Piece::Field(field) => write!(formatter, "{{{field}}}"),
        })
    }
}

/// Reads a template whose text has none but these characters, and whose fields are all of these.
pub(super) fn template(text: &str, fields: &[KeyName], takes: impl Fn(char) -> bool) -> Result<Template, Reason> {
    const WANTED: &str = "a text of visible characters, with each place for a field as {field}";
    let bad = || Reason::Value { found: text.to_owned(), wanted: WANTED };
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(bad)?;
        push_text(&mut pieces, before);
        let field = fields.iter().find(|field| field.as_str() == name);
        let unknown = || Reason::NoField { name: name.to_owned() };
        pieces.push(Piece::Field(field.ok_or_else(unknown)?.clone()));
        rest = after;
    }
    push_text(&mut pieces, rest);
    let is_good = |piece: &Piece| match piece {
        Piece::Text(text) => text.chars().all(|character| character != '}' && takes(character)),
        Piece::Field(_) => true,
    };
    if pieces.iter().all(is_good) { Ok(Template(pieces)) } else { Err(bad()) }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

/// What a header may hold besides what it is given (RFC 9110, 5.5): visible ASCII and blanks.
pub(super) fn in_header(character: char) -> bool {
    character == ' ' || character.is_ascii_graphic()
}

/// What a path may hold (RFC 3986, 3.3) that is not percent-encoded.
pub(super) fn in_path(character: char) -> bool {
    character.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Template, Reason> {
        template(text, &[KeyName::parse("key").expect("name"), KeyName::parse("id").expect("name")], in_header)
    }

    #[test]
    fn a_template_reads_back_as_it_is_written_and_knows_its_fields() {
        for text in ["", "plain", "{key}", "Key {id}:{key}", "{key}{id} end"] {
            assert_eq!(read(text).expect(text).to_string(), text);
        }
        let both = read("Key {id}:{key}").expect("template");
        assert_eq!(both.fields().map(KeyName::as_str).collect::<Vec<_>>(), ["id", "key"]);
        assert!(both.names(&KeyName::parse("key").expect("name")));
    }

    #[test]
    fn a_field_that_is_not_there_and_a_brace_out_of_place_are_refused() {
        assert_eq!(read("{kex}"), Err(Reason::NoField { name: "kex".to_owned() }));
        assert_eq!(read("{}"), Err(Reason::NoField { name: String::new() }));
        for text in ["{key", "key}", "a}{key}", "line\nbreak", "\u{7f}", "ü"] {
            assert!(matches!(read(text), Err(Reason::Value { .. })), "{text:?}");
        }
    }
}
