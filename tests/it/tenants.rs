//! Two companies in one mesh: a value of a company is given out only where the roster gives the node that company and a
//! grant gives it to the caller, whatever is asked and wherever; and nothing of one company is named to the other.

mod matrix;
mod silence;

use std::collections::BTreeSet;
use std::sync::Arc;

use aurora_mesh::crypto::api_key::ApiKeyText;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::model::actions::Capability;
use aurora_mesh::model::agent::AgentKind;
use aurora_mesh::model::caller::{Caller, Shown, ShownKey};
use aurora_mesh::model::company::Companies;
use aurora_mesh::model::name::{AgentName, ApiKeyName};
use aurora_mesh::model::number::Revision;
use aurora_mesh::model::reach::{Reach, ScopeKind, Scopes};
use aurora_mesh::vault::agent_request::{NewAgent, NewApiKey};

use crate::support::callers::{admin, company, put, stranger};
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::wait::eventually;

/// The value of each place, by its scope.
const PLACES: [(&str, &str); 5] = [
    ("shared/key", "global"),
    ("crm/key", "company:acme"),
    ("crm/key", "company:beta"),
    ("own/key", "node:first"),
    ("own/key", "node:second"),
];

/// A lead, and for each company one node and one agent that may use and change what is global or the company's.
struct Tenants {
    mesh: TestMesh,
    /// Speaks for acme.
    first: TestNode,
    /// Speaks for beta.
    second: TestNode,
    /// Of acme.
    one: Caller,
    /// Of beta.
    two: Caller,
}

impl Tenants {
    async fn start(capabilities: &[Capability]) -> Self {
        let mesh = TestMesh::start().await;
        for (name, scope) in PLACES {
            mesh.put(put(name, scope, &format!("not-a-real-key of {scope}"))).await;
        }
        let one = caller(&mesh, "one", "acme", capabilities).await;
        let two = caller(&mesh, "two", "beta", capabilities).await;
        let first = mesh.follower("first", prod(&["acme"])).await;
        let second = mesh.follower("second", prod(&["beta"])).await;
        let revision = mesh.lead.vault().health().revision;
        let tenants = Self { mesh, first, second, one, two };
        tenants.catch_up(revision).await;
        tenants
    }

    async fn catch_up(&self, revision: Revision) {
        for node in [&self.first, &self.second] {
            node.reaches(revision).await;
            node.is_fresh().await;
        }
    }

    fn nodes(&self) -> [(&'static str, &TestNode); 3] {
        [("aurora", &self.mesh.lead), ("first", &self.first), ("second", &self.second)]
    }

    fn callers(&self) -> [(&'static str, &Caller); 2] {
        [("acme", &self.one), ("beta", &self.two)]
    }
}

/// An agent of a company, as a program that shows its key. It runs as nobody in particular.
async fn caller(mesh: &TestMesh, name: &str, id: &str, capabilities: &[Capability]) -> Caller {
    let vault = mesh.lead.vault();
    let scopes = Scopes::Only(BTreeSet::from([ScopeKind::Global, ScopeKind::Company]));
    let companies = Companies::Only(BTreeSet::from([company(id)]));
    let agent = AgentName::parse(name).expect(name);
    let new = NewAgent {
        name: agent.clone(),
        title: None,
        kind: AgentKind::Tool,
        capabilities: capabilities.iter().copied().collect(),
        capability_note: None,
        reach: Reach { scopes, companies, ..Reach::everything() },
        limit_rpm: None,
        signs: false,
        note: None,
    };
    vault.create_agent(&admin(), new, None).await.expect("an agent");
    let name = ApiKeyName::parse("test").expect("a name");
    let new = NewApiKey { agent, name, reach: Reach::everything(), limit_rpm: None, life: None };
    let minted = vault.mint_key(&admin(), &new, None).await.expect("a key");
    let text = ApiKeyText::parse(Plaintext::new(minted.text.expose().to_vec())).expect("a key");
    let shown = Shown { key: ShownKey::Key(text.hash()), ..Shown::default() };
    Caller { shown, attested: Arc::default(), ..stranger() }
}

/// Returns once the keys of both agents are known on a node.
async fn knows(node: &TestNode, callers: [&Caller; 2]) {
    use aurora_mesh::vault::request::ListRequest;
    for caller in callers {
        eventually("the agents are known", || async {
            node.vault().list(caller, ListRequest::default()).await.ok().map(drop)
        })
        .await;
    }
}
