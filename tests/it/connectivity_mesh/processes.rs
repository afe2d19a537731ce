//! The same with the real binary: what people type, what it prints, and the code it ends with.

use std::time::Duration;

use aurora_mesh::daemon::system_clock::SystemClock;
use aurora_mesh::model::time::{Clock, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::stage::{GOOD, REFUSED, takes_the_good_one};
use crate::support::process::{Ended, Node, directory};
use crate::support::theatre::Theatre;
use crate::support::wait::eventually;

const DAY: Duration = Duration::from_secs(86_400);

/// A lead that calls the theatre when it is asked to, or by itself.
async fn lead(dir: &std::path::Path, theatre: &Theatre, probes: bool) -> Node {
    takes_the_good_one(theatre);
    let mut lead = Node::new(dir, "aurora", "info");
    lead.init().await;
    lead.calls(&if probes { theatre.section() } else { theatre.quiet_section() });
    lead.start().await;
    lead
}

fn text(ended: &Ended) -> String {
    String::from_utf8_lossy(&ended.out).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_validated_with_a_code_that_a_script_can_branch_on() {
    let (dir, theatre) = (directory(), Theatre::start().await);
    let lead = lead(dir.path(), &theatre, false).await;
    lead.put("openai/api_key", "global", GOOD).await;
    lead.put("midjourney/api_key", "global", "not-a-real-key").await;
    let good = lead.run(&["validate", "openai"], b"").await;
    let table = good.text();
    assert!(table.starts_with("CREDENTIAL") && table.contains("openai/api_key  global  valid"), "{table}");
    assert!(table.contains("/openai/v1/models: 200"), "what was asked, and what came back: {table}");
    let all = lead.run(&["validate", "--all"], b"").await;
    assert!(all.text().contains("midjourney/api_key  global  unsupported"), "no check is no failure: {all:?}");
    assert_eq!(lead.run(&["validate", "slack"], b"").await.code, Some(3), "there is none");

    lead.put("openai/api_key", "company:acme", REFUSED).await;
    let bad = lead.run(&["validate", "openai"], b"").await;
    assert_eq!(bad.code, Some(2), "{bad:?}");
    assert!(text(&bad).contains("company:acme  rejected") && text(&bad).contains("global        valid"), "{bad:?}");
    assert!(bad.err.contains("of 2 credentials, 1 rejected"), "{bad:?}");
    let one = lead.run(&["validate", "openai/api_key", "--company", "acme", "-o", "json"], b"").await;
    assert_eq!(one.code, Some(2), "{one:?}");
    let told: Value = serde_json::from_slice(&one.out).expect("JSON");
    assert_eq!(told["results"][0]["cause"], "key_rejected", "{told}");
    theatre.shut("openai").await;
    let away = lead.run(&["validate", "openai/api_key"], b"").await;
    assert_eq!(away.code, Some(2), "{away:?}");
    assert!(text(&away).contains("unreachable"), "{away:?}");
    let absent = lead.run(&["validate", "stripe/secret_key"], b"").await;
    assert_eq!(absent.code, Some(3), "{absent:?}");
    assert_eq!(lead.run(&["validate", "nobody-knows"], b"").await.code, Some(3));
    assert_eq!(lead.run(&["validate"], b"").await.code, Some(1));
    for ended in [&good, &all, &bad, &one, &away] {
        assert!(!text(ended).contains("sk-a") && !ended.err.contains("sk-a"), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_its_provider_refuses_is_stored_only_by_force() {
    let (dir, theatre) = (directory(), Theatre::start().await);
    let lead = lead(dir.path(), &theatre, false).await;
    let put = async |more: &[&str], value: &str| {
        lead.run(&[&["put", "openai/api_key", "-"], more].concat(), value.as_bytes()).await
    };
    let refused = put(&["--validate"], REFUSED).await;
    assert_eq!((refused.code, refused.out.len()), (Some(2), 0), "{refused:?}");
    assert!(refused.err.contains("--force") && !refused.err.contains(REFUSED), "{refused:?}");
    assert_eq!(lead.run(&["get", "openai/api_key"], b"").await.code, Some(3), "nothing was stored");
    assert_eq!(put(&["--force"], REFUSED).await.code, Some(1), "there is nothing to force");

    let rehearsed = put(&["--validate", "--dry-run"], GOOD).await;
    assert_eq!(rehearsed.code, Some(0), "{rehearsed:?}");
    assert_eq!(lead.run(&["get", "openai/api_key"], b"").await.code, Some(3), "a rehearsal stores nothing");
    let stored = put(&["--validate"], GOOD).await;
    assert_eq!(stored.code, Some(0), "{stored:?}");
    assert_eq!(lead.run(&["get", "openai/api_key"], b"").await.text(), GOOD);
    let forced = put(&["--validate", "--force"], REFUSED).await;
    assert_eq!(forced.code, Some(0), "{forced:?}");
    assert!(forced.err.contains("rejected"), "it is stored, and said to be bad: {forced:?}");
    assert_eq!(lead.run(&["get", "openai/api_key"], b"").await.text(), REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_tells_what_the_nodes_found_out_by_themselves() {
    let (dir, theatre) = (directory(), Theatre::start().await);
    let lead = lead(dir.path(), &theatre, true).await;
    theatre.answers("slack", 200, &[], r#"{"ok":true}"#);
    lead.put("slack/bot_token", "global", "xoxb-not-a-real-token").await;
    lead.put("openai/api_key", "global", GOOD).await;
    lead.put("openai/api_key", "company:acme", REFUSED).await;
    let table = eventually("the table tells of all", || async {
        let table = lead.run(&["connectivity"], b"").await.text().to_owned();
        let all = ["key_rejected", "slack    healthy   ok "].iter().all(|words| table.contains(words));
        all.then_some(table)
    })
    .await;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("SERVICE  OVERALL   aurora"), "{table}");
    assert!(lines[1].starts_with("openai   degraded  degraded "), "{table}");
    assert!(table.contains("  = only the key of company acme is rejected: it is that company's"), "{table}");
    assert!(table.contains("openai/api_key of company:acme"), "{table}");
    assert!(!table.contains("sk-") && lines.iter().all(|line| line.chars().count() <= 80), "{table}");
    let best = lead.run(&["connectivity", "--best", "slack", "-o", "json"], b"").await.json();
    assert_eq!((&best["nodes"][0]["node"], &best["nodes"][0]["rank"]), (&json!("aurora"), &json!(1)));
    let shown = lead.run(&["providers", "show", "openai"], b"").await;
    for words in ["source    file", "api_key: GET /v1/models, credential by header", "Missing scopes"] {
        assert!(shown.text().contains(words), "{words}: {}", shown.text());
    }
}

/// A JWT that says when it ends.
fn jwt(ends: Timestamp) -> String {
    let payload = json!({"role": "anon", "exp": ends.0 / 1000}).to_string();
    format!("eyJhbGciOiJIUzI1NiJ9.{}.bm90LWEtc2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(payload))
}

/// As GitHub writes a time.
fn of_github(time: Timestamp) -> String {
    format!("{} UTC", time.to_string().replace('T', " ").chars().take(19).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_providers_and_keys_say_of_their_end_is_listed_beside_what_people_say() {
    let (dir, theatre) = (directory(), Theatre::start().await);
    let lead = lead(dir.path(), &theatre, true).await;
    let now = SystemClock::new().expect("a clock").now().wall;
    let ahead = |days: u32| now.plus(DAY * days + Duration::from_secs(3600));
    let header = of_github(ahead(10));
    theatre.answers("github", 200, &[("github-authentication-token-expiration", &header)], r#"{"login":"octocat"}"#);
    theatre.answers("supabase", 200, &[], "{}");
    let granted = json!({"access_token": "ya29.not-real", "expires_in": 3599, "refresh_token_expires_in": 432_000});
    theatre.answers("google_oauth", 200, &[], &granted.to_string());
    let put = async |name: &str, value: &str, more: &[&str]| {
        let stored = lead.run(&[&["put", name, "-"], more].concat(), value.as_bytes()).await;
        assert_eq!(stored.code, Some(0), "{stored:?}");
    };
    let (sooner, later) = (ahead(2).to_string(), ahead(25).to_string());
    put("github/token", "ghp_not_a_real_token", &["--expires-at", &later]).await;
    put("supabase/url", "https://not-a-project.supabase.co", &[]).await;
    put("supabase/anon_key", &jwt(ahead(20)), &[]).await;
    put("supabase/publishable_key", &jwt(ahead(21)), &["--expires-at", &sooner]).await;
    put("openai/api_key", GOOD, &["--expires-at", &later]).await;
    for (field, value) in [("client_id", "id-1"), ("client_secret", "not-real"), ("refresh_token", "1//not-real")] {
        put(&format!("google_oauth/{field}"), value, &[]).await;
    }
    let wanted = [
        "supabase/publishable_key 2 user",
        "google_oauth/refresh_token 5 answer",
        "github/token 10 header",
        "supabase/anon_key 20 jwt",
        "openai/api_key 25 user",
    ];
    eventually("all that ends is listed, the soonest first", || async {
        let listed = lead.run(&["expiring", "--within", "30d", "-o", "json"], b"").await.json();
        let line = |it: &Value| {
            // A part of a day counts as one; what is left is a whole number of days and less than an hour.
            let left = it["days_left"].as_i64().unwrap_or_default();
            let left = if it["source"] == "answer" { left } else { left - 1 };
            let text = |field: &str| it[field].as_str().unwrap_or_default().to_owned();
            format!("{}/{} {left} {}", text("service"), text("key_name"), text("source"))
        };
        let lines: Vec<String> = listed["secrets"].as_array()?.iter().map(line).collect();
        (lines == wanted).then_some(())
    })
    .await;
    let table = lead.run(&["expiring", "--within", "11d"], b"").await.text().to_owned();
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains("github/token") && table.contains("in 10 d  header"), "{table}");
}
