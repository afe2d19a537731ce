//! What is told over the sockets and in the journal: never a part of a value.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::Stage;
use crate::support::http::{Answer, get, post};

impl Stage {
    fn admin_socket(&self) -> PathBuf {
        self.mesh.lead.config.api.socket_dir.join("admin.sock")
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        post(&self.admin_socket(), path, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        get(&self.admin_socket(), path).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_stands_in_the_path_is_seen_by_its_provider_alone() {
    const TOKEN: &str = "4242:canary-not-a-real-token";
    let stage = Stage::open().await;
    stage.stores("telegram/bot_token", "global", TOKEN).await;
    stage.theatre.answers("telegram", 401, &[], &format!(r#"{{"ok":false,"description":"{TOKEN}"}}"#));
    let told = stage.post("/credentials/telegram/validate", &json!({})).await;
    assert_eq!(told.status, 200, "{told:?}");
    let result = told.json()["results"][0].clone();
    assert_eq!(result["validation_status"], "rejected", "{result}");
    assert_eq!((&result["cause"], &result["credential"]), (&json!("key_rejected"), &json!("telegram/bot_token")));
    let asked = result["asked"].as_str().expect("asked");
    assert!(asked.starts_with("GET https://localhost:") && asked.ends_with("/bot{bot_token}/getMe"), "{asked}");
    assert_eq!(stage.theatre.requests("telegram")[0].path, format!("/bot{TOKEN}/getMe"));
    stage.theatre.shut("telegram").await;
    let away = stage.post("/credentials/telegram/validate", &json!({"key_name": "bot_token"})).await;
    assert_eq!(away.json()["results"][0]["validation_status"], "unreachable", "{away:?}");
    assert_eq!(away.json()["results"][0]["path_fault"], "connect");
    let status = stage.get("/credentials/status?service=telegram").await;
    for text in [&told.body, &away.body, &status.body, &stage.journal()] {
        assert!(!text.contains("canary") && !text.contains("4242"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_or_credential_that_is_not_there_is_said_to_be_so() {
    let stage = Stage::open().await;
    let refused = |path: &'static str, body: Value| {
        let stage = &stage;
        async move {
            let answer = stage.post(path, &body).await;
            (answer.status, answer.code())
        }
    };
    let not_found = (404, "not_found".to_owned());
    assert_eq!(refused("/credentials/nobody/validate", json!({})).await, not_found);
    assert_eq!(refused("/credentials/openai/validate", json!({"key_name": "api_key"})).await, not_found);
    let misspelt = refused("/credentials/openai/validate", json!({"keyname": "api_key"})).await;
    assert_eq!(misspelt, (400, "unknown_field".to_owned()));
    let nothing = stage.post("/credentials/openai/validate", &json!({})).await;
    assert_eq!((nothing.status, nothing.json()["results"].clone()), (200, json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_never_checked_has_no_status() {
    let stage = Stage::open().await;
    stage.stores("openai/api_key", "global", "sk-not-a-real-key").await;
    stage.stores("midjourney/api_key", "global", "not-a-real-key").await;
    let status = stage.get("/credentials/status").await.json();
    let lines = status["credentials"].as_array().expect("lines");
    let line = |service: &str| lines.iter().find(|line| line["service"] == service).expect(service);
    assert_eq!((&line("openai")["validation_status"], &line("openai")["provider"]), (&Value::Null, &json!("openai")));
    assert_eq!(line("openai")["last_validated_at"], Value::Null);
    assert_eq!(line("midjourney")["validation_status"], "unsupported");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_a_check_that_was_asked_for_stands_in_the_status() {
    let stage = Stage::open().await;
    stage.theatre.answers("openai", 200, &[], "{}");
    stage.stores("openai/api_key", "global", "sk-not-a-real-key").await;
    stage.post("/credentials/openai/validate", &json!({})).await;
    let body =
        json!({"service": "stripe", "key_name": "secret_key", "key_value": "sk_test_not_real", "validate": true});
    stage.theatre.answers("stripe", 200, &[], "{}");
    assert_eq!(stage.post("/api/secrets", &body).await.status, 200);
    let status = stage.get("/credentials/status").await.json();
    for line in status["credentials"].as_array().expect("lines") {
        assert_eq!(line["validation_status"], "valid", "{line}");
        assert!(line["last_validated_at"].is_string(), "{line}");
    }
    stage.stores("openai/api_key", "global", "sk-another-not-real-key").await;
    let status = stage.get("/credentials/status?service=openai").await.json();
    assert_eq!(status["credentials"][0]["validation_status"], Value::Null, "of this value nothing is known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_value_is_a_conflict_over_the_socket_and_a_forced_one_says_what_was_found() {
    let stage = Stage::open().await;
    stage.theatre.answers("openai", 401, &[], r#"{"error":{"code":"invalid_api_key"}}"#);
    let body = json!({"service": "openai", "key_name": "api_key", "key_value": "sk-canary", "validate": true});
    let refused = stage.post("/api/secrets", &body).await;
    assert_eq!((refused.status, refused.code()), (409, "credential_rejected".to_owned()));
    assert!(refused.body.contains("--force") && !refused.body.contains("canary"), "{refused:?}");
    let mut forced = body.clone();
    forced["force"] = json!(true);
    let stored = stage.post("/api/secrets", &forced).await;
    assert_eq!((stored.status, &stored.json()["validation"]["status"]), (200, &json!("rejected")), "{stored:?}");
    let senseless =
        stage.post("/api/secrets", &json!({"service": "a", "key_name": "b", "key_value": "c", "force": true})).await;
    assert_eq!(senseless.status, 400);
}
