//! Each thing that happens is told once: when it happens, and not again when the node starts anew.

use rustix::process::Signal;
use serde_json::json;

use super::stage::{history, so_many, told};
use crate::agents::stage::{admin_socket, agent, done};
use crate::support::callers::{place, put};
use crate::support::mesh::{TestMesh, prod};
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_nodes_freezes_and_agents_are_told_of_once_also_when_the_lead_starts_anew() {
    let mut mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key-either")).await;
    mesh.delete(place("openai/api_key", "global")).await;
    let admin = admin_socket(&mesh);
    let mut wanted =
        vec!["secret.updated openai/api_key 1", "secret.rotated openai/api_key 2", "secret.deleted openai/api_key 2"];
    assert_eq!(so_many(&admin, 3).await, wanted);
    done(&mesh, "POST", "/api/freezes", &json!({"target": "mesh", "level": "write", "reason": "a drill"})).await;
    wanted.push("freeze.on mesh");
    assert_eq!(so_many(&admin, 4).await, wanted);
    done(&mesh, "DELETE", "/api/freezes?target=mesh", &serde_json::Value::Null).await;
    wanted.push("freeze.off mesh");
    assert_eq!(so_many(&admin, 5).await, wanted);
    agent(&mesh, "robot", &json!({})).await;
    wanted.push("agent.created robot");
    assert_eq!(so_many(&admin, 6).await, wanted);
    done(&mesh, "POST", "/api/agents/robot/suspend", &json!({})).await;
    wanted.push("agent.suspended robot");
    assert_eq!(so_many(&admin, 7).await, wanted);
    let mut follower = mesh.follower("vengeance", prod(&[])).await;
    wanted.push("node.joined vengeance");
    assert_eq!(so_many(&admin, 8).await, wanted);
    mesh.lead.stop().await;
    mesh.lead.start().await;
    done(&mesh, "POST", "/api/nodes/vengeance/ban", &json!({"reason": "a drill"})).await;
    wanted.push("node.banned vengeance");
    assert_eq!(so_many(&admin, 9).await, wanted, "nothing is told again");
    follower.stop().await;
    let starts = history(&admin, "&type=system.maintenance").await;
    let starts: Vec<_> = starts.iter().map(|event| event["data"]["detail"].as_str().expect("a detail")).collect();
    assert_eq!(starts.len(), 3, "{starts:?}");
    assert!(starts[0].starts_with("the node starts") && starts[1] == "the node stops", "{starts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_goes_silent_is_told_of_as_lost_once() {
    let mesh = TestMesh::start().await;
    let mut follower = mesh.follower("vengeance", prod(&[])).await;
    let admin = admin_socket(&mesh);
    // Only a node that was heard can be lost: it is looked each second.
    eventually("vengeance is heard", || async {
        let nodes = done(&mesh, "GET", "/api/nodes", &serde_json::Value::Null).await;
        nodes.to_string().contains("alive").then_some(())
    })
    .await;
    // One look tells of secrets and then of nodes. The one that tells of the first begins after the node was heard, and it is
    // over once the second is told.
    let mut wanted = vec!["node.joined vengeance"];
    assert_eq!(so_many(&admin, 1).await, wanted);
    for (name, told) in [("stripe/one", "secret.updated stripe/one 1"), ("stripe/two", "secret.updated stripe/two 1")] {
        mesh.put(put(name, "global", "not-a-real-key")).await;
        wanted.push(told);
        assert_eq!(so_many(&admin, wanted.len()).await, wanted);
    }
    follower.stop().await;
    mesh.lead.clock.advance(std::time::Duration::from_secs(16));
    wanted.push("node.lost vengeance");
    assert_eq!(so_many(&admin, 4).await, wanted);
    mesh.lead.clock.advance(std::time::Duration::from_secs(160));
    mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    wanted.push("secret.updated openai/api_key 1");
    assert_eq!(so_many(&admin, 5).await, wanted, "once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_commit_is_left_untold_or_told_twice_when_the_lead_is_killed_behind_it() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    for round in 1..=8 {
        lead.put("openai/api_key", "global", &format!("not-a-real-key-{round}")).await;
        lead.end(Signal::KILL).await;
        lead.start().await;
        let versions = so_many(&lead.admin(), round).await;
        let wanted: Vec<String> = (1..=round)
            .map(|version| {
                let kind = if version == 1 { "secret.updated" } else { "secret.rotated" };
                format!("{kind} openai/api_key {version}")
            })
            .collect();
        assert_eq!(versions, wanted, "after {round} kills");
    }
    lead.end(Signal::TERM).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_tells_of_what_it_may_hold_and_of_what_changed_while_it_was_away() {
    let mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    let mut follower = mesh.follower("vengeance", prod(&[])).await;
    let admin = follower.config.api.socket_dir.join("admin.sock");
    mesh.put(put("stripe/key", "company:acme", "not-a-real-key")).await;
    // What it is given when it joins is no news: the first change that is, comes after that.
    let tries = std::sync::atomic::AtomicU64::new(0);
    let first = eventually("a change is told", || async {
        let number = tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        mesh.put(put("stripe/key", "global", &format!("not-a-real-key-{number}"))).await;
        history(&admin, "&type=secret.*").await.first().map(told)
    })
    .await;
    assert!(first.ends_with(|digit: char| digit.is_ascii_digit()) && first.contains("stripe/key"), "{first}");
    follower.stop().await;
    mesh.put(put("stripe/key", "global", "not-a-real-key-while-away")).await;
    let last = mesh.put(put("stripe/key", "global", "not-a-real-key-at-last")).await;
    follower.start().await;
    let wanted = format!("secret.rotated stripe/key {}", last.version);
    let all = eventually("the newest state is told", || async {
        let all: Vec<String> = history(&admin, "&type=secret.*").await.iter().map(told).collect();
        (all.last() == Some(&wanted)).then_some(all)
    })
    .await;
    assert_eq!(all.iter().filter(|text| **text == wanted).count(), 1, "{all:?}");
    assert!(all.iter().all(|text| text.contains("stripe/key")), "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_history_is_set_aside_and_a_new_one_begins() {
    let mut mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    let admin = admin_socket(&mesh);
    so_many(&admin, 1).await;
    mesh.lead.stop().await;
    let file = mesh.lead.config.node.state_dir.join("events.redb");
    std::fs::write(&file, b"this is no file of events").expect("written");
    mesh.lead.start().await;
    let all = so_many(&admin, 1).await;
    assert_eq!(all, ["system.error"]);
    mesh.put(put("openai/api_key", "global", "not-a-real-key-either")).await;
    assert_eq!(so_many(&admin, 2).await[1], "secret.rotated openai/api_key 2");
    let names = std::fs::read_dir(&mesh.lead.config.node.state_dir).expect("a directory");
    assert!(names.flatten().any(|entry| entry.file_name().to_string_lossy().contains("damaged")));
}
