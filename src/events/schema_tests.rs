//! Every event there can be is what its schema says, and reads as it always did.

use serde_json::{Value, json};

use super::envelope::envelope;
use super::id::EventId;
use super::kept::KeptEvent;
use super::schema::schema;
use super::subject::Home;
use crate::model::access::{AccessRequest, Asker, Wish};
use crate::model::actions::Capability;
use crate::model::api_check::{ExpirySource, KeyExpiry, KeyMark};
use crate::model::change::ChangeKind;
use crate::model::connectivity::ApiState;
use crate::model::event::{AgentChange, Event, Post};
use crate::model::event_kind::EventKind;
use crate::model::freeze::{FreezeLevel, FreezeTarget};
use crate::model::name::{AgentName, EnvironmentName, NodeName, ServiceName};
use crate::model::number::Version;
use crate::model::principal::Principal;
use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};
use crate::model::time::Timestamp;

fn home() -> Home {
    let environment = EnvironmentName::parse("prod").expect("name");
    Home { node: NodeName::parse("aurora").expect("name"), environment }
}

fn at(scope: &str) -> ScopedSecret {
    let name = SecretName::parse("openai/api_key").expect("name");
    SecretAddress { environment: home().environment, name }.within(Scope::parse(scope).expect(scope))
}

fn post(kind: EventKind) -> Event {
    Event::Posted(Box::new(Post {
        kind,
        key: None,
        by: "agent:n8n".to_owned(),
        node: home().node,
        environment: home().environment,
        company: None,
        at: Timestamp(7),
        data: r#"{"rows":3}"#.to_owned(),
    }))
}

/// One of each type, and of each form it can have.
fn samples() -> Vec<Event> {
    let node = NodeName::parse("vengeance").expect("name");
    let (version, detail) = (Version::FIRST, "why".to_owned());
    let changed = |change, scope: &str, version| Event::SecretChanged { at: at(scope), change, version };
    let key = KeyMark { secret: at("global").secret.name, scope: Scope::Global, secret_id: 7, version };
    let target = FreezeTarget::parse("secret:openai/api_key").expect("target");
    let expires = KeyExpiry { at: Timestamp(0), source: ExpirySource::Jwt };
    let agent = AgentName::parse("robot").expect("name");
    let wish = Wish { secret: at("global").secret.name, capability: Capability::DataRead, company: None };
    let asker = Asker::new(node.clone(), &[Principal::User(1000)]).expect("an asker");
    let request = AccessRequest {
        number: 3,
        asker,
        environment: home().environment,
        wish,
        reason: "nightly".to_owned(),
        at: Timestamp(0),
    };
    let status = |before| Event::ApiStatus {
        service: ServiceName::parse("openai").expect("name"),
        before,
        state: ApiState::Down,
        diagnosis: vec!["dns".to_owned()],
    };
    let mut all = vec![
        changed(ChangeKind::Stored, "global", version),
        changed(ChangeKind::Stored, "company:acme", version.next()),
        changed(ChangeKind::Deleted, "node:vengeance", version),
        Event::NodeJoined { node: node.clone(), environment: home().environment },
        Event::NodeLost { node: node.clone(), heard_at: Some(Timestamp(5)) },
        Event::NodeLost { node: node.clone(), heard_at: None },
        Event::NodeBanned { node: node.clone() },
        Event::CredentialExpiring { at: at("global"), version, expires, days_left: 3 },
        Event::RotationDue { at: at("global"), version, due_at: Timestamp(1) },
        Event::CredentialUnused { at: at("global"), version, days: 90, last_read: None },
        Event::CredentialInvalid { node: node.clone(), environment: home().environment, key, detail: detail.clone() },
        status(None),
        status(Some(ApiState::Healthy)),
        Event::AuditGap { node, detail: detail.clone() },
        Event::BackupStale { last: None, detail: detail.clone() },
        Event::FreezeOn { target: target.clone(), level: FreezeLevel::All, reason: detail.clone() },
        Event::FreezeOff { target },
        Event::TokenReused { detail: detail.clone() },
        Event::AccessRequested(Box::new(request)),
        Event::SystemError { part: "peers", detail: detail.clone() },
        Event::SystemMaintenance { detail },
    ];
    let changes = [AgentChange::Created, AgentChange::Updated, AgentChange::Suspended];
    all.extend(changes.map(|change| Event::AgentChanged { agent: agent.clone(), change }));
    all.extend(EventKind::ALL.iter().filter(|kind| kind.is_for_programs()).map(|kind| post(*kind)));
    all
}

fn kept(event: &Event) -> KeptEvent {
    envelope(event, &home(), (9, EventId::next(None, Timestamp(1_469_918_176_385), [0; 16])), Timestamp(0))
}

