//! Imports go down the layer table only. A new arrow is a design change: this table, the README and the reason in one commit.

use super::imports::{imports, path_starts};
use super::source::Source;

/// The rooms by layer. `main` stands for `src/main.rs`.
const LAYERS: &[(&str, u8)] = &[
    ("model", 0),
    ("crypto", 1),
    ("policy", 1),
    ("catalogue", 1),
    ("config", 1),
    ("wire", 1),
    ("replication", 1),
    ("connectivity", 1),
    ("events", 1),
    ("metrics", 1),
    ("store", 2),
    ("snapshot", 2),
    ("audit", 2),
    ("transport", 2),
    ("discovery", 2),
    ("interchange", 2),
    ("delivery", 2),
    ("callers", 2),
    ("egress", 2),
    ("actors", 3),
    ("vault", 4),
    ("api", 5),
    ("units", 5),
    ("workload", 5),
    ("cli", 5),
    ("mcp", 6),
    ("daemon", 6),
    ("main", 7),
];

/// The layer of a room that is in the table.
pub(super) fn layer(room: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == room).map(|(_, layer)| *layer)
}

/// Every use of a room that is not below, tests included; and every `super` that leads out of the room.
pub(super) fn check(source: &Source) -> Vec<String> {
    if source.path == "src/lib.rs" {
        return Vec::new();
    }
    let own = source.room();
    let Some(own_layer) = layer(own) else {
        return vec![source.broken(1, &format!("{own} is not a room of the layer table"))];
    };
    let mut used: Vec<(usize, String)> = imports(source)
        .into_iter()
        .filter(|import| import.path.first().is_some_and(|root| root == "crate" || root == "aurora_mesh"))
        .filter_map(|import| Some((import.line, import.path.get(1)?.clone())))
        .collect();
    for root in ["crate", "aurora_mesh"] {
        used.extend(path_starts(source, root).filter_map(|(line, rest)| Some((line, second_segment(rest)?))));
    }
    used.sort();
    used.dedup();
    let upward = used.into_iter().filter_map(|(line, room)| {
        let allowed = room == own || layer(&room).is_some_and(|layer| layer < own_layer);
        (!allowed).then(|| source.broken(line, &format!("{own} (layer {own_layer}) may not use {room}")))
    });
    upward.chain(escapes(source)).collect()
}

fn second_segment(path: &str) -> Option<String> {
    let rest = path.split_once("::")?.1;
    let name: String = rest.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn escapes(source: &Source) -> Vec<String> {
    let climbs = |(line, rest): (usize, &str)| {
        let climbed = rest.split("::").take_while(|segment| *segment == "super").count();
        // A module of tests is one level deeper than its file.
        let allowed = source.depth() + usize::from(!source.is_production(line));
        (climbed > allowed).then(|| source.broken(line, "leaves its room with super: write crate::ROOM"))
    };
    path_starts(source, "super").filter_map(climbs).collect()
}

#[cfg(test)]
fn broken(path: &str, text: &str) -> usize {
    check(&Source::new(path, text)).len()
}

#[test]
fn a_use_upwards_or_sideways_is_found_and_one_downwards_is_not() {
    assert_eq!(broken("src/policy/grant.rs", "use crate::model::name::NodeName;\nuse crate::policy::x;\n"), 0);
    assert_eq!(broken("src/policy/grant.rs", "use crate::config::paths::Paths;\n"), 1);
    assert_eq!(broken("src/model/name.rs", "use crate::{model::time, store::handle};\n"), 1);
    assert_eq!(broken("src/wire/frame.rs", "fn f() { crate::transport::stream::open() }\n"), 1);
    assert_eq!(broken("src/wire/frame.rs", "#[cfg(test)]\nmod tests {\n    use crate::store::handle::Store;\n}\n"), 1);
    assert_eq!(broken("src/wire/frame.rs", "// use crate::transport;\nconst A: &str = \"crate::store::x\";\n"), 0);
    assert_eq!(broken("src/store/handle.rs", "use aurora_mesh::vault::door;\n"), 1);
    assert_eq!(broken("src/main.rs", "use aurora_mesh::daemon::run;\n"), 0);
}

#[test]
fn an_unknown_room_is_found_from_both_sides() {
    assert_eq!(broken("src/extra/mod.rs", "//! x\n"), 1);
    assert_eq!(broken("src/daemon/run.rs", "use crate::extra::thing;\n"), 1);
}

#[test]
fn a_super_that_leaves_the_room_is_found() {
    assert_eq!(broken("src/wire/frame.rs", "use super::error::WireError;\n"), 0);
    assert_eq!(broken("src/wire/frame.rs", "use super::super::store::handle;\n"), 1);
    assert_eq!(broken("src/wire/mod.rs", "use super::store::handle;\n"), 1);
    assert_eq!(broken("src/store/record/key.rs", "use super::super::error::StoreError;\n"), 0);
    assert_eq!(broken("src/wire/frame.rs", "#[cfg(test)]\nmod tests {\n    use super::super::error::E;\n}\n"), 0);
    assert_eq!(broken("src/wire/frame.rs", "#[cfg(test)]\nmod tests {\n    use super::super::super::store;\n}\n"), 1);
}
