//! Each of the 41 actions, asked for by somebody who has the thirteen other capabilities: refused, and written down with
//! the rule. `GET /api/whoami?action=` decides as the deed would be decided, without the deed.

use aurora_mesh::model::actions::{Action, Capability};
use serde_json::{Value, json};

use super::by_route::under;
use crate::support::callers::admin;
use crate::support::http::{get, post};
use crate::support::mesh::TestMesh;

/// The owner of the node, who is no admin at the agent door, has these capabilities.
fn policy(capabilities: &[Capability]) -> String {
    let words: Vec<&str> = capabilities.iter().map(|capability| capability.as_str()).collect();
    format!(
        "[[grant]]\nname = \"given\"\nprincipal = \"owner\"\ncapabilities = {}\nsecrets = \"*\"\ncompanies = \"*\"\n\
         environments = \"*\"\nexpires_at = \"never\"\nreason = \"test\"\n",
        json!(words)
    )
}

async fn apply(mesh: &TestMesh, policy: &str) {
    let socket = mesh.lead.agent_socket().with_file_name("admin.sock");
    let plan = post(&socket, "/api/policy/plan", &json!({"policy": policy})).await.json();
    let applied = post(&socket, "/api/policy/apply", &json!({"policy": policy, "expect": plan["revision"]})).await;
    assert_eq!(applied.status, 200, "{}", applied.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_is_refused_to_whoever_has_every_other_capability_and_the_audit_has_the_rule() {
    let mesh = under("").await;
    let socket = mesh.lead.agent_socket();
    let mut tried = 0;
    for &missing in Capability::ALL {
        let others: Vec<Capability> = Capability::ALL.iter().copied().filter(|other| *other != missing).collect();
        apply(&mesh, &policy(&others)).await;
        for &action in Action::ALL {
            let answer = get(&socket, &format!("/api/whoami?action={}", action.as_str())).await;
            if action.capability() != missing {
                assert_eq!(answer.status, 200, "{action:?} without {missing:?}: {}", answer.body);
                continue;
            }
            tried += 1;
            assert_eq!((answer.status, answer.code().as_str()), (403, "denied"), "{action:?}: {}", answer.body);
            let id = answer.header("x-request-id").expect("an id").to_owned();
            let lines = mesh.lead.vault().audit_tail(&admin(), 5).await.expect("the journal");
            let line = lines.iter().find(|line| line.contains(&id)).expect("a line");
            let line: Value = serde_json::from_str(line).expect("JSON");
            let told = ["action", "decision", "rule", "outcome"].map(|field| line[field].as_str().unwrap_or_default());
            assert_eq!(told, [action.as_str(), "deny", "default-deny", "denied"]);
        }
    }
    assert_eq!(tried, 41);
}
