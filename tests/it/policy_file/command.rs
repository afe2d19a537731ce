//! `aurora policy`: like a diff, asked before it is done, and numbers a script can branch on.

use super::grant;
use crate::support::process::{Node, directory};

#[tokio::test]
async fn a_policy_is_shown_like_a_diff_and_applied_only_with_a_yes() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let file = dir.path().join("policy.toml");
    let path = file.to_str().expect("a path");
    std::fs::write(&file, super::SAMPLE).expect("written");
    let same = lead.run(&["policy", "apply", path, "--yes"], b"").await;
    assert_eq!(same.text(), "Nothing would change: 2 entries are as the file says.\n");

    std::fs::write(&file, grant("alice", "user:alice", "openai")).expect("written");
    let diff = "+ grant alice\n    principal     user:alice\n    capabilities  data_read\n    secrets       openai/*\n    \
                scopes        *\n    environments  prod\n    expires_at    never\n    effect        allow\n    \
                reason        test\n- grant owner\n";
    let dry = lead.run(&["policy", "apply", path, "--dry-run"], b"").await;
    assert!(
        dry.text().starts_with(diff) && dry.text().ends_with("\n1 added, 0 changed, 2 removed, 0 unchanged\n"),
        "{}",
        dry.text()
    );
    let unasked = lead.run(&["policy", "apply", path], b"").await;
    assert_eq!(unasked.code, Some(1));
    assert!(unasked.err.contains("no terminal to ask on") && unasked.err.contains("--yes"), "{}", unasked.err);
    assert!(lead.run(&["policy", "list"], b"").await.text().contains("socket-group"), "nothing was done");

    let applied = lead.run(&["policy", "apply", path, "--yes", "--reason", "TICKET-1"], b"").await;
    assert!(applied.text().contains("\napplied: 1 added, 0 changed, 2 removed, as revision "), "{}", applied.text());
    let listed = lead.run(&["policy", "list"], b"").await;
    assert!(
        listed.text().contains("alice  user:alice  allow") && !listed.text().contains("socket-group"),
        "{listed:?}"
    );
    let shown = lead.run(&["policy", "show", "alice"], b"").await;
    assert!(
        shown.text().contains("companies     none\n") && shown.text().contains("granted_by    admin\n"),
        "{shown:?}"
    );
    assert_eq!(lead.run(&["policy", "show", "socket-group"], b"").await.code, Some(3));
    let audit = lead.run(&["audit", "tail", "-o", "json"], b"").await;
    assert!(audit.text().contains("policy apply, 1 added, 0 changed, 2 removed: TICKET-1"), "{}", audit.text());

    let json = lead.run(&["policy", "apply", "-", "--yes", "-o", "json"], super::SAMPLE.as_bytes()).await.json();
    assert_eq!((&json["applied"], &json["summary"]), (&true.into(), &"2 added, 0 changed, 1 removed".into()));
}

#[tokio::test]
async fn every_problem_of_a_file_is_told_before_a_node_is_asked() {
    let dir = directory();
    let nowhere = Node::new(dir.path(), "nowhere", "info");
    let wrong = b"[[grant]]\nname = \"X\"\nprincipal = \"everybody\"\n";
    let refused = nowhere.run(&["policy", "apply", "-", "--yes"], wrong).await;
    assert_eq!(refused.code, Some(1));
    let err = &refused.err;
    assert!(
        err.starts_with("error: standard input: the policy has 7 problems\n  line 1: grant.capabilities: is missing"),
        "{err}"
    );
    assert!(err.contains("\n  line 2: grant.name: ") && err.contains("\n  line 3: grant.principal: "), "{err}");
    let long = vec![b'#'; (1 << 20) + 2];
    assert!(nowhere.run(&["policy", "apply", "-"], &long).await.err.contains("more than 1048576 bytes"));
    assert!(nowhere.run(&["policy", "apply", "-"], b"\xff").await.err.contains("not UTF-8"));
}

#[tokio::test]
async fn a_test_ends_with_nothing_with_a_drift_or_with_a_failure() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    lead.run(&["get", "hubspot/api_key"], b"").await.text();
    let test =
        async |arguments: &[&str], input: &[u8]| lead.run(&[&["policy", "test"][..], arguments].concat(), input).await;
    let same = test(&["-"], super::SAMPLE.as_bytes()).await;
    assert!(same.text().contains("decisions of the last 30 days were made again"), "{}", same.text());
    let drift = test(&["-", "--days", "1"], b"").await;
    assert_eq!(drift.code, Some(1));
    let out = String::from_utf8(drift.out.clone()).expect("text");
    assert!(
        out.contains("secret.read") && out.contains("hubspot/api_key") && out.contains("deny (default-deny)"),
        "{out}"
    );
    assert!(drift.err.contains("would be decided otherwise"), "{}", drift.err);
    let json = test(&["-", "-o", "json"], b"").await;
    let told: serde_json::Value = serde_json::from_slice(&json.out).expect("JSON");
    assert_eq!((json.code, &told["drift"]), (Some(1), &true.into()));
    let failures: [(&[&str], &[u8]); 6] = [
        (&[], b""),
        (&["-", "--days", "0"], b""),
        (&["-", "--company", "acme"], b""),
        (&["/nowhere/at/all"], b""),
        (&["-"], b"[[grant]]\n"),
        (&["-", "--socket", "/nowhere/agent.sock"], b""),
    ];
    for (arguments, input) in failures {
        let failed = test(arguments, input).await;
        assert_eq!(failed.code, Some(2), "{arguments:?} {failed:?}");
        assert!(failed.out.is_empty() && failed.err.starts_with("error: "), "{failed:?}");
    }
}
