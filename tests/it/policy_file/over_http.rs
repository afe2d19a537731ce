//! The policy over the sockets: shapes, codes and bounds.

use serde_json::{Value, json};

use super::{SAMPLE, grant};
use crate::support::http::{get, post};
use crate::support::mesh::TestMesh;

fn admin_socket(mesh: &TestMesh) -> std::path::PathBuf {
    mesh.lead.agent_socket().with_file_name("admin.sock")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_told_key_by_key_and_applied_against_the_revision_it_was_made_for() {
    let mesh = TestMesh::start().await;
    let socket = admin_socket(&mesh);
    let text =
        SAMPLE.replace("principal = \"socket-group\"", "principal = \"group:dev\"") + &grant("new", "owner", "a");
    let plan = post(&socket, "/api/policy/plan", &json!({"policy": text})).await.json();
    assert_eq!(plan["summary"], "1 added, 1 changed, 0 removed");
    assert_eq!(plan["applied"], false);
    assert_eq!((&plan["unchanged"], &plan["obstacles"], &plan["notes"]), (&json!(1), &json!([]), &json!([])));
    let changed = json!({"change": "changed", "kind": "grant", "name": "socket-group",
        "fields": [{"field": "principal", "was": "socket-group", "will": "group:dev"}]});
    assert!(plan["changes"].as_array().expect("changes").contains(&changed), "{plan}");
    let stale = plan["revision"].as_u64().expect("a revision") + 1;
    let refused = post(&socket, "/api/policy/apply", &json!({"policy": text, "expect": stale})).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "version_conflict"));
    assert!(refused.json()["error"]["hint"].as_str().expect("a hint").contains("Plan it again"), "{}", refused.body);
    let applied = post(&socket, "/api/policy/apply", &json!({"policy": text, "expect": plan["revision"]})).await.json();
    assert_eq!(applied["applied"], true);
    assert!(applied["revision"].as_u64() > plan["revision"].as_u64(), "{applied}");

    let listed = get(&socket, "/api/policy").await.json();
    assert_eq!(listed["revision"], applied["revision"]);
    let names: Vec<&Value> = listed["grants"].as_array().expect("grants").iter().map(|grant| &grant["name"]).collect();
    assert_eq!(names, ["new", "owner", "socket-group"]);
    let shown = get(&socket, "/api/policy/grants/new").await.json();
    assert_eq!(
        (&shown["companies"], &shown["scopes"], &shown["secrets"]),
        (&json!([]), &json!(["*"]), &json!(["a/*"]))
    );
    assert_eq!((&shown["granted_by"], &shown["expires_at"]), (&json!("admin"), &Value::Null));
    let again = post(&socket, "/api/policy/plan", &json!({"policy": text})).await.json();
    assert_eq!((&again["changes"], &again["unchanged"]), (&json!([]), &json!(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_with_every_line_and_what_is_not_there_is_not_found() {
    let mesh = TestMesh::start().await;
    let socket = admin_socket(&mesh);
    let absent = get(&socket, "/api/policy/grants/absent").await;
    assert_eq!((absent.status, absent.code().as_str()), (404, "not_found"));
    assert_eq!(get(&socket, "/api/policy/grants/Absent").await.code(), "bad_name");
    for route in ["plan", "test"] {
        let body = json!({"policy": "[[grant]]\nname = \"X\"\nprincipal = \"all\"\n"});
        let refused = post(&socket, &format!("/api/policy/{route}"), &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "bad_policy"));
        let message = refused.message();
        assert!(message.contains("line 2: grant.name") && message.contains("line 3: grant.principal"), "{message}");
    }
    let unknown = post(&socket, "/api/policy/plan", &json!({"policy": "", "force": true})).await;
    assert_eq!(unknown.code(), "unknown_field");
    let unexpected = post(&socket, "/api/policy/apply", &json!({"policy": ""})).await;
    assert_eq!(
        (unexpected.code().as_str(), unexpected.message().as_str()),
        ("bad_json", "the field \"expect\" is missing")
    );
    for days in [0, 367] {
        let refused = post(&socket, "/api/policy/test", &json!({"policy": "", "days": days})).await;
        assert_eq!(refused.code(), "bad_value");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_of_a_mebibyte_is_read_and_a_longer_one_is_not() {
    let mesh = TestMesh::start().await;
    let socket = admin_socket(&mesh);
    // A line break takes two bytes of JSON.
    let longest = "\n".repeat(1 << 20);
    let plan = post(&socket, "/api/policy/plan", &json!({"policy": longest})).await;
    assert_eq!(plan.status, 200, "{}", plan.body);
    let longer = post(&socket, "/api/policy/plan", &json!({"policy": longest + "\n"})).await;
    assert_eq!(longer.code(), "bad_policy");
    assert!(longer.message().contains("at most 1048576 are taken"), "{}", longer.body);
    let far_too_long = post(&socket, "/api/policy/plan", &json!({"policy": "x".repeat(7 << 20)})).await;
    assert_eq!((far_too_long.status, far_too_long.code().as_str()), (413, "too_many"));
}
