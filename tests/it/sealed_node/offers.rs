//! What is brought to a sealed node, by whom, and what becomes of it.

use aurora_mesh::crypto::shares::{ShareParameters, split};
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::crypto::unseal::UnsealKey;
use aurora_mesh::store::blob::BlobName;
use aurora_mesh::store::handle::Store;
use rustix::process::Signal;
use serde_json::json;

use super::{journal, post, sealed_lead, shares, unseal};
use crate::support::http;
use crate::support::journal::newest;
use crate::support::process::{Node, directory};

#[tokio::test]
async fn a_share_that_does_not_count_is_told_at_once_and_takes_none_away() {
    let dir = directory();
    let (node, ours) = sealed_lead(dir.path(), "3/5").await;
    let other = Node::new(dir.path(), "other", "info");
    let theirs = shares(&other.init_with(&["--shamir", "3/5", "--name", "other"], b"").await);
    unseal(&node, &ours[0]).await.text();

    let mut typo = ours[1].clone().into_bytes();
    typo[30] = if typo[30] == b'x' { b'y' } else { b'x' };
    for (brought, code, told) in [
        (String::from_utf8(typo).expect("ascii"), "bad_share", "is not a share"),
        (ours[1][..40].to_owned(), "bad_share", "is not a share"),
        ("pat-na1-abc123".to_owned(), "bad_share", "is not a share"),
        (theirs[1].clone(), "bad_share", "of another set"),
        (ours[0].clone(), "duplicate_share", "share 1 was given already"),
    ] {
        let refused = post(&node, &json!({ "share": brought })).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, code), "{}", refused.body);
        assert!(refused.message().contains(told) && !refused.body.contains(&brought), "{}", refused.body);
        let ended = unseal(&node, &brought).await;
        assert!(ended.code == Some(1) && ended.err.contains(told), "{ended:?}");
    }
    assert_eq!(node.run(&["unseal", "--status"], b"").await.text(), "1 of 3 shares; sealed\n");
    assert_eq!(
        unseal(&node, &format!("\n{}\r\n\n  {}\n", ours[3], ours[4])).await.text().lines().last(),
        Some("unsealed")
    );
}

#[tokio::test]
async fn what_is_no_offer_is_refused_and_not_repeated() {
    let dir = directory();
    let (node, ours) = sealed_lead(dir.path(), "2/3").await;
    for (body, code) in [
        (json!({}), "bad_value"),
        (json!({"share": "canary-1", "passphrase": "canary-2"}), "bad_value"),
        (json!({"reset": false}), "bad_value"),
        (json!({"shares": ["canary-1"]}), "unknown_field"),
        (json!({"share": ["canary-1"]}), "bad_json"),
        (json!({"passphrase": "canary-1"}), "bad_value"),
    ] {
        let refused = post(&node, &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, code), "{body}");
        assert!(!refused.body.contains("canary"), "{}", refused.body);
    }
    let share = json!({"share": ours[0]}).to_string();
    let with_query = http::ask(&node.admin(), "POST", "/api/unseal?dry_run=true", &[], &share).await;
    assert_eq!((with_query.status, with_query.code().as_str()), (400, "unknown_field"), "{}", with_query.body);
    let argument = node.run(&["unseal", &ours[0]], b"").await;
    assert!(argument.code == Some(1) && argument.err.contains("never taken as an argument"), "{argument:?}");
    assert!(!argument.err.contains(&ours[0]), "{argument:?}");
    let nothing = node.run(&["unseal", "-"], b"\n \n").await;
    assert!(nothing.code == Some(1) && nothing.err.contains("nothing was given"), "{nothing:?}");
    let no_terminal = node.run(&["unseal"], b"").await;
    assert!(no_terminal.code == Some(1) && no_terminal.err.contains("no terminal"), "{no_terminal:?}");
    assert_eq!(node.health().await["shares"]["provided"], 0);
}

