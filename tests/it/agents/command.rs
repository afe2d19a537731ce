//! From the command line, over processes, and on a follower.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use tokio::process::Command;

use super::stage::{SECRET, assert_refused, read};
use crate::support::http;
use crate::support::process::{Ended, Node, directory, run};
use crate::support::wait::eventually;

async fn done(node: &Node, line: &str) -> Ended {
    let ended = node.run(&line.split_whitespace().collect::<Vec<_>>(), b"").await;
    assert_eq!(ended.code, Some(0), "{line}: {ended:?}");
    ended
}

/// The key that a command printed, which is all it printed.
fn key(ended: &Ended) -> String {
    let text = ended.text();
    assert!(text.starts_with("mj_agent_") && text.len() == 59 && text.ends_with('\n'), "{text}");
    assert!(!ended.err.contains(text.trim_end()), "{}", ended.err);
    text.trim_end().to_owned()
}

fn with_key_file(mut command: Command, path: &Path) -> Command {
    command.env("AURORA_TOKEN_FILE", path);
    command
}

#[tokio::test]
async fn an_agent_is_made_given_a_key_and_taken_its_key_by_command() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("openai/api_key", "global", "not-a-real-key").await;
    let incomplete = lead.run(&["agent", "create", "robot", "--capability", "data_read", "--allow", "*"], b"").await;
    assert!(incomplete.code == Some(1) && incomplete.err.contains("--all-environments"), "{incomplete:?}");
    let create = "agent create robot --capability data_read --capability data_query --allow openai/* \
                  --company acme --company globex --environments prod,dev --scopes global,company --limit 60 --title Robot";
    assert!(done(&lead, create).await.text().starts_with("robot: Agent created"));
    let created = done(&lead, "apikey create robot --name ci --expires 30d --no-company --limit 10").await;
    assert!(created.err.contains("robot/ci is mj_agent_") && created.err.contains("only time"), "{}", created.err);
    let text = key(&created);

    let shown = done(&lead, "agent show robot -o json").await.json();
    assert_eq!((shown["limit_rpm"].as_u64(), shown["keys"].as_u64()), (Some(60), Some(1)), "{shown}");
    assert_eq!(shown["scopes"], serde_json::json!(["global", "company"]));
    assert_eq!(shown["environments"], serde_json::json!(["dev", "prod"]));
    let listed = done(&lead, "apikey list robot").await;
    assert!(listed.text().contains(&text[..13]) && !listed.text().contains(&text[13..]), "{}", listed.text());

    let mut get = lead.aurora(&["get", "openai/api_key"]);
    let got = run(get.env("AURORA_TOKEN", &text), b"").await;
    assert_eq!(got.text(), "not-a-real-key");
    let file = dir.path().join("key");
    fs::write(&file, format!("{text}\n")).expect("written");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("its mode");
    let got = run(&mut with_key_file(lead.aurora(&["get", "openai/api_key"]), &file), b"").await;
    assert_eq!(got.text(), "not-a-real-key");
    let put = run(&mut with_key_file(lead.aurora(&["put", "openai/api_key", "-"]), &file), b"x").await;
    assert_eq!(put.code, Some(4), "an agent is no admin, whoever runs it: {put:?}");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("its mode");
    let open = run(&mut with_key_file(lead.aurora(&["get", "openai/api_key"]), &file), b"").await;
    assert!(open.code == Some(1) && open.err.contains("chmod 600"), "{open:?}");

    let rotated = key(&done(&lead, "apikey rotate robot ci --grace 0s").await);
    let old = run(lead.aurora(&["get", "openai/api_key"]).env("AURORA_TOKEN", &text), b"").await;
    assert!(old.code == Some(4) && old.err.contains("identified"), "{old:?}");
    done(&lead, "apikey revoke robot ci").await;
    let gone = run(lead.aurora(&["get", "openai/api_key"]).env("AURORA_TOKEN", &rotated), b"").await;
    assert_eq!(gone.code, Some(4), "{gone:?}");
    let unsaid = lead.run(&["agent", "archive", "robot"], b"").await;
    assert!(unsaid.code == Some(1) && unsaid.err.contains("--yes"), "{unsaid:?}");
    done(&lead, "agent update robot --without data_query --no-limit --note moved").await;
    done(&lead, "agent suspend robot --reason odd").await;
    done(&lead, "agent activate robot").await;
    done(&lead, "agent archive robot --yes").await;
    assert!(done(&lead, "agent list").await.text().contains("archived"));
}

#[tokio::test]
async fn a_mistyped_key_is_told_by_the_command_itself_and_an_unknown_one_by_the_node() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let unknown = "mj_agent_0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno3qTWPP";
    let refused = run(lead.aurora(&["list"]).env("AURORA_TOKEN", unknown), b"").await;
    assert!(refused.code == Some(4) && refused.err.contains("identified"), "{refused:?}");
    let mistyped = run(lead.aurora(&["list"]).env("AURORA_TOKEN", format!("{unknown}x")), b"").await;
    assert!(mistyped.code == Some(1) && mistyped.err.contains("damaged"), "{mistyped:?}");
    assert!(!mistyped.err.contains("0Eoh"), "{mistyped:?}");
    assert_eq!(run(&mut lead.aurora(&["list"]), b"").await.code, Some(0), "and without a key all is as it was");
}

#[tokio::test]
async fn a_key_works_on_every_node_that_its_agent_may_act_on_and_is_revoked_on_all_of_them() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let follower = lead.follower("vengeance", &["acme"]).await;
    lead.put("openai/api_key", "company:acme", "not-a-real-acme-key").await;
    let revision = lead.put("openai/api_key", "global", "not-a-real-key").await;
    follower.reaches(revision).await;
    done(&lead, "agent create robot --capability data_read --allow openai/* --company acme --environment prod").await;
    done(&lead, "agent create abroad --capability data_read --allow openai/* --environment dev").await;
    let abroad = key(&done(&lead, "apikey create abroad").await);
    let text = key(&done(&lead, "apikey create robot").await);
    let answer = eventually("the follower knows the key", || async {
        Some(read(&follower.agent(), &text).await).filter(|answer| answer.status == 200)
    });
    assert_eq!(answer.await.json()["key_value"], "not-a-real-key");
    let headers = [("Authorization", format!("Bearer {text}")), ("X-Company-Id", "acme".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let acme = http::ask(&follower.agent(), "GET", SECRET, &headers, "").await;
    assert_eq!(acme.json()["key_value"], "not-a-real-acme-key");
    assert_refused(&read(&follower.agent(), &abroad).await, 403, "denied");
    let elsewhere = http::ask(&follower.admin(), "GET", "/api/agents", &[], "").await;
    assert_refused(&elsewhere, 409, "not_lead");

    let tail = http::get(&follower.admin(), "/api/audit").await.json();
    let by_robot = |line: &&Value| line.as_str().is_some_and(|line| line.contains("agent:robot user:"));
    assert!(tail["lines"].as_array().expect("lines").iter().any(|line| by_robot(&line)), "{tail}");
    assert!(!tail.to_string().contains(&text[13..]));

    done(&lead, "agent suspend robot").await;
    eventually("the follower refuses the agent", || async {
        Some(read(&follower.agent(), &text).await).filter(|answer| answer.status == 403)
    })
    .await;
    done(&lead, "agent activate robot").await;
    done(&lead, "apikey revoke robot default").await;
    eventually("the follower refuses the key", || async {
        Some(read(&follower.agent(), &text).await).filter(|answer| answer.status == 401)
    })
    .await;
}
