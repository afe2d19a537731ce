//! What people read of an event: a title and a few lines, made of the names and numbers of its JSON, and the bodies in which
//! chats take them. Lengths are bounded, and what would be markup is not. Pure.

use serde_json::{Map, Value, json};

use crate::model::time::Timestamp;

/// The type of a message that a program or a person sends to a channel.
pub const MESSAGE: &str = "notify.message";

/// The type of what tells how often something came again.
pub const REPEATED: &str = "notify.repeated";

/// The type of what tells what came while it was quiet.
pub const SUMMARY: &str = "notify.summary";

/// The type of what is sent to see whether it comes.
pub const TEST: &str = "subscription.test";

/// Longest value of a line.
const VALUE_CHARACTERS_MAX: usize = 400;

/// Longest title: the subject of a mail.
const TITLE_CHARACTERS_MAX: usize = 150;

/// Longest text: Telegram takes 4096 units, Slack wants no more than 4000 characters.
const TEXT_CHARACTERS_MAX: usize = 3500;

/// Most lines of a summary; the rest is counted.
const SUMMARY_LINES_MAX: usize = 30;

/// What is read of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// One line.
    pub title: String,
    /// Some lines.
    pub text: String,
}

impl Told {
    /// What is read of this JSON.
    #[must_use]
    pub fn of(body: &str) -> Self {
        let event: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
        let word = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
        let data = event.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
        let (kind, node) = (word("type"), word("node"));
        if kind == MESSAGE {
            let text = bounded(&shown(data.get("message").unwrap_or(&Value::Null)), TEXT_CHARACTERS_MAX);
            return Self { title: line(&format!("aurora {node}: a message"), TITLE_CHARACTERS_MAX), text };
        }
        let title = line(format!("{kind} {}", subject(&data)).trim(), TITLE_CHARACTERS_MAX);
        let mut lines = vec![title.clone()];
        // What a program says of itself is not the word of the node.
        lines.extend(Some(word("by")).filter(|by| !by.is_empty()).map(|by| line(&format!("told by {by}"), 200)));
        let of = |(key, value): (&String, &Value)| {
            let shown = line(&shown(value), VALUE_CHARACTERS_MAX);
            (!shown.is_empty()).then(|| format!("{key}: {shown}"))
        };
        lines.extend(data.iter().filter_map(of));
        let place = [word("node"), word("environment"), word("timestamp"), word("id")];
        lines.push(place.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" · "));
        Self { title, text: bounded(&lines.join("\n"), TEXT_CHARACTERS_MAX) }
    }
}

/// What makes an event the same as another: its type and all it says of what it is about, but no numbers and times.
#[must_use]
pub fn sameness(body: &str) -> String {
    const ABOUT: [&str; 11] =
        ["service", "key_name", "scope", "scope_id", "node", "found_on", "agent", "target", "status", "part", "secret"];
    let event: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
    let data = event.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
    // Nobody else's words are the same: a program could keep the mesh from telling what it has told itself before.
    let by = event.get("by").and_then(Value::as_str).map(|by| line(&format!("by {by}"), 200));
    let about = ABOUT.iter().filter_map(|key| data.get(*key)).map(|value| line(&shown(value), 200));
    std::iter::once(kind.to_owned())
        .chain(by)
        .chain(about)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Who makes a message of our own, and when.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Its id.
    pub id: &'a str,
    /// The node.
    pub node: &'a str,
    /// When.
    pub at: Timestamp,
}

/// The JSON of a message of our own, in the shape of every event.
#[must_use]
pub fn own(kind: &str, from: Origin<'_>, data: &Value) -> String {
    let Origin { id, node, at } = from;
    json!({"id": id, "type": kind, "timestamp": at.to_string(), "node": node, "data": data}).to_string()
}

/// What a program or a person tells a channel.
#[must_use]
pub fn message(from: Origin<'_>, text: &str, by: &str) -> String {
    own(MESSAGE, from, &json!({"message": text, "by": by}))
}

/// What came again: told afterwards, with its count.
#[must_use]
pub fn repeated(from: Origin<'_>, subject: &str, count: u64) -> String {
    own(REPEATED, from, &json!({"subject": subject, "times": count}))
}

/// A sign of life for one who wants to see whether anything comes.
#[must_use]
pub fn test(from: Origin<'_>, name: &str) -> String {
    own(TEST, from, &json!({"subscription": name}))
}

/// What came while it was quiet, as one message.
#[must_use]
pub fn summary(from: Origin<'_>, bodies: &[&str]) -> String {
    let mut events: Vec<String> =
        bodies.iter().take(SUMMARY_LINES_MAX).map(|body| line(&sameness(body), VALUE_CHARACTERS_MAX)).collect();
    if let Some(more) = bodies.len().checked_sub(SUMMARY_LINES_MAX).filter(|more| *more > 0) {
        events.push(format!("and {more} more"));
    }
    own(SUMMARY, from, &json!({"count": bodies.len(), "events": events}))
}

/// The body of `sendMessage` (Telegram Bot API). Without a `parse_mode` no character of a text is markup.
#[must_use]
pub fn telegram(chat: &str, told: &Told, silent: bool) -> String {
    let link = json!({"is_disabled": true});
    json!({"chat_id": chat, "text": told.text, "disable_notification": silent, "link_preview_options": link})
        .to_string()
}

