//! Who may subscribe, and what becomes of a subscription.

use aurora_mesh::vault::error::VaultError;
use serde_json::json;

use super::{Scene, key, request};
use crate::support::callers::{admin, agent, put, read, stranger};
use crate::support::mesh::prod;
use crate::support::wait::eventually;

#[tokio::test]
async fn only_whoever_may_subscribe_wholly_does_and_only_on_the_lead() {
    let scene = Scene::open().await;
    let ask = || request("ci", "secret.*", "https://hooks.example.com/");
    for caller in [agent(), stranger()] {
        let refused = scene.vault().subscribe(&caller, ask()).await.expect_err("refused");
        assert!(matches!(refused, VaultError::Denied { .. }), "{refused}");
        assert!(scene.vault().subscriptions(&caller).await.is_err());
        assert!(scene.vault().test_subscription(&caller, key("ci")).await.is_err());
    }
    let follower = scene.mesh.follower("vengeance", prod(&[])).await;
    let refused = follower.vault().subscribe(&admin(), ask()).await.expect_err("a follower");
    assert!(matches!(refused, VaultError::NotLead { .. }), "{refused}");
}

#[tokio::test]
async fn the_signing_secret_stays_on_the_lead() {
    let scene = Scene::open().await;
    let follower = scene.mesh.follower("vengeance", prod(&[])).await;
    scene.subscribe("ci", &scene.url()).await;
    let stored = scene.mesh.put(put("openai/marker", "global", "x")).await;
    follower.reaches(stored.revision).await;
    let read = follower.value(crate::support::callers::read("webhooks/ci", None)).await;
    assert!(read.is_err(), "{read:?}");
}

#[tokio::test]
async fn an_end_takes_what_waits_and_the_secret_with_it() {
    let scene = Scene::open().await;
    scene.subscribe("ci", &scene.url()).await;
    scene.stage.shut().await;
    scene.change("openai/api_key").await;
    scene.fails("ci", 1).await;
    let twice = scene.vault().subscribe(&admin(), request("ci", "*", "https://hooks.example.com/")).await;
    assert!(twice.is_err_and(|error| error.code() == "already_exists"));
    scene.vault().unsubscribe(&admin(), key("ci"), None).await.expect("ended");
    assert!(scene.vault().subscriptions(&admin()).await.expect("a list").is_empty());
    let again = scene.vault().unsubscribe(&admin(), key("ci"), None).await;
    assert!(again.is_err_and(|error| error.code() == "not_found"));
    scene.stage.reopen().await;
    scene.subscribe("ci", &scene.url()).await;
    scene.change("openai/other").await;
    scene.comes("openai/other", 1).await;
    assert!(scene.came("openai/api_key").is_empty(), "what waited went with the subscription");
}

#[tokio::test]
async fn a_replay_sends_again_what_was_wanted_since() {
    let scene = Scene::open().await;
    scene.subscribe("early", &format!("https://localhost:{}/hook/early", scene.stage.port)).await;
    scene.change("openai/before").await;
    scene.is_delivered("early").await;
    scene.vault().unsubscribe(&admin(), key("early"), None).await.expect("ended");
    scene.subscribe("ci", &scene.url()).await;
    scene.change("openai/after").await;
    scene.comes("openai/after", 1).await;
    assert_eq!(scene.came("openai/before").len(), 1, "to the early one alone: nothing from before it was made");
    scene.is_delivered("ci").await;
    let since = Some(aurora_mesh::model::time::Timestamp(0));
    let again = scene.vault().replay_subscription(&admin(), key("ci"), since, None).await.expect("replayed");
    assert_eq!(again, 2);
    let before = scene.comes("openai/before", 2).await;
    assert_eq!((before[0].path.as_str(), before[1].path.as_str()), ("/early", "/events"));
    let came = scene.comes("openai/after", 2).await;
    assert_eq!(came[0].header("webhook-id"), came[1].header("webhook-id"));
    let id = came[0].header("webhook-id");
    assert_eq!(scene.vault().replay_subscription(&admin(), key("ci"), None, id).await.expect("replayed"), 1);
    scene.comes("openai/after", 3).await;
}

