//! The theatre itself: tests that stand on it are worth what it is worth.

use std::time::Duration;

use aurora_mesh::catalogue::lookup::Catalogue;
use aurora_mesh::catalogue::probe::{Host, Origin};
use aurora_mesh::egress::call::{Call, Method};
use aurora_mesh::egress::client::Egress;
use aurora_mesh::model::connectivity::PathFault;
use toml::Table;

use super::{plain, target};
use crate::support::authority::Shown;
use crate::support::mesh::{TestMesh, prod};
use crate::support::process::{Node, directory};
use crate::support::theatre::{Theatre, rewritten};

const FILE: &str = r#"
name = "example"
base_url = "https://api.example.com/base"
auth_url = "https://example.com/authorize"
docs = "https://example.com/docs"

[token]
url = "https://oauth2.example.com/token"

[[fields]]
name = "api_key"
kind = "secret"

[[probes]]
credential = "api_key"
authenticate = { in = "header", name = "authorization", value = "Bearer {api_key}" }
request = { method = "GET", path = "/v1/models", base_url = "https://other.example.com" }
"#;

#[test]
fn a_provider_file_leads_to_the_theatre_and_nowhere_else() {
    let table = rewritten(&FILE.parse().expect("TOML"), "example", 4443);

    let text = table.to_string();
    let again: Table = text.parse().expect("still TOML");
    assert_eq!(again["base_url"].as_str(), Some("https://localhost:4443/example/base"));
    assert_eq!(again["token"]["url"].as_str(), Some("https://localhost:4443/example/token"));
    assert_eq!(again["probes"][0]["request"]["base_url"].as_str(), Some("https://localhost:4443/example"));
    assert_eq!(again["allow_private"].as_bool(), Some(true));
    let untouched = ["auth_url", "docs"].map(|key| again[key].as_str().expect("a text"));
    assert_eq!(
        untouched,
        ["https://example.com/authorize", "https://example.com/docs"],
        "a browser goes there, no call"
    );
    assert_eq!(again["probes"][0]["authenticate"]["value"].as_str(), Some("Bearer {api_key}"));
}

#[test]
fn a_host_of_each_customer_becomes_one_host() {
    let file = "host_field = \"url\"\nhost_suffix = \".example.com\"\n";
    let table = rewritten(&file.parse().expect("TOML"), "example", 4443);
    assert_eq!(table["base_url"].as_str(), Some("https://localhost:4443/example"));
    assert!(!table.contains_key("host_field") && !table.contains_key("host_suffix"));
}

#[tokio::test]
async fn every_provider_of_the_build_plays_and_none_is_left_outside() {
    let theatre = Theatre::start().await;
    theatre.checks_every("1m");
    let own: Vec<(String, String)> = theatre.files();
    let catalogue = Catalogue::with_files(&own).expect("files that a node reads");
    assert_eq!((own.len(), catalogue.providers().len(), theatre.services().count()), (22, 22, 22));
    let original = Catalogue::embedded().expect("the build's own");
    for (provider, before) in catalogue.providers().zip(original.providers()) {
        let port = theatre.port(provider.name.as_str());
        let is_here = |origin: &Origin| {
            let start = format!("/{}", provider.name);
            (origin.host.as_str(), origin.port) == ("localhost", port) && origin.prefix.starts_with(&start)
        };
        assert_eq!((&provider.name, provider.allow_private), (&before.name, true));
        assert_eq!(provider.check_every, Duration::from_secs(60));
        assert_eq!((provider.host.is_some(), provider.probes.len()), (before.host.is_some(), before.probes.len()));
        match &provider.host {
            Some(Host::Fixed(origin)) => assert!(is_here(origin), "{}: {origin:?}", provider.name),
            Some(Host::OfField { .. }) => panic!("{} calls outside", provider.name),
            None => assert!(provider.probes.is_empty(), "{}", provider.name),
        }
        let asked = provider.probes.iter().filter_map(|probe| probe.request.as_ref()?.origin.as_ref());
        for origin in asked.chain(provider.token.iter().map(|token| &token.origin)) {
            assert!(is_here(origin), "{}: {origin:?}", provider.name);
        }
    }
    assert!(std::fs::read_to_string(theatre.ca_file()).expect("a file").contains("BEGIN CERTIFICATE"));
}

fn get(theatre: &Theatre, service: &str, path: &str, key: &str) -> Call {
    Call {
        target: target("localhost", theatre.port(service)),
        method: Method::Get,
        path: plain(&format!("/{service}{path}")),
        headers: vec![("authorization".to_owned(), plain(&format!("Bearer {key}")))],
        body: None,
    }
}

