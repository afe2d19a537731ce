//! Reads JSON (RFC 8259) into a tree with lines. Written here because a value must come out with its line, and in
//! memory that is wiped; the common libraries give neither.
//!
//! Strict: no comments, no trailing commas, no second value. What is not a text or a map is read only so far as to say
//! so.

use super::error::{Problem, Reason};
use super::tree::{Count, DEPTH_MAX, Kind, Node, Pair};
use crate::crypto::plaintext::Plaintext;

/// Reads the one value of a file.
///
/// # Errors
/// The first place that is not JSON.
pub(super) fn read(text: &str) -> Result<Node, Problem> {
    let mut scanner = Scanner { text, at: 0, line: 1, count: Count::default() };
    let node = scanner.value(0)?;
    scanner.skip_space();
    if scanner.rest().is_empty() { Ok(node) } else { Err(scanner.wrong("something follows after the end of the map")) }
}

struct Scanner<'a> {
    text: &'a str,
    /// Always at the start of a character.
    at: usize,
    line: usize,
    count: Count,
}

impl<'a> Scanner<'a> {
    fn value(&mut self, depth: usize) -> Result<Node, Problem> {
        self.skip_space();
        let line = self.line;
        let kind = match self.rest().as_bytes().first() {
            Some(b'{' | b'[') if depth == DEPTH_MAX => return Err(Problem::new(line, Reason::TooDeep)),
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Kind::Text(self.string()?),
            Some(_) => self.word()?,
            None => return Err(self.wrong("the file ends where a value should stand")),
        };
        Ok(Node { line, kind })
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Problem> {
        self.at += 1;
        let mut pairs = Vec::new();
        self.skip_space();
        if self.takes('}') {
            return Ok(Kind::Map(pairs));
        }
        loop {
            self.skip_space();
            let line = self.line;
            if !self.rest().starts_with('"') {
                return Err(self.wrong("a name in double quotes should stand here"));
            }
            let name = self.string()?;
            let name = String::from_utf8_lossy(name.expose()).into_owned();
            self.count.take(line, &name)?;
            self.skip_space();
            if !self.takes(':') {
                return Err(self.wrong("there is no ':' after the name"));
            }
            pairs.push(Pair { line, name, node: self.value(depth + 1)? });
            self.skip_space();
            match (self.takes(','), self.takes('}')) {
                (false, true) => return Ok(Kind::Map(pairs)),
                (true, false) => {}
                (true, true) => return Err(self.wrong("a comma stands before the end of a map")),
                (false, false) => return Err(self.wrong("a ',' or '}' should stand here")),
            }
        }
    }

    /// Reads over a list. It is no value, but what follows it may be wrong as well.
    fn list(&mut self, depth: usize) -> Result<Kind, Problem> {
        const LIST: Kind = Kind::NotAValue("a list");
        self.at += 1;
        self.skip_space();
        if self.takes(']') {
            return Ok(LIST);
        }
        loop {
            self.value(depth + 1)?;
            self.skip_space();
            if self.takes(']') {
                return Ok(LIST);
            }
            if !self.takes(',') {
                return Err(self.wrong("a ',' or ']' should stand here"));
            }
        }
    }

    /// `true`, `false`, `null`, or a number.
    fn word(&mut self) -> Result<Kind, Problem> {
        let rest = self.rest();
        let is_inside = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
        let word = &rest[..rest.find(|character| !is_inside(character)).unwrap_or(rest.len())];
        let kind = match word {
            "true" | "false" => Kind::NotText("true or false"),
            "null" => Kind::Nothing,
            _ if word.starts_with(|it: char| it.is_ascii_digit() || it == '-') => Kind::NotText("a number"),
            _ => return Err(self.wrong("a value should stand here; write a text in double quotes")),
        };
        self.at += word.len();
        Ok(kind)
    }

    /// A text in quotes; the scanner stands at the first.
    fn string(&mut self) -> Result<Plaintext, Problem> {
        let inside = &self.rest()[1..];
        let mut escaped = false;
        let closes = |character: char| {
            let closes = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            closes || character < ' '
        };
        let end = inside.find(closes).ok_or_else(|| self.wrong("the quote that opens here is never closed"))?;
        let raw = &inside[..end];
        if !inside[end..].starts_with('"') {
            let what = "a text holds a line end or another control character; write it as \\n or \\uXXXX";
            return Err(self.wrong(what));
        }
        let mut value = Vec::with_capacity(raw.len());
        let is_whole = unescape_into(&mut value, raw).is_some();
        let value = Plaintext::new(value);
        if !is_whole {
            return Err(self.wrong("a backslash begins no escape of JSON"));
        }
        self.at += raw.len() + 2;
        Ok(value)
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn takes(&mut self, character: char) -> bool {
        let is_there = self.rest().starts_with(character);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_space(&mut self) {
        let space = |&byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let spaces = self.rest().as_bytes().iter().take_while(|byte| space(byte));
        let (length, lines) =
            spaces.fold((0, 0), |(length, lines), &byte| (length + 1, lines + usize::from(byte == b'\n')));
        self.at += length;
        self.line += lines;
    }

    fn wrong(&self, what: &str) -> Problem {
        Problem::new(self.line, Reason::Syntax { format: "JSON", what: what.to_owned() })
    }
}

/// Appends what stands between two quotes; `None` at what is no escape. Never writes more than `raw` is long.
fn unescape_into(value: &mut Vec<u8>, raw: &str) -> Option<()> {
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        value.extend_from_slice(&rest.as_bytes()[..at]);
        let (character, after) = unescaped(&rest[at + 1..])?;
        value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = after;
    }
    value.extend_from_slice(rest.as_bytes());
    Some(())
}

/// The character that an escape stands for, and what follows; half a surrogate pair stands for none.
fn unescaped(after_backslash: &str) -> Option<(char, &str)> {
    let mut rest = after_backslash.chars();
    let character = match rest.next()? {
        it @ ('"' | '\\' | '/') => it,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unescaped_unit(rest.as_str()),
        _ => return None,
    };
    Some((character, rest.as_str()))
}

fn unescaped_unit(digits: &str) -> Option<(char, &str)> {
    let (first, after) = unit(digits)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, after));
    }
    let (second, after) = unit(after.strip_prefix("\\u")?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, after))
}

