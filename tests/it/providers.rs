//! The providers a node knows, and the files that stand in for those of the build.

use aurora_mesh::daemon::node::RunningNode;
use serde_json::{Value, json};

use crate::support::callers::{admin, stranger};
use crate::support::http::get;
use crate::support::mesh::TestMesh;
use crate::support::process::{Node, directory};
use crate::support::theatre::Theatre;

/// A provider that the build does not have.
const ACME: &str = "name = \"acme\"\ntitle = \"Acme\"\ntype = \"api_key\"\nprobe = \"none\"\nwhy = \"nobody knows one\"\n\
                    [[fields]]\nname = \"key\"\nkind = \"secret\"\nvariables = [\"ACME_KEY\"]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_provider_is_told_with_its_credentials_its_probe_and_what_the_answers_mean() {
    let mesh = TestMesh::start().await;
    let socket = mesh.lead.agent_socket().with_file_name("admin.sock");
    let all = get(&socket, "/providers").await.json();
    let names: Vec<&str> =
        all["providers"].as_array().expect("a list").iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names.len(), 22);
    assert!(names.is_sorted() && names.contains(&"openai"));

    let telegram = get(&socket, "/providers/telegram").await.json();
    assert_eq!(telegram["base_url"], "https://api.telegram.org");
    assert_eq!(telegram["fields"][0]["name"], "bot_token");
    assert_eq!((&telegram["fields"][0]["kind"], &telegram["fields"][0]["required"]), (&json!("secret"), &json!(true)));
    let probe = &telegram["probes"][0];
    assert_eq!((&probe["authenticate"], &probe["method"]), (&json!("path"), &json!("GET")));
    assert_eq!((&probe["path"], &probe["expected"]), (&json!("/bot{bot_token}/getMe"), &json!([200])));
    let good = json!({"status": [200], "when": ["/ok is true"], "means": "valid", "note": null});
    assert_eq!(probe["answers"][0], good);

    let supabase = get(&socket, "/providers/supabase").await.json();
    assert_eq!(supabase["base_url"], "https://{url}.supabase.co");
    let google = get(&socket, "/providers/google_oauth").await.json();
    assert_eq!(
        (&google["type"], &google["token_url"]),
        (&json!("oauth2"), &json!("https://oauth2.googleapis.com/token"))
    );
    let probe = &google["probes"][0];
    assert_eq!((&probe["base_url"], &probe["path"]), (&json!("https://oauth2.googleapis.com"), &json!("/token")));
    let fireflies = get(&socket, "/providers/fireflies").await.json();
    assert_eq!((&fireflies["calls_per_day"], &fireflies["check_every_seconds"]), (&json!(50), &json!(3600)));
    let midjourney = get(&socket, "/providers/midjourney").await.json();
    assert_eq!((&midjourney["probe"], &midjourney["base_url"]), (&json!("none"), &Value::Null));
    assert!(midjourney["why"].as_str().is_some_and(|why| why.contains("no public API")), "{midjourney}");
    assert!(all["providers"].as_array().expect("a list").iter().all(|it| it["source"] == "embedded"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_provider_is_told_how_to_look_and_a_stranger_nothing() {
    let mesh = TestMesh::start().await;
    let socket = mesh.lead.agent_socket().with_file_name("admin.sock");
    let absent = get(&socket, "/providers/nobody").await;
    assert_eq!((absent.status, absent.code().as_str()), (404, "not_found"));
    assert_eq!(absent.message(), "no provider is named nobody");
    assert_eq!(absent.json()["error"]["hint"], "Look with: aurora providers list");
    let odd = get(&socket, "/providers/No%20Body").await;
    assert_eq!((odd.status, odd.code().as_str()), (400, "bad_name"));
    assert!(mesh.lead.vault().providers(&stranger()).await.is_err());
    let lines = mesh.lead.vault().audit_tail(&admin(), 2).await.expect("the journal");
    assert!(lines[0].contains(r#""action":"provider.list""#) && lines[0].contains(r#""decision":"deny""#), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_ones_own_stand_in_for_those_of_the_build() {
    let mut mesh = TestMesh::start().await;
    let own = mesh.dir.path().join("providers");
    std::fs::create_dir(&own).expect("made");
    std::fs::write(own.join("acme.toml"), ACME).expect("written");
    let inside = include_str!("../../mesh-config/providers/openai.toml")
        .replace("https://api.openai.com", "https://llm.inside.example:8443/openai");
    std::fs::write(own.join("openai.toml"), inside).expect("written");
    mesh.lead.stop().await;
    mesh.lead.config.connectivity.providers_dir = Some(own);
    mesh.lead.start().await;
    let catalogue = mesh.lead.vault().providers(&admin()).await.expect("the owner may look");
    assert_eq!(catalogue.providers().len(), 23);
    let socket = mesh.lead.agent_socket().with_file_name("admin.sock");
    let openai = get(&socket, "/providers/openai").await.json();
    assert_eq!(openai["base_url"], "https://llm.inside.example:8443/openai");
    assert_eq!(openai["source"], "file");
    assert_eq!(get(&socket, "/providers/acme").await.json()["why"], "nobody knows one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_file_stops_the_start_with_its_name_the_key_and_why() {
    let mut mesh = TestMesh::start().await;
    let own = mesh.dir.path().join("providers");
    std::fs::create_dir(&own).expect("made");
    std::fs::write(own.join("acme.toml"), ACME.replace("api_key", "apikey")).expect("written");
    std::fs::write(own.join("zoo.toml"), ACME.replace("acme", "zoo").replace("why", "because")).expect("written");
    mesh.lead.stop().await;
    mesh.lead.config.connectivity.providers_dir = Some(own.clone());
    let Err(error) = RunningNode::start(&mesh.lead.config, None, &mesh.lead.seams()).await else {
        panic!("it started");
    };
    let told = format!("{error:#}");
    for wanted in [
        "acme.toml: type: \"apikey\" is not \"api_key\", \"oauth2\" or \"service_account\"",
        "zoo.toml: why: is missing",
        "zoo.toml: because: is not a key this version knows",
    ] {
        assert!(told.contains(wanted), "{wanted}\n{told}");
    }
    // Put right, the same directory is taken.
    std::fs::write(own.join("acme.toml"), ACME).expect("written");
    std::fs::remove_file(own.join("zoo.toml")).expect("removed");
    mesh.lead.start().await;
}

/// What the other tests play the providers with is read by the same rules.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_providers_can_be_led_to_hosts_of_ones_own() {
    let theatre = Theatre::start().await;
    theatre.checks_every("1s");
    let mut mesh = TestMesh::start().await;
    mesh.lead.stop().await;
    mesh.lead.config.connectivity = theatre.quiet_section();
    mesh.lead.start().await;
    let catalogue = mesh.lead.vault().providers(&admin()).await.expect("the owner may look");
    assert_eq!(catalogue.providers().len(), 22);
    for provider in catalogue.providers() {
        assert!(provider.allow_private && provider.check_every.as_secs() == 1, "{}", provider.name);
        let host = provider.host.as_ref().map(ToString::to_string);
        let leads_here = host.as_ref().is_none_or(|host| host.starts_with("https://localhost:"));
        assert!(leads_here, "{}: {host:?}", provider.name);
        let token = provider.token.as_ref().map(|token| token.origin.host.as_str());
        assert!(token.is_none_or(|host| host == "localhost"), "{}: {token:?}", provider.name);
    }
}

#[tokio::test]
async fn the_command_lists_and_shows_them() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let listed = lead.run(&["providers", "list"], b"").await;
    assert!(listed.text().starts_with("PROVIDER "), "{}", listed.text());
    assert!(listed.text().lines().any(|line| line.starts_with("midjourney ") && line.contains("never")), "{listed:?}");
    assert!(listed.text().contains("1 h, 50 a day  "), "{listed:?}");
    let shown = lead.run(&["providers", "show", "telegram"], b"").await;
    assert!(shown.text().contains("\nbot_token: GET /bot{bot_token}/getMe, credential by path\n"), "{shown:?}");
    let json = lead.run(&["providers", "show", "openai", "-o", "json"], b"").await.json();
    assert_eq!(json["probes"][0]["path"], "/v1/models");
    let yaml = lead.run(&["providers", "ls", "-o", "yaml"], b"").await;
    assert!(yaml.text().starts_with("providers:\n"), "{}", yaml.text());
    let absent = lead.run(&["providers", "show", "nobody"], b"").await;
    assert_eq!(absent.code, Some(3));
    assert!(absent.err.contains("hint: Look with: aurora providers list"), "{}", absent.err);
}
