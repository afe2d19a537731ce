//! Lines of the journal as events of the Open Cybersecurity Schema Framework 1.3.0: API Activity (class 6003) for what was
//! asked of a node or done by it, Authentication (class 3002) for who joined and who was refused at the door.
//!
//! The required attributes of both classes are always there; the whole line stands in `raw_data`, so nothing is lost.

use serde_json::{Map, Value, json};

use crate::model::time::Timestamp;

/// The version of the schema.
const SCHEMA: &str = "1.3.0";

/// API Activity, of category Application Activity.
const API_ACTIVITY: (u64, u64) = (6, 6003);

/// Authentication, of category Identity & Access Management.
const AUTHENTICATION: (u64, u64) = (3, 3002);

/// Actions that say who somebody is.
const LOGONS: [&str; 3] = ["node.joined", "node.connected", "whoami"];

/// A line of the journal as an event, with its newline; `None` if it is no line.
pub(super) fn event(line: &[u8]) -> Option<Vec<u8>> {
    let fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let action = text("action")?;
    let time = Timestamp::parse(text("time")?)?;
    let is_logon = LOGONS.contains(&action);
    let (category, class) = if is_logon { AUTHENTICATION } else { API_ACTIVITY };
    let (activity, activity_name) = if is_logon { (1, "Logon") } else { activity(action) };
    let denied = text("decision") == Some("deny");
    let (status, status_name) = status(denied, text("outcome").unwrap_or_default());
    let node = text("node").unwrap_or_default();
    let user = user(text("principal").unwrap_or_default());
    let mut event = json!({
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": category,
        "class_uid": class,
        "type_uid": class * 100 + activity,
        "time": time.0,
        "severity_id": if denied { 2 } else { 1 },
        "severity": if denied { "Low" } else { "Informational" },
        "status_id": status,
        "status": status_name,
        "status_code": text("outcome").unwrap_or_default(),
        "status_detail": text("rule").unwrap_or_default(),
        "metadata": {
            "version": SCHEMA,
            "product": { "name": "Aurora Mesh", "vendor_name": "Aurora Mesh" },
            "log_name": "audit",
            "log_provider": node,
            "original_time": text("time"),
            "sequence": fields.get("seq"),
            "uid": format!("{node}-{}", fields.get("seq").and_then(Value::as_u64).unwrap_or_default()),
            "correlation_uid": text("request_id").unwrap_or_default(),
            "log_version": fields.get("v").and_then(Value::as_u64).unwrap_or(1).to_string(),
        },
        "actor": { "user": user },
        "src_endpoint": { "name": node },
        "message": message(&fields),
        "raw_data": String::from_utf8_lossy(line).trim_end(),
    });
    let about = event.as_object_mut()?;
    if is_logon {
        about.insert("user".to_owned(), user);
        about.insert("service".to_owned(), json!({ "name": "aurora" }));
        about.insert("dst_endpoint".to_owned(), json!({ "name": node }));
    } else {
        about.insert("api".to_owned(), api(action, &fields));
    }
    if let Some(secret) = text("secret") {
        about.insert("resources".to_owned(), json!([resource(secret, &fields)]));
    }
    let latency = fields.get("latency_us").and_then(Value::as_u64);
    about.extend(latency.map(|latency| ("duration".to_owned(), json!(latency / 1000))));
    Some(format!("{event}\n").into_bytes())
}

fn api(action: &str, fields: &Map<String, Value>) -> Value {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    json!({
        "operation": action,
        "service": { "name": "aurora" },
        "request": { "uid": text("request_id") },
        "response": { "message": text("outcome") },
    })
}

/// The secret; what a line does not say of it is left out, since an attribute of the schema is never null.
fn resource(secret: &str, fields: &Map<String, Value>) -> Value {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let uid = format!("{secret}@{}", text("scope").unwrap_or_default());
    let mut resource = json!({ "name": secret, "type": "secret", "uid": uid });
    if let Some(known) = resource.as_object_mut() {
        known.extend(text("environment").map(|name| ("group".to_owned(), json!({ "name": name }))));
        known.extend(fields.get("version").map(|number| ("version".to_owned(), json!(number.to_string()))));
    }
    resource
}

fn user(principals: &str) -> Value {
    let mut names = principals.split(' ');
    let first = names.next().filter(|name| !name.is_empty()).unwrap_or("unknown");
    let kind = if principals.split(' ').any(|name| name == "admin") { (2, "Admin") } else { (1, "User") };
    let kind = if first.starts_with("node") || first.starts_with("unit:") { (3, "System") } else { kind };
    json!({ "name": first, "uid": principals, "type_id": kind.0, "type": kind.1 })
}

