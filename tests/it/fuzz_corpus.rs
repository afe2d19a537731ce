//! What the fuzzer found worth keeping is tried again by every `cargo test`: the inputs of `tests/fuzz/corpus`, through the
//! same bodies, and every input a little damaged.

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bodies::{ALL, Target};

/// Kept small: it is a sample for every day, not what a campaign begins with.
const CORPUS_BYTES_MAX: u64 = 300 << 10;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

/// The inputs of a target, by name.
fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = fuzz().join("corpus").join(target);
    let items = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<PathBuf> = items.map(|item| item.expect("a readable directory").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).expect("a readable file"))).collect()
}

fn target(name: &str) -> Target {
    ALL.into_iter().find(|target| target.name == name).expect("a target")
}

/// Runs the body, and says which input it was that broke it.
fn run(target: &Target, what: &str, input: &[u8]) {
    let ran = std::panic::catch_unwind(|| (target.run)(input));
    assert!(ran.is_ok(), "{} breaks on {what}: {input:02x?}", target.name);
}

/// The input cut in half, with each of some bits turned over, and with a byte more.
fn damaged(input: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![input[..input.len() / 2].to_vec(), [input, &[0xff]].concat()];
    let step = (input.len() / 16).max(1);
    all.extend((0..input.len()).step_by(step).map(|at| {
        let mut other = input.to_vec();
        other[at] ^= 1 << (at % 8);
        other
    }));
    all
}

fn replay(name: &str) {
    let target = target(name);
    let inputs = inputs(name);
    assert!(!inputs.is_empty(), "{name} has no corpus");
    for (path, input) in inputs {
        let path = path.display().to_string();
        run(&target, &path, &input);
        damaged(&input).iter().for_each(|other| run(&target, &format!("a damaged {path}"), other));
    }
}

macro_rules! replayed {
    ($($name:ident),+) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )+

        /// The targets that have a test here.
        const REPLAYED: &[&str] = &[$(stringify!($name)),+];
    };
}

replayed!(
    audit_lines,
    catalogue,
    certificates,
    configuration,
    delivery,
    http_request,
    import_files,
    joiner_frames,
    kept_rows,
    member_frames,
    names,
    policy_text,
    proof_files,
    replication,
    rows,
    sealed,
    template,
    tokens
);

#[test]
fn every_target_has_a_body_a_program_a_corpus_and_a_test() {
    let names: BTreeSet<String> = ALL.iter().map(|target| target.name.to_owned()).collect();
    let stems = |directory: &str| -> BTreeSet<String> {
        let items = std::fs::read_dir(fuzz().join(directory)).expect("a readable directory");
        let stem = |path: PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
        items.map(|item| stem(item.expect("a readable directory").path())).collect()
    };
    let manifest: toml::Table =
        std::fs::read_to_string(fuzz().join("Cargo.toml")).expect("a manifest").parse().expect("TOML");
    let programs = manifest["bin"].as_array().expect("programs").iter();
    let programs: BTreeSet<String> = programs.map(|bin| bin["name"].as_str().expect("a name").to_owned()).collect();
    assert_eq!(stems("fuzz_targets"), names);
    assert_eq!(stems("corpus"), names);
    assert_eq!(programs, names);
    assert_eq!(REPLAYED.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), names);
    let bodies: BTreeSet<String> = stems("bodies").into_iter().filter(|name| name != "mod").collect();
    assert_eq!(bodies, names);
}

#[test]
fn the_corpus_stays_small() {
    let sizes = ALL.iter().flat_map(|target| inputs(target.name)).map(|(_, input)| input.len());
    let bytes: u64 = sizes.map(|bytes| u64::try_from(bytes).expect("a short file")).sum();
    assert!(bytes <= CORPUS_BYTES_MAX, "{bytes} bytes");
}

/// The control of all this: a body whose promise is broken is found.
#[test]
fn a_body_that_panics_is_found() {
    let broken = Target { name: "broken", run: |data| assert!(data.len() < 3, "three bytes are too many") };
    run(&broken, "two bytes", b"12");
    assert!(std::panic::catch_unwind(|| run(&broken, "three bytes", b"123")).is_err());
}
