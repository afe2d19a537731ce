//! Reads `NAME=value` lines, as the dotenv libraries do where they agree, and refuses what they read differently.
//!
//! - `'…'` is literal. `"…"` knows `\n`, `\r`, `\t`, `\"`, `\\`, `\$` and `` \` ``; any other backslash stands for
//!   itself. Both may span lines; in them a line ends with `\n`, also in a file whose lines end with `\r\n`. Nothing is
//!   ever expanded.
//! - Without quotes a value goes to the end of the line, without the blanks around it, or to a `#` after a blank.
//! - `export ` before a name, blanks around `=`, empty values and whole lines of comment are passed over.
//! - `# aurora: service/key_name[#field] [scope]` on the line before a variable says which secret it is.
//!
//! The same reader takes the shell files this room writes; there it refuses whatever a shell would not take literally.

use super::entry::{Content, ENTRIES_MAX, Entry, NAME_BYTES_MAX};
use super::error::{PROBLEMS_MAX, Problem, Reason};
use super::target::Target;
use crate::crypto::plaintext::Plaintext;
use crate::model::secret::SecretName;

/// What begins a comment of ours, after the `#`.
pub(super) const ANNOTATION: &str = "aurora:";

/// How a single quote stands within single quotes in a shell: closed, escaped, opened again.
pub(super) const SHELL_QUOTE: &str = r"'\''";

/// Which of the two grammars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Dotenv,
    Shell,
}

/// Reads a whole file.
///
/// # Errors
/// Every wrong line; after a quote that never closes, or [`PROBLEMS_MAX`], no more are looked for.
pub(super) fn read(text: &str, dialect: Dialect) -> Result<Vec<Entry>, Vec<Problem>> {
    let mut scanner = Scanner { text, at: 0, line: 1, dialect };
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    let mut annotation: Option<(usize, Target)> = None;
    while problems.len() < PROBLEMS_MAX && !scanner.rest().is_empty() {
        let line = scanner.line;
        let read = scanner.logical_line();
        let before = annotation.take();
        match read {
            Ok(Line::Variable(entry)) if entries.len() < ENTRIES_MAX => {
                entries.push(Entry { target: before.map(|(_, target)| target).or(entry.target), ..entry });
            }
            Ok(Line::Variable(_)) => {
                problems.push(Problem::new(line, Reason::TooManyEntries(ENTRIES_MAX)));
                break;
            }
            Ok(Line::Other { target }) => {
                problems.extend(before.map(|(line, _)| Problem::new(line, Reason::AnnotationAlone)));
                annotation = target.map(|target| (line, target));
            }
            Err(reason) => {
                let is_last = reason == Reason::UnclosedQuote;
                problems.push(Problem::new(line, reason));
                if is_last {
                    break;
                }
                scanner.skip_line();
            }
        }
    }
    problems.extend(annotation.map(|(line, _)| Problem::new(line, Reason::AnnotationAlone)));
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}

/// What a line turned out to be.
enum Line {
    Variable(Entry),
    /// A blank line or a comment; the target if it is one of ours.
    Other {
        target: Option<Target>,
    },
}

struct Scanner<'a> {
    text: &'a str,
    /// Always at the start of a character.
    at: usize,
    line: usize,
    dialect: Dialect,
}

impl<'a> Scanner<'a> {
    /// Reads one variable, comment or blank line, with its end. After an error it stands somewhere on the line.
    fn logical_line(&mut self) -> Result<Line, Reason> {
        self.skip_blanks();
        if self.is_at_line_end() {
            self.skip_line();
            return Ok(Line::Other { target: None });
        }
        if self.rest().starts_with('#') {
            let target = annotated(self.rest_of_line())?;
            self.skip_line();
            return Ok(Line::Other { target });
        }
        self.variable().map(Line::Variable)
    }

    fn variable(&mut self) -> Result<Entry, Reason> {
        let line = self.line;
        self.skip_export();
        let name = self.name()?;
        let target = if name.contains('/') {
            Some(Target::of(SecretName::parse(name).map_err(|_| Reason::NotAName)?))
        } else {
            None
        };
        self.skip_blanks();
        if !self.rest().starts_with('=') {
            return Err(Reason::NoEquals);
        }
        self.at += 1;
        let content = Content::Value(self.value()?);
        self.skip_line();
        Ok(Entry { line, raw_name: name.to_owned(), target, content })
    }

