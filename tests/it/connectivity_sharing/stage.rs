//! What the tests of sharing have in common: nodes whose checks the test answers, and what each of them knows.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aurora_mesh::actors::checker::{Checker, Checking};
use aurora_mesh::connectivity::matrix::{Matrix, Row};
use aurora_mesh::connectivity::subject::{Subject, Watched};
use aurora_mesh::model::api_check::{Cell, KeyCheck, KeyMark, MonitorReport, PathCheck};
use aurora_mesh::model::connectivity::{ApiState, Verdict};
use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::name::{CompanyId, KeyName, ServiceName};
use aurora_mesh::model::number::Version;
use aurora_mesh::model::secret::{Scope, SecretName};
use aurora_mesh::model::time::Clock;

use crate::support::callers::{environment, node};
use crate::support::mesh::{TestMesh, TestNode};
use crate::support::wait::eventually;

pub fn service(name: &str) -> ServiceName {
    ServiceName::parse(name).expect(name)
}

/// Checks that the test answers.
pub struct Scripted {
    pub watched: Vec<Watched>,
    /// Companies whose key is refused; the rest is accepted.
    pub refused: Mutex<Vec<CompanyId>>,
    pub calls: AtomicU32,
    pub has_path: AtomicBool,
    clock: Arc<dyn Clock>,
}

impl Scripted {
    /// `openai` with a global key and those of companies.
    pub fn openai(companies: &[&str], on: &TestNode) -> Arc<Self> {
        let key = |id: u64, scope: &str| {
            let secret = SecretName::parse("openai/api_key").expect("a name");
            let scope = Scope::parse(scope).expect(scope);
            let company = match &scope {
                Scope::Company(company) => Some(company.clone()),
                Scope::Global | Scope::Node(_) => None,
            };
            let credential = Some(KeyName::parse("api_key").expect("a name"));
            let key = Some(KeyMark { secret, scope, secret_id: id, version: Version::FIRST });
            Subject { service: service("openai"), credential, company, key }
        };
        let of_companies = (2..).zip(companies).map(|(id, company)| key(id, &format!("company:{company}")));
        let openai = Watched {
            service: service("openai"),
            has_host: true,
            check_every: Duration::from_secs(900),
            calls_per_day: Some(1_000),
            subjects: [key(1, "global")].into_iter().chain(of_companies).collect(),
        };
        Arc::new(Self {
            watched: vec![openai],
            refused: Mutex::default(),
            calls: AtomicU32::new(0),
            has_path: AtomicBool::new(true),
            clock: on.clock.clone(),
        })
    }
}

impl Checker for Scripted {
    fn watched(&self) -> Vec<Watched> {
        self.watched.clone()
    }

    fn check_path(&self, _: &ServiceName) -> Checking<PathCheck> {
        let fault =
            (!self.has_path.load(Ordering::Relaxed)).then_some(aurora_mesh::model::connectivity::PathFault::Dns);
        let (response_time, checked_at) = (Some(Duration::from_millis(20)), self.clock.now().wall);
        Box::pin(ready(PathCheck { fault, detail: String::new(), response_time, checked_at }))
    }

    fn check_key(&self, subject: &Subject) -> Checking<KeyCheck> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let refused = self.refused.lock().expect("not poisoned");
        let is_refused = subject.company.as_ref().is_some_and(|company| refused.contains(company));
        Box::pin(ready(KeyCheck {
            company: subject.company.clone(),
            key: subject.key.clone(),
            verdict: Some(if is_refused { Verdict::Rejected } else { Verdict::Accepted }),
            detail: String::new(),
            response_time: Some(Duration::from_millis(30)),
            checked_at: Some(self.clock.now().wall),
            expires: None,
        }))
    }
}

/// A follower that makes checks.
pub async fn probing(mesh: &TestMesh, name: &str, entitlement: Entitlement) -> TestNode {
    let mut follower = mesh.follower(name, entitlement).await;
    follower.stop().await;
    follower.config.connectivity.probe = true;
    follower.start().await;
    follower
}

/// A monitor tells this node something, as the door would take it in.
pub fn hears(on: &TestNode, of: &str, state: ApiState) {
    let now = on.clock.now().wall;
    let report = MonitorReport {
        by: "user:uptime".to_owned(),
        state,
        response_time: None,
        detail: Some("told by the test".to_owned()),
        at: now,
        interval: Duration::from_secs(300),
    };
    let name = on.config.node.name.clone();
    on.running().connectivity().board().change(|matrix| {
        let empty = || Row { environment: environment_of(on), cells: BTreeMap::new(), confirmed_at: now };
        let mut row = matrix.row(&name).map_or_else(empty, |row| Row::clone(row));
        let cell = Cell { monitors: vec![report], ..Cell::new(service(of)) };
        row.cells.insert(service(of), Arc::new(cell));
        matrix.put(name, row);
    });
}

fn environment_of(on: &TestNode) -> aurora_mesh::model::name::EnvironmentName {
    environment(on.config.node.environment.as_str())
}

pub fn matrix(of: &TestNode) -> Arc<Matrix> {
    of.running().connectivity().board().matrix()
}

/// What a node knows, in a line: `alpha/openai=down` for what a monitor said.
pub fn known(of: &TestNode) -> Vec<String> {
    let matrix = matrix(of);
    let line = |node: &str, cell: &Cell| {
        let said: Vec<_> = cell.monitors.iter().map(|monitor| monitor.state.as_str()).collect();
        format!("{node}/{}={}", cell.service, said.join(","))
    };
    let of_row = |(node, row): (&aurora_mesh::model::name::NodeName, &Row)| {
        row.cells.values().map(|cell| line(node.as_str(), cell)).collect::<Vec<_>>()
    };
    matrix.rows().flat_map(of_row).collect()
}

/// The verdicts about the keys of `openai` that `viewer` knows of `on`: `own=Accepted`, `acme=Rejected`.
pub fn verdicts(viewer: &TestNode, on: &str) -> Vec<String> {
    let matrix = matrix(viewer);
    let cell = matrix.row(&node(on)).and_then(|row| row.cells.get(&service("openai")).cloned());
    let line = |key: &KeyCheck| {
        let whose = key.company.as_ref().map_or("own", CompanyId::as_str);
        format!("{whose}={}", key.verdict.map_or("none".to_owned(), |verdict| format!("{verdict:?}")))
    };
    cell.iter().flat_map(|cell| &cell.keys).map(line).collect()
}

/// Returns once the node knows exactly this.
pub async fn knows(viewer: &TestNode, expected: &[&str]) {
    eventually(&format!("{} knows {expected:?}", viewer.config.node.name), || async {
        (known(viewer) == expected).then_some(())
    })
    .await;
}
