//! Whoever watches hears of every accepted change once, in the order of revisions, on every node, and goes on where it
//! stopped.

mod command;
mod crowd;

use rustix::process::Signal;
use serde_json::json;

use crate::support::http;
use crate::support::process::{Node, directory};
use crate::support::watcher::Watcher;

/// The secret of these tests.
const HUBSPOT: &str = "/api/secrets/hubspot/api_key";

/// What is done to it, and what is told of it.
const LIFE: [(&str, &str, &str); 6] = [
    ("POST", "", "stored hubspot/api_key global 1"),
    ("POST", "", "stored hubspot/api_key global 2"),
    ("PATCH", "", "described hubspot/api_key global 2"),
    ("DELETE", "", "deleted hubspot/api_key global 2"),
    ("POST", "/undelete", "undeleted hubspot/api_key global 2"),
    ("POST", "/destroy?versions=2", "destroyed hubspot/api_key global 2"),
];

/// Does one of these, and gives its revision.
async fn live(lead: &Node, step: usize) -> u64 {
    let (method, path, _) = LIFE[step];
    if (method, path) == ("POST", "") {
        return lead.put("hubspot/api_key", "global", &format!("not-a-real-key-{step}")).await;
    }
    let body = if method == "PATCH" { json!({"metadata": {"owner": "ops"}}).to_string() } else { String::new() };
    let answer = http::ask(&lead.admin(), method, &format!("{HUBSPOT}{path}"), &[], &body).await;
    answer.json()["revision"].as_u64().unwrap_or_else(|| panic!("{method} {path}: {}", answer.body))
}

fn life() -> Vec<&'static str> {
    LIFE.iter().map(|(_, _, told)| *told).collect()
}

#[tokio::test]
async fn the_life_of_a_secret_is_told_once_and_in_order_on_the_lead_and_on_a_follower() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let follower = lead.follower("vengeance", &[]).await;
    let mut streams = Vec::new();
    for node in [&lead, &follower] {
        for target in [&format!("{HUBSPOT}/watch"), "/api/watch", "/api/watch?prefix=hubspot/"] {
            streams.push((target.to_owned(), Watcher::from_now(&node.agent(), target).await));
        }
    }
    let mut elsewhere = Watcher::from_now(&lead.agent(), "/api/watch?prefix=openai/").await;
    for (step, (_, _, told)) in LIFE.iter().enumerate() {
        let revision = live(&lead, step).await;
        follower.reaches(revision).await;
        for (target, stream) in &mut streams {
            let event = stream.next().await;
            assert_eq!((event.name.as_str(), event.told().as_str()), ("changed", *told), "{target}");
            assert_eq!((event.id, event.data["revision"].as_u64()), (format!("1.{revision}"), Some(revision)));
        }
    }
    lead.put("openai/api_key", "global", "not-a-real-key").await;
    for (_, stream) in streams.iter_mut().filter(|(target, _)| target == "/api/watch") {
        assert_eq!(stream.next().await.told(), "stored openai/api_key global 1", "and nothing before it");
    }
    assert_eq!(elsewhere.next().await.told(), "stored openai/api_key global 1");
}

