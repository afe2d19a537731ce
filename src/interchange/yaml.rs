//! Reads YAML 1.2 into a tree with lines.
//!
//! Stricter than YAML: one document, no aliases, no tags but `!!str`. A plain scalar that YAML 1.1 or 1.2 reads as a
//! number, a date, or true or false is no text, because tools disagree about how it would be written back.
//!
//! What it cannot promise: the parser's own buffers for values with escapes or several lines are not wiped.

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::error::{Problem, Reason};
use super::tree::{Count, DEPTH_MAX, Kind, Node, Pair};
use crate::crypto::plaintext::Plaintext;

/// Reads the one document of a file; one without content is an empty map.
///
/// # Errors
/// The first place that is not YAML, or not of the part of it that is taken.
pub(super) fn read(text: &str) -> Result<Node, Problem> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.emit_unresolved_aliases = true;
    options.flow_nesting_limit = DEPTH_MAX;
    options.block_nesting_limit = DEPTH_MAX;
    Builder { parser: Parser::new_from_str_with_options(text, options), count: Count::default() }.stream()
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    count: Count,
}

impl<'a> Builder<'a> {
    fn stream(&mut self) -> Result<Node, Problem> {
        let mut root = None;
        loop {
            let (event, line) = self.next()?;
            if matches!(event, Event::StreamEnd) {
                break;
            }
            if !matches!(event, Event::DocumentStart(..)) {
                continue;
            }
            if root.is_some() {
                return Err(Problem::new(line, Reason::SecondDocument));
            }
            let (event, line) = self.next()?;
            root = Some(self.node(event, line)?);
        }
        let empty = Node { line: 1, kind: Kind::Map(Vec::new()) };
        Ok(root.filter(|node| !matches!(node.kind, Kind::Nothing)).unwrap_or(empty))
    }

    /// The node that begins with this event. How deep this recurses, the parser's options bound.
    #[expect(clippy::wildcard_enum_match_arm, reason = "an event of a later parser begins no value that is known here")]
    fn node(&mut self, event: Event<'a>, line: usize) -> Result<Node, Problem> {
        let kind = match event {
            Event::Scalar(_, _, _, Some(tag)) if tag.core_suffix() != Some("str") => Kind::NotAValue(TAGGED),
            Event::Scalar(text, ScalarStyle::Plain, _, None) => match plain_kind(&text) {
                Some(kind) => kind,
                None => Kind::Text(Plaintext::new(text.into_owned().into_bytes())),
            },
            Event::Scalar(text, ..) => Kind::Text(Plaintext::new(text.into_owned().into_bytes())),
            Event::MappingStart(_, _, tag) => self.map(tag.as_deref())?,
            Event::SequenceStart(..) => self.list()?,
            Event::Alias(_) | Event::UnresolvedAlias(_) => Kind::NotAValue("an alias"),
            _ => return Err(Problem::new(line, syntax("a value should stand here"))),
        };
        Ok(Node { line, kind })
    }

    fn map(&mut self, tag: Option<&Tag>) -> Result<Kind, Problem> {
        let mut pairs = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let Event::Scalar(name, ..) = event else {
                return Err(Problem::new(line, syntax("a name should stand here, and it must be a text")));
            };
            let name = name.into_owned();
            self.count.take(line, &name)?;
            let (event, value_line) = self.next()?;
            pairs.push(Pair { line, name, node: self.node(event, value_line)? });
        }
        let is_plain = tag.is_none_or(|tag| tag.core_suffix() == Some("map"));
        Ok(if is_plain { Kind::Map(pairs) } else { Kind::NotAValue(TAGGED) })
    }

    /// Reads over a list. It is no value, but what follows it may be wrong as well.
    fn list(&mut self) -> Result<Kind, Problem> {
        loop {
            let (event, line) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Kind::NotAValue("a list"));
            }
            self.node(event, line)?;
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, usize), Problem> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err(problem(&error)),
            None => Err(Problem::new(1, syntax("the file ends early"))),
        }
    }
}

const TAGGED: &str = "marked with a tag";

fn syntax(what: &str) -> Reason {
    Reason::Syntax { format: "YAML", what: what.to_owned() }
}

/// The parser's words, but where they would show a character of the file.
fn problem(error: &ScanError) -> Problem {
    let shows_text = matches!(
        error.kind(),
        ErrorKind::UnexpectedCharacter { .. }
            | ErrorKind::InputIo { .. }
            | ErrorKind::InputDecoding { .. }
            | ErrorKind::Custom(_)
    );
    let reason = if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        Reason::TooDeep
    } else if shows_text {
        syntax("a character stands here that must not")
    } else {
        syntax(&error.kind().to_string())
    };
    Problem::new(error.marker().line(), reason)
}

/// What a plain scalar is, if it is no text in every version of YAML.
fn plain_kind(text: &str) -> Option<Kind> {
    const NOTHING: [&str; 4] = ["", "~", "null", "Null"];
    const TRUTHS: [&str; 6] = ["true", "false", "yes", "no", "on", "off"];
    if NOTHING.contains(&text) || text == "NULL" {
        return Some(Kind::Nothing);
    }
    if TRUTHS.iter().any(|truth| text.eq_ignore_ascii_case(truth)) {
        return Some(Kind::NotText("true or false to some tools"));
    }
    if is_number(text) {
        return Some(Kind::NotText("a number"));
    }
    is_date(text).then_some(Kind::NotText("a date"))
}

