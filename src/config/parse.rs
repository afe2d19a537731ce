//! From the text of `node.toml` to a [`NodeConfig`], or to every problem at once.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Table;

use crate::model::freshness::{FRESHNESS_MAX, FreshnessPolicy};
use crate::model::identity::Role;
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::record::VALUE_BYTES_MAX;
use crate::model::reference::Reference;

use super::duration;
use super::error::{Problem, Problems};
use super::node_config::{
    ApiSection, ConnectivitySection, CredentialName, Defaults, LimitsSection, LogFormat, LogSection, MeshSection,
    MetricsSection, NodeConfig, NodeSection, UnsealSource,
};
use super::parse_audit::audit;
use super::parse_notify;
use super::parse_snapshot::snapshot;
use super::paths::Paths;
use super::section::Section;

/// Longest socket directory: a socket's path holds 107 bytes (`sun_path`), and `/agent.sock` takes 11 of them.
const SOCKET_DIR_BYTES_MAX: usize = 96;

/// Most addresses of leads: each is dialled in turn.
const LEADS_MAX: usize = 16;

const RIGHT_NAME: &str = "write 1 to 63 of a-z, 0-9 and hyphen, like \"vengeance\"";
const RIGHT_ROLE: &str = "write \"lead\" or \"follower\"";
const RIGHT_ENVIRONMENT: &str = "write the one environment this node is in, like \"prod\"";
pub(super) const RIGHT_PATH: &str = "write an absolute path";
const RIGHT_LEADS: &str = "write a list of up to 16 \"host:port\", like [\"aurora.local:7700\"]";

/// Reads a configuration.
///
/// # Errors
/// [`Problems`]: every problem of the file and of the environment that overrides it.
pub fn parse(text: &str, defaults: &Defaults) -> Result<NodeConfig, Problems> {
    let mut root = text.parse::<Table>().map_err(|error| Problems(vec![syntax_problem(text, &error)]))?;
    let mut problems = Vec::new();
    let node = node(Section::take(&mut root, "node", &mut problems), defaults);
    let mesh = mesh(Section::take(&mut root, "mesh", &mut problems), node.role);
    let cache = cache(Section::take(&mut root, "cache", &mut problems));
    let unseal = unseal(Section::take(&mut root, "unseal", &mut problems), &node.state_dir);
    let audit = audit(Section::take(&mut root, "audit", &mut problems));
    let api = api(Section::take(&mut root, "api", &mut problems), &defaults.paths);
    let limits = limits(Section::take(&mut root, "limits", &mut problems));
    let connectivity = connectivity(Section::take(&mut root, "connectivity", &mut problems));
    let metrics = metrics(Section::take(&mut root, "metrics", &mut problems));
    let log = log(Section::take(&mut root, "log", &mut problems));
    let notify = parse_notify::notify(&mut root, &mut problems);
    let snapshot = snapshot(Section::take(&mut root, "snapshot", &mut problems));
    let credentials = credentials(Section::take(&mut root, "credentials", &mut problems));
    for section in root.keys() {
        let right = "the sections are [node], [mesh], [cache], [unseal], [audit], [api], [limits], [connectivity], [metrics], [log], [notify], [snapshot] and [credentials]";
        problems.push(Problem::new(section.escape_debug().to_string(), "is not a section this version knows", right));
    }
    let (Some(node), true) = (node.complete(), problems.is_empty()) else { return Err(Problems(problems)) };
    Ok(NodeConfig {
        node,
        mesh,
        cache,
        unseal,
        audit,
        api,
        limits,
        connectivity,
        metrics,
        log,
        notify,
        snapshot,
        credentials,
    })
}

/// The position and the rule, without the line itself: it may hold anything.
fn syntax_problem(text: &str, error: &toml::de::Error) -> Problem {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count().saturating_add(1);
    Problem::new(format!("line {line}"), error.message(), "write TOML: [section], then key = value lines")
}