#[tokio::test]
async fn an_event_has_its_fixed_shape_and_no_value() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let mut stream = Watcher::open(&lead.agent(), "/api/watch", &[]).await;
    for part in ["content-type: text/event-stream", "cache-control: no-store", "x-request-id: "] {
        assert!(stream.head.contains(part), "{}", stream.head);
    }
    let ready = stream.next().await;
    assert_eq!(
        (ready.name.as_str(), ready.id.as_str(), ready.data),
        ("ready", "1.0", json!({"epoch": 1, "revision": 0}))
    );
    lead.put("hubspot/api_key", "node:laptop", "not-a-real-key").await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    let event = stream.next().await;
    assert_eq!(event.told(), "stored hubspot/api_key global 1", "what is for another node is not told");
    let mut told = event.data.as_object().expect("an object").clone();
    assert!(told["at"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert_eq!(told["freshness"]["served"], "LEAD");
    told.retain(|field, _| field != "at" && field != "freshness");
    let wanted = json!({"service": "hubspot", "key_name": "api_key", "scope": "global", "scope_id": null,
        "environment": "prod", "change": "stored", "version": 1, "revision": 2});
    assert_eq!(json!(told), wanted);
}

#[tokio::test]
async fn a_watcher_goes_on_where_it_stopped_when_the_lead_or_the_follower_starts_again() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    let mut follower = lead.follower("vengeance", &[]).await;
    let target = format!("{HUBSPOT}/watch");
    let mut on_lead = Watcher::from_now(&lead.agent(), &target).await;
    let mut on_follower = Watcher::from_now(&follower.agent(), &target).await;
    follower.reaches(live(&lead, 0).await).await;
    let seen = on_lead.next().await.id;
    assert_eq!(on_follower.next().await.id, seen);

    follower.end(Signal::TERM).await;
    assert_eq!(on_follower.try_next().await, None, "it ended in order");
    live(&lead, 1).await;
    lead.end(Signal::KILL).await;
    lead.start().await;
    live(&lead, 2).await;
    let mut on_lead = Watcher::open(&lead.agent(), &target, &[("Last-Event-ID", &seen)]).await;
    assert_eq!(on_lead.told(2).await, life()[1..3]);

    let last = live(&lead, 3).await;
    follower.start().await;
    follower.reaches(last).await;
    let mut on_follower = Watcher::open(&follower.agent(), &format!("{target}?after={seen}"), &[]).await;
    let told = on_follower.told(1).await;
    assert_eq!(told, life()[3..4], "what the lead folded into one step is told once, as it is now");
    follower.end(Signal::KILL).await;
    follower.start().await;
    let mut on_follower = Watcher::open(&follower.agent(), &target, &[("Last-Event-ID", &format!("1.{last}"))]).await;
    follower.reaches(live(&lead, 4).await).await;
    assert_eq!(on_follower.told(1).await, life()[4..5], "and nothing twice");
}

#[tokio::test]
async fn a_cursor_that_leads_nowhere_is_told_so_and_the_newest_states_follow() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    for step in 0..3 {
        live(&lead, step).await;
    }
    for (cursor, reason) in [("7.1", "epoch"), ("1.99", "ahead")] {
        let mut stream = Watcher::open(&lead.agent(), "/api/watch", &[("Last-Event-ID", cursor)]).await;
        let reset = stream.next().await;
        assert_eq!((reset.name.as_str(), reset.id.as_str()), ("reset", "1.0"));
        assert_eq!((reset.data["reason"].as_str(), reset.data["current"].as_str()), (Some(reason), Some("1.3")));
        assert_eq!(stream.told(1).await, ["described hubspot/api_key global 2"]);
    }
    for target in ["/api/watch?after=1", "/api/watch?after=1.x", "/api/watch?since=1.1", "/api/watch?scope=team"] {
        assert_eq!(http::get(&lead.agent(), target).await.status, 400, "{target}");
    }
}

#[tokio::test]
async fn a_log_that_was_trimmed_is_said_to_be() {
    let dir = directory();
    let mut lead = Node::new(dir.path(), "aurora", "info");
    lead.init().await;
    lead.configure("log_revisions = 100000", "log_revisions = 2");
    lead.start().await;
    for step in 0..4 {
        live(&lead, step).await;
    }
    lead.put("openai/api_key", "global", "not-a-real-key").await;
    let mut stream = Watcher::open(&lead.agent(), "/api/watch?after=1.1", &[]).await;
    let reset = stream.next().await;
    assert_eq!((reset.name.as_str(), reset.data["reason"].as_str()), ("reset", Some("trimmed")));
    assert_eq!(stream.told(2).await, [LIFE[3].2, "stored openai/api_key global 1"]);
    live(&lead, 4).await;
    assert_eq!(stream.told(1).await, [LIFE[4].2], "then every change again");
}