/// Integers and fractions of YAML 1.2, and those of 1.1: with underscores, and in base 60 (`12:30`).
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str, radix: u32| {
        text.contains(|it: char| it.is_digit(radix)) && text.chars().all(|it| it == '_' || it.is_digit(radix))
    };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = text.strip_prefix(prefix) {
            return digits(rest, radix);
        }
    }
    if [".inf", ".nan"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return true;
    }
    if !text.starts_with(|it: char| it == '.' || it.is_ascii_digit()) {
        return false;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let sixties = whole.split(':').all(|part| digits(part, 10));
    let is_fraction = fraction.is_empty() || digits(fraction, 10);
    digits(exponent, 10) && is_fraction && (sixties || whole.is_empty() && !fraction.is_empty())
}

/// `2026-11-21`, with or without a time.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let is_part = |part: Option<&str>, lengths: &[usize]| {
        part.is_some_and(|part| lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (year, month, rest) = (parts.next(), parts.next(), parts.next());
    let day = rest.and_then(|rest| rest.split(['T', 't', ' ', '\t']).next());
    is_part(year, &[4]) && is_part(month, &[1, 2]) && is_part(day, &[1, 2])
}

#[cfg(test)]
mod tests {
    use super::super::tree::shown;
    use super::*;

    fn value(text: &str) -> String {
        shown(&read(&format!("A: {text}\n")).unwrap_or_else(|problem| panic!("{text:?}: {problem}")))
    }

    fn problem(text: &str) -> Problem {
        read(text).err().unwrap_or_else(|| panic!("{text:?} is taken"))
    }

    #[test]
    fn a_map_is_read_with_the_line_of_each_name() {
        let text =
            "# c\n---\nA: x # c\n'B':\n  c: ~\n  \"d\":\n  - 1\n  - {e: []}\nF: |\n  a\n   b\nG: {h: 'i'}\nJ:\n...\n";
        let wanted = "{A@3=\"x\" B@4={c@5=nothing d@6=a list} F@9=\"a\\n b\\n\" G@12={h@12=\"i\"} J@13=nothing}";
        assert_eq!(shown(&read(text).expect("YAML")), wanted);
        for empty in ["", "# only\n", "---\n", "~\n", "\n\n"] {
            assert_eq!(shown(&read(empty).expect("YAML")), "{}", "{empty:?}");
        }
    }

    #[test]
    fn texts_are_texts_and_what_might_be_something_else_is_not() {
        let texts =
            ["abc", "sk-123", "0x", "1.2.3", "1e", "a1", "nope", "10.0.0.1:80", "2026-11", "2026-1-a", "a-", "+", "."];
        for text in texts.into_iter().chain(["1.5.", "12:ab", "12345678-1234-1234", "deadbeef", "0xyz"]) {
            assert_eq!(value(text), format!("{{A@1={text:?}}}"));
        }
        for text in [
            "0",
            "-12",
            "+1_000",
            "0x1F",
            "0o17",
            "0b1",
            "1.5",
            ".5",
            "5.",
            "1e5",
            "1.5E-3",
            ".inf",
            "-.INF",
            ".NaN",
            "12:30",
            "12:30:45.5",
        ] {
            assert_eq!(value(text), "{A@1=a number}", "{text}");
        }
        for text in ["true", "False", "YES", "no", "On", "off"] {
            assert_eq!(value(text), "{A@1=true or false to some tools}", "{text}");
        }
        for text in ["2026-11-21", "2026-1-2", "2026-11-21T10:00:00Z", "2026-11-21 10:00:00"] {
            assert_eq!(value(text), "{A@1=a date}", "{text}");
        }
        for text in ["'5'", "\"true\"", "!!str 5", "!!str \"5\""] {
            assert!(value(text).contains("=\""), "{text}: {}", value(text));
        }
        assert_eq!(value("!!binary aGVsbG8="), "{A@1=marked with a tag}");
        assert_eq!(value("!mine {a: b}"), "{A@1=marked with a tag}");
    }

    #[test]
    fn escapes_and_folding_are_those_of_yaml() {
        assert_eq!(
            value("\"\\n\\t\\\"\\\\\\/\\x41\\u00e9\\U0001F600\\0\""),
            format!("{{A@1={:?}}}", "\n\t\"\\/Aé😀\0")
        );
        assert_eq!(value("'it''s'"), "{A@1=\"it's\"}");
        assert_eq!(value(">-\n  a\n  b\n"), "{A@1=\"a b\"}");
        assert_eq!(value("a\n  b"), "{A@1=\"a b\"}");
    }

    /// A thousand million laughs would need aliases.
    #[test]
    fn aliases_are_no_values() {
        let text = "A: &a x\nB: *a\nC: *none\n<<: *a\n";
        assert_eq!(shown(&read(text).expect("YAML")), "{A@1=\"x\" B@2=an alias C@3=an alias <<@4=an alias}");
    }

    #[test]
    fn what_is_not_yaml_is_refused_with_its_line() {
        let wrong = [
            ("A: 'x\n", 2),
            ("A: x\n B: y\n", 2),
            ("A: x: y\n", 1),
            ("A: [1\nB: x\n", 2),
            ("A: {b: c\n", 1),
            ("A: \"\\q\"\n", 1),
            ("A: x\nB\n", 2),
            ("? [a]\n: x\n", 1),
            ("A: `x`\n", 1),
            ("A: @canary\n", 1),
            ("A: %x\n", 1),
        ];
        for (text, line) in wrong {
            let problem = problem(text);
            assert_eq!(problem.line, line, "{text:?}: {problem}");
            assert!(matches!(problem.reason, Reason::Syntax { .. }), "{text:?}: {problem}");
        }
        assert_eq!(problem("A: x\n---\nB: y\n"), Problem::new(2, Reason::SecondDocument));
    }

    #[test]
    fn depth_is_bounded() {
        for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000)] {
            assert_eq!(problem(&text).reason, Reason::TooDeep);
        }
    }
}