/// The body of an incoming webhook of Slack, or with a chat that of `chat.postMessage`. The three characters that begin
/// markup are written as Slack wants them.
#[must_use]
pub fn slack(chat: Option<&str>, told: &Told) -> String {
    let text = told.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut body = json!({"text": text, "mrkdwn": false, "unfurl_links": false});
    if let (Some(chat), Some(body)) = (chat, body.as_object_mut()) {
        body.insert("channel".to_owned(), chat.into());
    }
    body.to_string()
}

/// Whether `chat.postMessage` says that it took the message: it answers 200 also when it did not.
#[must_use]
pub fn slack_took_it(answer: &[u8]) -> bool {
    serde_json::from_slice::<Value>(answer).is_ok_and(|answer| answer.get("ok") == Some(&Value::Bool(true)))
}

fn subject(data: &Map<String, Value>) -> String {
    let word = |key: &str| data.get(key).and_then(Value::as_str);
    match (word("service"), word("key_name")) {
        (Some(service), Some(key)) => format!("{service}/{key}"),
        (Some(service), None) => format!("{service} {}", word("status").unwrap_or_default()),
        (None, _) => word("node").or_else(|| word("agent")).or_else(|| word("target")).unwrap_or_default().to_owned(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join("; "),
        Value::Object(_) => value.to_string(),
    }
}

/// On one line: what would break it, or steer a terminal, becomes a blank.
fn line(text: &str, characters_max: usize) -> String {
    let plain: String = text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    bounded(&plain, characters_max)
}

fn bounded(text: &str, characters_max: usize) -> String {
    if text.chars().count() <= characters_max {
        return text.to_owned();
    }
    text.chars().take(characters_max.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: Origin<'_> = Origin { id: "evt_1", node: "aurora", at: Timestamp(0) };

    #[test]
    fn an_event_is_told_in_a_title_and_lines() {
        let data =
            json!({"service": "openai", "key_name": "api_key", "scope": "global", "scope_id": null, "version": 3});
        let told = Told::of(&own("secret.rotated", FROM, &data));
        assert_eq!(told.title, "secret.rotated openai/api_key");
        let lines: Vec<&str> = told.text.lines().collect();
        assert_eq!(lines.first(), Some(&"secret.rotated openai/api_key"));
        assert!(lines.contains(&"version: 3") && !told.text.contains("scope_id"), "{}", told.text);
        assert_eq!(lines.last(), Some(&"aurora · 1970-01-01T00:00:00.000Z · evt_1"));
    }

    #[test]
    fn what_is_long_is_cut_and_what_is_no_json_is_told_as_nothing() {
        let data = json!({"detail": "é".repeat(10_000), "a\nb": "x\ny\u{1b}[31m"});
        let told = Told::of(&own("system.error", FROM, &data));
        assert!(told.text.chars().count() <= TEXT_CHARACTERS_MAX && told.text.contains("x y [31m"), "{}", told.text);
        assert_eq!(Told::of("not json").title, "");
        assert_eq!(Told::of(&message(FROM, &"x".repeat(9000), "owner")).text.chars().count(), TEXT_CHARACTERS_MAX);
    }

    #[test]
    fn markup_of_a_chat_is_not_markup() {
        let told = Told { title: "t".to_owned(), text: "<!channel> & <https://evil.example|x>".to_owned() };
        let body: Value = serde_json::from_str(&slack(Some("#ops"), &told)).expect("json");
        assert_eq!(body["text"], "&lt;!channel&gt; &amp; &lt;https://evil.example|x&gt;");
        assert_eq!((body["channel"].as_str(), body["mrkdwn"].as_bool()), (Some("#ops"), Some(false)));
        let body: Value = serde_json::from_str(&telegram("-1", &told, true)).expect("json");
        assert_eq!((body["text"].as_str(), body.get("parse_mode")), (Some(told.text.as_str()), None));
        assert_eq!(body["disable_notification"], true);
        assert!(
            slack_took_it(br#"{"ok":true}"#) && !slack_took_it(br#"{"ok":false,"error":"x"}"#) && !slack_took_it(b"")
        );
    }

    #[test]
    fn the_same_is_told_from_something_else_by_names_and_not_by_numbers() {
        let of = |status: &str, ms: u64| own("api.status", FROM, &json!({"service": "a", "status": status, "ms": ms}));
        assert_eq!(sameness(&of("down", 1)), sameness(&of("down", 2)));
        assert_ne!(sameness(&of("down", 1)), sameness(&of("healthy", 1)));
        assert_eq!(sameness(&of("down", 1)), "api.status a down");
    }

    #[test]
    fn a_summary_counts_what_it_does_not_list() {
        let bodies = vec![own("api.status", FROM, &json!({"service": "a"})); 33];
        let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
        let told = Told::of(&summary(FROM, &bodies));
        assert!(told.text.contains("count: 33") && told.title == SUMMARY, "{told:?}");
    }

    #[test]
    fn what_a_program_tells_is_told_as_its_word_and_keeps_nothing_else_from_being_told() {
        let own = json!({"type": "system.error", "node": "aurora", "data": {"part": "audit", "detail": "full"}});
        let mut posted = own.clone();
        posted["by"] = "user:1000".into();
        let (own, posted) = (own.to_string(), posted.to_string());
        assert_ne!(sameness(&own), sameness(&posted));
        assert!(sameness(&posted).contains("by user:1000"), "{}", sameness(&posted));
        assert!(Told::of(&posted).text.contains("\ntold by user:1000\n"), "{}", Told::of(&posted).text);
        assert!(!Told::of(&own).text.contains("told by"), "{}", Told::of(&own).text);
    }
}
