//! What the tests of this room have in common: rows and cells as nodes would tell them.

use std::sync::Arc;
use std::time::Duration;

use super::matrix::Row;
use crate::model::api_check::{Cell, KeyCheck, KeyMark, MonitorReport, PathCheck};
use crate::model::company::Companies;
use crate::model::connectivity::{ApiState, PathFault, Verdict};
use crate::model::entitlement::Entitlement;
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName, NodeName, ServiceName};
use crate::model::number::Version;
use crate::model::secret::{Scope, SecretName};
use crate::model::time::Timestamp;

pub(super) fn node(name: &str) -> NodeName {
    NodeName::parse(name).expect(name)
}

pub(super) fn service(name: &str) -> ServiceName {
    ServiceName::parse(name).expect(name)
}

pub(super) fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::parse(name).expect(name)
}

pub(super) fn company(name: &str) -> CompanyId {
    CompanyId::parse(name).expect(name)
}

/// A version of a key; serial numbers are those of the scope.
pub(super) fn mark(secret: &str, scope: &str, version: u64) -> KeyMark {
    let secret_id = scope.bytes().map(u64::from).sum();
    KeyMark {
        secret: SecretName::parse(secret).expect(secret),
        scope: Scope::parse(scope).expect(scope),
        secret_id,
        version: Version::new(version).expect("not zero"),
    }
}

/// A check of it, on behalf of the company it belongs to.
pub(super) fn key(secret: &str, scope: &str, version: u64, verdict: Verdict) -> KeyCheck {
    let mark = mark(secret, scope, version);
    let company = match &mark.scope {
        Scope::Company(company) => Some(company.clone()),
        Scope::Global | Scope::Node(_) => None,
    };
    KeyCheck {
        company,
        key: Some(mark),
        verdict: Some(verdict),
        detail: format!("{verdict:?}"),
        response_time: Some(Duration::from_millis(100)),
        checked_at: Some(Timestamp(0)),
        expires: None,
    }
}

/// A check of the first version of a key.
pub(super) fn key_of(secret: &str, scope: &str, verdict: Verdict) -> KeyCheck {
    key(secret, scope, 1, verdict)
}

pub(super) fn accepted(secret: &str, scope: &str, version: u64) -> KeyCheck {
    key(secret, scope, version, Verdict::Accepted)
}

/// No credential at all.
pub(super) fn no_key() -> KeyCheck {
    KeyCheck { key: None, ..key_of("openai/api_key", "global", Verdict::NoCredential) }
}

pub(super) fn path(fault: Option<PathFault>, ms: u64) -> Option<PathCheck> {
    let detail = fault.map(|fault| format!("path: {}", fault.as_str())).unwrap_or_default();
    let response_time = fault.is_none().then(|| Duration::from_millis(ms));
    Some(PathCheck { fault, detail, response_time, checked_at: Timestamp(0) })
}

/// An API whose path is fine.
pub(super) fn cell(name: &str) -> Cell {
    let path = path(None, 100).map(|path| PathCheck { checked_at: Timestamp(1), ..path });
    Cell { path, ..Cell::new(service(name)) }
}

/// A cell of `openai`.
pub(super) fn checked(path: Option<PathCheck>, keys: impl IntoIterator<Item = KeyCheck>) -> Cell {
    Cell { path, keys: keys.into_iter().collect(), ..Cell::new(service("openai")) }
}

pub(super) fn monitor(by: &str, at: i64) -> MonitorReport {
    MonitorReport {
        by: by.to_owned(),
        state: ApiState::Down,
        response_time: None,
        detail: None,
        at: Timestamp(at),
        interval: Duration::from_secs(300),
    }
}

pub(super) fn row(environment: &str, cells: impl IntoIterator<Item = Cell>) -> Row {
    row_at(environment, cells, Timestamp(1))
}

pub(super) fn row_at(environment: &str, cells: impl IntoIterator<Item = Cell>, confirmed_at: Timestamp) -> Row {
    let cells = cells.into_iter().map(|cell| (cell.service.clone(), Arc::new(cell))).collect();
    Row { environment: self::environment(environment), cells, confirmed_at }
}

pub(super) fn entitled(environment: &str, companies: &[&str], globs: &[&str]) -> Entitlement {
    Entitlement {
        environment: self::environment(environment),
        companies: Companies::Only(companies.iter().map(|name| company(name)).collect()),
        globs: globs.iter().map(|glob| SecretGlob::parse(glob).expect(glob)).collect(),
    }
}
