//! What each fuzz target does with bytes that somebody else chose. A body panics if the code under it breaks a promise: no
//! panic, no memory beyond what a limit allows, one spelling for one thing, and nothing opened that was not sealed.
//!
//! The fuzzer and the tests (`tests/it/fuzz_corpus.rs`) run the same bodies, so that an input that once broke something is
//! tried again by every `cargo test`.

pub mod audit_lines;
pub mod catalogue;
pub mod certificates;
pub mod configuration;
pub mod delivery;
pub mod http_request;
pub mod import_files;
pub mod joiner_frames;
pub mod kept_rows;
pub mod member_frames;
pub mod names;
pub mod policy_text;
pub mod proof_files;
pub mod replication;
pub mod rows;
pub mod sealed;
pub mod template;
pub mod tokens;

/// One target: what it is called, here and in `fuzz_targets`, and what it does with bytes.
pub struct Target {
    /// Its name, which is also that of its directory below `corpus`.
    pub name: &'static str,
    /// The body.
    pub run: fn(&[u8]),
}

/// Every target, by name.
pub const ALL: [Target; 18] = [
    Target { name: "audit_lines", run: audit_lines::run },
    Target { name: "catalogue", run: catalogue::run },
    Target { name: "certificates", run: certificates::run },
    Target { name: "configuration", run: configuration::run },
    Target { name: "delivery", run: delivery::run },
    Target { name: "http_request", run: http_request::run },
    Target { name: "import_files", run: import_files::run },
    Target { name: "joiner_frames", run: joiner_frames::run },
    Target { name: "kept_rows", run: kept_rows::run },
    Target { name: "member_frames", run: member_frames::run },
    Target { name: "names", run: names::run },
    Target { name: "policy_text", run: policy_text::run },
    Target { name: "proof_files", run: proof_files::run },
    Target { name: "replication", run: replication::run },
    Target { name: "rows", run: rows::run },
    Target { name: "sealed", run: sealed::run },
    Target { name: "template", run: template::run },
    Target { name: "tokens", run: tokens::run },
];

/// Takes a result of which it only counts that it came.
fn came<T>(_: T) {}

/// A text that people will see in a terminal: it must not move one.
fn assert_printable(text: &str) {
    let strange = |character: char| character.is_control() && character != '\n';
    assert!(!text.contains(strange), "a control character is shown: {text:?}");
}