/// `[node]` as far as it is right.
struct PartialNode {
    name: Option<NodeName>,
    role: Option<Role>,
    environment: Option<EnvironmentName>,
    state_dir: PathBuf,
}

impl PartialNode {
    fn complete(self) -> Option<NodeSection> {
        Some(NodeSection {
            name: self.name?,
            role: self.role?,
            environment: self.environment?,
            state_dir: self.state_dir,
        })
    }
}

fn node(mut section: Section<'_>, defaults: &Defaults) -> PartialNode {
    let parse_role = |text: &str| Role::parse(text).ok_or_else(|| format!("{:?} is not a role", shortened(text)));
    let name = defaults.name.as_deref().map(|text| ("NODE_NAME", text));
    let role = defaults.role.as_deref().map(|text| ("NODE_ROLE", text));
    let name = required(&mut section, "name", name, RIGHT_NAME, NodeName::parse);
    let role = required(&mut section, "role", role, RIGHT_ROLE, parse_role);
    let environment = required(&mut section, "environment", None, RIGHT_ENVIRONMENT, EnvironmentName::parse);
    let state_dir = section.text("state_dir", RIGHT_PATH, absolute).unwrap_or_else(|| defaults.paths.state_dir.clone());
    section.finish();
    PartialNode { name, role, environment, state_dir }
}

/// A key without a default. What the environment says wins, but what the file says must be right all the same.
fn required<T, E: Display>(
    section: &mut Section<'_>,
    key: &'static str,
    overriding: Option<(&str, &str)>,
    right: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    let in_file = section.has(key);
    let from_file = section.text(key, right, &parse);
    match overriding {
        Some((variable, text)) => {
            parse(text).map_err(|error| section.refuse(key, format_args!("in {variable}: {error}"), right)).ok()
        }
        None if in_file => from_file,
        None => {
            section.refuse(key, "is missing", right);
            None
        }
    }
}

fn mesh(mut section: Section<'_>, role: Option<Role>) -> MeshSection {
    let defaults = MeshSection::default();
    let listen = section.text("listen", "write an address and a port, like \"0.0.0.0:7700\"", |text| {
        text.parse::<SocketAddr>().map_err(|_| format!("{:?} is not an address with a port", shortened(text)))
    });
    let mut leads = section.texts("leads", RIGHT_LEADS, check_host_port);
    if leads.len() > LEADS_MAX {
        section.refuse("leads", format_args!("{} are too many", leads.len()), RIGHT_LEADS);
        leads.clear();
    }
    let discovery = section.flag("discovery", defaults.discovery);
    if role == Some(Role::Follower) && !discovery && leads.is_empty() {
        section.refuse("leads", "is empty and discovery is off, so the lead cannot be found", RIGHT_LEADS);
    }
    section.finish();
    MeshSection { listen: listen.unwrap_or(defaults.listen), leads, discovery }
}

