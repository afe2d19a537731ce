//! An external crate belongs to the rooms that need it: whoever wants to swap it knows where to look.

use std::collections::BTreeSet;

use super::imports::{imports, path_starts};
use super::source::Source;

/// Every dependency, and where production code may name it: rooms, or the start of a path within one. The longest entry
/// that fits a path decides, so `hyper::server` is stricter than `hyper`.
const HOMES: &[(&str, &[&str])] = &[
    // Actors and the runtime.
    ("ractor", &["actors"]),
    (
        "tokio",
        &["store", "audit", "transport", "discovery", "egress", "actors", "vault", "api", "cli", "daemon", "main"],
    ),
    ("tokio", &["callers", "units", "workload", "mcp"]),
    ("tokio_util", &["transport", "discovery", "actors", "callers", "api", "units", "workload", "daemon"]),
    ("futures_util", &["transport", "discovery", "actors", "api", "workload", "cli", "daemon"]),
    // Transport and certificates.
    ("quinn", &["transport"]),
    ("rustls", &["transport", "egress"]),
    ("webpki", &["transport"]),
    ("rcgen", &["transport"]),
    ("x509_parser", &["transport"]),
    ("time", &["transport"]),
    ("socket2", &["transport"]),
    // Hints on the local network.
    ("mdns_sd", &["discovery"]),
    // The store and the codec.
    ("redb", &["store"]),
    ("bincode", &["store/record", "wire"]),
    ("rpds", &["replication", "connectivity", "actors", "vault"]),
    ("arc_swap", &["transport", "actors", "vault"]),
    // Sealing.
    ("x25519_dalek", &["crypto"]),
    ("chacha20poly1305", &["crypto"]),
    ("hpke", &["crypto"]),
    ("hmac", &["crypto"]),
    ("argon2", &["crypto"]),
    ("subtle", &["crypto"]),
    ("rand_core", &["crypto"]),
    ("getrandom", &["crypto"]),
    ("base_x", &["crypto/armour"]),
    ("crc32fast", &["crypto/api_key"]),
    ("vsss_rs", &["crypto/shares"]),
    ("aws_lc_rs", &["crypto/fernet", "crypto/assertion", "crypto/signature"]),
    ("base64", &["crypto/fernet", "crypto/assertion", "crypto/webhook", "delivery/quoting", "api/types_aws"]),
    ("base64", &["snapshot/header_text"]),
    ("zeroize", &["crypto", "transport/node_key", "transport/authority", "cli/wiped"]),
    ("sha2", &["crypto", "audit", "transport", "discovery", "callers/digest"]),
    // HTTP on the sockets.
    ("axum", &["api"]),
    ("hyper", &["api", "workload", "cli"]),
    ("hyper::server", &["api", "workload"]),
    // Calls to providers.
    ("reqwest", &["egress"]),
    ("webpki_roots", &["egress"]),
    ("hyper_util", &["api", "workload", "cli"]),
    ("http_body_util", &["api", "workload", "cli"]),
    ("tower", &["api"]),
    // serde stands where bytes cross a border, and nowhere else.
    (
        "serde",
        &["crypto/text", "crypto/fields", "crypto/assertion", "audit", "events", "delivery", "api", "cli", "mcp"],
    ),
    (
        "serde_json",
        &["crypto/fields", "crypto/assertion", "catalogue", "audit", "events", "delivery", "api", "cli", "mcp"],
    ),
    ("serde", &["snapshot/header_text"]),
    ("serde_json", &["snapshot/header_text"]),
    ("toml", &["config", "catalogue", "interchange/name_map", "policy/file"]),
    ("granit_parser", &["interchange/yaml"]),
    // The audit journal.
    ("flate2", &["audit"]),
    ("roaring", &["audit"]),
    ("memchr", &["audit"]),
    // Telling people.
    ("lettre", &["egress/mail", "egress/mail_stream"]),
    ("tokio_rustls", &["egress/mail", "egress/mail_stream"]),
    ("prometheus_client", &["metrics"]),
    // Delivery to programs.
    ("minijinja", &["delivery/template"]),
    ("rmcp", &["mcp"]),
    ("tonic", &["workload"]),
    ("tonic_prost", &["workload"]),
    ("prost", &["workload"]),
    // The command line.
    ("clap_mangen", &["cli"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("comfy_table", &["cli"]),
    ("dialoguer", &["cli"]),
    ("indicatif", &["cli/progress"]),
    ("serde_saphyr", &["cli"]),
    ("anyhow", &["cli", "mcp", "daemon", "main"]),
    // Logs, files, the operating system.
    ("tracing", &["crypto", "store", "audit", "transport", "discovery", "actors", "vault", "api", "daemon"]),
    ("tracing", &["callers", "units", "workload"]),
    ("tracing_subscriber", &["daemon"]),
    ("tracing_journald", &["daemon"]),
    ("opentelemetry", &["daemon/traces"]),
    ("opentelemetry_sdk", &["daemon/traces"]),
    ("opentelemetry_otlp", &["daemon/traces"]),
    ("tracing_opentelemetry", &["daemon/traces"]),
    ("sd_notify", &["daemon"]),
    ("jiff", &["model"]),
    ("rustix", &["crypto/locked", "store", "audit", "transport", "callers", "api", "cli", "daemon"]),
    ("nix", &["callers", "cli/run_signals", "cli/run_terminal"]),
    ("thiserror", &["model", "crypto", "policy", "config", "wire", "replication", "store", "audit", "transport"]),
    (
        "thiserror",
        &["catalogue", "connectivity", "events", "interchange", "discovery", "egress", "actors", "vault", "api"],
    ),
    ("thiserror", &["snapshot", "delivery", "callers", "units", "workload", "cli", "mcp", "daemon"]),
];

/// Names that start a path and are no dependency.
const BUILT_IN: &[&str] = &["std", "core", "alloc", "crate", "self", "super", "Self", "aurora_mesh"];

/// Every dependency that production code names outside its homes, and every name that is no known dependency.
pub(super) fn check(source: &Source) -> Vec<String> {
    let imports = imports(source);
    let mut local: BTreeSet<&str> = source.numbered().filter_map(|(_, line)| declared_module(line)).collect();
    local.extend(imports.iter().filter(|import| import.path.len() > 1).map(|import| import.name.as_str()));

    let mut named: BTreeSet<(usize, String)> = BTreeSet::new();
    for import in &imports {
        let root = import.path.first().map_or("", String::as_str);
        let is_type = root.starts_with(char::is_uppercase);
        if !BUILT_IN.contains(&root) && !local.contains(root) && !is_type {
            named.insert((import.line, import.path.join("::")));
        }
    }
    for krate in HOMES.iter().map(|(name, _)| *name).filter(|name| !local.contains(name) && !name.contains(':')) {
        named.extend(path_starts(source, krate).map(|(line, rest)| (line, written_path(rest))));
    }
    let production = named.into_iter().filter(|(line, _)| source.is_production(*line));
    production.filter_map(|(line, path)| Some(source.broken(line, &refusal(source.inside(), &path)?))).collect()
}

fn refusal(file: &str, path: &str) -> Option<String> {
    let fits = |name: &str| path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"));
    let Some(longest) = HOMES.iter().map(|(name, _)| *name).filter(|name| fits(name)).max_by_key(|name| name.len())
    else {
        return Some(format!("{path} is not a dependency with a home in tests/it/house_rules/crates.rs"));
    };
    let homes = HOMES.iter().filter(|(name, _)| *name == longest).flat_map(|(_, homes)| *homes);
    let at_home = |home: &str| file.strip_prefix(home).is_some_and(|rest| rest.starts_with(['/', '.', '_']));
    let mut homes = homes.peekable();
    homes.peek()?;
    (!homes.any(|home| at_home(home))).then(|| format!("{longest} is not at home here"))
}

fn declared_module(line: &str) -> Option<&str> {
    let (before, name) = line.trim().trim_end_matches(['{', ' ', ';']).rsplit_once("mod ")?;
    (before.is_empty() || before.starts_with("pub")).then_some(name)
}

fn written_path(rest: &str) -> String {
    rest.chars().take_while(|character| character.is_alphanumeric() || "_:".contains(*character)).collect()
}

/// Every dependency of the manifest has a home, and every home belongs to a dependency.
pub(super) fn check_manifest(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("Cargo.toml is TOML");
    let dependencies = manifest["dependencies"].as_table().expect("a table");
    let library = |name: &String| if name == "rustls-webpki" { "webpki".to_owned() } else { name.replace('-', "_") };
    let wanted: BTreeSet<String> = dependencies.keys().map(library).collect();
    let homes = HOMES.iter().map(|(name, _)| *name).filter(|name| !name.contains(':'));
    let known: BTreeSet<String> = homes.map(str::to_owned).collect();
    let homeless =
        wanted.difference(&known).map(|name| format!("{name} has no home in tests/it/house_rules/crates.rs"));
    let unused = known.difference(&wanted).map(|name| format!("{name} has a home, but is not in Cargo.toml"));
    homeless.chain(unused).collect()
}

#[cfg(test)]
fn broken(path: &str, text: &str) -> usize {
    check(&Source::new(path, text)).len()
}

#[test]
fn a_crate_outside_its_rooms_is_found() {
    assert_eq!(broken("src/store/handle.rs", "use redb::Database;\n"), 0);
    assert_eq!(broken("src/vault/read.rs", "use redb::Database;\n"), 1);
    assert_eq!(broken("src/vault/read.rs", "fn f() { let _ = redb::Database::create(p); }\n"), 1);
    assert_eq!(broken("src/store/handle.rs", "use bincode::config;\n"), 1);
    assert_eq!(broken("src/store/record/key.rs", "use bincode::config;\n"), 0);
    assert_eq!(broken("src/audit/line.rs", "use serde::Serialize;\n"), 0);
    assert_eq!(broken("src/store/blob.rs", "#[derive(serde::Serialize)]\nstruct A;\n"), 1);
}

#[test]
fn a_stricter_entry_decides_before_a_looser_one() {
    assert_eq!(broken("src/cli/client.rs", "use hyper::client::conn::http1;\n"), 0);
    assert_eq!(broken("src/cli/client.rs", "use hyper::{body::Bytes, server::conn::http1};\n"), 1);
}

#[test]
fn an_unknown_crate_is_found() {
    assert_eq!(broken("src/cli/client.rs", "use rocket::Client;\n"), 1);
}

#[test]
fn modules_types_tests_and_comments_are_no_crates() {
    assert_eq!(broken("src/policy/x.rs", "use crate::model::time;\nfn f() -> time::Timestamp { time::now() }\n"), 0);
    assert_eq!(broken("src/policy/x.rs", "mod sub;\nuse sub::Thing;\nuse Thing::One;\n"), 0);
    assert_eq!(
        broken("src/policy/x.rs", "// redb::Database\n#[cfg(test)]\nmod tests {\n    use proptest::prelude;\n}\n"),
        0
    );
}

#[test]
fn a_dependency_without_a_home_and_a_home_without_a_dependency_are_found() {
    let broken = check_manifest("[dependencies]\nrocket = \"1\"\nrustls-webpki = \"1\"\n");
    assert!(broken.iter().any(|line| line.starts_with("rocket has no home")));
    assert!(broken.iter().any(|line| line.starts_with("redb has a home")));
    assert!(!broken.iter().any(|line| line.starts_with("webpki ")));
}
