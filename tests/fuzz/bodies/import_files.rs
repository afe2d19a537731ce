//! Files of other tools, as `import` reads them, and values as `export` writes them: what is written reads back, byte for
//! byte, and no error repeats a value.

use std::sync::OnceLock;

use aurora_mesh::catalogue::lookup::Catalogue;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::interchange::entry::{Content, Entry, Format, Item};
use aurora_mesh::interchange::name_map::NameMap;
use aurora_mesh::interchange::naming::{Rules, plan_names};
use aurora_mesh::interchange::read::read;
use aurora_mesh::interchange::write::{WriteError, write};
use aurora_mesh::model::secret::{Scope, SecretName};

/// The first byte says the format, and whether the rest is a file, a map of names, or a value.
pub fn run(data: &[u8]) {
    let Some((what, rest)) = data.split_first() else { return };
    let [dotenv, json, yaml, shell] = Format::ALL;
    let format = [dotenv, json, yaml, shell][usize::from(what % 4)];
    match what / 4 % 4 {
        0 | 1 => file(format, rest),
        2 => map(rest),
        _ => value(format, rest),
    }
}

fn file(format: Format, data: &[u8]) {
    let entries = match read(format, "file", &Plaintext::new(data.to_vec())) {
        Ok(entries) => entries,
        Err(error) => return super::assert_printable(&error.to_string()),
    };
    let lines = data.iter().filter(|byte| **byte == b'\n').count() + data.iter().filter(|byte| **byte == b'\r').count();
    for Entry { line, raw_name, .. } in &entries {
        assert!((1..=lines + 1).contains(line), "{raw_name} in line {line}");
        super::assert_printable(raw_name);
        assert!(!raw_name.contains('\n'), "{raw_name:?}");
    }
    let rules = Rules { map: &NameMap::default(), catalogue: catalogue(), scope: &Scope::Global };
    if let Err(error) = plan_names("file", entries, rules) {
        super::assert_printable(&error.to_string());
    }
}

fn map(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = NameMap::parse("map", text) {
        super::assert_printable(&error.to_string());
    }
}

fn value(format: Format, data: &[u8]) {
    let name = SecretName::parse("odd/value").expect("a name");
    let content = Content::Value(Plaintext::new(data.to_vec()));
    let file = match write(format, &[Item { name: name.clone(), scope: None, content }], catalogue()) {
        Ok(file) => file,
        Err(error) => {
            let unfit =
                std::str::from_utf8(data).is_err() || matches!(error, WriteError::ZeroByte(_)) && data.contains(&0);
            return assert!(unfit, "{format}: {error}");
        }
    };
    let entries = read(format, "file", &file).expect("what was written reads");
    let [Entry { target: Some(target), content: Content::Value(value), .. }] = entries.as_slice() else {
        panic!("{format}: {entries:?}");
    };
    assert_eq!((&target.name, value.expose()), (&name, data), "{format}");
}

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| Catalogue::embedded().expect("a test keeps it free of problems"))
}