fn cache(mut section: Section<'_>) -> FreshnessPolicy {
    let defaults = FreshnessPolicy::default();
    let right = "write a duration up to 30d, like \"300s\" or \"1h\"";
    let bounded = |text: &str| match duration::parse(text) {
        Ok(duration) if duration <= FRESHNESS_MAX => Ok(duration),
        Ok(_) => Err("is longer than 30d".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let positive = |text: &str| match bounded(text) {
        Ok(Duration::ZERO) => Err("is zero, so nothing would ever be fresh".to_owned()),
        other => other,
    };
    let ttl = section.text("ttl", right, positive).unwrap_or(defaults.ttl);
    let max_stale = section.text("max_stale", right, bounded).unwrap_or(defaults.max_stale);
    section.finish();
    FreshnessPolicy { ttl, max_stale }
}

/// The sources by name; which one decides what else may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SourceName {
    File,
    Passphrase,
    SystemdCredential,
    Shamir,
}

fn unseal(mut section: Section<'_>, state_dir: &Path) -> UnsealSource {
    let right = "write \"file\", \"passphrase\", \"systemd-credential\" or \"shamir\"";
    let source = section.text("source", right, |text| match text {
        "file" => Ok(SourceName::File),
        "passphrase" => Ok(SourceName::Passphrase),
        "systemd-credential" => Ok(SourceName::SystemdCredential),
        "shamir" => Ok(SourceName::Shamir),
        other => Err(format!("{:?} is not an unseal source", shortened(other))),
    });
    let source = source.unwrap_or(SourceName::File);
    let path = section.text("path", RIGHT_PATH, absolute);
    if path.is_some() && source != SourceName::File {
        section.refuse("path", "is only for source = \"file\"", "leave it out");
    }
    let right = "write the name in LoadCredentialEncrypted=, like \"aurora-unseal\"";
    let credential = section.text("credential", right, CredentialName::parse);
    if credential.is_some() && source != SourceName::SystemdCredential {
        section.refuse("credential", "is only for source = \"systemd-credential\"", "leave it out");
    }
    section.finish();
    match source {
        SourceName::File => UnsealSource::File { path: path.unwrap_or_else(|| Paths::key_file(state_dir)) },
        SourceName::Passphrase => UnsealSource::Passphrase,
        SourceName::SystemdCredential => UnsealSource::SystemdCredential { credential: credential.unwrap_or_default() },
        SourceName::Shamir => UnsealSource::Shamir,
    }
}

fn api(mut section: Section<'_>, paths: &Paths) -> ApiSection {
    let given = section.text("socket_dir", RIGHT_PATH, absolute);
    let socket_dir = given.unwrap_or_else(|| paths.socket_dir.clone());
    if socket_dir.as_os_str().len() > SOCKET_DIR_BYTES_MAX {
        let what = format_args!("is longer than {SOCKET_DIR_BYTES_MAX} bytes, so no socket fits below it");
        section.refuse("socket_dir", what, "write a shorter absolute path, like \"/run/aurora\"");
    }
    let right = "write the name or the number of a group, like \"aurora\"";
    let socket_group = section.text("socket_group", right, |text| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        // 32 is the longest name groupadd makes.
        let valid = (1..=32).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-');
        if valid { Ok(text.to_owned()) } else { Err(format!("{:?} is not a group", shortened(text))) }
    });
    let listen = section.text("listen", "write an address of this machine alone, like \"127.0.0.1:8003\"", loopback);
    section.finish();
    ApiSection { socket_dir, socket_group, listen }
}

/// Only what no other machine reaches.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(address) => Err(format!("{address} is not a loopback address, and others would reach it")),
        Err(_) => Err(format!("{:?} is not an address and a port", shortened(text))),
    }
}

fn credentials(section: Section<'_>) -> BTreeMap<CredentialName, Reference> {
    let right = "write NAME = \"service/key_name\", with ?field= and &company= as they are needed";
    section.pairs(right, |name, reference| {
        let reference = Reference::parse_short(reference).map_err(|error| error.to_string())?;
        Ok((CredentialName::parse(name)?, reference))
    })
}

fn limits(mut section: Section<'_>) -> LimitsSection {
    let defaults = LimitsSection::default();
    // A mebibyte is the largest value the design allows; the other bounds are memory and file descriptors.
    let value_bytes_max = section.number("value_bytes_max", defaults.value_bytes_max, 1..=VALUE_BYTES_MAX);
    let versions_kept = section.number("versions_kept", defaults.versions_kept, 1..=1000);
    let log_revisions = section.number("log_revisions", defaults.log_revisions, 1..=10_000_000);
    let connections = section.number("connections", defaults.connections, 8..=65_536);
    let per_uid = defaults.connections_per_uid.min(connections);
    let connections_per_uid = section.number("connections_per_uid", per_uid, 1..=connections);
    section.finish();
    LimitsSection { value_bytes_max, log_revisions, versions_kept, connections, connections_per_uid }
}