#[tokio::test]
async fn shares_can_be_forgotten_and_begun_again() {
    let dir = directory();
    let (node, ours) = sealed_lead(dir.path(), "2/3").await;
    unseal(&node, &ours[0]).await.text();
    assert_eq!(node.run(&["unseal", "--reset"], b"").await.text(), "0 of 2 shares; sealed\n");
    assert_eq!(unseal(&node, &ours[0]).await.text(), "1 of 2 shares; sealed\n");
    assert_eq!(unseal(&node, &ours[2]).await.text(), "unsealed\n");
    assert_eq!(node.run(&["unseal", "--status"], b"").await.text(), "unsealed\n");
    assert_eq!(unseal(&node, &ours[1]).await.text(), "unsealed\n", "there is nothing left to do");
    let late = post(&node, &json!({ "share": ours[1] })).await;
    assert_eq!((late.status, late.code().as_str()), (409, "not_sealed"));
}

/// The owner, through the admin door: not a member of the group, and not the owner by the door of programs.
#[tokio::test]
async fn only_the_owner_unseals_and_only_through_the_admin_door() {
    let dir = directory();
    let (node, ours) = sealed_lead(dir.path(), "2/2").await;
    for body in [json!({ "share": ours[0] }), json!({"reset": true})] {
        let denied = http::post(&node.agent(), "/api/unseal", &body).await;
        assert_eq!((denied.status, denied.code().as_str()), (403, "denied"));
    }
    assert_eq!(node.health().await["shares"]["provided"], 0);
    assert_eq!(http::get(&node.agent(), "/api/unseal").await.json()["shares"]["threshold"], 2, "asking is free");
    let denied = journal(&node);
    assert!(denied.iter().all(|line| line["decision"] == "deny" && line["outcome"] == "denied"), "{denied:?}");
    assert_eq!(denied.len(), 2);
}

#[tokio::test]
async fn the_journal_tells_who_brought_what_and_never_a_share() {
    let dir = directory();
    let (node, ours) = sealed_lead(dir.path(), "2/3").await;
    unseal(&node, &ours[1]).await.text();
    unseal(&node, &ours[1]).await;
    unseal(&node, "aurora-share-nonsense").await;
    unseal(&node, &ours[2]).await.text();
    let lines = journal(&node);
    let told: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| (line["outcome"].as_str().expect("a word"), line["reason"].as_str().expect("a sentence")))
        .collect();
    let offered = ("intent", "unseal: a share is offered");
    let expected = [
        offered,
        ("ok", "unseal: share 2 is taken; 1 of 2 shares"),
        offered,
        ("duplicate_share", "unseal: a share is offered"),
        offered,
        ("bad_share", "unseal: a share is offered"),
        offered,
        ("ok", "unseal: the node is unsealed"),
    ];
    assert_eq!(told, expected);
    for line in &lines {
        assert_eq!((&line["action"], &line["decision"]), (&json!("node.manage"), &json!("allow")));
        assert!(line["principal"].as_str().expect("known").starts_with("admin "), "{line}");
    }
    let verdict = node.run(&["audit", "verify"], b"").await;
    assert!(verdict.text().contains("is whole"), "{verdict:?}");
    let kept = [node.log_file(), node.config_file(), node.state_dir().join("store.redb")];
    let journal = journal(&node).iter().map(ToString::to_string).collect::<String>().into_bytes();
    let texts = kept.iter().map(|path| std::fs::read(path).expect("readable")).chain([journal]);
    for text in texts {
        let holds = |share: &String| text.windows(share.len()).any(|window| window == share.as_bytes());
        assert!(!ours.iter().any(holds), "a share was written down");
    }
}

