//! Notifiers: people are told through the chats and the mail that `node.toml` names, with credentials that are secrets of
//! the mesh; at night only of what is urgent, and of the same once.

mod mail;
mod mail_server;

use std::collections::BTreeMap;
use std::time::Duration;

use aurora_mesh::actors::delivery_sorting::Sent;
use aurora_mesh::config::node_config::ConnectivitySection;
use aurora_mesh::model::channel::{Channel, Means, Notify, NotifyRule, Priority};
use aurora_mesh::model::name::KeyName;
use aurora_mesh::model::quiet_hours::QuietHours;
use aurora_mesh::model::reference::Reference;
use aurora_mesh::model::time::{Clock, Timestamp};
use aurora_mesh::model::web_address::WebAddress;
use serde_json::{Value, json};

use crate::support::authority::{Shown, TestAuthority};
use crate::support::callers::{admin, agent, put, stranger};
use crate::support::http::post;
use crate::support::journal;
use crate::support::mesh::{TestMesh, prod};
use crate::support::stage::{Act, Seen, Stage};
use crate::support::wait::eventually;

/// A lead whose channels lead to a stage.
struct Scene {
    mesh: TestMesh,
    stage: Stage,
}

impl Scene {
    async fn open(channels: impl FnOnce(u16) -> Vec<(&'static str, Channel)>, rules: Vec<NotifyRule>) -> Self {
        let authority = TestAuthority::new();
        let stage = Stage::open("chat", authority.server(Shown::Good, &["h2", "http/1.1"])).await;
        stage.play(Act::answer(200, &[], r#"{"ok":true}"#));
        let channels = channels(stage.port).into_iter().map(|(name, channel)| (key(name), channel)).collect();
        let mesh = with_channels(&authority, stage.port, channels, rules).await;
        away_from_midnight(&mesh);
        for (name, value) in [
            ("telegram/bot_token", "123456:canary-token".to_owned()),
            ("slack/bot_token", "xoxb-canary-token".to_owned()),
            ("slack/hook", format!("https://localhost:{}/chat/services/T/B/canary-hook", stage.port)),
        ] {
            mesh.put(put(name, "global", &value)).await;
        }
        Self { mesh, stage }
    }

    async fn tell(&self, channel: &str, text: &str) -> Sent {
        let sent = self.mesh.lead.vault().notify(&agent(), key(channel), text, Priority::Normal).await;
        sent.expect("taken in")
    }

    /// Tells it, and waits until it came: what is not sent within the patience of the caller is sent all the same.
    async fn tell_surely(&self, channel: &str, text: &str) {
        let before = self.stage.seen().len();
        let sent = self.tell(channel, text).await;
        assert!(matches!(sent, Sent::Delivered | Sent::Queued { .. }), "{channel}: {sent:?}");
        self.came(before + 1).await;
    }

    async fn came(&self, count: usize) -> Vec<Seen> {
        eventually(&format!("{count} messages come"), || async {
            Some(self.stage.seen()).filter(|seen| seen.len() >= count)
        })
        .await
    }
}

/// How many messages of the lead wait.
async fn waiting(mesh: &TestMesh) -> u64 {
    let metrics = mesh.lead.vault().metrics(&admin()).await.expect("the owner may look");
    let line = metrics.lines().find_map(|line| line.strip_prefix("aurora_queue_length{queue=\"messages\"} "));
    line.and_then(|count| count.split('.').next()?.parse().ok()).unwrap_or_else(|| panic!("no such queue: {metrics}"))
}

/// Moves the clock if the day of UTC ends soon or has just begun.
fn away_from_midnight(mesh: &TestMesh) {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let in_day = Clock::now(&*mesh.lead.clock).wall.0.rem_euclid(DAY_MS);
    if !(5 * 60 * 1000..DAY_MS - 5 * 60 * 1000).contains(&in_day) {
        mesh.lead.clock.advance(Duration::from_secs(600));
    }
}

async fn with_channels(
    authority: &TestAuthority,
    port: u16,
    channels: BTreeMap<KeyName, Channel>,
    rules: Vec<NotifyRule>,
) -> TestMesh {
    let mut mesh = TestMesh::start().await;
    let ca_file = mesh.dir.path().join("ca.pem");
    std::fs::write(&ca_file, authority.pem()).expect("writable");
    mesh.lead.stop().await;
    mesh.lead.config.connectivity =
        ConnectivitySection { probe: false, ca_file: Some(ca_file), ..ConnectivitySection::default() };
    mesh.lead.config.notify = Notify { allow_private: vec![format!("localhost:{port}")], channels, rules };
    mesh.lead.start().await;
    mesh
}

fn key(name: &str) -> KeyName {
    KeyName::parse(name).expect(name)
}

fn url(port: u16, path: &str) -> WebAddress {
    WebAddress::parse(&format!("https://localhost:{port}/chat{path}")).expect("a URL")
}

fn channel(means: Means, credential: &str) -> Channel {
    Channel { means, credential: Some(Reference::parse(credential).expect(credential)), quiet: None }
}

fn telegram(port: u16) -> Channel {
    let means = Means::Telegram { chat: "-100".to_owned(), api: url(port, "/") };
    channel(means, "aurora://telegram/bot_token")
}

fn rule(events: &str, channel: &str, priority: Priority, repeat_after: u64) -> NotifyRule {
    NotifyRule {
        events: vec![events.to_owned()],
        wanted: BTreeMap::new(),
        channel: key(channel),
        priority,
        repeat_after: Duration::from_secs(repeat_after),
    }
}

fn body(seen: &Seen) -> Value {
    serde_json::from_str(&seen.body).expect("JSON")
}

#[tokio::test]
async fn each_chat_is_spoken_to_as_it_wants_to_be() {
    let channels = |port| {
        let app = Means::SlackApp { chat: "#ops".to_owned(), api: url(port, "/api/chat.postMessage") };
        let hook = Means::SlackHook { host: "localhost".to_owned(), port };
        vec![
            ("tg", telegram(port)),
            ("app", channel(app, "aurora://slack/bot_token")),
            ("hook", channel(hook, "aurora://slack/hook")),
        ]
    };
    let scene = Scene::open(channels, Vec::new()).await;
    for name in ["tg", "app", "hook"] {
        scene.tell_surely(name, "a <b> & c").await;
    }
    let seen = scene.came(3).await;
    assert_eq!(seen[0].path, "/bot123456:canary-token/sendMessage");
    assert_eq!(
        (body(&seen[0])["chat_id"].as_str(), body(&seen[0])["text"].as_str()),
        (Some("-100"), Some("a <b> & c"))
    );
    assert_eq!(seen[1].header("authorization"), Some("Bearer xoxb-canary-token"));
    assert_eq!(body(&seen[1])["channel"], "#ops");
    assert_eq!(body(&seen[1])["text"], "a &lt;b&gt; &amp; c");
    assert_eq!(seen[2].path, "/services/T/B/canary-hook");
    let journal = journal::text(&scene.mesh.lead.config.node.state_dir.join("audit"));
    assert!(!journal.contains("canary"), "no credential in the journal");
    assert!(journal.lines().filter(|line| line.contains("\"used\"")).count() >= 3);
    let rows = std::fs::read(scene.mesh.lead.config.node.state_dir.join("events.redb")).expect("rows");
    assert!(!rows.windows(6).any(|window| window == b"canary"), "no credential in the rows");
}

#[tokio::test]
async fn an_app_of_slack_that_answers_200_and_not_ok_was_not_told() {
    let channels = |port| {
        let app = Means::SlackApp { chat: "#ops".to_owned(), api: url(port, "/api/chat.postMessage") };
        vec![("app", channel(app, "aurora://slack/bot_token"))]
    };
    let scene = Scene::open(channels, Vec::new()).await;
    scene.stage.play(Act::answer(200, &[], r#"{"ok":false,"error":"channel_not_found"}"#));
    let Sent::Queued { last } = scene.tell("app", "x").await else { panic!("not told") };
    assert_eq!(last.as_deref(), Some("200, but the message was not taken"));
}

#[tokio::test]
async fn a_credential_that_leads_elsewhere_is_not_followed() {
    let channels = |port| {
        let hook = Means::SlackHook { host: "hooks.slack.com".to_owned(), port };
        vec![("hook", channel(hook, "aurora://slack/hook"))]
    };
    let scene = Scene::open(channels, Vec::new()).await;
    let Sent::Queued { last } = scene.tell("hook", "x").await else { panic!("not sent") };
    assert!(last.expect("tried").starts_with("not sent: its credential is not one"));
    assert!(scene.stage.seen().is_empty());
}

#[tokio::test]
async fn a_message_is_refused_for_what_it_is_and_by_whom() {
    let scene = Scene::open(|port| vec![("tg", telegram(port))], Vec::new()).await;
    let admin_socket = scene.mesh.lead.config.api.socket_dir.join("admin.sock");
    let long = "x".repeat(2001);
    for (sent, code) in [
        (json!({"channel": "nowhere", "message": "x"}), "not_found"),
        (json!({"channel": "tg", "message": ""}), "bad_value"),
        (json!({"channel": "tg", "message": long}), "bad_value"),
        (json!({"channel": "tg", "message": "a\u{1b}[31m"}), "bad_value"),
        (json!({"channel": "tg", "message": "x", "priority": "high"}), "bad_value"),
        (json!({"channel": "tg", "message": "x", "extra": 1}), "unknown_field"),
    ] {
        assert_eq!(post(&admin_socket, "/notify", &sent).await.code(), code, "{sent}");
    }
    let refused = scene.mesh.lead.vault().notify(&stranger(), key("tg"), "x", Priority::Normal).await;
    assert!(refused.is_err_and(|error| error.code() == "denied"));
    assert!(scene.stage.seen().is_empty());
    let answer = post(&admin_socket, "/notify", &json!({"channel": "tg", "message": "x", "priority": "urgent"})).await;
    let told = [&answer.json()["delivered"], &answer.json()["queued"]].map(Value::as_bool);
    assert!(matches!(told, [Some(delivered), Some(queued)] if delivered != queued), "{}", answer.body);
    for _ in 0..29 {
        assert_eq!(post(&admin_socket, "/notify", &json!({"channel": "tg", "message": "x"})).await.status, 200);
    }
    let answer = post(&admin_socket, "/notify", &json!({"channel": "tg", "message": "x"})).await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limited"));
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn what_is_not_urgent_waits_for_the_morning_and_comes_as_one_message() {
    let quiet = |port| {
        let now = Timestamp::parse("2026-11-21T00:00:00Z").expect("a time");
        let all_but_a_minute = QuietHours::parse("00:01-00:00", None).expect("hours");
        assert!(all_but_a_minute.until(now).is_none());
        vec![("tg", Channel { quiet: Some(all_but_a_minute), ..telegram(port) })]
    };
    let rules = vec![rule("secret.*", "tg", Priority::Normal, 0), rule("freeze.*", "tg", Priority::Urgent, 0)];
    let scene = Scene::open(quiet, rules).await;
    let vault = scene.mesh.lead.vault();
    for name in ["openai/one", "openai/two"] {
        scene.mesh.put(put(name, "global", "sk-canary")).await;
    }
    let Sent::Queued { last: None } = scene.tell("tg", "not now").await else { panic!("it is quiet") };
    vault.notify(&admin(), key("tg"), "wake up", Priority::Urgent).await.expect("taken in");
    assert_eq!(scene.came(1).await.len(), 1, "and nothing else came");

    // The three credentials of the scene are secrets as well.
    eventually("all that is not urgent waits", || async { (waiting(&scene.mesh).await == 3 + 2 + 1).then_some(()) })
        .await;

    // The next morning, at most a day from now.
    let now = Clock::now(&*scene.mesh.lead.clock).wall;
    let quiet = QuietHours::parse("00:01-00:00", None).expect("hours");
    let until = quiet.until(now).expect("it is quiet").since(now).expect("later");
    scene.mesh.lead.clock.hold();
    scene.mesh.lead.clock.advance(until + Duration::from_millis(10));
    let seen = scene.came(2).await;
    let text = body(&seen[1])["text"].as_str().expect("a text").to_owned();
    assert!(text.starts_with("notify.summary") && text.contains("openai one"), "{text}");
    assert!(!text.contains("canary"));
}

#[tokio::test]
async fn the_same_is_told_once_and_then_counted() {
    let scene =
        Scene::open(|port| vec![("tg", telegram(port))], vec![rule("secret.rotated", "tg", Priority::Normal, 3600)])
            .await;
    for number in 0..5 {
        scene.mesh.put(put("openai/api_key", "global", &format!("value {number}"))).await;
    }
    scene.mesh.put(put("openai/other", "global", "1")).await;
    scene.mesh.put(put("openai/other", "global", "2")).await;
    let texts = |seen: Vec<Seen>| {
        seen.iter().map(|seen| body(seen)["text"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    let seen = texts(scene.came(2).await);
    assert_eq!(seen.iter().filter(|text| text.contains("openai/api_key")).count(), 1, "{seen:?}");
    scene.mesh.lead.clock.advance(Duration::from_secs(3601));
    let seen = texts(scene.came(3).await);
    let counted = seen.iter().find(|text| text.starts_with("notify.repeated")).expect("a count");
    assert!(counted.contains("times: 3") && counted.contains("api_key"), "{counted}");
}

#[tokio::test]
async fn a_follower_tells_its_own_channels() {
    let authority = TestAuthority::new();
    let stage = Stage::open("chat", authority.server(Shown::Good, &["h2"])).await;
    stage.play(Act::answer(200, &[], "{}"));
    let mesh = with_channels(&authority, stage.port, BTreeMap::new(), Vec::new()).await;
    mesh.put(put("telegram/bot_token", "global", "123456:canary-token")).await;
    let mut follower = mesh.follower("vengeance", prod(&[])).await;
    follower.stop().await;
    follower.config.connectivity = mesh.lead.config.connectivity.clone();
    let channels = [(key("tg"), telegram(stage.port))].into();
    let allow_private = vec![format!("localhost:{}", stage.port)];
    follower.config.notify =
        Notify { allow_private, channels, rules: vec![rule("secret.*", "tg", Priority::Normal, 0)] };
    follower.start().await;
    follower.is_fresh().await;
    mesh.put(put("openai/api_key", "global", "sk-canary")).await;
    eventually("the follower tells", || async {
        stage.seen().iter().any(|seen| seen.body.contains("openai/api_key")).then_some(())
    })
    .await;
    follower.stop().await;
}
