//! The program that people are given is stripped of its symbols: they are 5 MB of it.

/// The release profile strips, and the package has no section of its own in it: with one, cargo 1.95 keeps the symbols.
pub(super) fn check(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("Cargo.toml is TOML");
    let package = manifest["package"]["name"].as_str().expect("a name");
    let release = &manifest["profile"]["release"];
    let strips = release.get("strip").and_then(toml::Value::as_bool) == Some(true);
    let has_section = release.get("package").is_some_and(|packages| packages.get(package).is_some());
    let mut broken = Vec::new();
    if !strips {
        broken.push("the release profile does not strip".to_owned());
    }
    if has_section {
        broken.push(format!("{package} has a section of its own in the release profile, and is not stripped"));
    }
    broken
}

#[test]
fn a_release_with_symbols_is_found() {
    let broken =
        |release: &str| check(&format!("[package]\nname = \"aurora-mesh\"\n[profile.release]\n{release}")).len();
    assert_eq!(broken("strip = true\n[profile.release.package.\"*\"]\nopt-level = \"s\"\n"), 0);
    assert_eq!(broken("lto = \"fat\"\n"), 1);
    assert_eq!(broken("strip = true\n[profile.release.package.aurora-mesh]\nopt-level = 3\n"), 1);
}
