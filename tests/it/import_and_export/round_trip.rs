//! What one mesh exports another imports, in every format, byte for byte.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Map, Value, json};

use super::Desk;
use crate::support::http;

const FORMATS: [&str; 4] = ["dotenv", "json", "yaml", "shell"];

/// Values that mean something in some format.
const VALUES: &[&str] = &[
    "plain",
    "",
    " leading and trailing ",
    "two\nlines\n",
    "carriage\r\nreturn\r",
    "\ttab\t",
    "it's \"quoted\" `$(id)` ${HOME} \\n \\",
    "# no comment",
    "a=b#c",
    "{\"json\":true}",
    "- yaml: [1]",
    "null",
    "0755",
    "\u{1b}[31m bell \u{7} delete \u{7f}",
    "snowman ☃ astral 𝄞 separator \u{2028} mark \u{feff} nbsp \u{a0}",
    "'\\''",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n",
];

/// Everything the owner of a lead reads of everybody, of one company and of one node: name, scope, value, fields.
async fn everything(desk: &Desk) -> Vec<Value> {
    let mut all = Vec::new();
    for scope in ["scope=global", "scope=company&scope_id=acme", "scope=node&scope_id=vengeance"] {
        let page = http::get(&desk.lead.admin(), &format!("/api/export?{scope}")).await.json();
        assert_eq!((&page["next_cursor"], &page["refused"]), (&Value::Null, &json!(0)));
        let told = |secret: &Value| {
            let kept = ["service", "key_name", "key_value", "scope", "scope_id", "fields"];
            Value::Object(kept.iter().map(|name| ((*name).to_owned(), secret[*name].clone())).collect::<Map<_, _>>())
        };
        all.extend(page["secrets"].as_array().expect("a list").iter().map(told));
    }
    all
}

/// A lead with every odd value, some of a company and a node, and one secret with fields of both kinds.
async fn filled() -> Desk {
    let desk = Desk::open().await;
    for (number, value) in VALUES.iter().enumerate() {
        let scope = ["global", "company:acme", "node:vengeance"][number % 3];
        desk.lead.put(&format!("odd/value-{number}"), scope, value).await;
        desk.lead.put("hubspot/api_key", scope, value).await;
    }
    let fields = json!([{"name": "login", "type": "string"}, {"name": "password", "type": "secret"}]);
    let value = json!({"login": "ada\n", "password": "it's \"x\""}).to_string();
    let body = json!({"service": "smtp", "key_name": "relay", "key_value": value, "fields": fields});
    assert_eq!(http::post(&desk.lead.admin(), "/api/secrets", &body).await.status, 200);
    desk
}

#[tokio::test]
async fn what_is_exported_is_imported_into_another_mesh_byte_for_byte() {
    let (from, wanted) = {
        let desk = filled().await;
        let wanted = everything(&desk).await;
        (desk, wanted)
    };
    assert!(wanted.len() > VALUES.len());
    for format in FORMATS {
        let into = Desk::open().await;
        for scope in ["global", "company:acme", "node:vengeance"] {
            let exported = from.lead.run(&["export", "--format", format, "--scope", scope], b"").await;
            let file = into.file("exported", exported.text());
            into.import(&[&file, "--format", format, "--yes"]).await.text();
            let again = into.lead.run(&["export", "--format", format, "--scope", scope], b"").await;
            assert_eq!(again.text(), exported.text(), "{format} {scope}");
            let same = from.import(&[&file, "--format", format, "--dry-run"]).await;
            assert!(same.text().contains("0 new, 0 changed, "), "{format} {scope}: {}", same.text());
        }
        assert_eq!(everything(&into).await, wanted, "{format}");
    }
}

#[tokio::test]
async fn an_export_is_what_a_read_would_give_and_says_whose_each_value_is() {
    let desk = Desk::open().await;
    for (name, scope, value) in [
        ("hubspot/api_key", "global", "everyones"),
        ("hubspot/api_key", "company:acme", "acmes"),
        ("openai/api_key", "global", "sk"),
        ("openai/api_key", "node:aurora", "of this node"),
        ("openai/gone", "global", "x"),
    ] {
        desk.lead.put(name, scope, value).await;
    }
    desk.lead.run(&["delete", "openai/gone"], b"").await.text();
    let plain = desk.lead.run(&["export", "--format", "json"], b"").await.json();
    assert_eq!(plain, json!({"hubspot/api_key": "everyones", "openai/api_key node:aurora": "of this node"}));
    let company = desk.lead.run(&["export", "hubspot/", "--company", "acme", "-o", "json"], b"").await.json();
    assert_eq!(company, json!({"hubspot/api_key company:acme": "acmes"}));
    let nothing = desk.lead.run(&["export", "nope/"], b"").await;
    assert_eq!((nothing.code, nothing.out.as_slice()), (Some(3), &b""[..]), "{nothing:?}");
}

#[tokio::test]
async fn an_exported_file_is_for_its_owner_alone_and_a_failed_export_leaves_the_old_one() {
    let desk = Desk::open().await;
    desk.lead.put("hubspot/api_key", "global", "a\0b").await;
    let path = desk.file("out.sh", "old");
    let refused = desk.lead.run(&["export", "--output-file", &path], b"").await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("the value of hubspot/api_key holds a zero byte"), "{}", refused.err);
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "old");
    desk.lead.put("hubspot/api_key", "global", "it's").await;
    let written = desk.lead.run(&["export", "--output-file", &path, "-o", "json"], b"").await.json();
    assert_eq!(written, json!({"file": path, "format": "shell", "secrets": 1, "refused": 0}));
    let text = std::fs::read_to_string(&path).expect("a file");
    assert_eq!(text, "# aurora: hubspot/api_key\nexport HUBSPOT_API_KEY='it'\\''s'\n");
    let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// `eval "$(aurora export --format shell)"` must not run what somebody stored under the name of an order to the loader.
#[tokio::test]
async fn a_name_that_a_shell_obeys_is_in_no_file_for_a_shell_and_that_is_said() {
    let desk = Desk::open().await;
    desk.lead.put("ld/preload", "global", "/tmp/example.so").await;
    desk.lead.put("openai/api_key", "global", "not-a-real-key").await;
    let shell = desk.lead.run(&["export", "--format", "shell"], b"").await;
    let text = String::from_utf8_lossy(&shell.out).into_owned();
    assert!(text.contains("OPENAI_API_KEY") && !text.to_uppercase().contains("PRELOAD"), "{text}");
    assert!(shell.err.contains("ld/preload was left out") && shell.err.contains("LD_PRELOAD"), "{}", shell.err);
    let json = desk.lead.run(&["export", "--format", "json"], b"").await.json();
    assert_eq!(json["ld/preload"], "/tmp/example.so", "data is data");
}
