//! What a program may tell: which types, how much, and never what looks like a credential. An event is read by many, kept for
//! weeks and sent to other machines: what gets into one is out.

use serde_json::{Map, Value};

use crate::model::event_kind::{EventKind, UnknownKind};
use crate::model::secret::SecretName;

/// Most bytes of the data of one event, as JSON: what a line of a chat and a webhook of others take without a thought.
pub const DATA_BYTES_MAX: usize = 16 << 10;

/// How deep the data may be nested: deeper is for programs that follow each other's structures, not for readers.
pub const DEPTH_MAX: usize = 8;

/// Longest key by which a program tells a second try from a second event, in bytes: a UUID with room for a prefix.
pub const KEY_BYTES_MAX: usize = 128;

/// How credentials of well-known providers begin, and how many characters follow at least. As their makers publish them for
/// secret scanners.
const BEGINNINGS: &[(&str, usize)] = &[
    ("sk-", 20),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("rk_live_", 16),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 30),
    ("glpat-", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("xoxa-", 16),
    ("xapp-", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ya29.", 20),
    ("pat-na1-", 16),
    ("pat-eu1-", 16),
    ("SG.", 30),
    ("hf_", 30),
    ("npm_", 30),
    ("dop_v1_", 30),
    ("whsec_", 20),
    ("shpat_", 30),
    ("lin_api_", 30),
    ("eyJhbGciOi", 20),
    ("aurora-join-", 16),
    ("mj_agent_", 16),
];

/// What members are called whose text is a credential, whatever it looks like.
const MEMBERS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "access_token",
    "refresh_token",
    "private_key",
    "client_secret",
    "authorization",
    "key_value",
    "credential",
];

/// Why an event of a program is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostProblem {
    /// There is no such type.
    #[error(transparent)]
    Unknown(#[from] UnknownKind),
    /// Only the mesh itself says that such a thing happened.
    #[error("{0} is told by the mesh itself, and not by programs")]
    NotForPrograms(EventKind),
    /// It says too much.
    #[error("the data of an event is at most {DATA_BYTES_MAX} bytes of JSON")]
    TooLarge,
    /// It is nested too deep.
    #[error("the data of an event is nested at most {DEPTH_MAX} deep")]
    TooDeep,
    /// It holds what looks like a credential.
    #[error("data{0} looks like a credential; an event never holds one")]
    Credential(String),
    /// The key of a try is no such.
    #[error("a key that tells tries apart is 1 to {KEY_BYTES_MAX} visible ASCII characters")]
    Key,
    /// The older shape says an action that is no type.
    #[error("{0:?} is no type of event, nor is it one in other words, such as workflow_started")]
    Action(String),
}

/// Whether a program may tell an event of this type.
///
/// # Errors
/// [`PostProblem::Unknown`] and [`PostProblem::NotForPrograms`].
pub fn kind(text: &str) -> Result<EventKind, PostProblem> {
    let kind = EventKind::parse(text)?;
    if kind.is_for_programs() { Ok(kind) } else { Err(PostProblem::NotForPrograms(kind)) }
}

/// The data as it is kept.
///
/// # Errors
/// [`PostProblem`] says what is wrong with it, and quotes nothing of it but the names of members.
pub fn data(data: &Map<String, Value>) -> Result<String, PostProblem> {
    check_object(data, "", 1)?;
    let text = serde_json::to_string(data).map_err(|_| PostProblem::TooLarge)?;
    if text.len() > DATA_BYTES_MAX { Err(PostProblem::TooLarge) } else { Ok(text) }
}

/// The data that came from another node, where it was checked; here again.
///
/// # Errors
/// As [`data`]; [`PostProblem::TooDeep`] for what is no object.
pub fn text(text: &str) -> Result<String, PostProblem> {
    if text.len() > DATA_BYTES_MAX {
        return Err(PostProblem::TooLarge);
    }
    data(&serde_json::from_str(text).map_err(|_| PostProblem::TooDeep)?)
}

/// A key by which tries are told apart.
///
/// # Errors
/// [`PostProblem::Key`].
pub fn key(text: &str) -> Result<String, PostProblem> {
    let fits = (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err(PostProblem::Key) }
}

fn check_object(map: &Map<String, Value>, path: &str, depth: usize) -> Result<(), PostProblem> {
    for (name, value) in map {
        let path = format!("{path}.{}", name.chars().take(40).collect::<String>());
        if is_credential(name) || names_credential(name, value) {
            return Err(PostProblem::Credential(path.chars().take(200).collect()));
        }
        check(value, &path, depth)?;
    }
    Ok(())
}