    /// Passes over `export`, unless it is the name itself.
    fn skip_export(&mut self) {
        let Some(after) = self.rest().strip_prefix("export").filter(|after| after.starts_with(is_blank)) else {
            return;
        };
        let name = after.trim_start_matches(is_blank);
        if !name.starts_with('=') {
            self.at = self.text.len() - name.len();
        }
    }

    /// What a variable may be called in some tool. What follows it decides whether it was a name at all.
    fn name(&mut self) -> Result<&'a str, Reason> {
        let rest = self.rest();
        let length = rest.find(|it: char| !(it.is_ascii_alphanumeric() || "_.-/".contains(it))).unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        let begins_right = name.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_');
        let ends_right = after.is_empty() || after.starts_with(|it: char| is_blank(it) || "=\r\n".contains(it));
        if !begins_right || !ends_right {
            return Err(Reason::NotAName);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(Reason::UnprintableName(NAME_BYTES_MAX));
        }
        self.at += length;
        Ok(name)
    }

    /// The value, up to where only the line's end or a comment follows.
    fn value(&mut self) -> Result<Plaintext, Reason> {
        let before = self.at;
        self.skip_blanks();
        let value = match self.rest().as_bytes().first() {
            Some(b'\'') => self.single_quoted()?,
            Some(b'"') => self.double_quoted()?,
            Some(b'`') => return Err(Reason::Backtick),
            Some(b'#') if self.at > before => return Ok(Plaintext::new(Vec::new())),
            _ => return self.unquoted(),
        };
        self.skip_blanks();
        let ends = self.is_at_line_end() || self.rest().starts_with('#');
        if ends { Ok(value) } else { Err(Reason::TextAfterQuote) }
    }

    fn single_quoted(&mut self) -> Result<Plaintext, Reason> {
        let inside = &self.rest()[1..];
        let mut end = 0;
        loop {
            end += inside[end..].find('\'').ok_or(Reason::UnclosedQuote)?;
            if !inside[end..].starts_with(SHELL_QUOTE) {
                break;
            }
            end += SHELL_QUOTE.len();
        }
        let raw = self.take_quoted(end);
        let mut value = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(character) = rest.chars().next() {
            rest = if let Some(after) = rest.strip_prefix(SHELL_QUOTE) {
                value.push(b'\'');
                after
            } else {
                self.push_literal(&mut value, rest, character)
            };
        }
        Ok(Plaintext::new(value))
    }

    fn double_quoted(&mut self) -> Result<Plaintext, Reason> {
        let inside = &self.rest()[1..];
        let mut escaped = false;
        let closes = |character: char| {
            let closes = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            closes
        };
        let end = inside.find(closes).ok_or(Reason::UnclosedQuote)?;
        let raw = self.take_quoted(end);
        if self.dialect == Dialect::Shell && raw.contains(['\\', '$', '`']) {
            return Err(Reason::ShellSyntax);
        }
        let mut value = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(character) = rest.chars().next() {
            let escape =
                rest.strip_prefix('\\').and_then(|after| Some((unescaped(after.bytes().next()?)?, &after[1..])));
            rest = if let Some((byte, after)) = escape {
                value.push(byte);
                after
            } else {
                self.push_literal(&mut value, rest, character)
            };
        }
        Ok(Plaintext::new(value))
    }

    /// Appends one character that stands for itself, and gives back what follows it.
    fn push_literal<'b>(&self, value: &mut Vec<u8>, rest: &'b str, character: char) -> &'b str {
        if self.dialect == Dialect::Dotenv
            && let Some(after) = rest.strip_prefix("\r\n")
        {
            value.push(b'\n');
            return after;
        }
        let (this, after) = rest.split_at(character.len_utf8());
        value.extend_from_slice(this.as_bytes());
        after
    }

    /// Moves behind the closing quote, which stands `length` bytes after the opening one's end.
    fn take_quoted(&mut self, length: usize) -> &'a str {
        let raw = &self.rest()[1..=length];
        self.at += length + 2;
        self.line += raw.bytes().filter(|&byte| byte == b'\n').count();
        raw
    }

    fn unquoted(&mut self) -> Result<Plaintext, Reason> {
        let line = self.rest_of_line();
        let comment = line.match_indices('#').find(|(at, _)| line[..*at].ends_with(is_blank));
        let value = comment.map_or(line, |(at, _)| &line[..at]).trim_end_matches(is_blank);
        if value.contains(|character: char| character.is_control() && character != '\t') {
            return Err(Reason::ControlCharacter);
        }
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "_./:@%+,=-".contains(character);
        if self.dialect == Dialect::Shell && !value.chars().all(is_plain) {
            return Err(Reason::ShellSyntax);
        }
        Ok(Plaintext::new(value.as_bytes().to_vec()))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// What is left of the line, without its end.
    fn rest_of_line(&self) -> &'a str {
        let rest = self.rest();
        let line = rest.find('\n').map_or(rest, |end| &rest[..end]);
        line.strip_suffix('\r').unwrap_or(line)
    }

    fn is_at_line_end(&self) -> bool {
        self.rest_of_line().is_empty()
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches(is_blank).len();
    }

    /// Moves to the next line, whatever is left of this one.
    fn skip_line(&mut self) {
        match self.rest().find('\n') {
            Some(end) => {
                self.at += end + 1;
                self.line += 1;
            }
            None => self.at = self.text.len(),
        }
    }
}

