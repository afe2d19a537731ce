//! What an event says of itself, as JSON: names, numbers and times, never a value.

use serde_json::{Map, Value, json};

use crate::model::connectivity::ApiState;
use crate::model::event::Event;
use crate::model::number::Version;
use crate::model::secret::ScopedSecret;

/// The `data` of an event.
#[must_use]
pub fn facts(event: &Event) -> Map<String, Value> {
    match event {
        Event::SecretChanged { at, change, version } => with(secret(at, *version), json!({"change": change.as_str()})),
        Event::CredentialExpiring { at, version, expires, days_left } => {
            let said = json!({
                "expires_at": expires.at.to_string(), "source": expires.source.as_str(), "days_left": days_left
            });
            with(secret(at, *version), said)
        }
        Event::RotationDue { at, version, due_at } => with(secret(at, *version), json!({"due_at": due_at.to_string()})),
        Event::CredentialUnused { at, version, days, last_read } => {
            let last_read = last_read.map(|at| at.to_string());
            with(secret(at, *version), json!({"days": days, "last_read": last_read}))
        }
        Event::CredentialInvalid { node, environment, key, detail } => {
            let at = key.in_environment(environment);
            with(secret(&at, key.version), json!({"found_on": node.as_str(), "detail": detail}))
        }
        Event::ApiStatus { service, before, state, diagnosis } => object(json!({
            "service": service.as_str(), "status": state.as_str(), "before": before.map(ApiState::as_str),
            "diagnosis": diagnosis
        })),
        Event::NodeJoined { node, environment } => {
            object(json!({"node": node.as_str(), "environment": environment.as_str()}))
        }
        Event::NodeLost { node, heard_at } => {
            object(json!({"node": node.as_str(), "last_heard": heard_at.map(|at| at.to_string())}))
        }
        Event::NodeBanned { node } => object(json!({"node": node.as_str()})),
        Event::AgentChanged { agent, .. } => object(json!({"agent": agent.as_str()})),
        Event::AuditGap { node, detail } => object(json!({"node": node.as_str(), "detail": detail})),
        Event::BackupStale { last, detail } => {
            object(json!({"last_backup": last.map(|at| at.to_string()), "detail": detail}))
        }
        Event::FreezeOn { target, level, reason } => {
            object(json!({"target": target.to_string(), "level": level.as_str(), "reason": reason}))
        }
        Event::FreezeOff { target } => object(json!({"target": target.to_string()})),
        Event::TokenReused { detail } | Event::SystemMaintenance { detail } => object(json!({"detail": detail})),
        Event::AccessRequested(request) => object(json!({
            "number": request.number, "node": request.asker.node.as_str(),
            "principal": request.asker.principal().to_string(), "environment": request.environment.as_str(),
            "secret": request.wish.secret.to_string(), "capability": request.wish.capability.as_str(),
            "company": request.wish.company.as_ref().map(|company| company.as_str()), "reason": request.reason
        })),
        Event::SystemError { part, detail } => object(json!({"part": part, "detail": detail})),
        // It was checked when it was taken in; a row that was damaged since says nothing.
        Event::Posted(post) => object(serde_json::from_str(&post.data).unwrap_or_default()),
    }
}

fn secret(at: &ScopedSecret, version: Version) -> Map<String, Value> {
    let name = &at.secret.name;
    object(json!({
        "service": name.service.as_str(), "key_name": name.key.as_str(), "scope": at.scope.kind(),
        "scope_id": at.scope.id(), "version": version.get()
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn with(mut map: Map<String, Value>, more: Value) -> Map<String, Value> {
    map.extend(object(more));
    map
}
