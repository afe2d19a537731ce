//! The mesh the table is read on: a lead, a follower in each environment, and every combination stored in both.

use aurora_mesh::cli::client::Client;
use aurora_mesh::cli::error::CliError;
use aurora_mesh::cli::question::Question;
use aurora_mesh::model::caller::Caller;
use aurora_mesh::model::number::Revision;
use aurora_mesh::model::secret::Scope;
use aurora_mesh::vault::answer::{ReadAnswer, ReadOutcome};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::parts::Vault;
use aurora_mesh::vault::request::{Context, Place, ReadRequest};
use futures_util::future::join_all;

use super::expectation::{Case, Cell, value, version};
use super::{ENVIRONMENTS, OTHER_COMPANY, OWN_COMPANY};
use crate::support::callers::{admin, agent, company, environment, place, put, read, scope};
use crate::support::mesh::{TestMesh, TestNode, entitlement};

pub struct Stage {
    mesh: TestMesh,
    pub prod: TestNode,
    pub dev: TestNode,
}

/// A node that is asked, and in which environment it is asked.
pub struct Seat<'stage> {
    node: &'stage TestNode,
    name: &'static str,
    environment: &'static str,
    is_lead: bool,
}

impl Stage {
    /// Every combination, in both environments, on every node.
    pub async fn set() -> Self {
        let stage = Self::empty().await;
        let mut tasks = Vec::new();
        for environment in ENVIRONMENTS {
            for case in Case::all() {
                for scope in scopes() {
                    tasks.push(store(&stage.mesh, environment, case, scope));
                }
            }
        }
        let last = join_all(tasks).await.into_iter().max().expect("something was stored");
        stage.settled(last).await;
        stage
    }

    /// One global secret in one environment and nothing else.
    pub async fn set_with_one_secret_in(name: &str) -> Self {
        let stage = Self::empty().await;
        let mut request = put("svc/only", "global", &format!("{name} only"));
        request.place.environment = Some(environment(name));
        let stored = stage.mesh.put(request).await;
        stage.settled(stored.revision).await;
        stage
    }

    async fn empty() -> Self {
        let mesh = TestMesh::start().await;
        let prod = mesh.follower("vengeance", entitlement("prod", &[OWN_COMPANY], &["*"])).await;
        let dev = mesh.follower("runpod-tx", entitlement("dev", &[OWN_COMPANY], &["*"])).await;
        Self { mesh, prod, dev }
    }

    async fn settled(&self, revision: Revision) {
        for follower in [&self.prod, &self.dev] {
            follower.reaches(revision).await;
            follower.is_fresh().await;
        }
    }

    /// Each follower in its environment; the lead in its own, and in the other as its owner may ask.
    pub fn seats(&self) -> [Seat<'_>; 4] {
        let seat = |node, name, environment, is_lead| Seat { node, name, environment, is_lead };
        [
            seat(&self.prod, "vengeance", "prod", false),
            seat(&self.dev, "runpod-tx", "dev", false),
            seat(&self.mesh.lead, "aurora", "prod", true),
            seat(&self.mesh.lead, "aurora", "dev", true),
        ]
    }
}

/// Every scope that is filled: each node's own, two companies, and the global one.
fn scopes() -> [Scope; 6] {
    let other = format!("company:{OTHER_COMPANY}");
    let own = format!("company:{OWN_COMPANY}");
    ["node:vengeance", "node:runpod-tx", "node:aurora", &own, &other, "global"].map(scope)
}

/// Puts the versions of one cell, one after the other, and deletes the last if the table says so.
async fn store(mesh: &TestMesh, in_environment: &str, case: Case, scope: Scope) -> Revision {
    let (name, text) = (case.name(), scope.to_string());
    let cell = case.cell(&scope);
    let mut last = Revision(0);
    for number in 1..=version(cell, &scope) {
        let value = value(in_environment, &name, &scope, number);
        let mut request = put(&name, &text, &value);
        request.place.environment = Some(environment(in_environment));
        last = mesh.put(request).await.revision;
    }
    if cell == Cell::Deleted {
        let request = Place { environment: Some(environment(in_environment)), ..place(&name, &text) };
        last = mesh.delete(request).await.revision;
    }
    last
}

impl Seat<'_> {
    /// For the label of a failure.
    pub fn name(&self) -> String {
        format!("{} in {}", self.name, self.environment)
    }

    pub fn node(&self) -> &str {
        self.name
    }

    pub fn environment(&self) -> &str {
        self.environment
    }

    pub fn is_lead(&self) -> bool {
        self.is_lead
    }

    pub fn vault(&self) -> &Vault {
        self.node.vault()
    }

    /// A program; on the lead, its owner, who alone may ask about another environment than the lead's.
    pub fn caller(&self) -> Caller {
        if self.is_lead { admin() } else { agent() }
    }

    pub fn context(&self) -> Context {
        Context { environment: self.is_lead.then(|| environment(self.environment)), ..Context::default() }
    }

    pub fn ask(&self, name: &str, for_company: Option<&str>) -> ReadRequest {
        let context = Context { company: for_company.map(company), ..self.context() };
        ReadRequest { context, ..read(name, None) }
    }

    pub async fn read(&self, request: ReadRequest) -> Result<ReadAnswer, VaultError> {
        match self.vault().read(&self.caller(), request).await? {
            ReadOutcome::Value(answer) => Ok(answer),
            ReadOutcome::NotModified { .. } => panic!("no version was known"),
        }
    }

    /// The same question over the socket.
    pub async fn http(&self, name: &str, for_company: Option<&str>) -> Result<serde_json::Value, CliError> {
        let socket = if self.is_lead { "admin.sock" } else { "agent.sock" };
        let question = Question::get(format!("/api/secrets/{name}"))
            .with("environment", self.is_lead.then_some(self.environment))
            .header("x-company-id", for_company)
            .expect("a header");
        Client::new(self.node.config.api.socket_dir.join(socket)).ask(question).await
    }
}

/// Status, code and message of an answer that must be a refusal.
pub fn refusal(answer: Result<serde_json::Value, CliError>, label: &str) -> (u16, String, String) {
    match answer {
        Err(CliError::Refused { status, code, message, .. }) => (status, code, message),
        other => panic!("{label}: no refusal: {other:?}"),
    }
}