fn check(value: &Value, path: &str, depth: usize) -> Result<(), PostProblem> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) if is_credential(text) => Err(PostProblem::Credential(path.chars().take(200).collect())),
        Value::String(_) => Ok(()),
        Value::Array(_) | Value::Object(_) if depth >= DEPTH_MAX => Err(PostProblem::TooDeep),
        Value::Array(items) => items.iter().try_for_each(|item| check(item, path, depth.saturating_add(1))),
        Value::Object(map) => check_object(map, path, depth.saturating_add(1)),
    }
}

/// Whether the text of a member with such a name is one: eight characters without a blank that are no name of a secret.
fn names_credential(name: &str, value: &Value) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let Value::String(text) = value else { return false };
    let is_name = SecretName::parse(text).is_ok() || text.starts_with("aurora://");
    let is_one_word = text.len() >= 8 && !text.contains(char::is_whitespace);
    MEMBERS.contains(&name.as_str()) && is_one_word && !is_name
}

/// Whether there is something like a credential anywhere in a text.
fn is_credential(text: &str) -> bool {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-_.+/=~".contains(character);
    let words = text.split(|character: char| !is_part(character) && character != ':');
    text.contains("-----BEGIN")
        || words.flat_map(|word| word.split([':', '=', '/'])).any(|word| {
            BEGINNINGS.iter().any(|(beginning, rest)| {
                word.strip_prefix(beginning).is_some_and(|after| after.len() >= *rest && after.chars().all(is_part))
            })
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(value: Value) -> Result<String, PostProblem> {
        let Value::Object(map) = value else { panic!("an object") };
        data(&map)
    }

    #[test]
    fn what_looks_like_a_credential_is_refused_wherever_it_stands_and_not_repeated() {
        let token = format!("ghp_{}", "x1".repeat(18));
        for value in [
            json!({"a": token}),
            json!({"a": {"b": [1, {"c": format!("the token is {token}, keep it")}]}}),
            json!({ token.clone(): 1 }),
            json!({"url": format!("https://x-access-token:{token}@github.com/x")}),
            json!({"note": format!("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.{}", "a".repeat(40))}),
            json!({"a": "-----BEGIN PRIVATE KEY-----"}),
            json!({"Password": "hunter2hunter2"}),
            json!({"client-secret": "0123456789abcdef"}),
            json!({"aws": "AKIAIOSFODNN7EXAMPLE"}),
        ] {
            let refused = told(value.clone()).expect_err("a credential");
            assert!(matches!(refused, PostProblem::Credential(_)), "{value}");
            assert!(!refused.to_string().contains("x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1"), "{refused}");
        }
        for value in [
            json!({"secret": "openai/api_key", "token": "expired", "password": "was not right"}),
            json!({"workflow": "nightly-sync", "items": 120, "ok": true, "sk-": "sk-x", "uuid": "0b9f4c1e-7c3a-4c55-9d5c-1d1f6f0c2b11"}),
            json!({"credential": "aurora://github/token"}),
        ] {
            assert!(told(value.clone()).is_ok(), "{value}");
        }
    }

    #[test]
    fn data_has_bounds() {
        assert_eq!(told(json!({"a": "x".repeat(DATA_BYTES_MAX)})), Err(PostProblem::TooLarge));
        let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert!(told(deep(DEPTH_MAX)).is_ok());
        assert_eq!(told(deep(DEPTH_MAX + 1)), Err(PostProblem::TooDeep));
        assert!(text("[1]").is_err() && text("{").is_err() && text("{\"a\":1}").is_ok());
    }

    #[test]
    fn a_program_claims_its_own_types_and_keys_of_one_line() {
        assert_eq!(kind("workflow.failed"), Ok(EventKind::WorkflowFailed));
        assert_eq!(kind("audit.gap"), Err(PostProblem::NotForPrograms(EventKind::AuditGap)));
        assert!(matches!(kind("workflow.*"), Err(PostProblem::Unknown(_))));
        assert!(key("7d1ea3f0-1").is_ok());
        for text in ["", "a b", "a\n", "ä", &"x".repeat(KEY_BYTES_MAX + 1)] {
            assert_eq!(key(text), Err(PostProblem::Key), "{text:?}");
        }
    }
}
