//! Every type that is read from a text: it takes its own spelling, and no other.

use std::fmt::Display;

use aurora_mesh::model::actions::{Action, Capability};
use aurora_mesh::model::freeze::FreezeTarget;
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::name::{
    AgentName, ApiKeyName, CompanyId, EnvironmentName, FieldName, GrantName, KeyName, LocalName, NodeName, ServiceName,
};
use aurora_mesh::model::principal::{Executable, Principal, UnitName};
use aurora_mesh::model::secret::{Scope, SecretName};

use super::{can_be_shown, spellings};

/// What became of a text: its form when it is written again, or the words of the refusal.
type Read = Result<String, String>;

fn read<T: Display, E: Display>(parsed: Result<T, E>) -> Read {
    parsed.map(|value| value.to_string()).map_err(|error| error.to_string())
}

/// A type: what it takes before the name, a name that it takes, and how it reads.
struct Kind {
    what: &'static str,
    before: &'static str,
    base: &'static str,
    read: fn(&str) -> Read,
}

fn kind(what: &'static str, before: &'static str, base: &'static str, read: fn(&str) -> Read) -> Kind {
    Kind { what, before, base, read }
}

/// Types with the one alphabet of names: nothing of the list is taken.
fn strict() -> Vec<Kind> {
    let principal = |text: &str| read(Principal::parse(text));
    vec![
        kind("node", "", "vengeance", |text| read(NodeName::parse(text))),
        kind("service", "", "hubspot", |text| read(ServiceName::parse(text))),
        kind("key", "", "api", |text| read(KeyName::parse(text))),
        kind("field", "", "client", |text| read(FieldName::parse(text))),
        kind("company", "", "acme", |text| read(CompanyId::parse(text))),
        kind("environment", "", "prod", |text| read(EnvironmentName::parse(text))),
        kind("agent", "", "openclaw", |text| read(AgentName::parse(text))),
        kind("API key", "", "ci", |text| read(ApiKeyName::parse(text))),
        kind("grant", "", "reads", |text| read(GrantName::parse(text))),
        kind("secret", "hubspot/", "api", |text| read(SecretName::parse(text))),
        kind("scope", "company:", "acme", |text| read(Scope::parse(text))),
        kind("scope", "node:", "vengeance", |text| read(Scope::parse(text))),
        kind("scope", "", "global", |text| read(Scope::parse(text))),
        kind("freeze", "agent:", "openclaw", |text| read(FreezeTarget::parse(text))),
        kind("freeze", "secret:hubspot/", "api", |text| read(FreezeTarget::parse(text))),
        kind("freeze", "", "mesh", |text| read(FreezeTarget::parse(text))),
        kind("principal", "agent:", "openclaw", principal),
        kind("principal", "node:", "vengeance", principal),
        kind("principal", "", "admin", principal),
        kind("principal", "", "socket-group", principal),
        kind("action", "", "secret.read", |text| {
            Action::parse(text).map(|action| action.as_str().to_owned()).ok_or_else(String::new)
        }),
        kind("capability", "", "data_read", |text| {
            Capability::parse(text).map(|capability| capability.as_str().to_owned()).ok_or_else(String::new)
        }),
    ]
}

/// Types whose alphabet is wider, because others made it: what they take, they keep as it is.
fn wide() -> Vec<Kind> {
    let principal = |text: &str| read(Principal::parse(text));
    vec![
        kind("local name", "", "alice", |text| read(LocalName::parse(text))),
        kind("glob", "hubspot/", "api", |text| read(SecretGlob::parse(text))),
        kind("unit", "", "backup.service", |text| read(UnitName::parse(text))),
        kind("unit", "user@1000.service/", "backup.service", |text| read(UnitName::parse(text))),
        kind("program", "/usr/bin/", "backup", |text| read(Executable::parse(text))),
        kind("principal", "user:", "alice", principal),
        kind("principal", "group:", "staff", principal),
        kind("principal", "unit:", "backup.service", principal),
        kind("principal", "exe:/usr/bin/", "backup", principal),
    ]
}

/// The words of a refusal can be shown, and are not as long as what was refused.
fn assert_refused(what: &str, text: &str, refused: &str) {
    assert!(can_be_shown(refused), "{what}: {text:?} is refused with {refused:?}");
    assert!(refused.len() < 2_000, "{what}: {} bytes of refusal", refused.len());
}

#[test]
fn a_name_takes_its_one_spelling_and_refuses_every_other() {
    for Kind { what, before, base, read } in strict() {
        let canonical = format!("{before}{base}");
        assert_eq!(read(&canonical), Ok(canonical.clone()), "{what}");
        for text in spellings(base) {
            let text = format!("{before}{text}");
            match read(&text) {
                Ok(taken) => panic!("{what}: {text:?} is taken as {taken}"),
                Err(refused) => assert_refused(what, &text, &refused),
            }
        }
    }
}

/// What is taken is plain, and is written again as it was read: no two texts mean one thing.
#[test]
fn what_takes_more_than_names_takes_nothing_that_is_not_plain_and_changes_nothing() {
    for Kind { what, before, base, read } in wide() {
        let canonical = format!("{before}{base}");
        assert_eq!(read(&canonical), Ok(canonical.clone()), "{what}");
        for text in spellings(base) {
            let text = format!("{before}{text}");
            match read(&text) {
                Ok(taken) => {
                    assert_eq!(taken, text, "{what}");
                    assert!(taken.bytes().all(|byte| byte.is_ascii_graphic()), "{what}: {taken:?}");
                }
                Err(refused) => assert_refused(what, &text, &refused),
            }
        }
    }
}
