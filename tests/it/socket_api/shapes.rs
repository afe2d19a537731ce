//! The answers whose shape is fixed: every field, in its order.

use std::io::ErrorKind;
use std::process::Command;

use super::{COMPANY, Example, HUBSPOT, masked};
use crate::support::http;

/// What the company reads.
const OF_THE_COMPANY: &str = concat!(
    r#"{"service":"hubspot","key_name":"api_key","key_value":"pat-na1-xyz789","scope":"company","#,
    r#""scope_id":"company-town-foods","metadata":{"description":"Company Town Foods' own HubSpot","#,
    r#""contact":"ops@example.com"},"override_applied":"company","version":1,"environment":"prod"}"#
);

/// What everybody else reads.
const OF_EVERYONE: &str = concat!(
    r#"{"service":"hubspot","key_name":"api_key","key_value":"pat-na1-abc123","scope":"global","scope_id":null,"#,
    r#""metadata":{"description":"HubSpot, shared by every company"},"override_applied":null,"version":1,"#,
    r#""environment":"prod"}"#
);

#[tokio::test]
async fn a_stored_example_reads_back_as_the_api_page_shows_it() {
    let example = Example::start().await;
    let [everyone, company] = &example.stored;
    let stored = |id: u64, revision: u64| {
        format!(
            r#"{{"success":true,"secret_id":{id},"message":"Secret stored successfully","version":1,"revision":{revision}}}"#
        )
    };
    let first = everyone.json()["revision"].as_u64().expect("a revision");
    assert_eq!(everyone.body, stored(1, first));
    assert_eq!(company.body, stored(2, first + 1));
    assert_eq!((company.status, company.header("content-type")), (200, Some("application/json")));
    assert_eq!(example.read(&[COMPANY]).await.body, OF_THE_COMPANY);
    assert_eq!(example.read(&[]).await.body, OF_EVERYONE);
    assert_eq!(example.read(&[COMPANY, ("X-Node-Name", "aurora")]).await.body, OF_THE_COMPANY);
    let by_scope = http::get(&example.lead.agent(), &format!("{HUBSPOT}?scope=global&version=1")).await;
    assert_eq!(by_scope.body, OF_EVERYONE, "a scope asked for by name overrides nothing");
}

/// The same with a tool people have. It is not everywhere, so it comes beside the bytes above, not instead of them.
#[tokio::test]
async fn curl_reads_the_example() {
    let example = Example::start().await;
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--include", "--header", "X-Company-Id: company-town-foods", "--unix-socket"]);
    curl.arg(example.lead.agent()).arg(format!("http://localhost{HUBSPOT}"));
    match curl.output() {
        Ok(ended) => {
            let text = String::from_utf8(ended.stdout).expect("text");
            assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with(OF_THE_COMPANY), "{text}");
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "curl is there and cannot be run"),
    }
}

#[tokio::test]
async fn a_list_and_the_versions_show_every_field_but_the_value() {
    let example = Example::start().await;
    let agent = example.lead.agent();
    let volatile = ["created_at", "updated_at", "timestamp", "revision"];
    let record = |scope: &str, id: &str, secret_id: u64, metadata: &str| {
        format!(
            concat!(
                r#"{{"service":"hubspot","key_name":"api_key","scope":"{}","scope_id":{},"environment":"prod","#,
                r#""secret_id":{},"version":1,"revision":_,"deleted":false,"state":"live","metadata":{{{}}},"expires_at":null,"#,
                r#""ttl":null,"max_stale":null,"offline":"allow","rotation_reminder_days":90,"created_at":_,"updated_at":_}}"#
            ),
            scope, id, secret_id, metadata
        )
    };
    let everyone = record("global", "null", 1, r#""description":"HubSpot, shared by every company""#);
    let company = record(
        "company",
        r#""company-town-foods""#,
        2,
        r#""description":"Company Town Foods' own HubSpot","contact":"ops@example.com""#,
    );
    let list = http::get(&agent, "/api/secrets?service=hubspot").await.body;
    let wanted = format!(r#"{{"secrets":[{everyone},{company}],"next_cursor":null,"timestamp":_}}"#);
    assert_eq!(masked(&list, &volatile), wanted);
    let one = http::get(&agent, "/api/secrets?prefix=hubspot/&limit=1").await.json();
    let cursor = one["next_cursor"].as_str().expect("a next page");
    let two = http::get(&agent, &format!("/api/secrets?limit=1&cursor={}", cursor.replace('/', "%2F"))).await.json();
    assert_eq!((&one["secrets"][0]["secret_id"], &two["secrets"][0]["secret_id"]), (&1.into(), &2.into()));
    let target = format!("{HUBSPOT}/versions?scope=company&scope_id=company-town-foods");
    let versions = http::get(&agent, &target).await.body;
    let wanted = format!(
        concat!(
            r#"{{"service":"hubspot","key_name":"api_key","scope":"company","scope_id":"company-town-foods","#,
            r#""environment":"prod","versions":[{}],"nodes":[{{"node":"aurora","entitled":true,"current":true,"version":1}}],"timestamp":_}}"#
        ),
        company
    );
    assert_eq!(masked(&versions, &volatile), wanted);
}

#[tokio::test]
async fn an_explanation_names_every_scope_the_winner_and_the_rule() {
    let example = Example::start().await;
    let target = "/api/explain/hubspot/api_key";
    let body = http::ask(&example.lead.agent(), "GET", target, &[COMPANY], "").await.body;
    let masked =
        masked(&body, &["created_at", "updated_at", "revision", "fresh_until", "metadata", "rule", "timestamp"]);
    let (start, rest) = masked.split_once(r#""winner":"#).expect("a winner");
    assert_eq!(
        start,
        concat!(
            r#"{"service":"hubspot","key_name":"api_key","environment":"prod","tried":["#,
            r#"{"scope":"node","scope_id":"aurora","outcome":"absent","version":null},"#,
            r#"{"scope":"company","scope_id":"company-town-foods","outcome":"won","version":1},"#,
            r#"{"scope":"global","scope_id":null,"outcome":"overridden","version":1}],"#
        )
    );
    let end = concat!(
        r#""allowed":true,"rule":_,"freshness":{"served":"LEAD","age_ms":0,"fresh_until":_,"servable_for_ms":null},"#,
        r#""durations":{"ttl":300,"ttl_from":"node","max_stale":3600,"max_stale_from":"node"},"#,
        r#""nodes":[{"node":"aurora","entitled":true,"current":true,"version":1}],"timestamp":_}"#
    );
    assert!(rest.ends_with(end), "{rest}");
    assert!(!body.contains("pat-na1"), "{body}");
}

#[tokio::test]
async fn health_has_its_fixed_shape_on_both_sockets() {
    let example = Example::start().await;
    for socket in [example.lead.agent(), example.lead.admin()] {
        let body = http::get(&socket, "/health").await.body;
        let wanted = concat!(
            r#"{"status":"healthy","node":"aurora","role":"lead","epoch":1,"revision":2,"lead":"aurora","#,
            r#""lead_last_heard_ms":0,"freshness":"lead","timestamp":_}"#
        );
        assert_eq!(masked(&body, &["timestamp"]), wanted);
    }
}
