//! Many values at once: `POST /api/import` takes lines, all or none, and `GET /api/export` gives pages.

use serde_json::{Value, json};

use super::Example;
use crate::support::http::{self, Answer};

fn lines(entries: &[Value]) -> String {
    entries.iter().map(|entry| format!("{entry}\n")).collect()
}

fn entry(name: &str, value: &str) -> Value {
    let (service, key) = name.split_once('/').expect("SERVICE/KEY");
    json!({"service": service, "key_name": key, "key_value": value})
}

async fn import(example: &Example, query: &str, body: &str) -> Answer {
    http::ask(&example.lead.admin(), "POST", &format!("/api/import{query}"), &[], body).await
}

async fn revision(example: &Example) -> u64 {
    example.lead.health().await["revision"].as_u64().expect("a revision")
}

#[tokio::test]
async fn an_import_answers_for_each_line_in_order_and_a_rehearsal_says_the_same_and_stores_nothing() {
    let example = Example::start().await;
    let body = lines(&[entry("z/new", "1"), entry("hubspot/api_key", "other"), entry("a/new", "2")]);
    let wanted = |dry_run: bool| {
        format!(
            concat!(
                r#"{{"success":true,"dry_run":{},"new":2,"changed":1,"same":0,"revision":5,"entries":["#,
                r#"{{"outcome":"new","version":1}},{{"outcome":"changed","version":2}},{{"outcome":"new","version":1}}]}}"#
            ),
            dry_run
        )
    };
    assert_eq!(import(&example, "?dry_run=true", &body).await.body, wanted(true));
    assert_eq!(revision(&example).await, 2);
    assert_eq!(import(&example, "", &body).await.body, wanted(false));
    let again = import(&example, "?dry_run=false", &body).await.json();
    assert_eq!((&again["same"], &again["revision"], revision(&example).await), (&json!(3), &json!(5), 5));
    let empty = import(&example, "", "\n").await.json();
    assert_eq!((&empty["success"], &empty["entries"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn one_wrong_line_keeps_out_all_and_is_named_without_its_value() {
    let example = Example::start().await;
    let good = entry("a/b", "canary").to_string();
    let with = |wrong: &str| format!("{good}\n\n{wrong}\n");
    let large = entry("c/d", &"canary".repeat(12_000)).to_string();
    let enormous = entry("c/d", &"canary".repeat(100_000)).to_string();
    let conflict = json!({"service": "hubspot", "key_name": "api_key", "key_value": "canary", "cas": 7}).to_string();
    let elsewhere =
        json!({"service": "c", "key_name": "d", "key_value": "canary", "fields": [{"name": "x", "type": "secret"}]});
    for (wrong, status, code, says) in [
        ("{\"service\":\"canary", 400, "bad_json", "line 3: "),
        (r#"{"service":"c","key_name":"d"}"#, 400, "bad_json", "line 3: the field \"key_value\" is missing"),
        (r#"{"service":"c","key_name":"d","key_value":"canary","x":1}"#, 400, "unknown_field", "line 3: "),
        (r#"{"service":"C","key_name":"d","key_value":"canary"}"#, 400, "bad_name", "C"),
        (&good, 400, "bad_value", "a/b (global): it is there twice; nothing was stored"),
        (&large, 413, "value_too_large", "c/d (global): the value is larger than 65536 bytes; nothing was stored"),
        (&enormous, 413, "value_too_large", "line 3: the request body is larger than a value of 65536 bytes can need"),
        (&conflict, 409, "version_conflict", "hubspot/api_key (global): the current version is 1"),
        (&elsewhere.to_string(), 400, "bad_fields", "c/d (global): a value with fields"),
    ] {
        for query in ["", "?dry_run=true"] {
            let refused = import(&example, query, &with(wrong)).await;
            assert_eq!((refused.status, refused.code().as_str()), (status, code), "{}", refused.body);
            let message = refused.message();
            assert!(message.contains(says) && !refused.body.contains("canary"), "{message} lacks {says}");
        }
    }
    assert_eq!(revision(&example).await, 2);
    assert_eq!(http::get(&example.lead.agent(), "/api/secrets/a/b").await.status, 404);
}

#[tokio::test]
async fn who_may_not_write_is_refused_before_a_line_is_read() {
    let example = Example::start().await;
    let body = lines(&[entry("a/b", "c")]);
    let refused = http::ask(&example.lead.agent(), "POST", "/api/import", &[], &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "denied"));
    let unknown = import(&example, "?dryrun=true", &body).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (400, "unknown_field"));
    let flag = import(&example, "?dry_run=maybe", &body).await;
    assert_eq!((flag.status, flag.code().as_str()), (400, "bad_value"));
    let node = http::ask(&example.lead.admin(), "POST", "/api/import", &[("X-Node-Name", "other")], &body).await;
    assert_eq!((node.status, node.code().as_str()), (403, "node_mismatch"));
    assert_eq!(revision(&example).await, 2);
}

#[tokio::test]
async fn the_journal_names_every_secret_of_an_import_before_the_intent() {
    let example = Example::start().await;
    import(&example, "", &lines(&[entry("b/b", "canary"), entry("a/a", "canary")])).await;
    let tail = http::get(&example.lead.admin(), "/api/audit?limit=5").await.json();
    assert!(!tail.to_string().contains("canary"));
    let told = |line: &Value| {
        let line: Value = serde_json::from_str(line.as_str().expect("a line")).expect("JSON");
        format!("{} {}", line["outcome"], line["secret"])
    };
    let told: Vec<String> = tail["lines"].as_array().expect("lines").iter().map(told).collect();
    let wanted = [r#""planned" "a/a""#, r#""planned" "b/b""#, r#""intent" null"#, r#""ok" null"#, r#""ok" null"#];
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn an_export_goes_through_the_names_page_by_page_and_each_value_once() {
    let example = Example::start().await;
    let many: Vec<Value> =
        (0..250).map(|number| entry(&format!("many/key-{number:03}"), &number.to_string())).collect();
    assert_eq!(import(&example, "", &lines(&many)).await.status, 200);
    let (mut names, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = http::get(&example.lead.agent(), &format!("/api/export?prefix=many/{cursor}")).await.json();
        pages += 1;
        names.extend(
            page["secrets"].as_array().expect("a list").iter().map(|it| it["key_value"].as_str().map(str::to_owned)),
        );
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={}", next.replace('/', "%2F"));
    }
    assert_eq!(names, (0..250).map(|number| Some(number.to_string())).collect::<Vec<_>>());
    assert_eq!(pages, 3, "a page that ends the list says so");
    let company = [("X-Company-Id", "company-town-foods")];
    let own = http::ask(&example.lead.agent(), "GET", "/api/export?prefix=hubspot/", &company, "").await;
    assert_eq!(own.json()["secrets"][0]["override_applied"], "company", "{}", own.body);
    assert_eq!(own.header("cache-control"), Some("no-store"));
    let bad = http::get(&example.lead.agent(), "/api/export?cursor=nonsense").await;
    assert_eq!((bad.status, bad.code().as_str()), (400, "bad_name"));
    let unknown = http::get(&example.lead.agent(), "/api/export?limit=1").await;
    assert_eq!((unknown.status, unknown.code().as_str()), (400, "unknown_field"));
}
