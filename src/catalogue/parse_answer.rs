//! What answers mean and when credentials expire, read from a file.

use toml::{Table, Value};

use super::error::Reason;
use super::probe::{AnswerRule, Codes, Condition, ExpiryRule, MEANS};
use super::section::Section;
use crate::model::connectivity::Verdict;

/// Too many calls (RFC 6585, 4): whoever says so has said nothing about the credential.
const TOO_MANY: u16 = 429;

/// Longest note: a few words beside a code.
const NOTE_BYTES_MAX: usize = 160;

/// The rules of `[[answers]]`, in their order.
pub(super) fn answers(section: &mut Section<'_>, tables: Vec<Table>) -> Vec<AnswerRule> {
    let mut rules = Vec::with_capacity(tables.len());
    for (index, table) in tables.into_iter().enumerate() {
        let mut section = section.inside(&format!("answers[{index}]"), table);
        rules.extend(rule(&mut section));
        section.finish();
    }
    rules
}

/// The rules of `expires`, in their order.
pub(super) fn expires(section: &mut Section<'_>) -> Vec<ExpiryRule> {
    let mut rules = Vec::new();
    for (index, table) in section.optional_tables("expires").into_iter().enumerate() {
        let mut section = section.inside(&format!("expires[{index}]"), table);
        let found = [
            section.optional("header", |name| header_name(name).map(ExpiryRule::Header)),
            section.optional("seconds_at", |at| pointer(at).map(ExpiryRule::SecondsAt)),
            section.optional("time_at", |at| pointer(at).map(ExpiryRule::TimeAt)),
        ];
        let found: Vec<ExpiryRule> = found.into_iter().flatten().collect();
        if found.len() != 1 {
            section.refuse("header", Reason::Unfit("write one of header, seconds_at and time_at"));
        }
        rules.extend(found);
        section.finish();
    }
    rules
}

fn rule(section: &mut Section<'_>) -> Option<AnswerRule> {
    let items = section.list("status", CODES);
    let mut status = Vec::with_capacity(items.len());
    for item in items {
        match codes(&item) {
            Some(codes) => status.push(codes),
            None => section.refuse("status", Reason::Kind(CODES)),
        }
    }
    let mut conditions = body(section);
    conditions.extend(headers(section));
    let means = section.text("means", |word| {
        let known = MEANS.into_iter().find(|(known, _)| *known == word).map(|(_, verdict)| verdict);
        known.ok_or_else(|| Reason::Value {
            found: word.to_owned(),
            wanted: "valid, limited, exhausted, throttled, rejected or fault",
        })
    });
    let note = section.optional("note", |note| {
        let is_good = note.len() <= NOTE_BYTES_MAX && !note.contains(char::is_control);
        let bad = || Reason::Value { found: note.to_owned(), wanted: "one line of at most 160 bytes" };
        is_good.then(|| note.to_owned()).ok_or_else(bad)
    });
    if means == Some(Verdict::Rejected) && status.iter().any(|codes| codes.has(TOO_MANY)) {
        section.refuse("means", Reason::Unfit("\"rejected\" may not be about 429, which says nothing about a key"));
    }
    Some(AnswerRule { status, conditions, means: means?, note })
}

const CODES: &str = "a list of codes from 100 to 599, or of \"1xx\" to \"5xx\"";

fn codes(value: &Value) -> Option<Codes> {
    if let Some(number) = value.as_integer() {
        return u16::try_from(number).ok().filter(|code| (100..=599).contains(code)).map(Codes::One);
    }
    let digit: u16 = value.as_str()?.strip_suffix("xx")?.parse().ok()?;
    (1..=5).contains(&digit).then_some(Codes::Family(digit))
}

fn body(section: &mut Section<'_>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (index, table) in section.optional_tables("body").into_iter().enumerate() {
        let mut section = section.inside(&format!("body[{index}]"), table);
        conditions.extend(condition(&mut section));
        section.finish();
    }
    conditions
}

fn condition(section: &mut Section<'_>) -> Option<Condition> {
    let at = section.text("at", pointer);
    let is = section.value("is").map(|value| wanted(&value));
    let holds = section.optional_text("holds");
    let absent = section.flag("absent");
    match (at, is, holds, absent) {
        (at, Some(Some(any)), None, false) => at.map(|at| Condition::BodyIs { at, any }),
        (_, Some(None), _, _) => {
            section.refuse("is", Reason::Kind("a text, a whole number, true or false, or a list of them"));
            None
        }
        (at, None, Some(text), false) => at.map(|at| Condition::BodyHolds { at, text }),
        (at, None, None, true) => at.map(|at| Condition::BodyLacks { at }),
        (_, None | Some(Some(_)), _, _) => {
            section.refuse("is", Reason::Unfit("write one of is, holds and absent = true"));
            None
        }
    }
}

/// What the body is to say, as text; `None` for what no body could be compared with.
fn wanted(value: &Value) -> Option<Vec<String>> {
    let one = |value: &Value| {
        let text = value.as_str().map(str::to_owned);
        text.or_else(|| value.as_integer().map(|it| it.to_string()))
            .or_else(|| value.as_bool().map(|it| it.to_string()))
    };
    match value.as_array() {
        Some(items) if items.is_empty() => None,
        Some(items) => items.iter().map(one).collect(),
        None => one(value).map(|text| vec![text]),
    }
}

fn headers(section: &mut Section<'_>) -> Vec<Condition> {
    let named = section.named("headers", |name, value| {
        header_name(name)?;
        header_value(value).map(str::to_owned)
    });
    named.into_iter().map(|(name, value)| Condition::HeaderIs { name, value }).collect()
}

/// A pointer into a JSON body (RFC 6901).
fn pointer(text: &str) -> Result<String, Reason> {
    let bad = || Reason::Value { found: text.to_owned(), wanted: "a JSON pointer, which begins with /" };
    text.starts_with('/').then(|| text.to_owned()).ok_or_else(bad)
}

/// The name of a header (RFC 9110, 5.1), in lower case.
pub(super) fn header_name(text: &str) -> Result<String, Reason> {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let bad = || Reason::Value { found: text.to_owned(), wanted: "the name of a header, in lower case" };
    (!text.is_empty() && text.bytes().all(inside)).then(|| text.to_owned()).ok_or_else(bad)
}

/// The value of a header: visible ASCII and blanks.
pub(super) fn header_value(text: &str) -> Result<&str, Reason> {
    let bad =
        || Reason::Value { found: text.to_owned(), wanted: "the value of a header: visible characters and blanks" };
    text.chars().all(super::template::in_header).then_some(text).ok_or_else(bad)
}