#[tokio::test]
async fn a_service_answers_what_the_test_says_to_whom_it_says() {
    let theatre = Theatre::start().await;
    let egress = Egress::new(Some(theatre.ca())).expect("a client");
    let ask = async |path: &str, key: &str| {
        let reply = egress.send(get(&theatre, "openai", path, key)).await.expect("answered");
        (reply.status, String::from_utf8_lossy(reply.body.expose()).into_owned())
    };
    assert_eq!(ask("/v1/models", "one").await.0, 404, "nothing was said yet");

    theatre.answers("openai", 200, &[("x-note", "here")], "all");
    theatre.answers_when("openai", "Bearer two", 401, "not two");
    theatre.answers_at("openai", "/token", 400, "no token");

    assert_eq!(ask("/v1/models?limit=1", "one").await, (200, "all".to_owned()));
    assert_eq!(ask("/v1/models", "two").await, (401, "not two".to_owned()));
    assert_eq!(ask("/token?x=y", "one").await, (400, "no token".to_owned()));
    theatre.answers_when("openai", "Bearer two", 200, "two again");
    assert_eq!(ask("/v1/models", "two").await, (200, "two again".to_owned()));
    egress.reach(&target("localhost", theatre.port("openai"))).await.expect("reached");

    theatre.redirects("stripe", "https://elsewhere.test/");
    let moved = egress.send(get(&theatre, "stripe", "/v1/balance", "one")).await.expect("answered");
    assert_eq!((moved.status, moved.header("location")), (302, Some("https://elsewhere.test/")));

    let seen = theatre.requests("openai");
    assert_eq!((seen.len(), theatre.path_checks("openai"), theatre.connections("openai")), (5, 1, 6));
    assert_eq!((seen[1].method.as_str(), seen[1].path.as_str()), ("GET", "/v1/models?limit=1"));
    assert_eq!(seen[1].header("authorization"), Some("Bearer one"));
    assert!(theatre.requests("github").is_empty());
}

#[tokio::test]
async fn a_service_can_be_slow_shut_false_and_back() {
    let theatre = Theatre::start().await;
    let resolver = std::sync::Arc::new(aurora_mesh::egress::resolver::SystemResolver);
    let egress = Egress::with_resolver(Some(theatre.ca()), resolver, Duration::from_secs(1)).expect("a client");
    let fault = async || {
        let asked = egress.send(get(&theatre, "stripe", "/v1/balance", "one")).await;
        let reached = egress.reach(&target("localhost", theatre.port("stripe"))).await;
        let faults = (asked.err().and_then(|error| error.fault()), reached.err().and_then(|error| error.fault()));
        assert_eq!(faults.0, faults.1, "the path is that of the service alone");
        faults.0
    };
    assert_eq!(fault().await, None);
    theatre.hangs("stripe");
    assert_eq!(fault().await, Some(PathFault::Timeout));
    theatre.closes("stripe");
    assert_eq!(fault().await, Some(PathFault::Broken));
    theatre.answers_late("stripe", Duration::from_millis(50), 200, "");
    assert_eq!(fault().await, None);
    theatre.shows("stripe", Shown::Expired);
    assert_eq!(fault().await, Some(PathFault::Tls));
    theatre.shows("stripe", Shown::Good);
    theatre.shut("stripe").await;
    assert_eq!(fault().await, Some(PathFault::Connect));
    theatre.reopen("stripe").await;
    assert_eq!(fault().await, None);
    theatre.stop().await;
    assert_eq!(fault().await, Some(PathFault::Connect));
}

#[tokio::test]
async fn every_node_of_a_mesh_is_led_to_the_theatre() {
    let theatre = Theatre::start().await;
    let mesh = TestMesh::with_connectivity(theatre.quiet_section()).await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    assert_eq!(mesh.lead.config.connectivity, theatre.quiet_section());
    assert_eq!(follower.config.connectivity, theatre.quiet_section());
    assert!(theatre.section().probe);
    assert!(!TestMesh::start().await.lead.config.connectivity.probe, "nobody is called unless a test says so");
}

#[tokio::test]
async fn a_node_of_a_process_of_its_own_is_led_to_the_theatre() {
    let theatre = Theatre::start().await;
    let dir = directory();
    let mut lead = Node::new(dir.path(), "aurora", "info");
    lead.init().await;
    lead.calls(&theatre.quiet_section());
    lead.start().await;

    let config = std::fs::read_to_string(lead.config_file()).expect("a configuration");
    for line in ["probe = false", &format!("providers_dir = {:?}", theatre.providers_dir().display().to_string())] {
        assert!(config.lines().any(|found| found == line), "{line} in {config}");
    }
    assert_eq!(lead.health().await["status"], "healthy");
}
