//! What a program gets when the lead is away.

use rustix::process::Signal;
use serde_json::json;

use crate::support::http;
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

#[tokio::test]
async fn a_stale_value_is_used_and_told_a_closed_one_is_not_and_a_limit_of_age_holds() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    let follower = lead.follower("vengeance", &[]).await;
    let mut revision = 0;
    // Of the one that has to be fresh at first, no beacon may be late.
    for (key, ttl, max_stale) in [("old", 5, 3600), ("closed", 1, 1)] {
        let body = json!({"service": "tools", "key_name": key, "key_value": "example-value-of-tools", "scope": "global",
            "ttl": ttl, "max_stale": max_stale});
        let stored = http::post(&lead.admin(), "/api/secrets", &body).await;
        revision = stored.json()["revision"].as_u64().unwrap_or_else(|| panic!("{}", stored.body));
    }
    follower.reaches(revision).await;
    let run = async |options: &[&str]| {
        let ended = follower.run(&[&["run"], options, &["--", "sh", "-c", "echo ${#A} $A"]].concat(), b"").await;
        assert!(!format!("{}{}", String::from_utf8_lossy(&ended.out), ended.err).contains("example-value"));
        ended
    };
    let (old, closed) = (["--map", "A=tools/old"], ["--map", "A=tools/closed"]);
    let given = "22 <concealed by aurora>\n";
    let fresh = run(&[&old[..], &["--max-age", "1h"]].concat()).await;
    assert_eq!((fresh.text(), fresh.err.as_str()), (given, ""));
    let confirmed = eventually("the lead confirms it", || async {
        Some(run(&[&old[..], &["--max-age", "0s"]].concat()).await).filter(|ended| ended.code == Some(0))
    })
    .await;
    assert_eq!(confirmed.text(), given);

    lead.end(Signal::KILL).await;
    eventually("the copy is closed", || async {
        let answer = http::get(&follower.agent(), "/api/secrets/tools/closed").await;
        (answer.status == 503).then_some(())
    })
    .await;
    let stale =
        eventually("the other is stale", || async { Some(run(&old).await).filter(|ended| !ended.err.is_empty()) })
            .await;
    assert_eq!(stale.text(), given);
    assert_eq!(stale.err.lines().count(), 1, "{}", stale.err);
    let told = "note: the lead is away; it last confirmed aurora://tools/old ";
    assert!(stale.err.starts_with(told) && stale.err.ends_with(" s ago\n"), "{}", stale.err);
    assert_eq!(run(&[&old[..], &["--quiet"]].concat()).await.err, "");

    let refused = run(&closed).await;
    assert_eq!((refused.code, refused.out.len()), (Some(5), 0), "{refused:?}");
    assert!(refused.err.contains("A (aurora://tools/closed)"), "{}", refused.err);

    for (options, says) in
        [(&["--max-age", "1s"][..], "A (aurora://tools/old)"), (&["--max-age", "1s", "--offline"], "1 s is the most")]
    {
        let refused = run(&[&old[..], options].concat()).await;
        assert_eq!((refused.code, refused.out.len()), (Some(5), 0), "{options:?} {refused:?}");
        assert!(refused.err.contains(says), "{options:?} {}", refused.err);
    }
    assert_eq!(run(&[&old[..], &["--offline"]].concat()).await.text(), given);
    assert_eq!(run(&[&old[..], &["--offline", "--max-age", "1h"]].concat()).await.text(), given);
}
