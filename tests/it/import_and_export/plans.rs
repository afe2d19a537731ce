//! What an import shows before it stores, and that it stores exactly that, or nothing.

use serde_json::json;

use super::Desk;
use crate::support::http;

/// One name for each way to find it, one that nobody knows, one that is unwanted, one that is empty.
const FILE: &str = "# what we use\nexport HUBSPOT_API_KEY=\"pat-na1\"\nDATABASE_URL=postgres://example\nOPENAI_API_KEY=sk-1\n\
                    # aurora: google_oauth/app#client_id\nG_ID=id\n# aurora: google_oauth/app#client_secret\nG_SECRET='s s'\n\
                    PORT=80\nMINE=m # for acme\nSTRIPE_SECRET_KEY=\n";

const MAP: &str = "PORT = false\nMINE = \"mine/key company:acme\"\n";

const PLAN: &str = "\
ACTION   SECRET             SCOPE         FROM                       WHY
new      hubspot/api_key    global        line 2 HUBSPOT_API_KEY     -
skipped  -                  -             line 3 DATABASE_URL        no provider is known for it; write into the map file: DATABASE_URL = \"database/url\"
changed  openai/api_key     global        line 4 OPENAI_API_KEY      -
new      google_oauth/app   global        line 6 G_ID, G_SECRET      -
skipped  -                  -             line 9 PORT                the map file leaves it out
same     mine/key           company:acme  line 10 MINE               -
new      stripe/secret_key  global        line 11 STRIPE_SECRET_KEY  the value is empty
";