/// No line, no deed: a node that cannot say who opened it stays sealed.
#[tokio::test]
async fn without_its_journal_a_node_is_not_unsealed() {
    let dir = directory();
    let (node, ours) = sealed_lead(dir.path(), "2/2").await;
    unseal(&node, &ours[0]).await.text();
    let audit = node.state_dir().join("audit");
    let file = newest(&audit);
    let aside = dir.path().join("aside.jsonl");
    std::fs::rename(&file, &aside).expect("moved");
    std::fs::write(&file, "").expect("another in its place");
    let refused = post(&node, &json!({ "share": ours[1] })).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "audit_unavailable"));
    assert_eq!(node.health().await["shares"]["provided"], 1, "what was taken with a line stays, and no more is");
    std::fs::rename(&aside, &file).expect("back");
    let opened = post(&node, &json!({ "share": ours[1] })).await;
    assert_eq!((opened.status, &opened.json()["sealed"]), (200, &json!(false)));
}

/// Enough shares that fit in form and make another key: all are forgotten, since nobody can tell which one is wrong.
#[tokio::test]
async fn a_wrong_set_of_shares_opens_nothing_and_is_forgotten() {
    let dir = directory();
    let (mut node, ours) = sealed_lead(dir.path(), "2/3").await;
    node.end(Signal::TERM).await;
    let (store, contents) = Store::open(&node.state_dir().join("store.redb")).await.expect("opens");
    store.close().await.expect("closes");
    let kept = contents.blobs.get(&BlobName::ShareParameters).expect("kept");
    let parameters = ShareParameters::decode(kept).expect("parameters");
    let other = UnsealKey::generate(&SystemEntropy).expect("a key");
    let forged = split(&other, &parameters, &SystemEntropy).expect("shares").remove(1);
    let forged = String::from_utf8(forged.expose().to_vec()).expect("text");
    node.start().await;
    unseal(&node, &ours[0]).await.text();
    let refused = post(&node, &json!({ "share": forged })).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "wrong_shares"));
    assert_eq!(node.health().await["shares"]["provided"], 0);
    assert_eq!(journal(&node).last().expect("a line")["outcome"], "wrong_shares");
    assert_eq!(unseal(&node, &ours.join("\n")).await.text().lines().last(), Some("unsealed"));
}

/// Five people at once: each is counted or told why not, one of them opens the node, and it opens once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_that_come_at_once_open_the_node_once() {
    let dir = directory();
    let (node, ours) = sealed_lead(dir.path(), "3/5").await;
    let offered = ours.iter().map(|share| {
        let (socket, body) = (node.admin(), json!({ "share": share }));
        tokio::spawn(async move { http::post(&socket, "/api/unseal", &body).await })
    });
    let mut opened = 0;
    for answer in offered.collect::<Vec<_>>() {
        let answer = answer.await.expect("answered");
        match answer.status {
            200 => opened += u32::from(answer.json()["sealed"] == false),
            503 => assert!(answer.code() == "sealed" && answer.message().contains("is starting"), "{}", answer.body),
            409 => assert_eq!(answer.code(), "not_sealed"),
            _ => panic!("{}", answer.body),
        }
    }
    assert_eq!(opened, 1);
    assert_eq!(node.health().await["status"], "healthy");
    let unsealed = |line: &&serde_json::Value| line["reason"] == "unseal: the node is unsealed";
    assert_eq!(journal(&node).iter().filter(unsealed).count(), 1);
}

#[tokio::test]
async fn a_key_is_not_known_to_a_sealed_node_and_does_not_fall_back_to_its_owner() {
    let dir = directory();
    let (node, ours) = sealed_lead(dir.path(), "2/3").await;
    let body = json!({ "share": ours[0] }).to_string();
    let key = ("X-API-Key", "mj_agent_0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno3qTWPP");
    for shown in [key, ("Authorization", "Bearer none"), ("X-Aurora-Act-As", "robot")] {
        let refused = http::ask(&node.admin(), "POST", "/api/unseal", &[shown], &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "no_identity"), "{shown:?}");
    }
    assert_eq!(node.run(&["unseal", "--status"], b"").await.text(), "0 of 2 shares; sealed\n");
}
