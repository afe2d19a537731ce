//! Programs of others, as `scripts/clients.sh` installs them. A machine without them skips what is shown with them, and says
//! so; where `AURORA_CLIENTS` is `required`, as it is where they were just installed, their absence is a failure.

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

use std::path::{Path, PathBuf};

/// A Python interpreter that has the packages of `tests/clients/requirements.txt`.
pub fn python() -> Option<PathBuf> {
    installed("python/bin/python3")
}

/// A program that a Python package brings, such as `envoy`.
pub fn python_program(name: &str) -> Option<PathBuf> {
    installed(&format!("python/bin/{name}"))
}

/// The directory in which the packages of `tests/clients/package.json` are found.
pub fn node_packages() -> Option<PathBuf> {
    installed("node/node_modules")
}

/// A Rust program of `tests/clients`.
pub fn rust_program(name: &str) -> Option<PathBuf> {
    installed(&format!("rust/{name}"))
}

/// A script of `tests/clients`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

fn installed(what: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/clients").join(what);
    if path.exists() {
        return Some(path);
    }
    let is_required = std::env::var("AURORA_CLIENTS").is_ok_and(|word| word == "required");
    assert!(!is_required, "{} is not there: run scripts/clients.sh", path.display());
    eprintln!("skipped: {} is not there; scripts/clients.sh installs it", path.display());
    None
}