fn connectivity(mut section: Section<'_>) -> ConnectivitySection {
    let probe = section.flag("probe", ConnectivitySection::default().probe);
    let providers_dir = section.text("providers_dir", RIGHT_PATH, absolute);
    let ca_file = section.text("ca_file", RIGHT_PATH, absolute);
    section.finish();
    ConnectivitySection { probe, providers_dir, ca_file }
}

fn metrics(mut section: Section<'_>) -> MetricsSection {
    let loopback = section.flag("loopback", MetricsSection::default().loopback);
    section.finish();
    MetricsSection { loopback }
}

fn log(mut section: Section<'_>) -> LogSection {
    let format = section.text("format", "write \"text\", \"json\" or \"journald\"", |text| {
        LogFormat::parse(text).ok_or_else(|| format!("{:?} is not a form of logs", shortened(text)))
    });
    let otlp = section.text("otlp", "write an address of this machine alone, like \"127.0.0.1:4318\"", loopback);
    if otlp.is_some() && !cfg!(feature = "otlp") {
        section.refuse(
            "otlp",
            "is not in this build",
            "leave it out, or build with: cargo build --release --features otlp",
        );
    }
    section.finish();
    LogSection { format: format.unwrap_or_default(), otlp }
}

pub(super) fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() && !text.contains('\0') {
        Ok(path)
    } else {
        Err(format!("{:?} is not an absolute path", shortened(text)))
    }
}

