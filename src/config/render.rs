//! A configuration as commented TOML: what `init` and `join` write. It reads back to the same options.

use std::path::Path;

use toml::Value;

use super::duration;
use super::node_config::{NodeConfig, UnsealSource};
use super::render_notify;

/// Writes every option, with a comment on each.
///
/// Paths are those of a parsed configuration, so they are UTF-8; a path that is not would be written with replacement
/// characters.
#[must_use]
pub fn render(config: &NodeConfig) -> String {
    [
        head(config),
        mesh(config),
        cache(config),
        unseal(config),
        audit(config),
        api(config),
        limits(config),
        connectivity(config),
        render_notify::notify(&config.notify),
        snapshot(config),
        metrics(config),
        log(config),
        credentials(config),
    ]
    .join("\n")
}

fn head(config: &NodeConfig) -> String {
    let node = &config.node;
    format!(
        "\
# The configuration of one Aurora Mesh node. Only name, role and environment must be given; unknown keys are refused.
# Durations: 250ms, 30s, 5m, 24h, 30d. No secret belongs in this file.

[node]
# 1 to 63 of a-z, 0-9 and hyphen. NODE_NAME in the environment wins over this.
name = {}
# \"lead\" holds the authority, \"follower\" a cache. NODE_ROLE in the environment wins over this.
role = {}
# The one environment this node is in. Secrets of another never resolve here.
environment = {}
# Store, journal and keys: a directory of mode 0700.
state_dir = {}
",
        text(node.name.as_str()),
        text(node.role.as_str()),
        text(node.environment.as_str()),
        path(&node.state_dir)
    )
}

fn mesh(config: &NodeConfig) -> String {
    let leads: Vec<String> = config.mesh.leads.iter().map(|lead| text(lead)).collect();
    format!(
        "\
[mesh]
# The UDP address on which a lead takes followers; a follower dials from its host part.
listen = {}
# Where a follower finds the lead, tried in this order. On the lead: what its join tokens tell new nodes; without any,
# only this machine and the local network find it.
leads = [{}]
# Announce the lead, and look for it, over mDNS. Only its certificate decides whether it is believed.
discovery = {}
",
        text(&config.mesh.listen.to_string()),
        leads.join(", "),
        config.mesh.discovery
    )
}

fn cache(config: &NodeConfig) -> String {
    format!(
        "\
[cache]
# A copy counts as fresh this long after the lead last vouched for it,
ttl = {}
# and may still be given out, marked stale, this long after that.
max_stale = {}
",
        text(&duration::print(config.cache.ttl)),
        text(&duration::print(config.cache.max_stale))
    )
}

fn unseal(config: &NodeConfig) -> String {
    let comment = "\
[unseal]
# What opens the node's keys at start: \"file\", a key file of mode 0600; \"passphrase\", asked for at start;
# \"systemd-credential\", a key file that the unit hands over with LoadCredentialEncrypted=; or \"shamir\", shares that
# several people bring with `aurora unseal`. Set by init or join: a store opens with the source it was made with.
";
    let source = match &config.unseal {
        UnsealSource::File { path: file } => format!("source = \"file\"\npath = {}\n", path(file)),
        UnsealSource::Passphrase => "source = \"passphrase\"\n".to_owned(),
        UnsealSource::SystemdCredential { credential } => {
            format!("source = \"systemd-credential\"\ncredential = {}\n", text(credential.as_str()))
        }
        UnsealSource::Shamir => "source = \"shamir\"\n".to_owned(),
    };
    format!("{comment}{source}")
}

fn connectivity(config: &NodeConfig) -> String {
    let given = |key: &str, file: Option<&std::path::PathBuf>, example: &str| match file {
        Some(file) => format!("{key} = {}\n", path(file)),
        None => format!("# {key} = {}\n", text(example)),
    };
    let section = &config.connectivity;
    format!(
        "\
[connectivity]
# Whether the node finds out by itself which APIs work, with the keys it would really use.
probe = {}
# Provider files that add to those of the build, or stand in for the ones of the same name. They say to which hosts keys
# are sent: let nobody else write there.
{}# Certificates to trust besides the public roots, when a provider's host is your own.
{}",
        section.probe,
        given("providers_dir", section.providers_dir.as_ref(), "/etc/aurora/providers"),
        given("ca_file", section.ca_file.as_ref(), "/etc/aurora/ca.pem")
    )
}

fn metrics(config: &NodeConfig) -> String {
    format!(
        "\
[metrics]
# GET /metrics tells numbers of the node to those who manage it. true: also to everybody who reaches api.listen.
loopback = {}
",
        config.metrics.loopback
    )
}

