//! A follower: it serves what it holds and says how old that is, refuses what is too old, and sends writers to the lead.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::errors;
use crate::freshness_contract::stage::{CLOSES, Stage, TTL};
use crate::support::http::{get, post};

const PATH: &str = "/v1/secret/data/hubspot";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_says_that_it_is_stale_and_what_is_too_old_is_an_error_of_vault_with_our_code() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    let socket = stage.follower.agent_socket();
    let fresh = get(&socket, PATH).await;
    assert_eq!((fresh.status, fresh.header("x-cache")), (200, Some("HIT")), "{}", fresh.body);
    assert_eq!(fresh.json()["lease_duration"], TTL.as_secs());
    stage.grows_to(TTL + Duration::from_secs(2));
    let stale = get(&socket, PATH).await;
    assert_eq!((stale.status, stale.header("x-cache"), stale.header("age")), (200, Some("STALE"), Some("7")));
    let told = stale.json();
    assert_eq!(told["warnings"], json!(["stale_cache: the lead last vouched for these values 7 s ago"]));
    assert_eq!(told["data"]["data"], json!({"api_key": "not-a-real-key"}));
    stage.grows_to(CLOSES + Duration::from_secs(2));
    let closed = get(&socket, PATH).await;
    assert_eq!(closed.status, 503);
    assert!(errors(&closed)[0].starts_with("stale_cache: "), "{}", closed.body);
    assert_eq!(get(&socket, "/v1/sys/health").await.status, 200, "the node itself is well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_has_the_current_version_alone_and_sends_writers_to_the_lead() {
    let stage = Stage::set().await;
    let socket = stage.follower.agent_socket();
    assert_eq!(get(&socket, &format!("{PATH}?version=1")).await.status, 200);
    let older = get(&socket, &format!("{PATH}?version=2")).await;
    assert_eq!((older.status, errors(&older)[0].contains("on the lead")), (400, true), "{}", older.body);
    let history = get(&socket, "/v1/secret/metadata/hubspot").await.json();
    assert_eq!(history["data"]["current_version"], 1, "{history}");
    let admin = stage.follower.config.api.socket_dir.join("admin.sock");
    let refused = post(&admin, PATH, &json!({"data": {"api_key": "not-a-real-key"}})).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(errors(&refused)[0].starts_with("not_lead: ") && refused.body.contains("aurora"), "{}", refused.body);
    let listed = crate::support::http::ask(&socket, "LIST", "/v1/secret/metadata", &[], "").await;
    assert_eq!(listed.json()["data"]["keys"], json!(["hubspot"]), "{}", listed.body);
    assert_eq!(listed.json()["data"]["metadata"], Value::Null);
}
