//! The examples in `mesh-config` do what they say, each with the tool it is for. A machine without the tool says so.

#![expect(clippy::print_stderr, reason = "an example that cannot run here says so")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;
use tokio::process::Command;

use crate::agents::stage::{agent, key};
use crate::support::callers::put;
use crate::support::clients;
use crate::support::mesh::TestMesh;
use crate::support::process::{Ended, run};

/// Of 25 characters, so that what is printed about it can be told from what is not.
const VALUE: &str = "not-a-real-key-0123456789";

const ABOUT: &str = "openai/api_key version 1: 25 characters, LEAD\n";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mesh-config/examples").join(name)
}

/// The program of that name, if this machine has one.
fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: {name} is not on this machine");
    }
    found
}

/// A lead with one secret, and an agent's key for loopback in a file.
struct Stage {
    mesh: TestMesh,
    url: String,
    token_file: PathBuf,
}

impl Stage {
    async fn set() -> Self {
        let mut mesh = TestMesh::start().await;
        mesh.put(put("openai/api_key", "global", VALUE)).await;
        mesh.put(put("openai/api_key", "company:acme", "not-a-real-acme-key")).await;
        agent(&mesh, "worker", &json!({"companies": ["acme"]})).await;
        let key = key(&mesh, "worker", &json!({})).await;
        let token_file = mesh.dir.path().join("worker.key");
        std::fs::write(&token_file, format!("{key}\n")).expect("written");
        let url = format!("http://{}", mesh.lead.on_loopback().await);
        Self { mesh, url, token_file }
    }

    /// Runs an example on the Unix socket.
    async fn local(&self, command: &mut Command, name: &str) -> Ended {
        self.run(command.env("AURORA_SOCKET", self.mesh.lead.agent_socket()), name).await
    }

    /// The same on loopback.
    async fn loopback(&self, command: &mut Command, name: &str) -> Ended {
        // A proxy that the environment names must not see the key.
        let command = command.env("http_proxy", "http://127.0.0.1:1").env("HTTP_PROXY", "http://127.0.0.1:1");
        self.run(command.env("AURORA_URL", &self.url).env("AURORA_TOKEN_FILE", &self.token_file), name).await
    }

    async fn run(&self, command: &mut Command, name: &str) -> Ended {
        run(command.arg(name).env("HOME", self.mesh.dir.path()), b"").await
    }
}

/// The command with nothing in its environment but where programs are.
fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).kill_on_drop(true);
    command
}