fn check_host_port(text: &str) -> Result<(), String> {
    let refused = || format!("{:?} is not a host and a port", shortened(text));
    if text.parse::<SocketAddr>().is_ok_and(|address| address.port() != 0) {
        return Ok(());
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    // 253 bytes is the longest name DNS carries.
    let host_fits = (1..=253).contains(&host.len()) && host.bytes().all(named) && !host.starts_with(['.', '-']);
    let port_fits = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0);
    if host_fits && port_fits { Ok(()) } else { Err(refused()) }
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::super::node_config::{AuditSection, Durability};
    use super::super::render::render;
    use super::*;

    const SMALLEST: &str = "[node]\nname = \"vengeance\"\nrole = \"follower\"\nenvironment = \"prod\"\n";

    fn system() -> Defaults {
        Defaults::of_paths(Paths::system())
    }

    fn keys(text: &str) -> Vec<String> {
        parse(text, &system()).expect_err(text).0.into_iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn what_the_file_does_not_say_has_a_default() {
        let config = parse(SMALLEST, &system()).expect("valid");
        assert_eq!(config.node.state_dir, Path::new("/var/lib/aurora"));
        assert_eq!(config.mesh, MeshSection::default());
        assert_eq!(config.cache, FreshnessPolicy::default());
        assert_eq!(config.unseal, UnsealSource::File { path: "/var/lib/aurora/unseal.key".into() });
        assert_eq!(config.audit.durability, Durability::Batched);
        assert_eq!(config.api, ApiSection { socket_dir: "/run/aurora".into(), socket_group: None, listen: None });
        assert_eq!(config.limits, LimitsSection::default());
        assert!(config.credentials.is_empty());
    }

    #[test]
    fn the_loopback_listener_is_on_loopback_or_refused() {
        let listen =
            |text: &str| parse(&format!("{SMALLEST}[api]\nlisten = \"{text}\"\n"), &system()).map(|it| it.api.listen);
        for right in ["127.0.0.1:8003", "127.9.9.9:1", "[::1]:8003"] {
            assert_eq!(listen(right), Ok(right.parse().ok()));
        }
        for wrong in ["0.0.0.0:8003", "[::]:8003", "10.0.0.1:8003", "localhost:8003", "8003", "127.0.0.1", ""] {
            assert!(listen(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn credentials_of_units_are_references_under_names_of_files() {
        let credentials = |lines: &str| parse(&format!("{SMALLEST}[credentials]\n{lines}\n"), &system());
        let config = credentials("openai_key = \"openai/api_key\"\nshop = \"aurora://google/oauth?field=client_id\"");
        let read: Vec<String> = config.expect("valid").credentials.values().map(Reference::to_string).collect();
        assert_eq!(read, ["aurora://openai/api_key", "aurora://google/oauth?field=client_id"]);
        for wrong in ["a = 1", "a = \"openai\"", "\"../a\" = \"openai/api_key\"", "\"a/b\" = \"openai/api_key\""] {
            assert!(credentials(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let text = r#"
            top = 1
            [node]
            name = "Vengeance"
            role = "boss"
            state_dir = "relative"
            colour = "red"
            [mesh]
            listen = "7700"
            leads = ["aurora.local", "aurora.local:0", 5]
            discovery = "yes"
            [cache]
            ttl = "0s"
            max_stale = 3600
            [unseal]
            source = "luck"
            [audit]
            durability = "loose"
            [api]
            socket_group = "a b"
            [limits]
            value_bytes_max = 9999999
            connections = -1
            [extra]
        "#;
        let wanted = [
            "node.name",
            "node.role",
            "node.environment",
            "node.state_dir",
            "node.colour",
            "mesh.listen",
            "mesh.leads",
            "mesh.leads",
            "mesh.leads",
            "mesh.discovery",
            "cache.ttl",
            "cache.max_stale",
            "unseal.source",
            "audit.durability",
            "api.socket_group",
            "limits.value_bytes_max",
            "limits.connections",
            "extra",
            "top",
        ];
        assert_eq!(keys(text), wanted);
    }

    #[test]
    fn a_problem_says_what_is_wrong_and_what_would_be_right() {
        let problems = parse(&SMALLEST.replace("follower", "boss"), &system()).expect_err("no such role");
        assert_eq!(
            problems.to_string(),
            "the configuration has 1 problem\n  node.role: \"boss\" is not a role; write \"lead\" or \"follower\""
        );
    }

    #[test]
    fn text_that_is_no_toml_names_its_line_and_shows_nothing_of_it() {
        let problems = parse("[node]\nname = canary-value\n", &system()).expect_err("no TOML");
        assert_eq!(problems.0[0].key, "line 2");
        assert!(!problems.to_string().contains("canary"), "{problems}");
    }

    #[test]
    fn the_value_of_an_unknown_key_is_not_shown() {
        let problems =
            parse(&format!("{SMALLEST}[unseal]\npassphrase = \"canary\"\n"), &system()).expect_err("unknown");
        assert!(!problems.to_string().contains("canary"), "{problems}");
    }

    #[test]
    fn the_environment_wins_over_the_file_and_may_stand_in_for_it() {
        let lookup = |name: &str| match name {
            "NODE_NAME" => Some("runpod-tx".to_owned()),
            "NODE_ROLE" => Some("lead".to_owned()),
            _ => None,
        };
        let defaults = Defaults::from_environment(true, lookup).expect("paths");
        for text in [SMALLEST, "[node]\nenvironment = \"prod\"\n"] {
            let config = parse(text, &defaults).expect("valid");
            assert_eq!((config.node.name.as_str(), config.node.role), ("runpod-tx", Role::Lead));
        }
        let wrong = Defaults { role: Some("boss".to_owned()), ..system() };
        let problems = parse(SMALLEST, &wrong).expect_err("no such role");
        assert!(problems.to_string().contains("NODE_ROLE"), "{problems}");
    }

    #[test]
    fn a_follower_that_could_never_find_its_lead_is_refused() {
        assert_eq!(keys(&format!("{SMALLEST}[mesh]\ndiscovery = false\n")), ["mesh.leads"]);
        for lead in ["aurora.local:7700", "10.0.0.1:7700", "[::1]:7700"] {
            let text = format!("{SMALLEST}[mesh]\ndiscovery = false\nleads = [\"{lead}\"]\n");
            assert_eq!(parse(&text, &system()).expect("valid").mesh.leads, [lead]);
        }
    }

    #[test]
    fn every_unseal_source_is_read_with_what_belongs_to_it_and_nothing_else() {
        let unseal = |lines: &str| parse(&format!("{SMALLEST}[unseal]\n{lines}\n"), &system()).map(|it| it.unseal);
        let named = |name| UnsealSource::SystemdCredential { credential: CredentialName::parse(name).expect("a name") };
        assert_eq!(unseal("source = \"passphrase\""), Ok(UnsealSource::Passphrase));
        assert_eq!(unseal("source = \"shamir\""), Ok(UnsealSource::Shamir));
        assert_eq!(unseal("source = \"systemd-credential\""), Ok(named("aurora-unseal")));
        assert_eq!(unseal("source = \"systemd-credential\"\ncredential = \"key.2\""), Ok(named("key.2")));
        for (lines, key) in [
            ("source = \"passphrase\"\npath = \"/k\"", "unseal.path"),
            ("source = \"shamir\"\npath = \"/k\"", "unseal.path"),
            ("source = \"systemd-credential\"\npath = \"/k\"", "unseal.path"),
            ("credential = \"aurora-unseal\"", "unseal.credential"),
            ("source = \"systemd-credential\"\ncredential = \"../../etc/passwd\"", "unseal.credential"),
            ("source = \"systemd-credential\"\ncredential = \"..\"", "unseal.credential"),
        ] {
            assert_eq!(keys(&format!("{SMALLEST}[unseal]\n{lines}\n")), [key], "{lines}");
        }
    }

    #[test]
    fn a_socket_directory_too_long_is_refused() {
        let long = format!("{SMALLEST}[api]\nsocket_dir = \"/{}\"\n", "a".repeat(96));
        assert_eq!(keys(&long), ["api.socket_dir"]);
    }

    #[test]
    fn what_is_rendered_reads_back_to_the_same() {
        let small = parse(SMALLEST, &system()).expect("valid");
        let mut full = small.clone();
        full.node.state_dir = "/srv/a \"quoted\" \\ place\n".into();
        full.mesh.leads = vec!["aurora.local:7700".to_owned(), "[::1]:7701".to_owned()];
        full.mesh.discovery = false;
        full.cache = FreshnessPolicy { ttl: Duration::from_millis(1500), max_stale: Duration::ZERO };
        full.unseal = UnsealSource::Passphrase;
        full.audit = AuditSection {
            durability: Durability::Strict,
            file_bytes_max: 1 << 20,
            keep_months: 24,
            spool_bytes_max: 2 << 20,
            reserve_bytes: 0,
        };
        full.api.socket_group = Some("aurora".to_owned());
        full.api.listen = Some(SocketAddr::from(([127, 0, 0, 1], 8003)));
        let name = CredentialName::parse("openai_key").expect("a name");
        full.credentials.insert(name, Reference::parse_short("openai/api_key?field=a").expect("a reference"));
        full.limits.connections = 64;
        full.limits.connections_per_uid = 8;
        let credential = CredentialName::parse("key-2").expect("a name");
        let of_systemd = NodeConfig { unseal: UnsealSource::SystemdCredential { credential }, ..small.clone() };
        let shared = NodeConfig { unseal: UnsealSource::Shamir, ..small.clone() };
        for config in [small, full, of_systemd, shared] {
            let text = render(&config);
            assert_eq!(parse(&text, &system()).as_ref(), Ok(&config), "{text}");
        }
    }

    #[test]
    fn the_examples_load_and_are_what_the_renderer_writes() {
        let examples = [
            (include_str!("../../mesh-config/lead.toml"), "aurora", Role::Lead),
            (include_str!("../../mesh-config/follower.toml"), "vengeance", Role::Follower),
        ];
        for (text, name, role) in examples {
            let config = parse(text, &system()).expect("valid");
            assert_eq!((config.node.name.as_str(), config.node.role), (name, role));
            assert_eq!(render(&config), text, "the comments of the example differ from those of a new node");
        }
    }
}
