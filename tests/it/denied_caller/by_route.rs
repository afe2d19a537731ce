//! Every route that does something, knocked at by somebody who may do nothing: refused alike, and written down with the
//! rule; and where a secret is absent, the answer is the one that a secret gets that may not be had.

use std::path::Path;

use serde_json::{Value, json};

use crate::policy_file::grant;
use crate::support::callers::{admin, put};
use crate::support::http::{Answer, ask, post, send};
use crate::support::mesh::TestMesh;

/// Method, path, body, and the action it is.
type Knock = (&'static str, &'static str, &'static str, &'static str);

/// What there is to do with one secret.
const OF_A_SECRET: &[Knock] = &[
    ("GET", "/api/secrets/SECRET", "", "secret.read"),
    ("GET", "/api/secrets/SECRET/versions", "", "secret.info"),
    ("GET", "/api/secrets/SECRET/watch", "", "secret.info"),
    ("GET", "/api/explain/SECRET", "", "secret.explain"),
    ("PATCH", "/api/secrets/SECRET", r#"{"ttl":60}"#, "secret.write"),
    ("DELETE", "/api/secrets/SECRET", "", "secret.delete"),
    ("POST", "/api/secrets/SECRET/undelete", "", "secret.restore"),
    ("POST", "/api/secrets/SECRET/destroy?versions=1", "", "secret.delete"),
    ("POST", "/api/secrets/SECRET/rollback?to=1", "", "secret.restore"),
];

const OF_THE_MESH: &[Knock] = &[
    ("GET", "/api/secrets", "", "secret.list"),
    ("GET", "/api/watch", "", "secret.list"),
    ("GET", "/api/environments", "", "secret.list"),
    ("GET", "/api/export", "", "secret.export"),
    ("POST", "/api/secrets", r#"{"service":"a","key_name":"b","key_value":"c"}"#, "secret.write"),
    ("POST", "/api/import", "", "secret.write"),
    ("POST", "/api/rollback", r#"{"to_revision":1}"#, "backup.manage"),
    ("POST", "/api/keys/rotate", "", "secret.rotate"),
    ("POST", "/api/environments/mirror", r#"{"from":"prod","to":"dev"}"#, "secret.write"),
    ("POST", "/api/environments/check", r#"{"left":"prod","right":"dev"}"#, "secret.explain"),
    ("POST", "/api/tokens", r#"{"node":"vengeance"}"#, "node.manage"),
    ("GET", "/api/nodes", "", "node.manage"),
    ("GET", "/metrics", "", "node.manage"),
    (
        "POST",
        "/api/nodes/vengeance/entitlement",
        r#"{"environment":"prod","companies":[],"allow":["*"]}"#,
        "node.manage",
    ),
    ("GET", "/api/keys", "", "node.manage"),
    ("GET", "/api/diagnosis", "", "node.manage"),
    ("POST", "/api/leave", "", "node.manage"),
    ("POST", "/api/keys/rotate-root", "", "node.manage"),
    ("GET", "/api/snapshots", "", "backup.manage"),
    ("POST", "/api/snapshots", "", "backup.manage"),
    ("POST", "/api/snapshots/export", "", "backup.manage"),
    ("POST", "/api/snapshots/verify", "", "backup.manage"),
    ("GET", "/api/policy", "", "policy.manage"),
    ("GET", "/api/policy/grants/owner", "", "policy.manage"),
    ("POST", "/api/policy/plan", r#"{"policy":""}"#, "policy.manage"),
    ("POST", "/api/policy/apply", r#"{"policy":"","expect":0}"#, "policy.manage"),
    ("POST", "/api/policy/test", r#"{"policy":""}"#, "policy.manage"),
    ("GET", "/api/audit", "", "audit.read"),
    ("GET", "/api/audit/export", "", "audit.read"),
    ("GET", "/api/audit/follow", "", "audit.read"),
    ("GET", "/api/audit/verify", "", "audit.read"),
    ("GET", "/credentials/usage", "", "audit.read"),
    ("GET", "/api/audit/heads", "", "audit.read"),
    ("GET", "/api/audit/nodes", "", "audit.read"),
    ("GET", "/api/audit/proof", "", "audit.read"),
    ("GET", "/api/exposure?of=company:acme", "", "audit.read"),
    ("GET", "/api/unused", "", "audit.read"),
    ("GET", "/api/expiring", "", "secret.list"),
    ("GET", "/api/connectivity/status", "", "integration.health"),
    ("GET", "/api/connectivity/health", "", "integration.health"),
    ("GET", "/api/connectivity/best?service=openai", "", "integration.health"),
    ("POST", "/api/connectivity/status", r#"{"service":"openai","status":"down"}"#, "event.publish"),
    ("GET", "/api/agents", "", "agent.update"),
    ("GET", "/api/agents/robot", "", "agent.update"),
    ("POST", "/api/agents/robot/suspend", "", "agent.suspend"),
    ("POST", "/api/agents/robot/activate", "", "agent.suspend"),
    ("POST", "/api/agents/robot/archive", "", "agent.suspend"),
    ("DELETE", "/api/agents/robot/keys/ci", "", "agent.key"),
    ("GET", "/api/apikeys", "", "agent.key"),
    ("POST", "/api/agents", r#"{"name":"robot","secrets":["*"],"environments":["prod"]}"#, "agent.create"),
    ("PATCH", "/api/agents/robot", r#"{"title":"Robot"}"#, "agent.update"),
    ("GET", "/providers", "", "provider.list"),
    ("GET", "/providers/openai", "", "provider.list"),
    ("GET", "/credentials/status", "", "secret.list"),
    ("POST", "/credentials/openai/validate", "", "credential.validate"),
    ("GET", "/api/access-requests", "", "event.publish"),
    ("POST", "/api/access-requests", r#"{"name":"openai/api_key","reason":"x"}"#, "event.publish"),
    ("DELETE", "/api/access-requests/1", "", "policy.manage"),
    ("GET", "/api/events", "", "event.subscribe"),
    ("GET", "/api/events/history", "", "event.list"),
    ("GET", "/api/events/types", "", "event.list"),
    ("POST", "/api/events", r#"{"type":"data.created"}"#, "event.publish"),
    ("POST", "/events", r#"{"source_agent":"x","action":"data.created"}"#, "event.publish"),
    ("GET", "/api/freezes", "", "policy.manage"),
    ("POST", "/api/freezes", r#"{"target":"mesh","level":"all","reason":"x"}"#, "policy.manage"),
    ("DELETE", "/api/freezes?target=mesh", "", "policy.manage"),
];

/// A mesh with two secrets and this policy.
pub async fn under(policy: &str) -> TestMesh {
    let mesh = TestMesh::start().await;
    for name in ["hubspot/present", "stripe/present"] {
        mesh.put(put(name, "global", "not-a-real-key")).await;
    }
    let socket = mesh.lead.agent_socket().with_file_name("admin.sock");
    let plan = post(&socket, "/api/policy/plan", &json!({"policy": policy})).await.json();
    let applied = post(&socket, "/api/policy/apply", &json!({"policy": policy, "expect": plan["revision"]})).await;
    assert_eq!(applied.status, 200, "{}", applied.body);
    mesh
}

async fn knock(socket: &Path, (method, target, body, _): Knock, secret: &str) -> Answer {
    ask(socket, method, &target.replace("SECRET", secret), &[], body).await
}

/// The whole answer as it came, but for the id of the request.
async fn bytes(socket: &Path, (method, target, body, _): Knock, secret: &str) -> String {
    let target = target.replace("SECRET", secret);
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let came = String::from_utf8(send(socket, request.as_bytes()).await.expect("an answer")).expect("text");
    let id = Answer::parse(came.as_bytes()).expect("an answer").header("x-request-id").expect("an id").to_owned();
    let is_of_now = |line: &&str| !line.to_ascii_lowercase().starts_with("date: ");
    came.replace(&id, "ID").split_inclusive("\r\n").filter(is_of_now).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_do_nothing_is_refused_at_every_route_and_it_is_written_down_with_the_rule() {
    let mesh = under("").await;
    let socket = mesh.lead.agent_socket();
    let mut wrong = Vec::new();
    for &each in OF_A_SECRET.iter().chain(OF_THE_MESH) {
        let (method, target, _, action) = each;
        let refused = knock(&socket, each, "hubspot/present").await;
        let id = refused.header("x-request-id").expect("an id").to_owned();
        let lines = mesh.lead.vault().audit_tail(&admin(), 10).await.expect("the journal");
        let line = lines.iter().find(|line| line.contains(&id)).map_or("null", String::as_str);
        let line: Value = serde_json::from_str(line).expect("JSON");
        let told = ["action", "decision", "rule", "outcome"].map(|field| line[field].as_str().unwrap_or_default());
        if refused.status != 403 || refused.code() != "denied" || told != [action, "deny", "default-deny", "denied"] {
            wrong.push(format!("{method} {target}: {} {} {told:?}", refused.status, refused.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_and_denied_are_the_same_bytes_to_whoever_may_not_know() {
    let mesh = under("").await;
    let socket = mesh.lead.agent_socket();
    for &each in OF_A_SECRET {
        let present = bytes(&socket, each, "hubspot/present").await;
        assert!(present.starts_with("HTTP/1.1 403 "), "{present}");
        assert_eq!(bytes(&socket, each, "hubspot/absent").await, present, "{each:?}");
        assert_eq!(bytes(&socket, each, "nothing/absent").await, present, "{each:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_read_but_not_know_cannot_tell_absent_from_denied_and_whoever_may_know_can() {
    const READ: Knock = OF_A_SECRET[0];
    let reads = grant("reads", "owner", "hubspot");
    let mesh = under(&reads).await;
    let socket = mesh.lead.agent_socket();
    assert_eq!(knock(&socket, READ, "hubspot/present").await.status, 200);
    let denied = bytes(&socket, READ, "stripe/present").await;
    assert!(denied.starts_with("HTTP/1.1 403 "), "{denied}");
    assert_eq!(bytes(&socket, READ, "hubspot/absent").await, denied);
    assert_eq!(bytes(&socket, READ, "stripe/absent").await, denied);
    let mesh = under(&reads.replace("[\"data_read\"]", "[\"data_read\", \"data_query\"]")).await;
    let socket = mesh.lead.agent_socket();
    assert_eq!(knock(&socket, READ, "hubspot/absent").await.status, 404);
    assert_eq!(bytes(&socket, READ, "stripe/absent").await, denied, "it may not know of this one");
}
