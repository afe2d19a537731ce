//! The house rules, read from the source itself: layers, external crates, sizes, words that stand in one place only, and the
//! map in the README. Each rule is a pure function over a path and a text, with a control that shows it going red.

mod crates;
mod imports;
mod layers;
mod release;
mod repository;
mod sizes;
mod source;
mod words;

use std::path::{Path, PathBuf};

use source::Source;

/// The top level of the repository. Read when the test runs, so that one binary can look at another working copy.
fn top() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// Every Rust file below a directory of the repository.
fn sources(directory: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&top().join(directory), &mut paths);
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(top()).expect("below the top").to_string_lossy().into_owned();
        Source::new(&name, &std::fs::read_to_string(path).expect("a readable source file"))
    };
    let sources: Vec<Source> = paths.iter().map(read).collect();
    assert!(!sources.is_empty(), "{directory} has no source files");
    source::mark_test_files(sources)
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for item in std::fs::read_dir(directory).expect("a readable directory") {
        let path = item.expect("a readable directory").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn text(name: &str) -> String {
    std::fs::read_to_string(top().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn assert_kept(broken: Vec<String>) {
    assert!(broken.is_empty(), "{} violations:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn a_room_uses_only_rooms_of_lower_layers() {
    assert_kept(sources("src").iter().flat_map(layers::check).collect());
}

#[test]
fn every_directory_in_src_is_a_room_of_the_layer_table() {
    assert_kept(repository::check_rooms_are_layered(&repository::rooms(&top())));
}

#[test]
fn an_external_crate_is_used_in_its_own_rooms_only() {
    assert_kept(sources("src").iter().flat_map(crates::check).collect());
}

#[test]
fn every_dependency_has_its_rooms() {
    assert_kept(crates::check_manifest(&text("Cargo.toml")));
}

#[test]
fn a_release_is_stripped() {
    assert_kept(release::check(&text("Cargo.toml")));
}

#[test]
fn files_and_functions_fit() {
    assert_kept(sources("src").iter().flat_map(sizes::check).collect());
}

#[test]
fn every_file_says_why_it_exists() {
    assert_kept(sources("src").iter().chain(&sources("tests")).flat_map(words::check_opening).collect());
}

#[test]
fn unsafe_code_stands_in_one_file() {
    assert_kept(sources("src").iter().flat_map(words::check_unsafe).collect());
}

#[test]
fn the_room_for_models_has_no_way_to_a_value() {
    assert_kept(sources("src").iter().flat_map(words::check_no_values).collect());
}

#[test]
fn nothing_is_imported_by_star_or_exported_again() {
    assert_kept(sources("src").iter().flat_map(words::check_imports).collect());
}

#[test]
fn plaintext_is_exposed_by_the_listed_files_only() {
    assert_kept(words::check_expose(&sources("src")));
}

#[test]
fn the_rooms_in_the_readme_are_the_directories_in_src() {
    assert_kept(repository::check_readme(&text("README.md"), &repository::rooms(&top())));
}

#[test]
fn the_files_and_headings_that_the_readme_points_at_are_there() {
    let top = top();
    assert_kept(repository::check_readme_names(&text("README.md"), |path| top.join(path).exists()));
}

#[test]
fn the_top_level_holds_the_agreed_entries_only() {
    assert_kept(repository::check_top_level(&repository::entries(&top())));
}
