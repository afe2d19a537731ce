//! The SDKs of AWS run `credential-process`, and read its JSON.

use crate::support::process::{Node, directory};

#[tokio::test]
async fn a_key_is_told_in_the_shape_of_a_credential_process() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let fields = ["--field", "access_key_id:string", "--field", "secret_access_key:secret"];
    let put = [&["put", "aws/deploy", "-", "--expires-at", "2100-01-01T00:00:00Z"][..], &fields[..]].concat();
    lead.run(&put, br#"{"access_key_id":"AKIAEXAMPLE","secret_access_key":"not/a+real=key"}"#).await.text();
    let wanted = r#"{"Version":1,"AccessKeyId":"AKIAEXAMPLE","SecretAccessKey":"not/a+real=key","Expiration":"2100-01-01T00:00:00.000Z"}"#;
    assert_eq!(lead.run(&["credential-process", "aws/deploy"], b"").await.text(), format!("{wanted}\n"));

    let missing = lead.run(&["credential-process", "aws/"], b"").await;
    assert!(missing.code == Some(3) && missing.out.is_empty(), "{missing:?}");
    lead.put("aws/access_key_id", "global", "AKIAEXAMPLE").await;
    lead.put("aws/secret_access_key", "global", "k").await;
    let bare = r#"{"Version":1,"AccessKeyId":"AKIAEXAMPLE","SecretAccessKey":"k"}"#;
    assert_eq!(lead.run(&["credential-process", "aws/"], b"").await.text(), format!("{bare}\n"));
    lead.put("aws/session_token", "global", "t").await;
    let ended = lead.run(&["credential-process", "aws/", "-o", "yaml"], b"").await;
    assert!(ended.text().ends_with("\"SessionToken\":\"t\"}\n"), "always JSON: {ended:?}");

    lead.put("aws/plain", "global", "not-a-real-key").await;
    let plain = lead.run(&["credential-process", "aws/plain"], b"").await;
    assert!(plain.code == Some(1) && plain.err.contains("no field access_key_id"), "{plain:?}");
    let follower = lead.follower("vengeance", &[]).await;
    follower.reaches(lead.put("aws/last", "global", "x").await).await;
    let denied = follower.run(&["credential-process", "aws/deploy", "--company", "acme"], b"").await;
    assert!(denied.code == Some(4) && denied.out.is_empty() && !denied.err.contains("not/a"), "{denied:?}");
}

#[tokio::test]
async fn the_manual_and_the_completion_cover_every_verb() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let pages = dir.path().join("man1");
    lead.run(&["man", "--directory", pages.to_str().expect("text")], b"").await.text();
    let help = lead.run(&["--help"], b"").await;
    let commands = help.text().split("Commands:\n").nth(1).expect("commands").split("\n\n").next().expect("a list");
    let verbs: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect();
    assert!(verbs.len() > 30 && verbs.contains(&"render"), "{verbs:?}");
    let main = lead.run(&["man"], b"").await;
    for verb in &verbs {
        let page = std::fs::read_to_string(pages.join(format!("aurora-{verb}.1")))
            .unwrap_or_else(|error| panic!("{verb}: {error}"));
        assert!(page.contains(".TH") && page.contains("SYNOPSIS"), "{verb}");
        assert!(main.text().contains(&verb.replace('-', "\\-")), "{verb} is not in the page of aurora");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = lead.run(&["completion", shell], b"").await;
        let missing: Vec<_> = verbs.iter().filter(|verb| !script.text().contains(**verb)).collect();
        assert!(missing.is_empty(), "{shell}: {missing:?}");
    }
}
