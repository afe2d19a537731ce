//! What cannot be rendered is told with its line and its cause; the old file stays, and nobody sees a value.

use std::fs;

use crate::support::process::{Node, directory};

const VALUE: &str = "pat-na1-not-real-abc123";

#[tokio::test]
async fn what_cannot_be_rendered_leaves_the_old_file_and_names_the_secret_and_the_line() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", VALUE).await;
    let put = ["put", "db/login", "-", "--field", "user:string", "--field", "password:secret"];
    lead.run(&put, br#"{"user":"robot","password":"pat-na1-not-real-abc123"}"#).await.text();
    let out = dir.path().join("app.conf");
    fs::write(&out, "the old file").expect("written");
    let before = "{{ secret(\"hubspot/api_key\") }}\n";
    let table: [(&str, i32, &[&str]); 8] = [
        ("{{ secret(\"hubspot/absent\") }}", 3, &["line 2", "hubspot/absent", "tried"]),
        ("{{ secret(\"hubspot/api_key\", version=9) }}", 3, &["line 2", "version=9"]),
        ("{{ field(\"db/login\", \"token\") }}", 1, &["line 2", "lacks the field token"]),
        ("{{ field(\"hubspot/api_key\", \"token\") }}", 1, &["line 2", "one JSON object"]),
        ("{{ secret(secret(\"hubspot/api_key\")|string) }}", 1, &["line 2", "names no secret"]),
        ("{{ undefined_thing }}", 1, &["line 2", "never set"]),
        ("{{ secret(\"hubspot/api_key\").x.y }}", 1, &["line 2"]),
        ("{% endfor %}", 1, &["line 2", "syntax error"]),
    ];
    for (source, code, says) in table {
        let out = out.to_str().expect("text");
        let ended = lead
            .run(&["render", "-", "-o", out, "--", "touch", "/nonexistent/x"], (before.to_owned() + source).as_bytes())
            .await;
        assert_eq!(ended.code, Some(code), "{source}: {ended:?}");
        assert!(says.iter().all(|said| ended.err.contains(said)), "{source}: {}", ended.err);
        assert!(ended.out.is_empty() && !ended.err.contains("not-real"), "{source}: {ended:?}");
        assert_eq!(fs::read_to_string(out).expect("read"), "the old file", "{source}");
    }
    let follower = lead.follower("vengeance", &[]).await;
    follower.reaches(lead.put("hubspot/other", "global", "x").await).await;
    let denied = b"\n{{ secret(\"hubspot/api_key\") }}{{ secret(\"hubspot/api_key\", company=\"acme\") }}";
    let denied = follower.run(&["render", "-", "-o", out.to_str().expect("text")], denied).await;
    assert!(
        denied.code == Some(4) && denied.err.contains("line 2: aurora://hubspot/api_key?company=acme"),
        "{denied:?}"
    );
    assert!(!denied.err.contains("not-real"), "{denied:?}");
    assert_eq!(fs::read_to_string(&out).expect("read"), "the old file");
    let to_screen = lead.run(&["render", "-"], (before.to_owned() + "{{ secret(\"a/b\") }}").as_bytes()).await;
    assert!(to_screen.code == Some(3) && to_screen.out.is_empty(), "half a text is not printed: {to_screen:?}");
    let json = lead.run(&["render", "-", "--output", "json"], b"{{ secret(\"a/b\") }}").await;
    assert!(json.err.contains(r#""code":"not_found""#) && json.err.contains(r#""request_id":""#), "{json:?}");
}

#[tokio::test]
async fn a_command_line_that_makes_no_sense_is_refused() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let table: [(&[&str], &str); 8] = [
        (&["render", "-", "--", "true"], "--output-file"),
        (&["render", "-", "--watch"], "--output-file"),
        (&["render", "-", "--mode", "0600"], "--output-file"),
        (&["render", "-", "-o", "x", "--mode", "0666"], "everybody may write"),
        (&["render", "-", "-o", "x", "--owner", "no-such-user"], "no-such-user"),
        (&["render", "-", "-o", "x", "--debounce", "2s"], "--watch"),
        (&["render", "/nowhere/at/all"], "/nowhere/at/all"),
        (&["render", "-", "--scope", "global"], "--scope"),
    ];
    for (arguments, says) in table {
        let ended = lead.run(arguments, b"x").await;
        assert!(ended.code == Some(1) && ended.err.contains(says), "{arguments:?}: {ended:?}");
    }
    let large = vec![b'x'; (1 << 20) + 2];
    assert_eq!(lead.run(&["render", "-"], &large).await.code, Some(1));
    assert_eq!(lead.run(&["render", "-"], b"\xff\xfe").await.code, Some(1));
}

#[tokio::test]
async fn a_command_that_fails_is_told_and_the_file_is_written() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", VALUE).await;
    let out = dir.path().join("app.conf");
    let out = out.to_str().expect("text");
    let source = b"{{ secret(\"hubspot/api_key\") }}";
    let ended = lead.run(&["render", "-", "-o", out, "--", "sh", "-c", "exit 3"], source).await;
    assert!(ended.code == Some(2) && ended.err.contains("the file is written, but sh ended with"), "{ended:?}");
    fs::remove_file(out).expect("it was written");
    let ended = lead.run(&["render", "-", "-o", out, "--", "/nowhere/at/all"], source).await;
    assert!(ended.code == Some(2) && ended.err.contains("did not start"), "{ended:?}");
    fs::remove_file(out).expect("it was written");
    let command = "test -z \"${AURORA_AGENT-}\" && test -n \"$AURORA_SOCKET\" && echo clean";
    let mut render = lead.aurora(&["render", "-", "-o", out, "--", "sh", "-c", command]);
    let ended = crate::support::process::run(render.env("AURORA_AGENT", "openclaw"), source).await;
    assert_eq!(ended.text(), "clean\n", "what it starts does not become us");
}

#[tokio::test]
async fn a_stale_value_is_used_and_told_in_one_line() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    let follower = lead.follower("vengeance", &[]).await;
    let names = ["a/one", "a/two", "a/three"];
    let mut revision = 0;
    for name in names {
        let body = serde_json::json!({"service": "a", "key_name": &name[2..], "key_value": VALUE, "ttl": 1, "scope": "global"});
        let answer = crate::support::http::post(&lead.admin(), "/api/secrets", &body).await;
        revision = answer.json()["revision"].as_u64().unwrap_or_else(|| panic!("{}", answer.body));
    }
    follower.reaches(revision).await;
    lead.end(rustix::process::Signal::TERM).await;
    let source = b"{{ secret(\"a/one\") }}{{ secret(\"a/two\") }}{{ secret(\"a/three\") }}";
    let ended = crate::support::wait::eventually("the copies are stale", || async {
        let ended = follower.run(&["render", "-"], source).await;
        (ended.err.contains("and 2 others")).then_some(ended)
    })
    .await;
    assert_eq!(ended.text(), VALUE.repeat(3));
    assert!(ended.err.lines().count() == 1 && ended.err.contains("the lead is away"), "{ended:?}");
    assert_eq!(follower.run(&["render", "-", "--quiet"], source).await.err, "");
}