/// Each of two that came at once stored a signing secret, and the one who got the subscription was told the older of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_that_are_made_at_once_with_one_name_one_is_made_and_one_secret_stored() {
    use crate::support::http::{get, post};
    let scene = Scene::open().await;
    let admin = scene.mesh.lead.config.api.socket_dir.join("admin.sock");
    let body = json!({"name": "ci", "types": ["secret.*"], "webhook": scene.url()});
    let asked = (0..8).map(|_| post(&admin, "/api/subscriptions", &body));
    let answers = futures_util::future::join_all(asked).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((made.len(), refused.len()), (1, 7));
    assert!(refused.iter().all(|answer| answer.code() == "already_exists"));
    let stored = scene.mesh.lead.value(read("webhooks/ci", None)).await.expect("stored");
    assert_eq!(made[0].json()["signing_secret"].as_str(), Some(&*stored));
    let versions = get(&admin, "/api/secrets/webhooks/ci/versions?scope=node&scope_id=aurora").await.json();
    assert_eq!(versions["versions"].as_array().map(Vec::len), Some(1), "{versions}");
}

/// Who ended one took away the secret of the next of that name, if that was made between the two halves of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_made_while_another_of_its_name_ends_keeps_its_secret() {
    use crate::support::http::{ask, post};
    let scene = Scene::open().await;
    let socket = scene.mesh.lead.config.api.socket_dir.join("admin.sock");
    let body = json!({"name": "ci", "types": ["secret.*"], "webhook": scene.url()});
    for round in 0..20 {
        post(&socket, "/api/subscriptions", &body).await;
        let rotate = || post(&socket, "/api/subscriptions/ci/rotate", &serde_json::Value::Null);
        let end = ask(&socket, "DELETE", "/api/subscriptions/ci", &[], "");
        tokio::join!(rotate(), end, rotate(), post(&socket, "/api/subscriptions", &body), rotate());
        let is_there = scene.vault().subscriptions(&admin()).await.expect("listed").len() == 1;
        let secret = scene.mesh.lead.value(read("webhooks/ci", None)).await;
        assert_eq!(is_there, secret.is_ok(), "round {round}: {secret:?}");
    }
}

#[tokio::test]
async fn over_http_a_subscription_is_made_shown_and_ended() {
    use crate::support::http::{ask, get, post};
    let scene = Scene::open().await;
    let admin = scene.mesh.lead.config.api.socket_dir.join("admin.sock");
    let body = json!({"name": "ci", "types": ["secret.*"], "service": "openai", "webhook": scene.url()});
    let made = post(&admin, "/api/subscriptions", &body).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert!(made.json()["signing_secret"].as_str().expect("a secret").starts_with("whsec_"));
    scene.change("openai/api_key").await;
    scene.comes("openai/api_key", 1).await;
    eventually("it is listed as delivered", || async {
        let list = get(&admin, "/api/subscriptions").await.json();
        assert!(!list.to_string().contains("whsec_"), "{list}");
        list["subscriptions"][0]["last_delivered"].is_string().then_some(())
    })
    .await;
    let delivered = get(&admin, "/api/deliveries?name=ci").await.json();
    assert_eq!(delivered["deliveries"][0]["answer"], "204");
    for limit in ["0", "1001", "x"] {
        assert_eq!(get(&admin, &format!("/api/deliveries?limit={limit}")).await.code(), "bad_value", "{limit}");
    }
    let test = post(&admin, "/api/subscriptions/ci/test", &json!({})).await.json();
    assert_eq!((test["success"].as_bool(), test["answer"].as_str()), (Some(true), Some("204")));
    for (body, code) in [
        (json!({"name": "x", "types": ["planet.*"], "webhook": "https://a.example/"}), "bad_value"),
        (json!({"name": "x", "webhook": "http://a.example/"}), "bad_value"),
        (json!({"name": "x", "webhook": "https://u:p@a.example/"}), "bad_value"),
        (json!({"name": "x"}), "bad_value"),
        (json!({"name": "x", "channel": "nowhere"}), "not_found"),
        (json!({"name": "../x", "webhook": "https://a.example/"}), "bad_name"),
    ] {
        assert_eq!(post(&admin, "/api/subscriptions", &body).await.code(), code, "{body}");
    }
    assert_eq!(ask(&admin, "DELETE", "/api/subscriptions/ci", &[], "").await.status, 200);
    assert_eq!(ask(&admin, "DELETE", "/api/subscriptions/ci", &[], "").await.code(), "not_found");
}
