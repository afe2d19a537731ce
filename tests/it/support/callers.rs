//! Callers and requests as the sockets would make them, for tests that knock at the door directly.

use std::sync::Arc;

use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::model::caller::{Caller, Door, Shown};
use aurora_mesh::model::name::{CompanyId, EnvironmentName, NodeName};
use aurora_mesh::model::patch::Patch;
use aurora_mesh::model::secret::{Scope, SecretName};
use aurora_mesh::vault::request::{Context, Place, PutRequest, ReadRequest};

/// The owner of the node, through the admin door.
pub fn admin() -> Caller {
    caller(Door::Admin)
}

/// The owner of the node, through the agent door: a member of the socket's group.
pub fn agent() -> Caller {
    caller(Door::Agent)
}

/// A user of this machine who is in none of the node's groups.
pub fn stranger() -> Caller {
    Caller { uid: 54_321, gid: 54_321, ..caller(Door::Agent) }
}

fn caller(door: Door) -> Caller {
    Caller {
        door,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        groups: [].into(),
        pid: None,
        attested: Arc::default(),
        shown: Shown::default(),
        request_id: "test".into(),
    }
}

pub fn secret(name: &str) -> SecretName {
    SecretName::parse(name).expect(name)
}

pub fn scope(text: &str) -> Scope {
    Scope::parse(text).expect(text)
}

pub fn node(name: &str) -> NodeName {
    NodeName::parse(name).expect(name)
}

pub fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::parse(name).expect(name)
}

pub fn company(name: &str) -> CompanyId {
    CompanyId::parse(name).expect(name)
}

/// `name` in `scope`, in the node's own environment.
pub fn place(name: &str, in_scope: &str) -> Place {
    Place { name: secret(name), scope: scope(in_scope), environment: None, node: None, reason: None }
}

/// Store `value` as `name` in `scope`.
pub fn put(name: &str, in_scope: &str, value: &str) -> PutRequest {
    let value = Plaintext::new(value.as_bytes().to_vec());
    PutRequest { place: place(name, in_scope), value, patch: Patch::default(), cas: None }
}

/// Read `name`, for `company` if one is named.
pub fn read(name: &str, company: Option<&str>) -> ReadRequest {
    ReadRequest {
        name: secret(name),
        context: Context { company: company.map(self::company), ..Context::default() },
        scope: None,
        version: None,
        field: None,
        refresh: false,
        known: None,
    }
}
