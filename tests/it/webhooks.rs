//! Webhooks: what happens reaches its receivers, signed and at least once, whatever they do; and no receiver costs the node
//! more than its own place.

mod hostile;
mod subscriptions;
mod trouble;

use std::time::Duration;

use aurora_mesh::config::node_config::ConnectivitySection;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::events::filter::{EventFilter, TypeGlob};
use aurora_mesh::events::subscription::Receiver;
use aurora_mesh::model::channel::Notify;
use aurora_mesh::model::name::KeyName;
use aurora_mesh::model::web_address::WebAddress;
use aurora_mesh::vault::parts::Vault;
use aurora_mesh::vault::subscriptions::{SubscribeRequest, Subscribed, SubscriptionLine};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::authority::{Shown, TestAuthority};
use crate::support::callers::{admin, put};
use crate::support::clients;
use crate::support::journal;
use crate::support::mesh::TestMesh;
use crate::support::process::run;
use crate::support::stage::{Act, Seen, Stage};
use crate::support::wait::eventually;

/// A lead, and a receiver that answers 204 until it is told otherwise.
struct Scene {
    mesh: TestMesh,
    authority: TestAuthority,
    stage: Stage,
}

impl Scene {
    async fn open() -> Self {
        let authority = TestAuthority::new();
        let stage = Stage::open("hook", authority.server(Shown::Good, &["h2", "http/1.1"])).await;
        stage.play(Act::answer(204, &[], ""));
        let mesh = TestMesh::start().await;
        let mut scene = Self { mesh, authority, stage };
        let ports = [scene.stage.port];
        scene.allow(&ports).await;
        scene
    }

    /// Starts the lead anew so that it may call these ports of this machine, and trusts who is there.
    async fn allow(&mut self, ports: &[u16]) {
        let ca_file = self.mesh.dir.path().join("ca.pem");
        std::fs::write(&ca_file, self.authority.pem()).expect("writable");
        self.mesh.lead.stop().await;
        self.mesh.lead.config.connectivity =
            ConnectivitySection { probe: false, ca_file: Some(ca_file), ..ConnectivitySection::default() };
        let allow_private = ports.iter().map(|port| format!("localhost:{port}")).collect();
        self.mesh.lead.config.notify = Notify { allow_private, ..Notify::default() };
        self.mesh.lead.start().await;
    }

    fn vault(&self) -> &Vault {
        self.mesh.lead.vault()
    }

    /// Subscribes to changes of secrets, and gives the signing secret.
    async fn subscribe(&self, name: &str, url: &str) -> String {
        let made = self.vault().subscribe(&admin(), request(name, "secret.*", url)).await.expect("subscribed");
        text(made.secret.as_ref().expect("a secret"))
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/hook/events", self.stage.port)
    }

    /// Something happens.
    async fn change(&self, secret: &str) {
        self.mesh.put(put(secret, "global", "sk-canary-4711")).await;
    }

    /// What came about changes of this secret.
    fn came(&self, secret: &str) -> Vec<Seen> {
        let (service, key) = secret.split_once('/').expect("a name");
        let is_it = |seen: &Seen| {
            let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap_or_default();
            body["data"]["service"] == service && body["data"]["key_name"] == key
        };
        self.stage.seen().into_iter().filter(is_it).collect()
    }

    async fn comes(&self, secret: &str, count: usize) -> Vec<Seen> {
        eventually(&format!("{secret} comes {count} times"), || async {
            Some(self.came(secret)).filter(|came| came.len() >= count)
        })
        .await
    }

    async fn line(&self, wanted: &str) -> SubscriptionLine {
        let lines = self.vault().subscriptions(&admin()).await.expect("a list");
        lines.into_iter().find(|line| line.subscription.name.as_str() == wanted).expect(wanted)
    }

    /// Waits until an attempt has failed this often, and the message waits for its next.
    async fn fails(&self, name: &str, attempts: u32) -> SubscriptionLine {
        eventually(&format!("{name} fails {attempts} times"), || async {
            let line = self.line(name).await;
            line.first.as_ref().is_some_and(|first| first.attempts >= attempts).then_some(line)
        })
        .await
    }

    async fn is_delivered(&self, name: &str) -> SubscriptionLine {
        eventually(&format!("all of {name} is delivered"), || async {
            let line = self.line(name).await;
            (line.waiting == 0 && line.delivered.is_some()).then_some(line)
        })
        .await
    }

    fn passes(&self, time: Duration) {
        self.mesh.lead.clock.advance(time);
    }
}

fn request(name: &str, types: &str, url: &str) -> SubscribeRequest {
    SubscribeRequest {
        name: key(name),
        filter: EventFilter {
            types: vec![TypeGlob::parse(types).expect(types)],
            // The signing secret is itself a secret that is stored: it is not what these tests are about.
            service: Some(aurora_mesh::model::name::ServiceName::parse("openai").expect("a name")),
            ..EventFilter::default()
        },
        to: Receiver::Webhook(WebAddress::parse(url).expect(url)),
        reason: None,
    }
}

fn key(name: &str) -> KeyName {
    KeyName::parse(name).expect(name)
}

fn text(secret: &Plaintext) -> String {
    String::from_utf8(secret.expose().to_vec()).expect("text")
}

fn secret_of(made: Subscribed) -> String {
    text(&made.secret.expect("a secret"))
}