/// The target of a comment of ours; `None` for any other comment.
fn annotated(comment: &str) -> Result<Option<Target>, Reason> {
    let text = comment.trim_start_matches('#').trim_start_matches(is_blank);
    let Some(target) = text.strip_prefix(ANNOTATION) else { return Ok(None) };
    Target::parse(target.trim_matches(is_blank)).map(Some).map_err(Reason::Annotation)
}

fn is_blank(character: char) -> bool {
    character == ' ' || character == '\t'
}

/// What a backslash and this byte stand for within double quotes.
fn unescaped(byte: u8) -> Option<u8> {
    match byte {
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'"' | b'\\' | b'$' | b'`' => Some(byte),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str, dialect: Dialect) -> Vec<(usize, String, String)> {
        let entries = read(text, dialect).unwrap_or_else(|problems| panic!("{text:?}: {problems:?}"));
        let shown = |entry: Entry| match entry.content {
            Content::Value(value) => {
                (entry.line, entry.raw_name, String::from_utf8(value.expose().to_vec()).expect("text"))
            }
            Content::Fields(_) | Content::Nothing => panic!("a variable has a value"),
        };
        entries.into_iter().map(shown).collect()
    }

    fn value(text: &str) -> String {
        let mut values = values(text, Dialect::Dotenv);
        assert_eq!(values.len(), 1, "{text:?}: {values:?}");
        values.remove(0).2
    }

    fn problems(text: &str) -> Vec<(usize, Reason)> {
        let problems = read(text, Dialect::Dotenv).expect_err(text);
        problems.into_iter().map(|problem| (problem.line, problem.reason)).collect()
    }

    #[test]
    fn a_value_is_what_stands_there() {
        let wanted = [
            ("A=b", "b"),
            ("A=", ""),
            ("A=   ", ""),
            ("A=\"\"", ""),
            ("A=''", ""),
            ("A = b c \t", "b c"),
            ("  export A=b", "b"),
            ("export\tA=b\r\n", "b"),
            ("A=b # comment", "b"),
            ("A=b#c", "b#c"),
            ("A=#b", "#b"),
            ("A= # comment", ""),
            ("A=b\t# c # d", "b"),
            ("A=it's", "it's"),
            ("A=a\"b\"", "a\"b\""),
            ("A=$HOME ${X} $(id) `id`", "$HOME ${X} $(id) `id`"),
            ("A=a\\nb\\", "a\\nb\\"),
            ("A=b=c==", "b=c=="),
            ("A=clé\u{a0}", "clé\u{a0}"),
            ("A='b # c' # d", "b # c"),
            ("A='a\\n\"$B\\'", "a\\n\"$B\\"),
            ("A='it'\\''s'", "it's"),
            ("A=''\\'''", "'"),
            ("A=\"a\\n\\r\\t\\\"\\\\\\$\\`b\"", "a\n\r\t\"\\$`b"),
            ("A=\"a\\qb\\é\"", "a\\qb\\é"),
            ("A=\"$HOME ${X} $(id) `id`\"#c", "$HOME ${X} $(id) `id`"),
            ("A=\"it's # b\"", "it's # b"),
            ("A=\"a\nb\"\n", "a\nb"),
            ("A='a\nb\n'", "a\nb\n"),
            ("A=\"a\r\nb\"\r\n", "a\nb"),
            ("A='a\rb\r\nc'", "a\rb\nc"),
        ];
        for (text, wanted) in wanted {
            assert_eq!(value(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn each_variable_has_its_line_and_the_rest_is_passed_over() {
        let text = "# c\r\n\r\nA=1\r\nB=\"x\r\ny\" # c\r\n\t\nexport=2\r\nc.d-e=3\nhubspot/api_key=4\n2CAPTCHA=5";
        let wanted = [(3, "A", "1"), (4, "B", "x\ny"), (7, "export", "2"), (8, "c.d-e", "3")];
        let wanted = wanted.into_iter().chain([(9, "hubspot/api_key", "4"), (10, "2CAPTCHA", "5")]);
        let wanted: Vec<_> = wanted.map(|(line, name, value)| (line, name.to_owned(), value.to_owned())).collect();
        assert_eq!(values(text, Dialect::Dotenv), wanted);
        for empty in ["", "\n", "# only", "   ", "\r\n\r\n"] {
            assert_eq!(values(empty, Dialect::Dotenv), [], "{empty:?}");
        }
    }

    #[test]
    fn our_comment_says_which_secret_the_next_line_is() {
        let text = "# aurora: hubspot/api_key\nA=1\n#aurora:a/b#c company:acme \nexport B=2\nC=3\nd/e=4\n\
                    # aurora: f/g\nh/i=5\n";
        let targets: Vec<Option<String>> = read(text, Dialect::Dotenv)
            .expect("right")
            .into_iter()
            .map(|entry| entry.target.map(|target| target.to_string()))
            .collect();
        let wanted = [Some("hubspot/api_key"), Some("a/b#c company:acme"), None, Some("d/e"), Some("f/g")];
        assert_eq!(targets, wanted.map(|target| target.map(str::to_owned)));
    }

    #[test]
    fn every_wrong_line_is_told() {
        let text = "A\nexport B\n=c\nD E=f\nsk-canary:g=h\nI=\"j\" k\nL=`m`\nN=o\rp\n\
                    #aurora:q\nR=s\n# aurora: t/u\n\nv/W=x\ny/=z\nÄ=1\n-A=1\nB='x";
        let wanted = [
            (1, Reason::NoEquals),
            (2, Reason::NoEquals),
            (3, Reason::NotAName),
            (4, Reason::NoEquals),
            (5, Reason::NotAName),
            (6, Reason::TextAfterQuote),
            (7, Reason::Backtick),
            (8, Reason::ControlCharacter),
        ];
        let found = problems(text);
        assert_eq!(found[..8], wanted);
        assert!(matches!(found[8], (9, Reason::Annotation(_))), "{found:?}");
        let rest = [
            (11, Reason::AnnotationAlone),
            (13, Reason::NotAName),
            (14, Reason::NotAName),
            (15, Reason::NotAName),
            (16, Reason::NotAName),
            (17, Reason::UnclosedQuote),
        ];
        assert_eq!(found[9..], rest);
        assert_eq!(problems("# aurora: a/b"), [(1, Reason::AnnotationAlone)]);
        assert_eq!(problems("\nA=\"b\\\"\nC=1\n"), [(2, Reason::UnclosedQuote)]);
        assert_eq!(problems("A='b\nC='d'\n"), [(1, Reason::TextAfterQuote)]);
    }

    #[test]
    fn a_line_after_a_wrong_one_that_spans_lines_has_its_number() {
        assert_eq!(problems("A=\"b\nc\" d\nE\n"), [(1, Reason::TextAfterQuote), (3, Reason::NoEquals)]);
    }

    #[test]
    fn a_file_of_nonsense_is_given_up_after_a_hundred_lines() {
        assert_eq!(problems(&"nonsense\n".repeat(5000)).len(), PROBLEMS_MAX);
    }

    #[test]
    fn a_shell_file_is_taken_only_where_a_shell_would_read_the_same() {
        let text = "export A='a\r\nb'\nexport B='it'\\''s'\nC=plain-1\nD=\"x y\"\nexport E=''\n";
        let found: Vec<String> = values(text, Dialect::Shell).into_iter().map(|(_, _, value)| value).collect();
        assert_eq!(found, ["a\r\nb", "it's", "plain-1", "x y", ""]);
        for text in ["A=$B", "A=\"$B\"", "A=a b", "A=\"a\\nb\"", "A=a;b", "A=~", "A=\"`id`\"", "A=a&b"] {
            let problems = read(text, Dialect::Shell).expect_err(text);
            assert_eq!(problems, [Problem::new(1, Reason::ShellSyntax)], "{text:?}");
        }
    }
}
