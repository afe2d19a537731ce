//! The systemd unit in `mesh-config` fits the program: the same places, the same signal of readiness, and nothing that
//! would blind the node to who asks. The units that `aurora service` writes are those, and systemd has nothing to say
//! against them.

mod commands;
mod watchdog;

use std::path::Path;

use aurora_mesh::config::node_config::{CredentialName, Defaults};
use aurora_mesh::config::parse::parse;
use aurora_mesh::config::paths::Paths;

const UNIT: &str = include_str!("../../mesh-config/aurora.service");

const LEAD: &str = include_str!("../../mesh-config/lead.toml");

/// What a key is set to; a unit may set it once.
fn setting<'unit>(unit: &'unit str, key: &str) -> Option<&'unit str> {
    let mut values = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let value = values.next();
    assert_eq!(values.next(), None, "{key} is set twice");
    value
}

#[test]
fn the_unit_starts_the_node_from_the_places_of_the_system() {
    let paths = Paths::system();
    let start = format!("/usr/local/bin/aurora up --config {}", paths.config_file.display());
    assert_eq!(setting(UNIT, "ExecStart"), Some(start.as_str()));
    let below = |parent: &str, key: &str| Path::new(parent).join(setting(UNIT, key).expect(key));
    assert_eq!(below("/var/lib", "StateDirectory"), paths.state_dir);
    assert_eq!(below("/run", "RuntimeDirectory"), paths.socket_dir);
    assert_eq!(setting(UNIT, "StateDirectoryMode"), Some("0700"));
    assert_eq!(setting(UNIT, "Type"), Some("notify"));
    assert_eq!(setting(UNIT, "WatchdogSec"), Some("30"));
}

#[test]
fn the_unit_s_user_and_the_example_s_group_are_the_same() {
    let config = parse(LEAD, &Defaults::of_paths(Paths::system())).expect("the example is right");
    assert_eq!(setting(UNIT, "Group"), config.api.socket_group.as_deref());
    assert_eq!(setting(UNIT, "User"), setting(UNIT, "Group"));
}

/// With either of these the node runs and every caller is refused: the kernel would name nobody, or hide the groups.
#[test]
fn the_unit_does_not_hide_from_the_node_who_asks() {
    for key in ["PrivateUsers", "ProtectProc", "ProcSubset", "PrivateNetwork"] {
        assert_eq!(setting(UNIT, key), None, "{key}");
    }
    assert_eq!(setting("PrivateUsers=yes\n", "PrivateUsers"), Some("yes"));
}

/// The line that the unit offers, and the one that an error tells to add, name the credential the node looks for.
#[test]
fn the_unit_offers_the_credential_that_a_node_looks_for_by_default() {
    let name = CredentialName::default();
    let name = name.as_str();
    let line = format!("#LoadCredentialEncrypted={name}:/etc/credstore.encrypted/{name}\n");
    assert!(UNIT.contains(&line), "{line}");
}
