//! How one text is written so that it reads back byte for byte: in dotenv, in a shell, in JSON and YAML.

use std::io::{Result, Write};

use super::dotenv::SHELL_QUOTE;

/// A text as the value of a dotenv variable: bare where it can be, else in single quotes, else in double quotes. The
/// forms are chosen so that the dotenv libraries, and a shell that sources the file, read the same wherever that can be
/// had; line ends become `\n`, so that a variable stays on one line.
pub(super) fn dotenv(to: &mut dyn Write, text: &str) -> Result<()> {
    if text.chars().all(|character| character.is_ascii_alphanumeric() || "_./:@%+,=-".contains(character)) {
        return to.write_all(text.as_bytes());
    }
    if !text.contains(|character: char| character == '\'' || character == '\\' || character.is_control()) {
        return write!(to, "'{text}'");
    }
    escaped(to, text, |character| match character {
        '\n' => Some(Escape::Letter('n')),
        '\r' => Some(Escape::Letter('r')),
        '\t' => Some(Escape::Letter('t')),
        '"' | '\\' | '$' | '`' => Some(Escape::Letter(character)),
        _ => None,
    })
}

/// A text as one word of a POSIX shell (POSIX.1-2024, 2.2.2): nothing within single quotes means anything.
pub(super) fn shell(to: &mut dyn Write, text: &str) -> Result<()> {
    to.write_all(b"'")?;
    for (index, part) in text.split('\'').enumerate() {
        if index > 0 {
            to.write_all(SHELL_QUOTE.as_bytes())?;
        }
        to.write_all(part.as_bytes())?;
    }
    to.write_all(b"'")
}

/// A text in the double quotes of JSON, with only such escapes as YAML reads in the same way. What YAML calls not
/// printable is escaped as well.
pub(super) fn tree(to: &mut dyn Write, text: &str) -> Result<()> {
    escaped(to, text, |character| match character {
        '\n' => Some(Escape::Letter('n')),
        '\r' => Some(Escape::Letter('r')),
        '\t' => Some(Escape::Letter('t')),
        '"' | '\\' => Some(Escape::Letter(character)),
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => Some(Escape::Number),
        _ => character.is_control().then_some(Escape::Number),
    })
}

/// What is written in place of a character.
enum Escape {
    /// A backslash and this.
    Letter(char),
    /// `\u` and four digits.
    Number,
}

/// A text in double quotes, with escapes for the characters that want one and everything between them as it is.
fn escaped(to: &mut dyn Write, text: &str, escape: impl Fn(char) -> Option<Escape>) -> Result<()> {
    to.write_all(b"\"")?;
    let mut written = 0;
    for (at, character) in text.char_indices() {
        let Some(escape) = escape(character) else { continue };
        to.write_all(&text.as_bytes()[written..at])?;
        match escape {
            Escape::Letter(letter) => write!(to, "\\{letter}")?,
            Escape::Number => write!(to, "\\u{:04x}", u32::from(character))?,
        }
        written = at + character.len_utf8();
    }
    to.write_all(&text.as_bytes()[written..])?;
    to.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(quote: impl Fn(&mut dyn Write, &str) -> Result<()>, text: &str) -> String {
        let mut bytes = Vec::new();
        quote(&mut bytes, text).expect("memory takes it");
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn a_dotenv_value_has_the_plainest_form_that_reads_back() {
        let wanted = [
            ("", ""),
            ("sk-a_b/c=", "sk-a_b/c="),
            ("a b", "'a b'"),
            ("#a", "'#a'"),
            ("$A `b` \"c\"", "'$A `b` \"c\"'"),
            ("it's $A `b` \"c\"", "\"it's \\$A \\`b\\` \\\"c\\\"\""),
            ("a\nb\r\tc\\", "\"a\\nb\\r\\tc\\\\\""),
            ("é", "'é'"),
        ];
        for (text, form) in wanted {
            assert_eq!(written(dotenv, text), form);
        }
    }

    #[test]
    fn a_shell_word_and_a_tree_text_have_these_forms() {
        assert_eq!(written(shell, "it's\n$A"), "'it'\\''s\n$A'");
        assert_eq!(written(shell, "''"), "''\\'''\\'''");
        assert_eq!(
            written(tree, "a\"\\\n\u{0}\u{7f}\u{85}\u{2028}é😀/"),
            "\"a\\\"\\\\\\n\\u0000\\u007f\\u0085\\u2028é😀/\""
        );
    }
}
