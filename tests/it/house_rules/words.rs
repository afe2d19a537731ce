//! Words that stand in one place only: what opens a file, unsafe code, stars, exports, and the one way to a value.

use super::imports::imports;
use super::source::Source;

/// The one file with unsafe code.
const UNSAFE_HOME: &str = "src/crypto/locked.rs";

/// The production files that call `Plaintext::expose`, and what for. Each is a place where a value could leave: a new one is
/// looked at before it is added, and one that no longer calls is taken out.
const EXPOSE_CALLERS: &[(&str, &str)] = &[
    ("src/actors/snapshot_proof.rs", "the CA's certificate comes out of its wrapping"),
    ("src/api/body.rs", "a request body becomes a request"),
    ("src/api/kv_types.rs", "the values of a path are answered"),
    ("src/api/lines.rs", "a line of many becomes a request"),
    ("src/api/json.rs", "an answer's bytes go to the socket"),
    ("src/api/routes_api_keys.rs", "an API key is shown once"),
    ("src/api/routes_aws.rs", "a value is answered as GetSecretValue"),
    ("src/api/routes_nodes.rs", "a join token is shown once"),
    ("src/api/routes_secret.rs", "a value is answered"),
    ("src/cli/client.rs", "an answer's body becomes a view"),
    ("src/cli/credentials.rs", "an API key goes into a header"),
    ("src/cli/dev_node.rs", "a join token goes to a child's standard input"),
    ("src/cli/dev_story.rs", "a sample value is compared with what was stored"),
    ("src/cli/verbs_docker_credential.rs", "a credential goes to docker as JSON"),
    ("src/cli/verbs_credential_process.rs", "a key goes to an SDK of AWS as JSON"),
    ("src/cli/verbs_git_credential.rs", "a credential goes to git as lines"),
    ("src/cli/verbs_render.rs", "a template, which holds names, is read, and its text goes to standard output"),
    ("src/delivery/git_credential.rs", "a password becomes a line for git"),
    ("src/delivery/login.rs", "a value becomes a password"),
    ("src/delivery/quoting.rs", "a value is quoted for where it lands"),
    ("src/delivery/template.rs", "a value becomes one of a template"),
    ("src/delivery/template_value.rs", "a template writes a value"),
    ("src/cli/import_source.rs", "a map file, which holds names, is read"),
    ("src/cli/output.rs", "JSON with a value goes to standard output"),
    ("src/cli/run_pump.rs", "what is typed goes to the terminal of a program"),
    ("src/cli/secret_file.rs", "a file of values is written for its owner"),
    ("src/cli/value_source.rs", "a value that was typed or read is trimmed"),
    ("src/cli/verbs_apikey.rs", "an API key is shown once"),
    ("src/cli/verbs_policy.rs", "a policy, which holds names, is read"),
    ("src/cli/verbs_agent.rs", "a signing key goes to standard output"),
    ("src/cli/verbs_export.rs", "a file of values goes to standard output"),
    ("src/cli/verbs_secret.rs", "a value goes to standard output"),
    ("src/cli/verbs_subscriptions.rs", "the signing secret of a webhook is shown once"),
    ("src/cli/verbs_token.rs", "a join token is shown once"),
    ("src/cli/verbs_unseal.rs", "standard input is taken apart into shares"),
    ("src/cli/wiped.rs", "a value is serialised into memory that is wiped"),
    ("src/crypto/api_key.rs", "an API key is checked, and becomes a digest and a hint"),
    ("src/crypto/armour.rs", "a share or a token becomes text, and text the bytes of one"),
    ("src/crypto/assertion.rs", "a key file signs an assertion, a pair becomes a header, and tokens are looked into"),
    ("src/crypto/chunks.rs", "an unwrapped key moves into locked memory"),
    ("src/crypto/fernet.rs", "a token of another tool is opened"),
    ("src/crypto/fields.rs", "the fields of a value are told apart"),
    ("src/crypto/join_token.rs", "a token becomes text, and its secret a hash"),
    ("src/crypto/passphrase.rs", "a passphrase becomes a key"),
    ("src/crypto/record.rs", "a value is sealed"),
    ("src/crypto/recovery.rs", "recovery keys become texts, and what they open moves into locked memory"),
    ("src/crypto/root.rs", "the root key wraps a key"),
    ("src/crypto/same.rs", "a value becomes a keyed digest"),
    ("src/crypto/scope_key.rs", "an unwrapped key moves into locked memory"),
    ("src/crypto/sealing.rs", "an unwrapped key moves into locked memory"),
    ("src/crypto/shares.rs", "a share becomes text, and text a share in locked memory"),
    ("src/crypto/signing.rs", "the text of a signing key is the key of its codes"),
    ("src/crypto/signing_keys.rs", "an unwrapped key moves into locked memory"),
    ("src/crypto/text.rs", "a value is written as a JSON text"),
    ("src/crypto/text_map.rs", "a name of a map becomes the name of a key"),
    ("src/crypto/unseal.rs", "a key file becomes a key"),
    ("src/crypto/webhook.rs", "the text of a webhook's secret becomes its key, and the key signs"),
    ("src/daemon/assemble_follower.rs", "certificates and public keys come out of their wrapping"),
    ("src/daemon/assemble_lead.rs", "the CA's certificate comes out of its wrapping"),
    ("src/daemon/ceremony.rs", "the shares of a new node are shown once"),
    ("src/daemon/join.rs", "the token's secret goes to the lead"),
    ("src/daemon/promote.rs", "the CA's certificate comes out of its wrapping"),
    ("src/daemon/snapshot_offline.rs", "the file of a recovery key becomes one"),
    ("src/daemon/taken.rs", "the CA's certificate comes out of its wrapping"),
    ("src/daemon/unseal.rs", "a new key file is written"),
    ("src/delivery/mask_patterns.rs", "a value becomes what is looked for in a program's output"),
    ("src/delivery/variables.rs", "a value becomes a variable of a program"),
    ("src/egress/mail.rs", "a password goes to the server that takes mail"),
    ("src/egress/request.rs", "a call goes to its provider"),
    ("src/interchange/json.rs", "a name of a file becomes a text"),
    ("src/interchange/read.rs", "a file becomes entries"),
    ("src/interchange/write.rs", "values become a file"),
    ("src/snapshot/read.rs", "a piece of a snapshot becomes rows, whose values are sealed"),
    ("src/units/give.rs", "a value goes to systemd"),
    ("src/vault/asking.rs", "an answer of a provider is judged"),
    ("src/vault/probe_call.rs", "a credential goes into the call to its provider"),
    ("src/vault/send_message.rs", "a credential goes into the message to a channel"),
    ("src/vault/put_checked.rs", "a new value is shown to its provider before it is sealed"),
    ("src/transport/node_key.rs", "an unwrapped key becomes a signer"),
    ("src/workload/answer.rs", "an answer's bytes go to the socket"),
    ("src/workload/pem.rs", "certificates and keys of a value are told apart"),
];