/// What is done, in the four words there are for it.
fn activity(action: &str) -> (u64, &'static str) {
    let verb = action.rsplit('.').next().unwrap_or(action);
    match verb {
        "create" | "joined" | "issue" | "issued" => (1, "Create"),
        "read" | "list" | "get" | "info" | "explain" | "export" | "health" | "runs" => (2, "Read"),
        "write" | "update" | "rotate" | "restore" | "manage" | "suspend" | "schedule" | "key" | "recovered" => {
            (3, "Update")
        }
        "delete" | "retired" | "removed" => (4, "Delete"),
        _ => (99, "Other"),
    }
}

fn status(denied: bool, outcome: &str) -> (u64, &'static str) {
    match outcome {
        _ if denied => (2, "Failure"),
        "ok" => (1, "Success"),
        // It is announced, and another line says what came of it.
        "intent" | "planned" | "pending" => (99, "Other"),
        _ => (2, "Failure"),
    }
}

fn message(fields: &Map<String, Value>) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let words = [text("decision"), text("action"), text("secret"), text("outcome"), text("reason")];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &Value) -> Value {
        serde_json::from_slice(&event(line.to_string().as_bytes()).expect("an event")).expect("JSON")
    }

    fn line(action: &str, decision: &str, outcome: &str) -> Value {
        json!({"v": 2, "seq": 7, "prev": "0", "time": "2026-11-21T08:00:00.123Z", "node": "vengeance", "request_id": "r1",
            "principal": "agent:robot user:1000", "established": "key", "action": action, "secret": "openai/api_key",
            "scope": "global", "environment": "prod", "version": 3, "decision": decision, "rule": "grant robots",
            "outcome": outcome, "latency_us": 2500})
    }

    /// What every event of these classes must have in OCSF 1.3.0 (`events/base_event.json`, `application/api.json`,
    /// `iam/authentication.json`, `objects/metadata.json`, `objects/api.json`).
    fn has_what_is_required(event: &Value) {
        for name in ["activity_id", "category_uid", "class_uid", "severity_id", "time", "type_uid"] {
            assert!(event[name].is_u64() || event[name].is_i64(), "{name}: {event}");
        }
        assert!(event["metadata"]["version"].is_string() && event["metadata"]["product"]["vendor_name"].is_string());
        let number = |name: &str| event[name].as_u64().expect(name);
        assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        assert_eq!(number("class_uid") / 1000, number("category_uid"));
        match number("class_uid") {
            6003 => {
                assert!(event["actor"]["user"].is_object() && event["src_endpoint"]["name"].is_string());
                assert!(event["api"]["operation"].is_string());
                assert!([0, 1, 2, 3, 4, 99].contains(&number("activity_id")));
            }
            3002 => {
                assert!(event["user"]["name"].is_string(), "{event}");
                assert!(event["service"].is_object() || event["dst_endpoint"].is_object(), "at least one");
            }
            other => panic!("class {other}"),
        }
    }

    #[test]
    fn every_event_has_what_its_class_requires() {
        for action in
            ["secret.read", "secret.write", "secret.delete", "agent.create", "whoami", "node.joined", "audit.gap"]
        {
            for (decision, outcome) in
                [("allow", "ok"), ("allow", "intent"), ("deny", "denied"), ("allow", "stale_cache")]
            {
                has_what_is_required(&told(&line(action, decision, outcome)));
            }
        }
        let bare = json!({"seq": 1, "time": "2026-11-21T08:00:00.123Z", "action": "journal.recovered"});
        has_what_is_required(&told(&bare));
    }

    #[test]
    fn a_read_is_told_in_their_words_and_nothing_is_lost() {
        let line = line("secret.read", "deny", "denied");
        let event = told(&line);
        assert_eq!((event["activity_name"].as_str(), event["status"].as_str()), (Some("Read"), Some("Failure")));
        assert_eq!((event["time"].as_i64(), event["duration"].as_u64()), (Some(1_795_248_000_123), Some(2)));
        assert_eq!(
            (&event["actor"]["user"]["name"], &event["resources"][0]["name"]),
            (&json!("agent:robot"), &json!("openai/api_key"))
        );
        let raw: Value = serde_json::from_str(event["raw_data"].as_str().expect("text")).expect("JSON");
        assert_eq!(raw, line);
        assert!(super::event(b"no line").is_none() && super::event(b"{}").is_none());
    }

    #[test]
    fn what_a_line_does_not_say_is_left_out_instead_of_null() {
        let mut intent = line("secret.write", "allow", "intent");
        let fields = intent.as_object_mut().expect("an object");
        fields.retain(|name, _| name != "version" && name != "environment");
        let resource = &told(&intent)["resources"][0];
        assert_eq!(resource, &json!({"name": "openai/api_key", "type": "secret", "uid": "openai/api_key@global"}));
    }
}
