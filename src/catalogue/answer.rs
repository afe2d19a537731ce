//! What an answer means, by the rules of a provider's file. An answer is what somebody outside says: nothing of it is shown,
//! and whatever no rule knows is a fault.

use std::time::Duration;

use serde_json::Value;

use super::probe::{AnswerRule, Condition, ExpiryRule};
use crate::model::api_check::{ExpirySource, KeyExpiry};
use crate::model::connectivity::Verdict;
use crate::model::time::Timestamp;

/// A century: a provider that promises more says nothing.
const LIFE_MAX: Duration = Duration::from_secs(100 * 365 * 86_400);

/// An answer, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The code.
    pub status: u16,
    /// The headers, by name in lower case.
    pub headers: &'a [(String, String)],
    /// The body, of at most 1 MiB.
    pub body: &'a [u8],
}

/// Most values in a body that is taken apart: each takes many times the memory that it took bytes. The longest answer to a
/// probe of the catalogue has some hundreds.
const VALUES_MAX: usize = 10_000;

/// What it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What the check has come to.
    pub verdict: Verdict,
    /// What the catalogue says about it, in a few words of its own.
    pub note: Option<String>,
}

/// The meaning of an answer: that of the first rule that fits. What none fits is too many calls for 429, and else a fault.
#[must_use]
pub fn judge(rules: &[AnswerRule], answer: &Answer<'_>) -> Judged {
    let mut read = Read { answer, body: None };
    match rules.iter().find(|rule| read.fits(rule)) {
        Some(rule) => Judged { verdict: rule.means, note: rule.note.clone() },
        None => unexpected(answer.status),
    }
}

/// When an answer says that the credential ends; the first rule that finds something.
#[must_use]
pub fn expiry(rules: &[ExpiryRule], answer: &Answer<'_>, now: Timestamp) -> Option<KeyExpiry> {
    let mut read = Read { answer, body: None };
    rules.iter().find_map(|rule| match rule {
        ExpiryRule::Header(name) => {
            let text = answer.header(name)?;
            let at = Timestamp::parse(text).or_else(|| Timestamp::parse_spaced(text))?;
            Some(KeyExpiry { at, source: ExpirySource::Header })
        }
        ExpiryRule::SecondsAt(at) => {
            let life = Duration::from_secs(seconds(read.value(at)?)?);
            (life <= LIFE_MAX).then(|| KeyExpiry { at: now.plus(life), source: ExpirySource::Answer })
        }
        ExpiryRule::TimeAt(at) => {
            let at = Timestamp::parse(read.value(at)?.as_str()?)?;
            Some(KeyExpiry { at, source: ExpirySource::Answer })
        }
    })
}

impl Answer<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
    }
}

/// An answer being read. Its body is taken apart when a rule first asks for it.
struct Read<'a> {
    answer: &'a Answer<'a>,
    body: Option<Option<Value>>,
}

impl Read<'_> {
    fn fits(&mut self, rule: &AnswerRule) -> bool {
        let about = rule.status.iter().any(|codes| codes.has(self.answer.status));
        about && rule.conditions.iter().all(|condition| self.holds(condition))
    }

    fn holds(&mut self, condition: &Condition) -> bool {
        match condition {
            Condition::BodyIs { at, any } => {
                let found = self.value(at).and_then(text_of);
                found.is_some_and(|found| any.contains(&found))
            }
            Condition::BodyHolds { at, text } => {
                let found = self.value(at).and_then(Value::as_str).map(str::to_lowercase);
                found.is_some_and(|found| found.contains(&text.to_lowercase()))
            }
            // What is no JSON says nothing, and so does not say that there is nothing.
            Condition::BodyLacks { at } => match self.body() {
                Some(body) => body.pointer(at).is_none_or(Value::is_null),
                None => false,
            },
            Condition::HeaderIs { name, value } => self.answer.header(name) == Some(value.as_str()),
        }
    }

    fn value(&mut self, at: &str) -> Option<&Value> {
        self.body()?.pointer(at)
    }

    fn body(&mut self) -> Option<&Value> {
        let bytes = self.answer.body;
        let read = || is_modest(bytes).then(|| serde_json::from_slice(bytes).ok()).flatten();
        self.body.get_or_insert_with(read).as_ref()
    }
}

/// Whether a body holds so many values only. A comma within a text counts too: better too many than too few.
fn is_modest(body: &[u8]) -> bool {
    body.iter().filter(|byte| b",[{".contains(byte)).count() <= VALUES_MAX
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number of seconds, which some write as a text.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn unexpected(status: u16) -> Judged {
    let (verdict, note) = match status {
        429 => (Verdict::Throttled, None),
        300..=399 => (Verdict::Fault, Some("a redirect, which is not followed")),
        500..=599 => (Verdict::Fault, Some("a fault of the provider")),
        _ => (Verdict::Fault, Some("an answer that nobody expects")),
    };
    Judged { verdict, note: note.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::super::probe::Codes;
    use super::*;

    #[test]
    fn a_body_that_would_take_many_times_its_bytes_of_memory_is_not_taken_apart() {
        let of = |count: usize| format!(r#"{{"ok":true,"all":[{}]}}"#, vec![r#"{"":0}"#; count].join(","));
        let at = "/ok".to_owned();
        let conditions = vec![Condition::BodyIs { at, any: vec!["true".to_owned()] }];
        let rule = AnswerRule { status: vec![Codes::One(200)], conditions, means: Verdict::Accepted, note: None };
        let judged = |body: &str| {
            let answer = Answer { status: 200, headers: &[], body: body.as_bytes() };
            judge(std::slice::from_ref(&rule), &answer).verdict
        };
        assert_eq!(judged(&of(1_000)), Verdict::Accepted);
        assert_eq!(judged(&of(100_000)), Verdict::Fault);
    }
}
