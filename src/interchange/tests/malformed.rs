//! The files of `tests/fixtures/malformed-imports`: each is refused, with the line and the reason that `expected.toml`
//! says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::entry::Format;
use super::super::error::{FileError, PROBLEMS_MAX};
use super::super::name_map::NameMap;
use super::super::naming::{Named, Rules, plan_names};
use super::super::read::read;
use crate::catalogue::lookup::Catalogue;
use crate::crypto::plaintext::Plaintext;
use crate::model::secret::Scope;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/malformed-imports")
}

fn import(file: &str) -> Result<Named, FileError> {
    let bytes = std::fs::read(directory().join(file)).expect("a readable file");
    let entries = read(Format::of_file_name(file), file, &Plaintext::new(bytes))?;
    let (map, catalogue) = (NameMap::default(), Catalogue::embedded().expect("catalogue"));
    plan_names(file, entries, Rules { map: &map, catalogue: &catalogue, scope: &Scope::Global })
}

#[test]
fn every_malformed_file_is_refused_with_its_line_and_reason_and_without_its_values() {
    let expected = std::fs::read_to_string(directory().join("expected.toml")).expect("a readable file");
    let expected: toml::Table = expected.parse().expect("TOML");
    let items = std::fs::read_dir(directory()).expect("a readable directory");
    let files: BTreeSet<String> =
        items.map(|item| item.expect("a readable directory").file_name().to_string_lossy().into_owned()).collect();
    let files: BTreeSet<&str> = files.iter().map(String::as_str).filter(|file| *file != "expected.toml").collect();
    assert_eq!(files, expected.keys().map(String::as_str).collect::<BTreeSet<_>>());
    assert!(files.len() >= 50);

    for file in files {
        let error = import(file).err().unwrap_or_else(|| panic!("{file} is taken"));
        let line = expected[file]["line"].as_integer().expect("a line");
        let says = expected[file]["says"].as_str().expect("a reason");
        let first = error.problems.first().expect("a problem");
        assert_eq!(i64::try_from(first.line), Ok(line), "{error}");
        assert!(first.to_string().contains(says), "{error}");
        let shown = error.to_string();
        assert!(shown.starts_with(&format!("{file} ")) && shown.contains(&format!("line {line}: ")), "{shown}");
        assert!(!shown.contains("canary") && !shown.contains("4141"), "{shown}");
    }
}

#[test]
fn a_file_with_several_wrong_lines_tells_them_in_order() {
    let text = b"A=1\nB\nA=2\nC=\"x\" y\n".to_vec();
    let error = read(Format::Dotenv, ".env", &Plaintext::new(text)).expect_err("wrong");
    let wanted = [
        ".env has 2 problems",
        "  line 2: there is no '=' after the name; write NAME=value, or NAME= for an empty value",
        "  line 4: there is text after the closing quote; put the quote at the end of the value",
    ];
    assert_eq!(error.to_string(), wanted.join("\n"));
    let nonsense = Plaintext::new(b"nonsense\n".repeat(200));
    let error = read(Format::Dotenv, ".env", &nonsense).expect_err("wrong");
    assert_eq!(error.problems.len(), PROBLEMS_MAX);
    assert!(error.to_string().starts_with(".env has at least 100 problems\n"));
}