/// Whether one of the signatures of a message was made with this secret: another implementation than the node's.
fn is_signed(seen: &Seen, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret of webhooks")).expect("base64");
    let header = |name: &str| seen.header(name).unwrap_or_else(|| panic!("{name} in {seen:?}"));
    let signed = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), seen.body);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let codes = header("webhook-signature").split(' ').filter_map(|code| code.strip_prefix("v1,"));
    codes.filter_map(|code| STANDARD.decode(code).ok()).any(|code| hmac::verify(&key, signed.as_bytes(), &code).is_ok())
}

#[tokio::test]
async fn a_change_reaches_a_webhook_signed_and_without_its_value() {
    let scene = Scene::open().await;
    let secret = scene.subscribe("ci", &scene.url()).await;
    scene.change("openai/api_key").await;

    let came = scene.comes("openai/api_key", 1).await;
    let body: serde_json::Value = serde_json::from_str(&came[0].body).expect("JSON");
    assert_eq!((came[0].method.as_str(), came[0].path.as_str()), ("POST", "/events"));
    assert_eq!(came[0].header("webhook-id"), body["id"].as_str());
    assert_eq!(came[0].header("content-type"), Some("application/json"));
    assert_eq!(body["type"], "secret.updated");
    assert!(is_signed(&came[0], &secret) && !is_signed(&came[0], &"whsec_".to_owned().add_key()));
    assert!(!came[0].holds("canary"));
    let line = scene.is_delivered("ci").await;
    let delivered = line.delivered.expect("delivered");
    assert_eq!((delivered.attempts, delivered.last.as_deref(), line.dead), (1, Some("204"), 0));
}

/// Some other key.
trait AddKey {
    fn add_key(self) -> String;
}

impl AddKey for String {
    fn add_key(self) -> String {
        format!("{self}{}", STANDARD.encode([7; 32]))
    }
}

#[tokio::test]
async fn a_rotation_signs_with_both_secrets_for_a_day() {
    let scene = Scene::open().await;
    let old = scene.subscribe("ci", &scene.url()).await;
    let new = secret_of(scene.vault().rotate_subscription(&admin(), key("ci"), None).await.expect("rotated"));
    assert_ne!(old, new);
    scene.change("openai/one").await;
    let came = scene.comes("openai/one", 1).await;
    assert!(is_signed(&came[0], &old) && is_signed(&came[0], &new));

    scene.is_delivered("ci").await;
    scene.passes(Duration::from_secs(24 * 3600 + 1));
    scene.change("openai/two").await;
    let came = scene.comes("openai/two", 1).await;
    assert!(!is_signed(&came[0], &old) && is_signed(&came[0], &new));
}

/// What the library of Standard Webhooks says of each secret; none where it is not installed.
async fn verified(seen: &Seen, secrets: &[&str]) -> Option<serde_json::Value> {
    let headers: std::collections::BTreeMap<_, _> = seen.headers.iter().cloned().collect();
    let came = serde_json::json!({"secrets": secrets, "headers": headers, "body": seen.body});
    let mut command = tokio::process::Command::new(clients::python()?);
    command.arg(clients::script("webhook_verified.py")).kill_on_drop(true);
    Some(run(&mut command, came.to_string().as_bytes()).await.json())
}

#[tokio::test]
async fn the_library_of_standard_webhooks_verifies_what_is_sent_also_during_a_rotation() {
    let scene = Scene::open().await;
    let old = scene.subscribe("ci", &scene.url()).await;
    scene.change("openai/one").await;
    let before = scene.comes("openai/one", 1).await;
    let new = secret_of(scene.vault().rotate_subscription(&admin(), key("ci"), None).await.expect("rotated"));
    scene.change("openai/two").await;
    let during = scene.comes("openai/two", 1).await;
    let Some(told) = verified(&before[0], &[&old, &new]).await else { return };
    assert_eq!(told, serde_json::json!([true, false]));
    let told = verified(&during[0], &[&old, &new]).await.expect("it is there");
    assert_eq!(told, serde_json::json!([true, true]));
}

#[tokio::test]
async fn what_waits_outlives_a_restart_and_is_not_forgotten_or_doubled() {
    let mut scene = Scene::open().await;
    scene.subscribe("ci", &scene.url()).await;
    scene.stage.shut().await;
    scene.change("openai/api_key").await;
    scene.fails("ci", 1).await;

    scene.mesh.lead.stop().await;
    scene.mesh.lead.start().await;
    scene.stage.reopen().await;
    scene.passes(Duration::from_secs(10));
    scene.is_delivered("ci").await;
    assert_eq!(scene.came("openai/api_key").len(), 1);
}

#[tokio::test]
async fn no_signing_secret_lies_in_the_file_of_deliveries_or_the_journal() {
    let scene = Scene::open().await;
    let secret = scene.subscribe("ci", &scene.url()).await;
    scene.change("openai/api_key").await;
    scene.is_delivered("ci").await;
    let state = &scene.mesh.lead.config.node.state_dir;
    let key = secret.strip_prefix("whsec_").expect("a secret");
    let mut files = vec![state.join("events.redb"), state.join("store.redb")];
    files.extend(journal::items(&state.join("audit")));
    for file in files.into_iter().filter(|file| file.is_file()) {
        let Some(bytes) = journal::bytes(&file) else { continue };
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(key.as_bytes()) && !holds(b"sk-canary-4711"), "{}", file.display());
    }
    let journal = journal::text(&state.join("audit"));
    let used = journal.lines().filter(|line| line.contains("credential.apply") && line.contains("\"used\"")).count();
    assert_eq!(used, 1, "each use of the secret is accounted for");
    assert!(journal.contains("\"principal\":\"node:aurora\""));
}