/// Runs an example in every way it knows: each tells about the credential, or why it has none, and never what it is.
async fn tells_about_it(stage: &Stage, command: impl Fn() -> Command) {
    for told in
        [stage.local(&mut command(), "openai/api_key").await, stage.loopback(&mut command(), "openai/api_key").await]
    {
        assert_eq!((told.text(), told.err.as_str()), (ABOUT, ""));
    }
    let acme = stage.local(command().env("AURORA_COMPANY", "acme"), "openai/api_key").await;
    assert_eq!(acme.text(), "openai/api_key version 1: 19 characters, LEAD\n");
    for refused in
        [stage.local(&mut command(), "openai/absent").await, stage.loopback(&mut command(), "openai/absent").await]
    {
        assert_eq!((refused.code, refused.out.as_slice()), (Some(1), &b""[..]), "{}", refused.err);
        assert!(refused.err.contains("denied: ") || refused.err.contains("not_found: "), "{}", refused.err);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_reads_over_the_socket_and_over_loopback() {
    let Some(python) = clients::python() else { return };
    let stage = Stage::set().await;
    tells_about_it(&stage, || {
        let mut command = bare(&python);
        command.arg("-I").arg(example("read.py"));
        command
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typescript_reads_over_the_socket_and_over_loopback_on_any_node() {
    let Some(node) = tool("node") else { return };
    let stage = Stage::set().await;
    let script = std::fs::read(example("read.ts")).expect("the example");
    let ask = async |more: &[(&str, &Path)], name: &str| {
        let mut command = bare(&node);
        command.args(["--input-type=module", "-", name]).envs(more.iter().copied());
        run(&mut command, &script).await
    };
    let socket = stage.mesh.lead.agent_socket();
    let local = [("AURORA_SOCKET", socket.as_path())];
    let loopback = [("AURORA_URL", Path::new(&stage.url)), ("AURORA_TOKEN_FILE", &stage.token_file)];
    for way in [&local[..], &loopback[..]] {
        let told = ask(way, "openai/api_key").await;
        assert_eq!((told.text(), told.err.as_str()), (ABOUT, ""));
        let refused = ask(way, "openai/absent").await;
        assert_eq!((refused.code, refused.out.as_slice()), (Some(1), &b""[..]), "{}", refused.err);
        assert!(refused.err.contains("denied: ") || refused.err.contains("not_found: "), "{}", refused.err);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shell_reads_over_the_socket_and_over_loopback_and_shows_no_key_in_its_arguments() {
    let Some(curl) = tool("curl") else { return };
    let stage = Stage::set().await;
    // A curl that tells what it was called with, before it is called.
    let bin = stage.mesh.dir.path().join("bin");
    std::fs::create_dir(&bin).expect("made");
    let log = bin.join("arguments");
    let spy = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >> '{}'\nexec '{}' \"$@\"\n", log.display(), curl.display());
    std::fs::write(bin.join("curl"), spy).expect("written");
    std::fs::set_permissions(bin.join("curl"), std::fs::Permissions::from_mode(0o755)).expect("ours");
    let command = || {
        let mut command = bare(&example("read.sh"));
        command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default()));
        command
    };
    for told in
        [stage.local(&mut command(), "openai/api_key").await, stage.loopback(&mut command(), "openai/api_key").await]
    {
        assert_eq!((told.json()["key_value"].as_str(), told.err.as_str()), (Some(VALUE), ""));
    }
    let acme = stage.local(command().env("AURORA_COMPANY", "acme"), "openai/api_key").await;
    assert_eq!(acme.json()["key_value"], "not-a-real-acme-key");
    let refused = stage.loopback(&mut command(), "openai/absent").await;
    assert_eq!((refused.code, refused.out.as_slice()), (Some(1), &b""[..]));
    assert!(refused.err.contains(r#"{"error":{"code":"#), "{}", refused.err);
    let arguments = std::fs::read_to_string(log).expect("curl was called");
    let key = std::fs::read_to_string(&stage.token_file).expect("a key");
    assert!(arguments.contains("--config") && !arguments.contains(key.trim()), "{arguments}");
}

#[tokio::test]
async fn systemd_finds_nothing_wrong_with_the_unit_and_little_that_it_may_do() {
    let Some(analyze) = tool("systemd-analyze") else { return };
    let unit = example("worker.service");
    let verified = run(Command::new(&analyze).arg("verify").arg("--man=no").arg(&unit), b"").await;
    assert_eq!((verified.code, verified.err.as_str()), (Some(0), ""));
    let judging = ["security", "--offline=true", "--threshold=20"];
    let judged = run(Command::new(&analyze).args(judging).arg(&unit), b"").await;
    assert_eq!(judged.code, Some(0), "over 2.0: {}", String::from_utf8_lossy(&judged.out));
    let text = std::fs::read_to_string(&unit).expect("the unit");
    assert!(text.contains("LoadCredential=openai_key:/run/aurora/credentials.sock"));
    assert!(text.contains("#   openai_key = \"openai/api_key\""), "the configuration beside it names the same");
}

#[test]
fn the_container_gets_the_socket_of_programs_and_nothing_more() {
    let text = std::fs::read_to_string(example("compose.yaml")).expect("the example");
    for event in granit_parser::Parser::new_from_str(&text) {
        event.expect("YAML");
    }
    let said: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.starts_with('#')).collect();
    for wanted in [
        "source: /run/aurora/agent.sock",
        "target: /run/aurora/agent.sock",
        "group_add:",
        "user: \"10001:10001\"",
        "cap_drop: [ALL]",
    ] {
        assert_eq!(said.iter().filter(|line| **line == wanted).count(), 1, "{wanted}");
    }
    assert_eq!(said.iter().filter(|line| **line == "read_only: true").count(), 2, "the mount, and the container");
    assert_eq!(said.iter().filter(|line| line.contains("/run/aurora")).count(), 3, "no other place of the node");
    let Some(docker) = tool("docker") else { return };
    let docker = |arguments: &[&str]| {
        std::process::Command::new(&docker).args(arguments).stdin(Stdio::null()).output().expect("runs")
    };
    if !docker(&["compose", "version"]).status.success() {
        eprintln!("skipped: docker has no compose here; the file was read as YAML");
        return;
    }
    let file = example("compose.yaml");
    let checked = docker(&["compose", "--file", file.to_str().expect("text"), "config", "--quiet"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
