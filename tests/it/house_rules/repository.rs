//! The repository as a whole: its top level, its rooms, and the map of them in the README.

use std::collections::BTreeSet;
use std::path::Path;

use super::layers::layer;

/// What the top level may hold besides hidden entries, and `target`, which is never committed.
const TOP_LEVEL: &[&str] =
    &["Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "mesh-config", "scripts", "src", "tests", "target"];

/// The heading under which the README lists the rooms.
const MAP_HEADING: &str = "## Architecture";

/// The names in a directory.
pub(super) fn entries(directory: &Path) -> BTreeSet<String> {
    let items = std::fs::read_dir(directory).expect("a readable directory");
    items.map(|item| item.expect("a readable directory").file_name().to_string_lossy().into_owned()).collect()
}

/// The directories in `src`.
pub(super) fn rooms(top: &Path) -> BTreeSet<String> {
    let source = top.join("src");
    entries(&source).into_iter().filter(|name| source.join(name).is_dir()).collect()
}

/// Entries of the top level that nobody agreed to.
pub(super) fn check_top_level(entries: &BTreeSet<String>) -> Vec<String> {
    let extra = entries.iter().filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()));
    extra.map(|name| format!("{name}: is not an agreed entry of the top level")).collect()
}

/// Directories in `src` without a layer.
pub(super) fn check_rooms_are_layered(rooms: &BTreeSet<String>) -> Vec<String> {
    let unknown = rooms.iter().filter(|room| layer(room).is_none());
    unknown.map(|room| format!("src/{room}: is not a room of the layer table")).collect()
}

/// The rows ``| `room` | …`` between the map's heading and the next heading of its level are the rooms, each once.
pub(super) fn check_readme(readme: &str, rooms: &BTreeSet<String>) -> Vec<String> {
    let Some(at) = readme.lines().position(|line| line.trim_end() == MAP_HEADING) else {
        return vec![format!("README.md: has no heading {MAP_HEADING}")];
    };
    let section = readme.lines().skip(at + 1).take_while(|line| !line.starts_with("## ") && !line.starts_with("# "));
    let listed: Vec<&str> = section.filter_map(listed_room).collect();
    let unique: BTreeSet<String> = listed.iter().map(|room| (*room).to_owned()).collect();
    let mut broken = Vec::new();
    if listed.len() != unique.len() {
        broken.push("README.md: lists a room twice".to_owned());
    }
    broken.extend(rooms.difference(&unique).map(|room| format!("README.md: does not list the room {room}")));
    broken.extend(unique.difference(rooms).map(|room| format!("README.md: lists {room}, which is not in src")));
    broken
}

/// Source files between backticks, such as `vault/read.rs`, that are neither in `src` nor where their path says; and links
/// to headings that are not there.
pub(super) fn check_readme_names(readme: &str, is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let spans = readme.split('`').skip(1).step_by(2);
    let files = spans.filter(|span| span.ends_with(".rs") && span.contains('/') && !span.contains(char::is_whitespace));
    let lost = files.filter(|file| !is_there(file) && !is_there(&format!("src/{file}")));
    let mut broken: Vec<String> = lost.map(|file| format!("README.md: names {file}, which is not there")).collect();
    let headings: BTreeSet<String> = readme.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    let links = readme.split("](#").skip(1).filter_map(|rest| rest.split(')').next());
    let nowhere = links.filter(|link| !headings.contains(*link));
    broken.extend(nowhere.map(|link| format!("README.md: links to #{link}, which is no heading")));
    broken
}

/// What a heading is linked by.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    text.chars().filter(|character| character.is_alphanumeric() || matches!(character, '-' | '_')).collect()
}

fn listed_room(row: &str) -> Option<&str> {
    let (room, rest) = row.strip_prefix("| `")?.split_once('`')?;
    rest.trim_start().starts_with('|').then_some(room)
}

#[cfg(test)]
fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn an_extra_entry_on_the_top_level_is_found() {
    assert!(check_top_level(&set(&["src", "Cargo.toml", ".ci", "target"])).is_empty());
    assert_eq!(check_top_level(&set(&["src", "docs"])).len(), 1);
}

#[test]
fn a_directory_that_is_no_room_is_found() {
    assert!(check_rooms_are_layered(&set(&["model", "daemon"])).is_empty());
    assert_eq!(check_rooms_are_layered(&set(&["model", "util"])).len(), 1);
}

#[test]
fn a_readme_whose_map_differs_from_src_is_found() {
    let readme = "# A\n## Architecture\n| room | what |\n|---|---|\n| `model` | nouns |\n| `wire` | bytes |\n## Rest\n| `x` | y |\n";
    let broken = |readme: &str, rooms: &[&str]| check_readme(readme, &set(rooms)).len();
    assert_eq!(broken(readme, &["model", "wire"]), 0);
    assert_eq!(broken(readme, &["model"]), 1);
    assert_eq!(broken(readme, &["model", "wire", "store"]), 1);
    assert_eq!(broken(&readme.replace("wire", "model"), &["model"]), 1);
    assert_eq!(broken(&readme.replace("## Architecture", "### Architecture"), &["model", "wire"]), 1);
}

#[test]
fn a_readme_that_names_what_is_gone_is_found() {
    let broken =
        |readme: &str| check_readme_names(readme, |path| path == "src/vault/read.rs" || path == "tests/it/main.rs");
    let good =
        "## Who asks, and why\n`vault/read.rs` `Vault::read` reads; `tests/it/main.rs`; [more](#who-asks-and-why)\n";
    assert!(broken(good).is_empty(), "{:?}", broken(good));
    assert_eq!(broken(&good.replace("vault/read", "api/read")).len(), 1);
    assert_eq!(broken(&good.replace("(#who-asks", "(#who-answers")).len(), 1);
}
