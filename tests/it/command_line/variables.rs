//! Variables that stand for options: a flag wins over them, an empty one is not set, and a wrong one stops only what needs it.

use serde_json::Value;

use crate::support::process::{Node, aurora, directory, run};

const GET: [&str; 2] = ["get", "hubspot/api_key"];

/// clap read each variable before each command: one that was wrong, or only empty, stopped a command that said otherwise.
#[tokio::test]
async fn a_flag_wins_over_its_variable_also_where_that_is_wrong_and_an_empty_one_is_not_set() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "pat-na1-abc123").await;
    let socket = lead.agent().display().to_string();
    let table: [(&str, &str, &[&str]); 5] = [
        ("AURORA_OUTPUT", "bogus", &["-o", "table"]),
        ("AURORA_OUTPUT", "", &[]),
        ("AURORA_SOCKET", "", &["--socket", socket.as_str()]),
        ("AURORA_SOCKET", "/nowhere/agent.sock", &["--socket", socket.as_str()]),
        ("AURORA_TOKEN", "", &[]),
    ];
    for (variable, text, flag) in table {
        for arguments in [[&GET[..], flag].concat(), [flag, &GET[..]].concat()] {
            let ended = run(lead.aurora(&arguments).env(variable, text), b"").await;
            assert_eq!(ended.text(), "pat-na1-abc123", "{variable}={text:?} {arguments:?}");
        }
    }
    let ended = run(lead.aurora(&["status", "-o", "json"]).env("AURORA_OUTPUT", "bogus"), b"").await;
    assert!(ended.json().is_object(), "{ended:?}");
    let ended = run(lead.aurora(&["status"]).env("AURORA_OUTPUT", "json"), b"").await;
    assert!(ended.json().is_object(), "{ended:?}");
}

#[tokio::test]
async fn a_variable_that_names_no_format_stops_what_would_print_in_it_and_nothing_else() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let config = lead.config_file().display().to_string();
    for arguments in [&["status"][..], &GET, &["service", "install", "--dry-run"], &["doctor", "--config", &config]] {
        let ended = run(lead.aurora(arguments).env("AURORA_OUTPUT", "bogus"), b"").await;
        assert_eq!((ended.code, ended.out.is_empty()), (Some(1), true), "{arguments:?}: {ended:?}");
        for told in ["AURORA_OUTPUT", "\"bogus\"", "table, json and yaml"] {
            assert!(ended.err.contains(told), "{told} is not in: {}", ended.err);
        }
    }
    for arguments in [&["completion", "bash"][..], &["man"], &["status", "--help"]] {
        let ended = run(lead.aurora(arguments).env("AURORA_OUTPUT", "bogus"), b"").await;
        assert!(!ended.text().is_empty(), "{arguments:?}");
    }
    for text in ["", "bogus"] {
        let ended = run(lead.aurora(&["up", "--config", &config]).env("AURORA_OUTPUT", text), b"").await;
        assert!(ended.err.contains("is another aurora running?"), "it came as far as the store: {ended:?}");
    }
}

/// `AURORA_CONFIG` named a node to start, and a command beside it asked another, or none.
#[tokio::test]
async fn the_configuration_that_is_named_says_which_node_is_asked_unless_a_socket_is_named() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "pat-na1-abc123").await;
    let config = lead.config_file();
    let ended = run(aurora(dir.path(), GET).env("AURORA_CONFIG", &config), b"").await;
    assert_eq!(ended.text(), "pat-na1-abc123");
    let ended = run(aurora(dir.path(), ["key", "status"]).env("AURORA_CONFIG", &config), b"").await;
    assert!(ended.text().contains("GENERATION"), "the owner's socket lies beside it: {ended:?}");

    let doctor = ["doctor", "-o", "json"];
    let ended = run(aurora(dir.path(), doctor).env("AURORA_CONFIG", &config), b"").await;
    let said: Value = serde_json::from_slice(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert_eq!(said["node"], "aurora", "a verb with the option --config takes the variable for it");
    let ended = run(aurora(dir.path(), doctor).env("AURORA_CONFIG", ""), b"").await;
    assert!(ended.out.starts_with(b"{"), "an empty one is not set: {ended:?}");

    let nobody = dir.path().join("nobody.sock");
    let mut elsewhere = aurora(dir.path(), GET);
    let ended = run(elsewhere.env("AURORA_CONFIG", &config).env("AURORA_SOCKET", &nobody), b"").await;
    assert!(ended.code == Some(1) && ended.err.contains(&nobody.display().to_string()), "{ended:?}");

    let (wrong, absent) = (dir.path().join("wrong.toml"), dir.path().join("absent.toml"));
    std::fs::write(&wrong, "[node]\nname = 7\n").expect("written");
    for file in [&wrong, &absent] {
        let ended = run(aurora(dir.path(), GET).env("AURORA_CONFIG", file), b"").await;
        assert!(ended.code == Some(1) && ended.err.contains("no node answers"), "the usual place is asked: {ended:?}");
        let named = run(lead.aurora(&GET).env("AURORA_CONFIG", file), b"").await;
        assert_eq!(named.text(), "pat-na1-abc123", "what is not needed is not read");
    }
}
