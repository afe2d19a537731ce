//! Clients of the AWS Secrets Manager Agent read here as they read there.

use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::vault::request::PutRequest;
use serde_json::{Value, json};

use super::Stage;
use crate::agents::stage::{agent, journal, key};
use crate::support::callers::put;
use crate::support::http::{self, Answer};
use crate::support::loopback::{request, send};

const TOKEN: &str = "X-Aws-Parameters-Secrets-Token";

/// As `requests.get(url, headers={"X-Aws-Parameters-Secrets-Token": token})` sends it: nothing of ours.
async fn read(stage: &Stage, token: &str, query: &str, more: &[(&str, &str)]) -> Answer {
    let host = stage.at.to_string();
    let headers = [&[("Host", host.as_str()), (TOKEN, token)], more].concat();
    let target = format!("/secretsmanager/get{query}");
    Answer::parse(&send(stage.at, request("GET", &target, &headers, "").as_bytes()).await).expect("an answer")
}

async fn told(stage: &Stage, query: &str) -> Value {
    let answer = read(stage, &stage.key, query, &[]).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    answer.json()
}

/// Status, exception and message of a refusal.
fn refusal(answer: &Answer) -> (u16, String, String) {
    let text = |field: &str| answer.json()[field].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned();
    (answer.status, text("__type"), text("message"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_has_the_shape_of_get_secret_value_and_says_how_fresh_it_is() {
    let stage = Stage::set().await;
    let answer = read(&stage, &stage.key, "?secretId=openai/api_key", &[]).await;
    let body = answer.json();
    let fields: Vec<&String> = body.as_object().expect("an object").keys().collect();
    assert_eq!(fields.len(), 6, "{body}");
    assert_eq!((&body["Name"], &body["VersionId"]), (&json!("openai/api_key"), &json!("1")));
    assert_eq!(body["SecretString"], "not-a-real-global-key");
    assert_eq!(body["VersionStages"], json!(["AWSCURRENT"]));
    let created: f64 = body["CreatedDate"].as_str().expect("a text").parse().expect("seconds");
    assert!(created > 0.0);
    assert_eq!((answer.header("x-cache"), answer.header("x-secret-version")), (Some("LEAD"), Some("1")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let arn = body["ARN"].as_str().expect("a text");
    assert_eq!(told(&stage, &format!("?secretId={arn}")).await["Name"], "openai/api_key");
    assert_eq!(told(&stage, "?secretId=openai%2Fapi_key&refreshNow=true").await["VersionId"], "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_are_read_by_number_and_by_label_and_bytes_as_base64() {
    let stage = Stage::set().await;
    let told = |query: &'static str| told(&stage, query);
    stage.mesh.put(put("openai/api_key", "global", "not-a-real-second-key")).await;
    let bytes = Plaintext::new(b"\xff\xfe\x00".to_vec());
    stage.mesh.put(PutRequest { value: bytes, ..put("openai/keyfile", "global", "x") }).await;
    let current = told("?secretId=openai/api_key&versionStage=AWSCURRENT").await;
    assert_eq!((&current["SecretString"], &current["VersionId"]), (&json!("not-a-real-second-key"), &json!("2")));
    let previous = told("?secretId=openai/api_key&versionStage=AWSPREVIOUS").await;
    assert_eq!((&previous["SecretString"], &previous["VersionId"]), (&json!("not-a-real-global-key"), &json!("1")));
    assert_eq!(previous["VersionStages"], json!(["AWSPREVIOUS"]));
    let first = told("?secretId=openai/api_key&versionId=1").await;
    assert_eq!((&first["VersionId"], &first["VersionStages"]), (&json!("1"), &Value::Null), "{first}");
    assert_eq!(told("?secretId=openai/api_key&versionId=2&versionStage=AWSCURRENT").await["VersionId"], "2");
    let wrong = read(&stage, &stage.key, "?secretId=openai/api_key&versionId=1&versionStage=AWSCURRENT", &[]).await;
    assert_eq!((refusal(&wrong).0, refusal(&wrong).1.as_str()), (400, "ResourceNotFoundException"));
    let none = read(&stage, &stage.key, "?secretId=hubspot/api_key&versionStage=AWSPREVIOUS", &[]).await;
    assert_eq!(refusal(&none).1, "ResourceNotFoundException");
    let binary = told("?secretId=openai/keyfile").await;
    assert_eq!((&binary["SecretBinary"], &binary["SecretString"]), (&json!("//4A"), &Value::Null), "{binary}");
    let lines = journal(&stage.mesh).await;
    let reads = lines.iter().filter(|line| line["action"] == "secret.read" && line["decision"] == "allow").count();
    assert!(reads >= 6, "each is written down: {reads}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_is_named_by_header_or_reference_and_not_by_two_that_differ() {
    let mut stage = Stage::set().await;
    agent(&stage.mesh, "acmes", &json!({"companies": ["acme"]})).await;
    stage.key = key(&stage.mesh, "acmes", &json!({})).await;
    let acme = [("X-Company-Id", "acme")];
    let by_header = read(&stage, &stage.key, "?secretId=openai/api_key", &acme).await;
    assert_eq!(by_header.json()["SecretString"], "not-a-real-acme-key", "{}", by_header.body);
    let by_reference = told(&stage, "?secretId=aurora://openai/api_key%3Fcompany%3Dacme").await;
    assert_eq!(by_reference["SecretString"], "not-a-real-acme-key");
    let both = read(&stage, &stage.key, "?secretId=aurora://openai/api_key%3Fcompany%3Dglobex", &acme).await;
    assert_eq!(refusal(&both).0, 400);
    let other = read(&stage, &stage.key, "?secretId=openai/api_key", &[("X-Company-Id", "globex")]).await;
    assert_eq!((refusal(&other).0, refusal(&other).1.as_str()), (403, "AccessDeniedException"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_told_in_the_words_of_that_agent() {
    let stage = Stage::set().await;
    agent(&stage.mesh, "knows", &json!({"capabilities": ["data_read", "data_query"], "secrets": ["openai/*"]})).await;
    let knows = key(&stage.mesh, "knows", &json!({})).await;
    let table = [
        ("", 400, "InvalidParameterException", "missing parameter secretId"),
        ("?secretId=a/b&abc=1", 400, "InvalidParameterException", "unknown parameter: abc"),
        ("?secretId=openai", 400, "InvalidParameterException", "secretId must be"),
        ("?secretId=openai/api_key&refreshNow=maybe", 400, "InvalidParameterException", "refreshNow must be"),
        ("?secretId=openai/absent", 400, "ResourceNotFoundException", "not_found: "),
        ("?secretId=hubspot/api_key", 403, "AccessDeniedException", "denied: "),
    ];
    for (query, status, kind, message) in table {
        let told = refusal(&read(&stage, &knows, query, &[]).await);
        assert_eq!((told.0, told.1.as_str()), (status, kind), "{query}: {}", told.2);
        assert!(told.2.starts_with(message), "{query}: {}", told.2);
    }
    let wrong = refusal(&read(&stage, "not-a-key", "?secretId=openai/api_key", &[]).await);
    assert_eq!((wrong.0, wrong.1.as_str()), (403, "AccessDeniedException"), "{}", wrong.2);
    let host = stage.at.to_string();
    let headers = [("Host", host.as_str()), (TOKEN, knows.as_str())];
    let post = request("POST", "/secretsmanager/get?secretId=openai/api_key", &headers, "");
    assert_eq!(Answer::parse(&send(stage.at, post.as_bytes()).await).expect("an answer").status, 405);
    let socket = stage.mesh.lead.agent_socket();
    let by_kernel = http::get(&socket, "/secretsmanager/get?secretId=openai/api_key").await;
    assert_eq!(by_kernel.json()["SecretString"], "not-a-real-global-key", "on the socket the kernel says who asks");
    assert_eq!(http::get(&socket, "/ping").await.body, "healthy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_other_spelling_of_a_name_is_refused_and_absent_is_told_as_denied_to_whoever_may_not_know() {
    let stage = Stage::set().await;
    for (before, base, after) in [("", "openai", "%2Fapi_key"), ("openai%2F", "api_key", "")] {
        for spelling in crate::hostile_names::spellings(base) {
            let escaped: String = spelling.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let query = format!("?secretId={before}{escaped}{after}");
            let refused = read(&stage, &stage.key, &query, &[]).await;
            if refused.status == 431 {
                continue;
            }
            let (status, kind, message) = refusal(&refused);
            assert!((400..500).contains(&status) && status != 429, "{spelling:?}: {status}");
            assert_eq!(kind, "InvalidParameterException", "{spelling:?}: {message}");
        }
    }
    let bounded = json!({"name": "bounded", "secrets": ["stripe/*"]});
    let small = key(&stage.mesh, "robot", &bounded).await;
    let present = refusal(&read(&stage, &small, "?secretId=openai/api_key", &[]).await);
    assert_eq!(refusal(&read(&stage, &small, "?secretId=openai/absent", &[]).await), present);
    assert_eq!((present.0, present.1.as_str()), (403, "AccessDeniedException"));
}
