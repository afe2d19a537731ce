//! What programs and people see of a freeze: the answer, the table, the exit code.

use serde_json::json;

use super::REASON;
use crate::support::http;
use crate::support::process::{Node, directory};

const HUBSPOT: &str = "/api/secrets/hubspot/api_key";

#[tokio::test]
async fn the_routes_freeze_list_tell_and_unfreeze() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    let (agent, admin) = (lead.agent(), lead.admin());
    let body = json!({"target": "secret:hubspot/api_key", "level": "read", "reason": REASON});
    let frozen = http::post(&admin, "/api/freezes", &body).await.json();
    assert_eq!((&frozen["success"], &frozen["level"]), (&json!(true), &json!("read")), "{frozen}");
    let refused = http::get(&agent, HUBSPOT).await;
    assert!(refused.code() == "frozen" && refused.message().contains(REASON), "{}", refused.body);
    assert_eq!(refused.status, 403);
    let listed = http::get(&admin, "/api/freezes").await.json();
    assert_eq!(listed["freezes"][0]["target"], "secret:hubspot/api_key");
    assert_eq!(listed["freezes"][0]["reason"], REASON);
    let holders = format!("/api/freezes/holders?revision={}&target=secret:hubspot/api_key", frozen["revision"]);
    let holders = http::get(&admin, &holders).await.json();
    assert_eq!((&holders["nodes"][0]["node"], &holders["nodes"][0]["state"]), (&json!("aurora"), &json!("frozen")));
    let escaped = "/api/freezes/secret%3Ahubspot%2Fapi_key";
    let lifted = http::ask(&admin, "DELETE", escaped, &[], "").await.json();
    assert_eq!((&lifted["success"], &lifted["target"]), (&json!(true), &json!("secret:hubspot/api_key")), "{lifted}");
    assert_eq!(http::get(&agent, HUBSPOT).await.status, 200);
    let again = http::ask(&admin, "DELETE", "/api/freezes?target=secret:hubspot/api_key", &[], "").await;
    assert_eq!((again.status, again.code().as_str()), (404, "not_found"));
}

#[tokio::test]
async fn what_is_no_freeze_is_refused_by_its_field() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    for (target, level, reason, code) in [
        ("user:1000", "read", REASON, "bad_value"),
        ("node:../x", "read", REASON, "bad_name"),
        ("mesh", "some", REASON, "bad_value"),
        ("mesh", "read", "", "bad_value"),
    ] {
        let body = json!({"target": target, "level": level, "reason": reason});
        let refused = http::post(&lead.admin(), "/api/freezes", &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, code), "{target} {level}");
    }
    let refused = http::get(&lead.admin(), "/api/freezes/holders").await;
    assert_eq!(refused.code(), "bad_value");
    let body = json!({"target": "mesh", "level": "read", "reason": REASON});
    assert_eq!(http::post(&lead.agent(), "/api/freezes", &body).await.code(), "denied");
}

#[tokio::test]
async fn the_command_says_who_is_frozen_and_a_refused_read_ends_with_4() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let stored = lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    let follower = lead.follower("vengeance", &[]).await;
    follower.reaches(stored).await;
    let unreasoned = lead.run(&["freeze", "mesh", "--level", "read"], b"").await;
    assert_eq!(unreasoned.code, Some(1), "{unreasoned:?}");
    let frozen = lead.run(&["freeze", "mesh", "--level", "read", "--reason", REASON, "--wait", "20s"], b"").await;
    assert_eq!(frozen.code, Some(0), "{frozen:?}");
    for line in ["mesh is frozen (read), revision", "aurora     frozen", "vengeance  frozen"] {
        assert!(frozen.text().contains(line), "{}", frozen.text());
    }
    for node in [&lead, &follower] {
        let refused = node.run(&["get", "hubspot/api_key"], b"").await;
        assert_eq!(refused.code, Some(4), "{refused:?}");
        let status = node.run(&["status"], b"").await;
        assert!(status.text().starts_with("mesh is frozen (read), "), "{}", status.text());
        assert!(node.run(&["freezes"], b"").await.text().contains(REASON));
    }
    let lifted = lead.run(&["unfreeze", "mesh"], b"").await;
    assert!(lifted.code == Some(0) && lifted.text().starts_with("mesh is not frozen any more"), "{lifted:?}");
    assert_eq!(lead.run(&["freezes"], b"").await.text(), "nothing is frozen\n");
    assert_eq!(lead.run(&["get", "hubspot/api_key"], b"").await.code, Some(0));
}