fn log(config: &NodeConfig) -> String {
    format!(
        "\
[log]
# \"text\" or \"json\", on standard error; \"journald\": to the journal of systemd, each field on its own.
format = {}
# A collector on this machine for traces of requests, over OTLP; only in builds with the feature otlp.
{}",
        text(config.log.format.as_str()),
        match config.log.otlp {
            Some(collector) => format!("otlp = {}\n", text(&collector.to_string())),
            None => "# otlp = \"127.0.0.1:4318\"\n".to_owned(),
        }
    )
}

fn audit(config: &NodeConfig) -> String {
    let audit = &config.audit;
    format!(
        "\
[audit]
# Every line is written before the answer. \"batched\": it is on disk within 50 ms; \"strict\": before the answer.
durability = {}
# A file of the journal that has grown to so many bytes is closed and packed, and the next one begun.
file_bytes_max = {}
# Closed files are kept for so many months; then they go, and a signed tombstone stays.
keep_months = {}
# On a follower: bytes of lines that may wait for the lead. Beyond it nothing is answered until the lead takes some.
spool_bytes_max = {}
# On the lead: bytes of the disk that are left to its own journal; of a small disk, a twentieth.
reserve_bytes = {}
",
        text(audit.durability.as_str()),
        audit.file_bytes_max,
        audit.keep_months,
        audit.spool_bytes_max,
        audit.reserve_bytes
    )
}

fn api(config: &NodeConfig) -> String {
    let group = match &config.api.socket_group {
        Some(group) => format!("socket_group = {}\n", text(group)),
        None => "# socket_group = \"aurora\"\n".to_owned(),
    };
    let listen = match config.api.listen {
        Some(address) => format!("listen = {}\n", text(&address.to_string())),
        None => "# listen = \"127.0.0.1:8003\"\n".to_owned(),
    };
    format!(
        "\
[api]
# The directory of the sockets.
socket_dir = {}
# Members of this group, by name or number, may open agent.sock. Left out, it is aurora if the node runs as root and
# that group exists; otherwise the socket is for the user the node runs as alone.
{group}# A loopback address for programs that cannot speak to a Unix socket. They need an API key there.
{listen}",
        path(&config.api.socket_dir)
    )
}

fn snapshot(config: &NodeConfig) -> String {
    let snapshot = &config.snapshot;
    let list = |texts: &[String]| texts.iter().map(|item| text(item)).collect::<Vec<_>>().join(", ");
    let directory = match &snapshot.directory {
        Some(directory) => format!("directory = {}\n", path(directory)),
        None => "# directory = \"/var/lib/aurora-snapshots\"\n".to_owned(),
    };
    let command = match snapshot.command.as_slice() {
        [] => "# command = [\"rclone\", \"rcat\", \"offsite:aurora/{name}\"]\n".to_owned(),
        words => format!("command = [{}]\n", list(words)),
    };
    let recipients = match snapshot.recipients.as_slice() {
        [] => "# recipients = [\"aurora-recovery-...\"]\n".to_owned(),
        recipients => format!("recipients = [{}]\n", list(recipients)),
    };
    format!(
        "\
[snapshot]
# A lead saves itself this often, and restores what it saved to see that it is whole; if it is told where to.
every = {}
# Where: a directory of mode 0700 that the node may write, better on another disk. Followers have no use for it.
{directory}# How many snapshots stay there; the last one that was found whole always does.
keep = {}
# A program that gets each snapshot on its standard input, to take it elsewhere. {{name}} is the name of the file.
{command}# Who can open them without this node's unseal source: aurora snapshot keygen makes such a pair of keys.
{recipients}",
        text(&duration::print(snapshot.every)),
        snapshot.keep
    )
}

fn credentials(config: &NodeConfig) -> String {
    let mut section = "\
[credentials]
# What a systemd unit gets by LoadCredential=NAME:SOCKET, where a policy lets the unit read it. A name that is not here is
# read as SERVICE.KEY_NAME.
"
    .to_owned();
    for (name, reference) in &config.credentials {
        section.push_str(&format!("{} = {}\n", text(name.as_str()), text(&reference.to_string())));
    }
    if config.credentials.is_empty() {
        section.push_str("# openai_key = \"openai/api_key\"\n");
    }
    section
}

fn limits(config: &NodeConfig) -> String {
    let limits = &config.limits;
    format!(
        "\
[limits]
# Largest value, in bytes; at most 983040.
value_bytes_max = {}
# Changes the lead remembers: a follower that missed more gets everything anew.
log_revisions = {}
# Versions of each secret that the lead keeps, the current one included.
versions_kept = {}
# Local connections, in all and of one user.
connections = {}
connections_per_uid = {}
",
        limits.value_bytes_max,
        limits.log_revisions,
        limits.versions_kept,
        limits.connections,
        limits.connections_per_uid
    )
}

fn path(path: &Path) -> String {
    text(&path.to_string_lossy())
}

pub(super) fn text(text: &str) -> String {
    Value::from(text).to_string()
}
