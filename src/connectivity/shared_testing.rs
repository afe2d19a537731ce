//! What the tests of sharing have in common: rows and cells as nodes would tell them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::matrix::Row;
use crate::model::api_check::{Cell, KeyCheck, KeyMark, MonitorReport, PathCheck};
use crate::model::company::Companies;
use crate::model::connectivity::{ApiState, Verdict};
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

/// An API whose path is fine.
pub(super) fn cell(name: &str) -> Cell {
    let response_time = Some(Duration::from_millis(100));
    let path = PathCheck { fault: None, detail: String::new(), response_time, checked_at: Timestamp(1) };
    Cell { path: Some(path), ..Cell::new(service(name)) }
}

/// A check of the global key of `openai`.
pub(super) fn key(verdict: Verdict) -> KeyCheck {
    key_of("openai/api_key", "global", verdict)
}

/// A check of a key, on behalf of the company in whose scope it is.
pub(super) fn key_of(secret: &str, scope: &str, verdict: Verdict) -> KeyCheck {
    let scope = Scope::parse(scope).expect(scope);
    let company = match &scope {
        Scope::Company(company) => Some(company.clone()),
        Scope::Global | Scope::Node(_) => None,
    };
    let secret = SecretName::parse(secret).expect(secret);
    KeyCheck {
        company,
        key: Some(KeyMark { secret, scope, secret_id: 1, version: Version::FIRST }),
        verdict: Some(verdict),
        detail: String::new(),
        response_time: None,
        checked_at: Some(Timestamp(1)),
        expires: None,
    }
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
    let cells: BTreeMap<_, _> = cells.into_iter().map(|cell| (cell.service.clone(), Arc::new(cell))).collect();
    Row { environment: self::environment(environment), cells, confirmed_at: Timestamp(1) }
}

pub(super) fn entitled(environment: &str, companies: &[&str], globs: &[&str]) -> Entitlement {
    Entitlement {
        environment: self::environment(environment),
        companies: Companies::Only(companies.iter().map(|name| company(name)).collect()),
        globs: globs.iter().map(|glob| SecretGlob::parse(glob).expect(glob)).collect(),
    }
}
