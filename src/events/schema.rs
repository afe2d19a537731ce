//! A JSON Schema for each type of event (draft 2020-12, <https://json-schema.org/specification>): what a receiver may rely on.

use serde_json::{Map, Value, json};

use crate::model::event_kind::EventKind;

/// The dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of an event of this type. Members may be added to the envelope and to the data later; what is there keeps its
/// name and meaning.
#[must_use]
pub fn schema(kind: EventKind) -> Value {
    let (data, required) = data(kind);
    let mut properties = json!({
        "id": {"type": "string", "pattern": "^evt_[0-9A-HJKMNP-TV-Z]{26}$"},
        "type": {"const": kind.as_str()},
        "timestamp": {"type": "string", "format": "date-time"},
        "node": {"type": "string"},
        "environment": {"type": "string"},
        "company": {"type": "string"},
        "data": {"type": "object", "properties": data, "required": required}
    });
    if kind.is_for_programs()
        && let Value::Object(properties) = &mut properties
    {
        properties.insert("by".to_owned(), json!({"type": "string"}));
    }
    json!({
        "$schema": DIALECT,
        "$id": format!("urn:aurora-mesh:event:{kind}"),
        "title": kind.as_str(),
        "description": kind.summary(),
        "type": "object",
        "properties": properties,
        "required": ["id", "type", "timestamp", "node", "data"]
    })
}

/// The members of the data, and those that are always there. What a program tells is its own affair.
fn data(kind: EventKind) -> (Value, Vec<String>) {
    if kind.is_for_programs() {
        return (Value::Object(Map::new()), Vec::new());
    }
    let text = || json!({"type": "string"});
    let text_or_null = || json!({"type": ["string", "null"]});
    let time = || json!({"type": "string", "format": "date-time"});
    let time_or_null = || json!({"type": ["string", "null"], "format": "date-time"});
    let number = || json!({"type": "integer"});
    let own = match kind {
        EventKind::SecretUpdated | EventKind::SecretDeleted | EventKind::SecretRotated => {
            of_secret(vec![("change", text())])
        }
        EventKind::CredentialExpiring => {
            let source = json!({"enum": ["user", "header", "answer", "jwt"]});
            of_secret(vec![("expires_at", time()), ("source", source), ("days_left", number())])
        }
        EventKind::CredentialInvalid => of_secret(vec![("found_on", text()), ("detail", text())]),
        EventKind::CredentialUnused => of_secret(vec![("days", number()), ("last_read", time_or_null())]),
        EventKind::CredentialRotationDue => of_secret(vec![("due_at", time())]),
        EventKind::NodeJoined => vec![("node", text()), ("environment", text())],
        EventKind::NodeLost => vec![("node", text()), ("last_heard", time_or_null())],
        EventKind::NodeBanned => vec![("node", text())],
        EventKind::ApiStatus => {
            let states = json!({"enum": ["healthy", "degraded", "down"]});
            let before = json!({"enum": ["healthy", "degraded", "down", null]});
            let lines = json!({"type": "array", "items": {"type": "string"}});
            vec![("service", text()), ("status", states), ("before", before), ("diagnosis", lines)]
        }
        EventKind::BackupStale => vec![("last_backup", time_or_null()), ("detail", text())],
        EventKind::AuditGap => vec![("node", text()), ("detail", text())],
        EventKind::FreezeOn => {
            vec![("target", text()), ("level", json!({"enum": ["read", "write", "all"]})), ("reason", text())]
        }
        EventKind::FreezeOff => vec![("target", text())],
        EventKind::TokenReused => vec![("detail", text())],
        EventKind::AccessRequested => vec![
            ("number", number()),
            ("node", text()),
            ("principal", text()),
            ("environment", text()),
            ("secret", text()),
            ("capability", text()),
            ("company", text_or_null()),
            ("reason", text()),
        ],
        EventKind::WorkflowStarted
        | EventKind::WorkflowCompleted
        | EventKind::WorkflowFailed
        | EventKind::WorkflowScheduled
        | EventKind::IntegrationConnected
        | EventKind::IntegrationDisconnected
        | EventKind::IntegrationError
        | EventKind::AgentCreated
        | EventKind::AgentUpdated
        | EventKind::AgentSuspended
        | EventKind::DataCreated
        | EventKind::DataUpdated
        | EventKind::DataDeleted
        | EventKind::SystemError
        | EventKind::SystemMaintenance => Vec::new(),
    };
    let required = own.iter().map(|(name, _)| (*name).to_owned()).collect();
    let members = own.into_iter().map(|(name, schema)| (name.to_owned(), schema));
    (Value::Object(members.collect()), required)
}

/// The members that name a secret, and these.
fn of_secret(more: Vec<(&'static str, Value)>) -> Vec<(&'static str, Value)> {
    let mut members = vec![
        ("service", json!({"type": "string"})),
        ("key_name", json!({"type": "string"})),
        ("scope", json!({"enum": ["global", "company", "node"]})),
        ("scope_id", json!({"type": ["string", "null"]})),
        ("version", json!({"type": "integer", "minimum": 1})),
    ];
    members.extend(more);
    members
}