/// Whether the file opens with why it exists.
pub(super) fn check_opening(source: &Source) -> Vec<String> {
    let says_why = source.text.strip_prefix("//! ").is_some_and(|rest| !rest.trim_start().is_empty());
    if says_why { Vec::new() } else { vec![source.broken(1, "does not open with //! and why it exists")] }
}

/// Unsafe code outside its one file.
pub(super) fn check_unsafe(source: &Source) -> Vec<String> {
    if source.path == UNSAFE_HOME {
        return Vec::new();
    }
    let words = source.numbered().filter(|(_, line)| holds_word(line, "unsafe"));
    words.map(|(line, _)| source.broken(line, "unsafe code belongs in src/crypto/locked.rs")).collect()
}

/// What a room that has no way to a value does not hold: the routes that answer with one, and the one way to it.
const OF_VALUES: [&str; 5] = ["expose", "/api/secrets/", "/api/export", "/secretsmanager", "\"/v1"];

/// A way to a value in `mcp`, whose answers are read by models.
pub(super) fn check_no_values(source: &Source) -> Vec<String> {
    if source.room() != "mcp" {
        return Vec::new();
    }
    // Routes are texts, which the code alone does not have.
    let holds = |line: &str| OF_VALUES.iter().any(|word| line.contains(word));
    let found = source.text.lines().zip(1..).filter(|(text, line)| source.is_production(*line) && holds(text));
    found.map(|(_, line)| source.broken(line, "mcp has no way to a value")).collect()
}

/// Star imports (but for `super::*` in tests) and exports of what another module owns.
pub(super) fn check_imports(source: &Source) -> Vec<String> {
    let refused = imports(source).into_iter().filter_map(|import| {
        let in_tests = !source.is_production(import.line);
        if import.public {
            return Some(source.broken(import.line, "exports a name again: others import it where it is"));
        }
        let star = import.path.last().is_some_and(|last| last == "*");
        let allowed = in_tests && import.path == ["super", "*"];
        (star && !allowed).then(|| source.broken(import.line, "imports by star: name what you use"))
    });
    refused.collect()
}

/// Files that expose a plaintext and are not listed, and listed files that do not.
pub(super) fn check_expose(sources: &[Source]) -> Vec<String> {
    check_expose_against(sources, EXPOSE_CALLERS)
}

