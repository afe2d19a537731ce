//! Rows and cells for the tests of this room.

use std::sync::Arc;
use std::time::Duration;

use super::matrix::Row;
use crate::model::api_check::{Cell, KeyCheck, KeyMark, PathCheck};
use crate::model::connectivity::{PathFault, Verdict};
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::number::Version;
use crate::model::secret::{Scope, SecretName};
use crate::model::time::Timestamp;

pub(super) fn name(text: &str) -> NodeName {
    NodeName::parse(text).expect("name")
}

/// A key of `openai/api_key`, `global` and a version; serial numbers are those of the scope.
pub(super) fn mark(secret: &str, scope: &str, version: u64) -> KeyMark {
    let secret_id = scope.bytes().map(u64::from).sum();
    KeyMark {
        secret: SecretName::parse(secret).expect("name"),
        scope: Scope::parse(scope).expect("scope"),
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

pub(super) fn accepted(secret: &str, scope: &str, version: u64) -> KeyCheck {
    key(secret, scope, version, Verdict::Accepted)
}

/// No credential at all.
pub(super) fn no_key() -> KeyCheck {
    KeyCheck { key: None, ..key("openai/api_key", "global", 1, Verdict::NoCredential) }
}

pub(super) fn path(fault: Option<PathFault>, ms: u64) -> Option<PathCheck> {
    let detail = fault.map(|fault| format!("path: {}", fault.as_str())).unwrap_or_default();
    let response_time = fault.is_none().then(|| Duration::from_millis(ms));
    Some(PathCheck { fault, detail, response_time, checked_at: Timestamp(0) })
}

/// A cell of `openai`.
pub(super) fn cell(path: Option<PathCheck>, keys: impl IntoIterator<Item = KeyCheck>) -> Cell {
    let service = SecretName::parse("openai/api_key").expect("name").service;
    Cell { path, keys: keys.into_iter().collect(), ..Cell::new(service) }
}

pub(super) fn row(environment: &str, cells: impl IntoIterator<Item = Cell>, confirmed_at: Timestamp) -> Row {
    let environment = EnvironmentName::parse(environment).expect("name");
    let cells = cells.into_iter().map(|cell| (cell.service.clone(), Arc::new(cell))).collect();
    Row { environment, cells, confirmed_at }
}
