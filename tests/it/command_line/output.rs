//! Tables for people, JSON and YAML for programs, and errors in the same language as the answers.

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

use std::io::ErrorKind;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::support::http;
use crate::support::process::{AURORA, Node, directory};

#[tokio::test]
async fn json_is_what_the_api_answers() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let put = ["put", "hubspot/api_key", "-", "--scope", "company:acme", "--description", "Own", "-o", "json"];
    let stored = lead.run(&put, b"pat-na1-abc123").await;
    let wanted = r#"{"success":true,"secret_id":1,"message":"Secret stored successfully","version":1,"revision":1}"#;
    assert_eq!(stored.text(), format!("{wanted}\n"));
    let read = lead.run(&["get", "hubspot/api_key", "--company", "acme", "-o", "json"], b"").await;
    let target = "/api/secrets/hubspot/api_key";
    let of_api = http::ask(&lead.agent(), "GET", target, &[("X-Company-Id", "acme")], "").await.body;
    assert_eq!(read.text(), format!("{of_api}\n"));
    for verb in [&["list"][..], &["versions", "hubspot/api_key", "--scope", "company:acme"], &["status"]] {
        let arguments = [verb, &["-o", "json"]].concat();
        assert!(lead.run(&arguments, b"").await.json().is_object(), "{verb:?}");
    }
}

#[tokio::test]
async fn yaml_says_the_same() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let table = [
        ("line one\nline: two", "|-\n  line one\n  line: two"),
        ("0123", "\"0123\""),
        ("yes", "\"yes\""),
        ("null", "\"null\""),
        (" a: b # c", "\" a: b # c\""),
        ("bell \u{7}", "\"bell \\a\""),
    ];
    for (version, (value, written)) in (1..).zip(table) {
        lead.put("hubspot/api_key", "global", value).await;
        let ended = lead.run(&["get", "hubspot/api_key", "-o", "yaml"], b"").await;
        let wanted = format!(
            "service: hubspot\nkey_name: api_key\nkey_value: {written}\nscope: global\nscope_id: null\nmetadata: {{}}\n\
             override_applied: null\nversion: {version}\nenvironment: prod\n"
        );
        assert_eq!(ended.text(), wanted, "text that reads as another type in YAML stays text");
    }
}

#[tokio::test]
async fn errors_are_json_on_standard_error_when_answers_are() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let table: [(&[&str], &str, bool); 5] = [
        (&["get", "hubspot/absent", "-o", "json"], "not_found", true),
        (&["get", "hubspot/absent", "-o", "yaml"], "not_found", true),
        (&["get", "Hub/absent", "-o", "json"], "usage", false),
        (&["put", "hubspot/api_key", "oops", "-o", "json"], "usage", false),
        (&["status", "--socket", "/nowhere/agent.sock", "-o", "json"], "no_daemon", false),
    ];
    for (arguments, code, of_node) in table {
        let ended = lead.run(arguments, b"").await;
        assert!(ended.out.is_empty() && ended.err.lines().count() == 1, "{ended:?}");
        let error = serde_json::from_str::<Value>(&ended.err).expect("JSON")["error"].clone();
        assert_eq!((error["code"].as_str(), error["request_id"].is_string()), (Some(code), of_node), "{error}");
        assert!(error["message"].is_string() && error["hint"].is_string(), "{error}");
    }
}

#[tokio::test]
async fn what_is_not_a_terminal_gets_no_colours_and_no_control_characters() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let put = ["put", "hubspot/api_key", "-", "--description", "red \u{1b}[31m alert"];
    lead.run(&put, b"x").await.text();
    for verb in [&["list"][..], &["info", "hubspot/api_key"], &["explain", "hubspot/api_key"], &["nodes", "list"]] {
        let ended = lead.run(verb, b"").await;
        assert!(!ended.text().contains('\u{1b}'), "{}", ended.text());
        assert!(ended.text().contains("hubspot/api_key") || ended.text().contains("aurora"), "{}", ended.text());
    }
    assert!(!lead.run(&["get", "hubspot/absent"], b"").await.err.contains('\u{1b}'));
}

/// A terminal is made by script(1), which comes with every Linux that has a login; where it does not, there is no
/// terminal to colour.
#[tokio::test]
async fn a_terminal_gets_colours_unless_they_are_declined() {
    let dir = directory();
    let on_terminal = async |variable: &str, option: &str| {
        let line = format!("{AURORA} get hubspot/api_key --socket /nowhere/agent.sock {option}");
        let mut script = Command::new("script");
        script.args(["--quiet", "--command", &line, "/dev/null"]).env_clear().env("HOME", dir.path());
        if !variable.is_empty() {
            script.env("NO_COLOR", variable);
        }
        match script.stdin(Stdio::null()).output().await {
            Ok(ended) => Some(String::from_utf8(ended.stdout).expect("text")),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                eprintln!("skipped: there is no script(1) here");
                None
            }
            Err(error) => panic!("script is there and cannot be run: {error}"),
        }
    };
    let Some(coloured) = on_terminal("", "").await else { return };
    assert!(coloured.contains("\u{1b}[31merror:\u{1b}[0m no node answers"), "{coloured:?}");
    for (variable, option) in [("1", ""), ("", "--no-color")] {
        let plain = on_terminal(variable, option).await.expect("script is there");
        assert!(plain.starts_with("error: no node answers") && !plain.contains('\u{1b}'), "{plain:?}");
    }
}