fn check_expose_against(sources: &[Source], listed: &[(&str, &str)]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources {
        let is_listed = listed.iter().any(|(path, _)| *path == source.path);
        let mut calls = source.numbered().filter(|(line, text)| source.is_production(*line) && text.contains("expose"));
        match (calls.find(|(_, text)| calls_expose(text)), is_listed) {
            (Some((line, _)), false) => broken.push(source.broken(line, "exposes a plaintext and is not listed")),
            (None, true) => broken.push(source.broken(1, "is listed, but exposes no plaintext")),
            (Some(_), true) | (None, false) => {}
        }
    }
    // A room that is not built yet has none of its files.
    let missing = listed.iter().map(|(path, _)| path).filter(|path| {
        let is_file = |wanted: &str| sources.iter().any(|source| source.path == wanted);
        let room = path.rsplit_once('/').map_or("", |(room, _)| room);
        is_file(&format!("{room}/mod.rs")) && !is_file(path)
    });
    broken.extend(missing.map(|path| format!("{path}: is listed as exposing a plaintext, but does not exist")));
    broken
}

/// A call `.expose()`, or the function handed on as `Plaintext::expose`.
fn calls_expose(line: &str) -> bool {
    line.contains(".expose()") || line.contains("Plaintext::expose")
}

fn holds_word(line: &str, word: &str) -> bool {
    line.split(|character: char| !(character.is_alphanumeric() || character == '_')).any(|part| part == word)
}

#[test]
fn a_file_that_does_not_say_why_it_exists_is_found() {
    assert!(check_opening(&Source::new("src/a.rs", "//! Why.\n")).is_empty());
    for text in ["", "use a;\n//! Why.\n", "//!\n", "// Why.\n", "\n//! Why.\n"] {
        assert_eq!(check_opening(&Source::new("src/a.rs", text)).len(), 1, "{text:?}");
    }
}

#[test]
fn unsafe_code_elsewhere_is_found() {
    let text = "fn f() { unsafe { g() } }\n";
    assert_eq!(check_unsafe(&Source::new("src/store/a.rs", text)).len(), 1);
    assert!(check_unsafe(&Source::new(UNSAFE_HOME, text)).is_empty());
    assert!(check_unsafe(&Source::new("src/store/a.rs", "// unsafe\nlet unsafe_ = \"unsafe\";\n")).is_empty());
}

#[test]
fn a_way_to_a_value_is_found_where_there_may_be_none() {
    let broken = |path: &str, text: &str| check_no_values(&Source::new(path, text)).len();
    for text in [
        "p.expose();\n",
        "get(\"/api/export\");\n",
        "get(format!(\"/api/secrets/{name}\"));\n",
        "get(\"/v1/secret\");\n",
    ] {
        assert_eq!((broken("src/mcp/a.rs", text), broken("src/cli/a.rs", text)), (1, 0), "{text}");
    }
    assert_eq!(broken("src/mcp/a.rs", "get(\"/api/secrets\");\n"), 0);
}

#[test]
fn stars_and_exports_are_found() {
    let broken = |text: &str| check_imports(&Source::new("src/store/a.rs", text)).len();
    assert_eq!(broken("use super::*;\n"), 1);
    assert_eq!(broken("use std::io::{self, prelude::*};\n"), 1);
    assert_eq!(broken("pub use super::a::B;\n"), 1);
    assert_eq!(broken("pub(crate) use super::a::B;\n"), 1);
    assert_eq!(broken("use super::a::B;\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n"), 0);
    assert_eq!(broken("#[cfg(test)]\nmod tests {\n    use proptest::prelude::*;\n}\n"), 1);
}

#[test]
fn an_exposing_file_that_is_not_listed_and_a_listed_one_that_does_not_are_found() {
    let exposing = || Source::new("src/cli/a.rs", "fn f(p: &P) -> &[u8] { p.expose() }\n");
    let silent = || Source::new("src/cli/a.rs", "// .expose()\n#[cfg(test)]\nmod tests {\n    x.expose();\n}\n");
    let room = || Source::new("src/cli/mod.rs", "");
    let listed = [("src/cli/a.rs", "why")];
    assert!(check_expose_against(&[exposing(), room()], &listed).is_empty());
    assert!(check_expose_against(&[silent(), room()], &[]).is_empty());
    assert_eq!(check_expose_against(&[exposing()], &[]).len(), 1);
    assert_eq!(check_expose_against(&[silent()], &listed).len(), 1);
    assert_eq!(check_expose_against(&[room()], &listed).len(), 1);
    assert_eq!(check_expose_against(&[], &listed).len(), 0);
}