#[tokio::test]
async fn the_plan_tells_what_becomes_of_each_name_and_a_dry_run_stores_nothing() {
    let desk = Desk::open().await;
    desk.lead.put("openai/api_key", "global", "sk-0").await;
    let revision = desk.lead.put("mine/key", "company:acme", "m").await;
    let (file, map) = (desk.file(".env", FILE), desk.file("map.toml", MAP));
    let dry = desk.import(&[&file, "--map", &map, "--dry-run"]).await;
    assert_eq!(dry.text(), format!("{PLAN}3 new, 1 changed, 1 same, 2 skipped; a dry run: nothing was stored\n"));
    assert_eq!(desk.revision().await, revision);
    assert!(desk.value("hubspot/api_key").await.is_none());

    let unasked = desk.import(&[&file, "--map", &map]).await;
    assert_eq!((unasked.code, String::from_utf8_lossy(&unasked.out).as_ref()), (Some(1), PLAN));
    let says = "error: nothing was stored: there is no terminal to ask on\n  hint: Add --yes";
    assert!(unasked.err.starts_with(says), "{}", unasked.err);
    assert_eq!(desk.revision().await, revision);

    let stored = desk.import(&[&file, "--map", &map, "--yes", "--reason", "moving in"]).await;
    assert_eq!(stored.text(), format!("{PLAN}3 new, 1 changed, 1 same, 2 skipped; revision {}\n", revision + 4));
    assert_eq!(desk.value("hubspot/api_key").await.expect("stored"), b"pat-na1");
    assert_eq!(desk.value("openai/api_key").await.expect("stored"), b"sk-1");
    let app = http::get(&desk.lead.agent(), "/api/secrets/google_oauth/app").await.json();
    assert_eq!(app["key_value"], r#"{"client_id":"id","client_secret":"s s"}"#);
    let fields = json!([{"name": "client_id", "type": "string"}, {"name": "client_secret", "type": "secret"}]);
    assert_eq!(app["fields"], fields);
    let journal = desk.journal();
    assert!(!journal.contains("pat-na1") && journal.contains("moving in"), "{journal}");

    let again = desk.import(&[&file, "--map", &map, "--yes"]).await;
    assert!(again.text().ends_with("0 new, 0 changed, 5 same, 2 skipped; there is nothing to store\n"), "{again:?}");
    assert_eq!(desk.revision().await, revision + 4);
}

#[tokio::test]
async fn a_program_gets_the_plan_and_what_came_of_it_as_one_object() {
    let desk = Desk::open().await;
    let file = desk.file("a.json", r#"{"hubspot":{"api_key":"canary"},"PATH":"canary"}"#);
    let dry = desk.import(&[&file, "--dry-run", "-o", "json"]).await.json();
    assert_eq!((&dry["stored"], &dry["new"], &dry["skipped"]), (&json!(false), &json!(1), &json!(1)), "{dry}");
    let stored = desk.import(&[&file, "--yes", "-o", "json", "--scope", "company:acme"]).await;
    assert!(!stored.text().contains("canary"));
    let entry = json!({
        "action": "new", "service": "hubspot", "key_name": "api_key", "scope": "company", "scope_id": "acme",
        "version": 1, "line": 1, "names": ["hubspot/api_key"], "why": null
    });
    let stored = stored.json();
    assert_eq!((&stored["stored"], &stored["revision"], &stored["entries"][0]), (&json!(true), &json!(1), &entry));
    let quiet = desk.import(&[&file, "--yes", "--quiet"]).await;
    assert_eq!((quiet.text(), quiet.err.as_str()), ("", ""));
}

#[tokio::test]
async fn a_long_plan_is_told_in_numbers_unless_every_row_is_asked_for() {
    let desk = Desk::open().await;
    let text: String = (0..120).map(|number| format!("HUBSPOT_K{number}=x{number}\n")).collect();
    let file = desk.file("long.env", format!("{text}OTHER=y\n"));
    let told = desk.import(&[&file, "--dry-run"]).await;
    let lines: Vec<&str> = told.text().lines().collect();
    assert!(lines.len() == 4 && lines[1].starts_with("skipped"), "{lines:#?}");
    assert_eq!(lines[2], "120 more rows are not shown; --verbose or -o json shows them all");
    let full = desk.import(&[&file, "--dry-run", "--verbose"]).await;
    assert_eq!(full.text().lines().count(), 123);
    let json = desk.import(&[&file, "--dry-run", "-o", "json"]).await.json();
    assert_eq!(json["entries"].as_array().map(Vec::len), Some(121));
}

/// What the lead alone can know is told with the line of the file too.
#[tokio::test]
async fn one_entry_that_cannot_be_stored_is_named_with_its_line_and_keeps_out_all_others() {
    let desk = Desk::open().await;
    let object = json!({
        "service": "google_oauth", "key_name": "app", "key_value": "{\"client_id\":\"i\"}",
        "fields": [{"name": "client_id", "type": "string"}]
    });
    assert_eq!(http::post(&desk.lead.admin(), "/api/secrets", &object).await.status, 200);
    let large = format!("HUBSPOT_API_KEY=x\n\nOPENAI_API_KEY={}\n", "canary".repeat(12_000));
    let misfit = "HUBSPOT_API_KEY=x\n# aurora: google_oauth/app\nG=canary\n";
    for (name, text, says) in [
        (
            "large.env",
            large.as_str(),
            "large.env line 3: openai/api_key (global): the value is larger than 65536 bytes",
        ),
        ("misfit.env", misfit, "misfit.env line 3: google_oauth/app (global): a value with fields is one JSON object"),
    ] {
        let file = desk.file(name, text);
        for options in [&["--dry-run"][..], &["--yes"]] {
            let refused = desk.import(&[&[file.as_str()], options].concat()).await;
            assert_eq!((refused.code, refused.out.as_slice()), (Some(1), &b""[..]), "{refused:?}");
            assert!(refused.err.contains(says) && !refused.err.contains("canary"), "{}", refused.err);
        }
    }
    assert_eq!(desk.revision().await, 1);
    assert!(desk.value("hubspot/api_key").await.is_none());
}

/// The key and the token of "hello" that the specification of Fernet publishes.
#[tokio::test]
async fn values_that_another_tool_enciphered_are_opened_or_the_file_is_refused() {
    const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=\n";
    const HELLO: &str =
        "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
    let desk = Desk::open().await;
    let (key, other) = (desk.file("key", KEY), desk.file("other", "A".repeat(43)));
    let good = desk.file("good.env", format!("HUBSPOT_API_KEY={HELLO}\n"));
    let bad = desk.file("bad.env", format!("HUBSPOT_API_KEY={HELLO}\nOPENAI_API_KEY=canary\n"));
    let refused = desk.import(&[&bad, "--fernet-key-file", &key, "--yes"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("bad.env line 2: the value is not a Fernet token"), "{}", refused.err);
    let refused = desk.import(&[&good, "--fernet-key-file", &other, "--yes"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("line 1: the value is a Fernet token that"), "{refused:?}");
    assert_eq!(desk.revision().await, 0);
    desk.import(&[&good, "--fernet-key-file", &key, "--yes"]).await.text();
    assert_eq!(desk.value("hubspot/api_key").await.expect("stored"), b"hello");
}

#[tokio::test]
async fn a_follower_sends_to_the_lead_whoever_wants_to_import_and_exports_what_it_holds() {
    let desk = Desk::open().await;
    let follower = desk.lead.follower("vengeance", &[]).await;
    let many: String = (0..20_000).map(|number| format!("HUBSPOT_K{number}=canary-{number:050}\n")).collect();
    let many = desk.file("many.env", many);
    let refused = follower.run(&["import", &many, "--yes"], b"").await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("are for the lead, aurora"), "{}", refused.err);
    let few = desk.file("few.env", "HUBSPOT_API_KEY=x\n# aurora: hubspot/other company:acme\nY=z\n");
    desk.import(&[&few, "--yes"]).await.text();
    follower.reaches(desk.revision().await).await;
    let exported = follower.run(&["export"], b"").await;
    assert_eq!(exported.text(), "# aurora: hubspot/api_key\nHUBSPOT_API_KEY=x\n", "what acme owns is not for it");
}
