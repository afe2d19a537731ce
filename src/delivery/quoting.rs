//! A value as it must be written where it lands, so that no character of it means something there.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::crypto::plaintext::Plaintext;
use crate::crypto::written::written;

/// Where a value lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// A text between double quotes, in the one form that JSON (RFC 8259), YAML 1.2 and TOML 1.0 all read alike.
    Json,
    /// One word of a POSIX shell, between single quotes.
    Shell,
    /// A part of a URL: everything but the unreserved characters is escaped (RFC 3986, 2.3).
    Url,
    /// Base64 with the standard alphabet and padding (RFC 4648, 4), as a Kubernetes Secret has it.
    Base64,
    /// As it is, but refused if it holds a line break or another control character: for files of one line per setting.
    Line,
}

/// Why a value cannot be written there. Says nothing about the rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuotingError {
    /// Not UTF-8.
    #[error("the value is no text")]
    NotText,
    /// A NUL byte in a word of a shell.
    #[error("the value holds a NUL byte, which no word of a shell can hold")]
    Nul,
    /// A line break, or another control character, where a line is.
    #[error("the value holds a line break or another control character, and must stay on its line")]
    NotOneLine,
    /// More memory than a value can need.
    #[error("the value cannot be written")]
    Unwritable,
}

impl Quoting {
    /// Every quoting, by the names that a template calls it.
    pub const NAMED: [(&'static str, Self); 8] = [
        ("json", Self::Json),
        ("tojson", Self::Json),
        ("yaml", Self::Json),
        ("toml", Self::Json),
        ("shell", Self::Shell),
        ("url", Self::Url),
        ("base64", Self::Base64),
        ("line", Self::Line),
    ];

    /// Writes a value so, in memory that is wiped.
    ///
    /// # Errors
    /// [`QuotingError`] when it cannot stand there.
    pub fn apply(self, value: &Plaintext) -> Result<Plaintext, QuotingError> {
        let text = || std::str::from_utf8(value.expose()).map_err(|_| QuotingError::NotText);
        let finish = |done: io::Result<Plaintext>| done.map_err(|_| QuotingError::Unwritable);
        match self {
            Self::Json => text().and_then(|text| finish(written(|to| json(text, to)))),
            Self::Url => text().and_then(|text| finish(written(|to| url(text, to)))),
            Self::Shell if value.expose().contains(&0) => Err(QuotingError::Nul),
            Self::Shell => text().and_then(|text| finish(written(|to| shell(text, to)))),
            Self::Line if !is_one_line(text()?) => Err(QuotingError::NotOneLine),
            Self::Line => finish(written(|to| to.write_all(value.expose()))),
            Self::Base64 => base64(value.expose()),
        }
    }
}

/// Whether a text holds no control character, and nothing that some reader takes for the end of a line.
#[must_use]
pub fn is_one_line(text: &str) -> bool {
    !text.chars().any(|character| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}'))
}

/// Escapes what JSON asks for, and beyond it what YAML calls not printable.
fn json(text: &str, to: &mut dyn Write) -> io::Result<()> {
    to.write_all(b"\"")?;
    for character in text.chars() {
        match character {
            '"' => to.write_all(b"\\\"")?,
            '\\' => to.write_all(b"\\\\")?,
            '\n' => to.write_all(b"\\n")?,
            '\r' => to.write_all(b"\\r")?,
            '\t' => to.write_all(b"\\t")?,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => escaped(character, to)?,
            control if control.is_control() => escaped(control, to)?,
            other => to.write_all(other.encode_utf8(&mut [0; 4]).as_bytes())?,
        }
    }
    to.write_all(b"\"")
}

fn escaped(character: char, to: &mut dyn Write) -> io::Result<()> {
    write!(to, "\\u{:04x}", u32::from(character))
}

fn shell(text: &str, to: &mut dyn Write) -> io::Result<()> {
    to.write_all(b"'")?;
    for (at, part) in text.split('\'').enumerate() {
        if at > 0 {
            to.write_all(b"'\\''")?;
        }
        to.write_all(part.as_bytes())?;
    }
    to.write_all(b"'")
}

fn url(text: &str, to: &mut dyn Write) -> io::Result<()> {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            to.write_all(&[byte])?;
        } else {
            write!(to, "%{byte:02X}")?;
        }
    }
    Ok(())
}

fn base64(bytes: &[u8]) -> Result<Plaintext, QuotingError> {
    let mut buffer = vec![0; base64::encoded_len(bytes.len(), true).ok_or(QuotingError::Unwritable)?];
    STANDARD.encode_slice(bytes, &mut buffer).map_err(|_| QuotingError::Unwritable)?;
    Ok(Plaintext::new(buffer))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::proptest;

    use super::*;

    fn quoted(quoting: Quoting, text: &str) -> Result<String, QuotingError> {
        let quoted = quoting.apply(&Plaintext::new(text.as_bytes().to_vec()))?;
        Ok(String::from_utf8(quoted.expose().to_vec()).expect("text"))
    }

    #[test]
    fn a_value_is_written_as_the_place_reads_it() {
        let text = "a'b\"c\\ $(id)\n\u{7f}é";
        let table = [
            (Quoting::Json, "\"a'b\\\"c\\\\ $(id)\\n\\u007fé\""),
            (Quoting::Shell, "'a'\\''b\"c\\ $(id)\n\u{7f}é'"),
            (Quoting::Url, "a%27b%22c%5C%20%24%28id%29%0A%7F%C3%A9"),
            (Quoting::Base64, "YSdiImNcICQoaWQpCn/DqQ=="),
        ];
        for (quoting, wanted) in table {
            assert_eq!(quoted(quoting, text).expect("written"), wanted, "{quoting:?}");
        }
        assert_eq!(quoted(Quoting::Line, "a b'c").expect("one line"), "a b'c");
    }

    #[test]
    fn what_cannot_stand_there_is_refused() {
        for text in ["a\nb", "a\rb", "a\0b", "\u{1b}[0m", "a\u{2028}b", "a\u{85}b"] {
            assert_eq!(quoted(Quoting::Line, text), Err(QuotingError::NotOneLine), "{text:?}");
        }
        assert_eq!(quoted(Quoting::Shell, "a\0b"), Err(QuotingError::Nul));
        let binary = Plaintext::new(vec![0xff, 0xfe]);
        assert_eq!(Quoting::Json.apply(&binary).expect_err("no text"), QuotingError::NotText);
        assert_eq!(Quoting::Base64.apply(&binary).expect("any bytes").expose(), b"//4=");
    }

    proptest! {
        /// One writer for three languages: each of their own readers gives the same text back.
        #[test]
        fn json_yaml_and_toml_read_back_what_was_quoted(text in any::<String>()) {
            let json = quoted(Quoting::Json, &text).expect("written");
            assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
            let table: toml::Table = format!("a = {json}\n").parse().expect("TOML");
            assert_eq!(table["a"].as_str(), Some(text.as_str()));
            let scalar = granit_parser::Parser::new_from_str(&json).find_map(|event| {
                let read = event.expect("YAML").0;
                if let granit_parser::Event::Scalar(read, ..) = read { Some(read.into_owned()) } else { None }
            });
            assert_eq!(scalar, Some(text));
        }
    }
}
