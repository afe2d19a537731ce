//! A program whose variables cannot all be had is not started, and the error says of each why.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::http;
use crate::support::process::{aurora, run};

use super::{Desk, MAP};

#[tokio::test]
async fn every_variable_without_a_value_is_told_at_once_and_nothing_is_started() {
    let mut desk = Desk::open().await;
    desk.keep("tools/zero", "with\0zero").await;
    let file = desk.file(".env", "B=aurora://Wrong/Name\nC=aurora://openai/api_key?field=x\n");
    let table: [(&[&str], i32, &[&str]); 8] = [
        (&["--map", "A=openai/missing"], 3, &["A (aurora://openai/missing)", "openai/missing"]),
        (&["--map", "A=tools/zero"], 1, &["A (aurora://tools/zero)", "zero byte"]),
        (&["--env", &file], 1, &["B:", "a-z"]),
        (&["--map", "A=openai/api_key?version=9"], 3, &["version=9"]),
        (&["--map", "1A=openai/api_key"], 1, &["\"1A\"", "digits"]),
        (&["--map", "A"], 1, &["--map NAME="]),
        (&["--env", "/nowhere/.env"], 1, &["/nowhere/.env"]),
        (&["--map", "A=openai/one", "--map", "B=openai/two"], 3, &["2 variables", "\n  A (", "\n  B ("]),
    ];
    for (options, code, says) in table {
        for masking in [&[][..], &["--no-masking"]] {
            let ended = desk.run(&[options, masking].concat(), "echo started").await;
            assert_eq!((ended.code, ended.out.len()), (Some(code), 0), "{options:?}: {ended:?}");
            for word in says {
                assert!(ended.err.contains(word), "{word:?} is not in: {}", ended.err);
            }
        }
    }
}

#[tokio::test]
async fn a_denied_value_is_four_and_a_destroyed_one_is_three() {
    let desk = Desk::open().await;
    let grant = |name: &str, secrets: &str, effect: &str| {
        format!(
            "[[grant]]\nname = \"{name}\"\nprincipal = \"owner\"\ncapabilities = [\"data_query\", \"data_read\"]\n\
             secrets = {secrets}\ncompanies = \"*\"\nenvironments = \"*\"\nexpires_at = \"never\"\n\
             effect = \"{effect}\"\nreason = \"a test\"\n\n"
        )
    };
    let policy = grant("owner", "\"*\"", "allow") + &grant("no-openai", "[\"openai/*\"]", "deny");
    let policy = desk.file("policy.toml", &policy);
    let applied = desk.lead.run(&["policy", "apply", &policy, "--yes"], b"").await;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let denied = desk.run(&MAP, "echo started").await;
    assert_eq!((denied.code, denied.out.len()), (Some(4), 0), "{denied:?}");
    assert!(denied.err.contains("KEY (aurora://openai/api_key)"), "{}", denied.err);
    let json = desk.run(&[&MAP[..], &["-o", "json"]].concat(), "echo started").await;
    assert!(json.err.starts_with(r#"{"error":{"code":"denied""#), "{}", json.err);
    desk.lead.put("hubspot/api_key", "global", "pat-na1-example").await;
    let destroyed = http::post(&desk.lead.admin(), "/api/secrets/hubspot/api_key/destroy", &json!({})).await;
    assert_eq!(destroyed.status, 200, "{}", destroyed.body);
    let gone = desk.run(&["--map", "A=hubspot/api_key"], "echo started").await;
    assert_eq!((gone.code, gone.out.len()), (Some(3), 0), "{gone:?}");
}

#[tokio::test]
async fn without_a_node_a_program_without_references_runs_and_another_does_not() {
    let dir = crate::support::process::directory();
    let nowhere = dir.path().join("nobody.sock");
    let run_with = async |options: &[&str]| {
        let arguments = [&["run"], options, &["--", "sh", "-c", "echo started"]].concat();
        run(aurora(dir.path(), arguments).env("AURORA_SOCKET", &nowhere), b"").await
    };
    assert_eq!(run_with(&[]).await.text(), "started\n");
    assert_eq!(run_with(&["--watch"]).await.text(), "started\n");
    let refused = run_with(&MAP).await;
    assert_eq!((refused.code, refused.out.len()), (Some(1), 0));
    assert!(refused.err.starts_with("error: no node answers"), "told once, not of each variable: {}", refused.err);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_127_and_one_that_cannot_be_executed_126() {
    let desk = Desk::open().await;
    let plain = desk.file("plain", "no program");
    let orphan = desk.file("orphan", "#!/nonexistent/interpreter\n");
    std::fs::set_permissions(&orphan, std::fs::Permissions::from_mode(0o755)).expect("ours");
    for masking in [&[][..], &["--no-masking"]] {
        for (program, code, says) in [
            ("nonexistent-program", 127, "there is no such command"),
            ("/nonexistent/program", 127, "there is no such command"),
            (&*plain, 126, "ermission denied"),
            (&*orphan, 126, "interpreter"),
        ] {
            let arguments = [&["run"], &MAP[..], masking, &["--", program]].concat();
            let ended = run(&mut desk.lead.aurora(&arguments), b"").await;
            assert_eq!((ended.code, ended.out.len()), (Some(code), 0), "{ended:?}");
            assert!(ended.err.contains(program) && ended.err.contains(says), "{}", ended.err);
        }
    }
}
