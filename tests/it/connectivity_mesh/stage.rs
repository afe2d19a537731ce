//! A theatre, a mesh whose nodes call it by themselves, and what each node says over its socket.

use std::collections::BTreeSet;
use std::time::Duration;

use aurora_mesh::model::entitlement::Entitlement;
use serde_json::Value;

use crate::support::callers::{admin, put};
use crate::support::http::get;
use crate::support::mesh::{TestMesh, TestNode};
use crate::support::theatre::Theatre;
use crate::support::wait::eventually;

/// Keys that the theatre takes, and that it refuses.
pub const GOOD: &str = "sk-a-good-key";
pub const REFUSED: &str = "sk-a-refused-key";

pub const COMPANY_ONLY: &str = "only the key of company acme is rejected: it is that company's, the others work";
pub const PATH_OF_ALPHA: &str = "the key openai/api_key (global, version 1) is accepted on aurora and beta and rejected on alpha: look at \
                                 the path or the address of alpha, not at the key";

/// Longer than anything takes, and less than after which a wait gives up by itself. How soon it is to be is for a bench.
const PATIENCE: Duration = Duration::from_secs(15);

pub struct Mesh {
    pub theatre: Theatre,
    pub of: TestMesh,
}

impl Mesh {
    /// A lead that probes; `openai` takes every key but the refused one.
    pub async fn open() -> Self {
        let theatre = Theatre::start().await;
        takes_the_good_one(&theatre);
        let of = TestMesh::with_connectivity(theatre.section()).await;
        Self { theatre, of }
    }

    /// A follower that probes.
    pub async fn node(&self, name: &str, entitlement: Entitlement) -> TestNode {
        self.of.follower(name, entitlement).await
    }

    /// Another theatre, which nodes that join from now on call.
    pub async fn theatre_of_its_own(&mut self) -> Theatre {
        let own = Theatre::start().await;
        takes_the_good_one(&own);
        self.of.connectivity = own.section();
        own
    }

    /// Stores a key of `openai`; returns once that is acknowledged.
    pub async fn put(&self, scope: &str, value: &str) {
        self.of.put(put("openai/api_key", scope, value)).await;
    }

    /// Every node comes to say this: the state of the service, a line for each node, and the diagnosis.
    pub async fn eventually_all(&self, nodes: &[&TestNode], overall: &str, lines: &[&str], diagnosis: &[&str]) {
        self.eventually_of("openai", nodes, overall, lines, diagnosis).await;
    }

    /// The same of another service.
    pub async fn eventually_of(
        &self,
        service: &str,
        nodes: &[&TestNode],
        overall: &str,
        lines: &[&str],
        diagnosis: &[&str],
    ) {
        let wanted = Said::new(overall, lines, diagnosis);
        for node in nodes {
            let says_so = eventually(service, || async { (said(node, service).await? == wanted).then_some(()) });
            if tokio::time::timeout(PATIENCE, says_so).await.is_err() {
                let (name, says) = (&node.config.node.name, self.body(node).await);
                panic!("{name} never says of {service} {wanted:?}: {says}");
            }
        }
    }

    /// What a node says of `openai`.
    pub async fn of_node(&self, node: &TestNode) -> Value {
        told(node, "openai").await.expect("it says something")
    }

    /// All that a node says.
    pub async fn body(&self, node: &TestNode) -> String {
        get(&node.agent_socket(), "/api/connectivity/status").await.body
    }

    /// Every key of every node that this one knows of: `alpha openai/api_key company 1`.
    pub async fn keys_seen(&self, viewer: &TestNode) -> BTreeSet<String> {
        let told = self.of_node(viewer).await;
        let of_line = |line: &Value| {
            let keys = line["keys"].as_array().cloned().unwrap_or_default();
            let key = |key: &Value| format!("{} {} {} {}", line["node"], key["key"], key["scope"], key["version"]);
            keys.iter().map(key).collect::<Vec<_>>()
        };
        told["nodes"].as_array().expect("lines").iter().flat_map(of_line).collect()
    }
}

/// What a node says of a service, in short.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    overall: String,
    lines: Vec<String>,
    diagnosis: Vec<String>,
}

impl Said {
    fn new(overall: &str, lines: &[&str], diagnosis: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self { overall: overall.to_owned(), lines: owned(lines), diagnosis: owned(diagnosis) }
    }
}

async fn told(node: &TestNode, service: &str) -> Option<Value> {
    let answer = get(&node.agent_socket(), &format!("/api/connectivity/status?service={service}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut told = answer.json();
    told["services"].as_array_mut().filter(|services| !services.is_empty()).map(|services| services.remove(0))
}

async fn said(node: &TestNode, service: &str) -> Option<Said> {
    let told = told(node, service).await?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let line = |line: &Value| {
        let stale = line["stale"].as_bool().filter(|stale| *stale).map(|_| "stale".to_owned());
        let words = ["node", "status", "cause", "path_fault"].map(|field| text(&line[field]));
        words.into_iter().chain([stale]).flatten().collect::<Vec<_>>().join(" ")
    };
    Some(Said {
        overall: text(&told["overall_status"])?,
        lines: told["nodes"].as_array()?.iter().map(line).collect(),
        diagnosis: told["diagnosis"].as_array()?.iter().filter_map(text).collect(),
    })
}

pub fn takes_the_good_one(theatre: &Theatre) {
    theatre.answers("openai", 200, &[], r#"{"object":"list","data":[]}"#);
    theatre.answers_when("openai", REFUSED, 401, r#"{"error":{"code":"invalid_api_key"}}"#);
}

/// The keys that a lead's journal tells to be refused, once this one is among them: `openai/api_key global`.
pub async fn journalled(lead: &TestNode, key: &str) -> Vec<String> {
    eventually(&format!("{key} is told of"), || async {
        let lines = lead.vault().audit_tail(&admin(), 1000).await.expect("the journal");
        let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let refused = lines.filter(|line| line["action"] == "credential.invalid");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let told: Vec<_> = refused.map(|line| format!("{} {}", text(&line["secret"]), text(&line["scope"]))).collect();
        told.iter().any(|told| told == key).then_some(told)
    })
    .await
}