/// Four hexadecimal digits.
fn unit(digits: &str) -> Option<(u16, &str)> {
    let (four, after) = digits.split_at_checked(4)?;
    let are_digits = four.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((u16::from_str_radix(four, 16).ok().filter(|_| are_digits)?, after))
}

#[cfg(test)]
mod tests {
    use super::super::tree::shown;
    use super::*;

    fn problem(text: &str) -> Problem {
        read(text).err().unwrap_or_else(|| panic!("{text:?} is taken"))
    }

    #[test]
    fn a_map_is_read_with_the_line_of_each_name() {
        let text = "\r\n{\"A\": \"x\",\n\t\"B\"\n:\n\
                    { \"c\":null ,\"d\":[1,{\"e\":[]}]},\"F\":-1.5e+3,\"G\":true,\n\"H\":{}}\n";
        let wanted = "{A@2=\"x\" B@3={c@5=nothing d@5=a list} F@5=a number G@5=true or false H@6={}}";
        assert_eq!(shown(&read(text).expect("JSON")), wanted);
    }

    #[test]
    fn escapes_stand_for_their_character() {
        let text = r#""\"\\\/\b\f\n\r\tA\u00e9\ud83d\ude00\u0000é""#;
        assert_eq!(shown(&read(text).expect("JSON")), format!("{:?}", "\"\\/\u{8}\u{c}\n\r\tAé😀\0é"));
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_line() {
        let wrong = [
            ("", 1),
            ("{", 1),
            ("{\n", 2),
            ("{\n\"A\"", 2),
            ("{\n\"A\" \"x\"}", 2),
            ("{\"A\":\n}", 2),
            ("{\"A\":\"x\"\n\"B\":\"y\"}", 2),
            ("{\"A\":\"x\",\n}", 2),
            ("{\"A\":\"x\",,}", 1),
            ("{\"A\":\"x\"}\n\n{}", 3),
            ("{A:\"x\"}", 1),
            ("{'A':'x'}", 1),
            ("{\"A\":x}", 1),
            ("{\"A\":True}", 1),
            ("{\n// c\n}", 2),
            ("{\"A\":\"x\n\"}", 1),
            ("{\"A\":\"x\u{1}\"}", 1),
            ("{\"A\":\"x}", 1),
            ("{\"A\":\"\\q\"}", 1),
            ("{\"A\":\"\\u12\"}", 1),
            ("{\"A\":\"\\u+123\"}", 1),
            ("{\"A\":\"\\ud83d\"}", 1),
            ("{\"A\":\"\\ud83d\\u0041\"}", 1),
            ("{\"A\":\"\\ude00\"}", 1),
            ("{\"A\":\"\\u00é\"}", 1),
            ("{\"A\":[1 2]}", 1),
            ("{\"A\":[1,]}", 1),
            ("{\"A\":[", 1),
        ];
        for (text, line) in wrong {
            let problem = problem(text);
            assert_eq!(problem.line, line, "{text:?}: {problem}");
            assert!(matches!(problem.reason, Reason::Syntax { .. }), "{text:?}: {problem}");
        }
    }

    #[test]
    fn depth_is_bounded_and_a_name_must_be_printable() {
        for open in ["[", "{\"a\":"] {
            assert_eq!(problem(&open.repeat(1_000_000)).reason, Reason::TooDeep);
        }
        for name in ["", "\\u001b[31m", "\\u202e", &"a".repeat(513)] {
            assert!(matches!(problem(&format!("{{\"{name}\":\"x\"}}")).reason, Reason::UnprintableName(_)), "{name:?}");
        }
    }
}