/// Whether a value is what a schema says, as far as ours say anything.
fn fits(value: &Value, schema: &Value) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{value} is not {what}: {schema}"));
    for (word, said) in schema.as_object().ok_or("a schema is an object")? {
        let is_right = match word.as_str() {
            "$schema" | "$id" | "title" | "description" => true,
            "type" => {
                let names: Vec<&str> = match said.as_str() {
                    Some(name) => vec![name],
                    None => said.as_array().ok_or("types")?.iter().filter_map(Value::as_str).collect(),
                };
                names.iter().any(|name| match *name {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "null" => value.is_null(),
                    other => panic!("{other}"),
                })
            }
            "const" => value == said,
            "enum" => said.as_array().ok_or("values")?.contains(value),
            "minimum" => value.as_u64() >= said.as_u64(),
            "pattern" => value.as_str().is_some_and(|text| EventId::parse(text).is_some()),
            "format" => value.is_null() || value.as_str().is_some_and(|text| Timestamp::parse(text).is_some()),
            "required" => {
                said.as_array().ok_or("names")?.iter().all(|name| value.get(name.as_str().unwrap_or("?")).is_some())
            }
            "items" => {
                value.as_array().into_iter().flatten().try_for_each(|item| fits(item, said))?;
                true
            }
            "properties" => {
                for (name, schema) in said.as_object().ok_or("properties")? {
                    value.get(name).map_or(Ok(()), |member| fits(member, schema))?;
                }
                // A test is stricter than a receiver: what is told and in no schema was forgotten there.
                let free = said.as_object().is_some_and(serde_json::Map::is_empty);
                free || value.as_object().into_iter().flatten().all(|(name, _)| said.get(name).is_some())
            }
            other => panic!("{other} is not checked"),
        };
        if !is_right {
            return wrong(word);
        }
    }
    Ok(())
}

#[test]
fn every_event_is_what_its_schema_says() {
    let samples = samples();
    for kind in EventKind::ALL {
        let of_kind: Vec<_> = samples.iter().filter(|event| event.kind() == *kind).collect();
        assert!(!of_kind.is_empty(), "{kind} has no sample");
        for event in of_kind {
            let value: Value = serde_json::from_str(&kept(event).body).expect("JSON");
            fits(&value, &schema(*kind)).unwrap_or_else(|wrong| panic!("{kind}: {wrong}"));
            let mut lacking = value.clone();
            lacking.as_object_mut().expect("an object").remove("timestamp");
            assert!(fits(&lacking, &schema(*kind)).is_err());
        }
    }
}

#[test]
fn every_event_reads_back_as_it_was_kept() {
    for event in samples() {
        let kept = kept(&event);
        assert_eq!(KeptEvent::parse(9, &kept.to_bytes()), Some(kept.clone()), "{}", kept.body);
        if let Event::Posted(post) = &event {
            assert_eq!(kept.post().as_ref(), Some(&**post));
        } else {
            assert_eq!(kept.post(), None);
        }
    }
    assert_eq!(KeptEvent::parse(1, b"{}\n{}"), None);
    assert_eq!(KeptEvent::parse(1, b""), None);
}

#[test]
fn events_read_as_they_always_did() {
    let body = |event: &Event| kept(event).body;
    let changed = Event::SecretChanged { at: at("company:acme"), change: ChangeKind::Stored, version: Version::FIRST };
    assert_eq!(
        body(&changed),
        r#"{"id":"evt_01ARYZ6S410000000000000000","type":"secret.updated","timestamp":"1970-01-01T00:00:00.000Z","node":"aurora","environment":"prod","company":"acme","data":{"change":"stored","key_name":"api_key","scope":"company","scope_id":"acme","service":"openai","version":1}}"#
    );
    assert_eq!(
        body(&post(EventKind::DataCreated)),
        r#"{"id":"evt_01ARYZ6S410000000000000000","type":"data.created","timestamp":"1970-01-01T00:00:00.007Z","node":"aurora","environment":"prod","by":"agent:n8n","data":{"rows":3}}"#
    );
    let row = String::from_utf8(kept(&changed).to_bytes()).expect("text");
    assert!(row.starts_with(
        r#"{"id":"evt_01ARYZ6S410000000000000000","type":"secret.updated","at":0,"audience":"secret","node":"aurora","environment":"prod","service":"openai","key":"api_key","scope":"company:acme","company":"acme"}"#
    ));
    let told = Event::NodeBanned { node: NodeName::parse("vengeance").expect("name") };
    assert_eq!(serde_json::from_str::<Value>(&body(&told)).expect("JSON")["data"], json!({"node": "vengeance"}));
}
