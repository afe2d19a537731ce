//! The headers of an answer, and the answer without a body for who has the value already.

use super::{COMPANY, Example, HUBSPOT};
use crate::support::http;

const SECRET_HEADERS: [&str; 6] = ["cache-control", "x-cache", "age", "x-secret-version", "x-fresh-until", "etag"];

#[tokio::test]
async fn an_answer_about_a_secret_tells_its_version_and_freshness() {
    let example = Example::start().await;
    let answer = example.read(&[COMPANY]).await;
    let told = SECRET_HEADERS.map(|name| answer.header(name));
    let [Some("no-store"), Some("LEAD"), Some("0"), Some("1"), Some(fresh_until), Some("\"2.1\"")] = told else {
        panic!("{}", answer.head)
    };
    let well_formed = fresh_until.len() == "2026-01-31T00:00:00.000Z".len() && fresh_until.ends_with('Z');
    assert!(well_formed, "{fresh_until}");
}

#[tokio::test]
async fn every_answer_has_its_own_request_id() {
    let example = Example::start().await;
    let agent = example.lead.agent();
    let mut ids = Vec::new();
    for target in [HUBSPOT, HUBSPOT, "/health", "/api/secrets", "/nowhere", "/api/secrets/Hubspot/api_key"] {
        let answer = http::get(&agent, target).await;
        ids.push(answer.header("x-request-id").unwrap_or_else(|| panic!("{target}: {}", answer.head)).to_owned());
    }
    assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())), "{ids:?}");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[tokio::test]
async fn who_has_the_current_value_is_told_so_without_it() {
    let example = Example::start().await;
    for tag in ["\"2.1\"", "\"9.9\", \"2.1\"", "*", "\"1\""] {
        let answer = example.read(&[COMPANY, ("If-None-Match", tag)]).await;
        assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{tag}");
        let told: Vec<&str> = SECRET_HEADERS.into_iter().filter(|name| answer.header(name).is_some()).collect();
        assert_eq!(told, SECRET_HEADERS, "{tag}");
        assert_eq!(answer.header("etag"), Some("\"2.1\""));
    }
    for tag in ["\"2.2\"", "\"2\"", "\"1.1\", \"1\"", "W/\"2.1\"", "2.1"] {
        assert_eq!(example.read(&[COMPANY, ("If-None-Match", tag)]).await.status, 200, "{tag}");
    }
    example.lead.put("hubspot/api_key", "company:company-town-foods", "pat-na1-second").await;
    let answer = example.read(&[COMPANY, ("If-None-Match", "\"2.1\"")]).await;
    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2.2\"")));
    assert_eq!(answer.json()["key_value"], "pat-na1-second");
}

/// Versions count per scope, and the tag was the version alone: who had version 1 of the company's value was told that
/// nothing had changed when it was deleted and version 1 of the global value took its place.
#[tokio::test]
async fn the_value_of_another_scope_is_never_taken_for_the_one_a_caller_has() {
    let example = Example::start().await;
    let tag = example.read(&[COMPANY]).await.header("etag").expect("a tag").to_owned();
    let target = format!("{HUBSPOT}?scope=company&scope_id=company-town-foods");
    let deleted = http::ask(&example.lead.admin(), "DELETE", &target, &[], "").await;
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    let answer = example.read(&[COMPANY, ("If-None-Match", &tag)]).await;
    assert_eq!((answer.status, answer.header("x-secret-version")), (200, Some("1")));
    assert_eq!(answer.json()["key_value"], "pat-na1-abc123");
}

/// A plain path goes to its route straight, one with an escape through the router.
#[tokio::test]
async fn a_path_is_answered_alike_with_an_escape_and_without() {
    let example = Example::start().await;
    let agent = example.lead.agent();
    let known = ("If-None-Match", "\"1.1\"");
    for (plain, escaped, header, status) in [
        (HUBSPOT, "/api/secrets/hubspot/api%5Fkey", COMPANY, 200),
        (HUBSPOT, "/api/secrets/hubspot/api%5Fkey", known, 304),
        ("/api/secrets/hubspot/absent", "/api/secrets/hubspot/%61bsent", COMPANY, 404),
        ("/api/secrets/hubspot/Absent", "/api/secrets/hubspot/%41bsent", COMPANY, 400),
        ("/api/secrets/hubspot/api_key?scope=x", "/api/secrets/%68ubspot/api_key?scope=x", COMPANY, 400),
    ] {
        let mut answers = Vec::new();
        for path in [plain, escaped] {
            let answer = http::ask(&agent, "GET", path, &[header], "").await;
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
            assert_eq!(answer.header(header.0), None, "what was asked with is no part of the answer");
            let id = answer.header("x-request-id").expect("an id").to_owned();
            let volatile = ["date", "x-fresh-until", "x-request-id"];
            let is_told = |line: &&str| !volatile.iter().any(|name| line.starts_with(name));
            let mut head: Vec<String> = answer.head.lines().filter(is_told).map(str::to_owned).collect();
            head.sort();
            answers.push((head, answer.body.replace(&id, "_")));
        }
        assert_eq!(answers[0], answers[1], "{plain}");
    }
}
