//! Nodes as they are in the field: processes of the real binary, each with its files, its log and its sockets.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use aurora_mesh::config::node_config::ConnectivitySection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use super::wait::eventually;
use super::{http, ports};

/// The binary under test.
pub const AURORA: &str = env!("CARGO_BIN_EXE_aurora");

/// A directory for nodes; short, because the path of a socket may have 107 bytes.
pub fn directory() -> TempDir {
    tempfile::Builder::new().prefix("aurora-").tempdir().expect("a directory")
}

/// The binary, with nothing in its environment but a home, and the seeded bug that it is to be found with, if there is one.
pub fn aurora<S: AsRef<OsStr>>(home: &Path, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(AURORA);
    command.args(arguments).env_clear().env("HOME", home).kill_on_drop(true);
    command.envs(std::env::var_os("AURORA_SEED_BUG").map(|bug| ("AURORA_SEED_BUG", bug)));
    command
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: Vec<u8>,
    pub err: String,
}

impl Ended {
    /// Its standard output, once it has succeeded.
    pub fn text(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        std::str::from_utf8(&self.out).expect("text")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(self.text()).expect("JSON")
    }
}

/// Runs a command to its end, with these bytes on its standard input.
pub async fn run(command: &mut Command, input: &[u8]) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary is there");
    // A command that refuses its arguments does not read what it is given.
    let _unread = child.stdin.take().expect("piped").write_all(input).await;
    let ended = child.wait_with_output().await.expect("ends");
    Ended { code: ended.status.code(), out: ended.stdout, err: String::from_utf8(ended.stderr).expect("text") }
}

/// One node: its files, and its process while it runs.
pub struct Node {
    pub name: String,
    pub dir: PathBuf,
    /// `AURORA_LOG` of the next start.
    pub log: &'static str,
    /// `AURORA_FAILPOINT` of the next start: where the process kills itself.
    pub failpoint: Option<&'static str>,
    /// Where systemd would have put credentials for the node.
    pub credentials: Option<PathBuf>,
    probes: bool,
    child: Option<Child>,
}

impl Node {
    /// A lead that runs, in an environment called `prod`.
    pub async fn lead(dir: &Path) -> Self {
        let mut lead = Self::new(dir, "aurora", "info");
        lead.init().await;
        lead.start().await;
        lead
    }

    pub fn new(dir: &Path, name: &str, log: &'static str) -> Self {
        let (name, dir) = (name.to_owned(), dir.to_owned());
        Self { name, dir, log, failpoint: None, credentials: None, probes: false, child: None }
    }

    /// Makes the mesh, on a port of loopback that is free and stays the same across starts.
    pub async fn init(&self) {
        self.init_with(&[], b"").await;
    }

    /// The same with arguments and standard input of the test's choice; gives what was printed.
    pub async fn init_with(&self, more: &[&str], input: &[u8]) -> String {
        let listen = ports::free().to_string();
        let arguments = [&["init", "--listen", &listen, "--advertise", &listen][..], more].concat();
        run(&mut self.prepare(&arguments), input).await.text().to_owned()
    }

    /// Joins with this token.
    pub async fn join(&self, token: &str) {
        self.join_with(token, &[]).await;
    }

    /// The same with arguments of the test's choice; gives what was printed.
    pub async fn join_with(&self, token: &str, more: &[&str]) -> String {
        let arguments = [&["join", "-", "--listen", "127.0.0.1:0"][..], more].concat();
        run(&mut self.prepare(&arguments), token.as_bytes()).await.text().to_owned()
    }

    /// `init` or `join` in the places of this node.
    pub fn prepare(&self, arguments: &[&str]) -> Command {
        let mut command = aurora(&self.dir, arguments);
        // No test reaches beyond this machine.
        command.arg("--no-discovery").arg("--no-probe").arg("--config").arg(self.config_file());
        command.arg("--state-dir").arg(self.state_dir()).arg("--socket-dir").arg(self.socket_dir());
        self.with_credentials(&mut command);
        command
    }

    fn with_credentials(&self, command: &mut Command) {
        if let Some(directory) = &self.credentials {
            command.env("CREDENTIALS_DIRECTORY", directory);
        }
    }

    /// Replaces a line of `node.toml`.
    pub fn configure(&self, line: &str, by: &str) {
        let text = std::fs::read_to_string(self.config_file()).expect("a configuration");
        assert_eq!(text.matches(line).count(), 1, "{line} in {text}");
        std::fs::write(self.config_file(), text.replace(line, by)).expect("writable");
    }

    /// A follower that has joined and runs, for these companies.
    pub async fn follower(&self, name: &str, companies: &[&str]) -> Self {
        let mut follower = Self::new(&self.dir, name, self.log);
        follower.join(&self.token(name, companies).await).await;
        follower.start().await;
        eventually(&format!("{name} has rules"), || async {
            let heard = http::get(&follower.agent(), "/api/whoami?action=secret.list").await;
            (heard.status != 503).then_some(())
        })
        .await;
        follower
    }

    /// A join token of this lead.
    pub async fn token(&self, name: &str, companies: &[&str]) -> String {
        let issued = http::post(&self.admin(), "/api/tokens", &json!({"node": name, "companies": companies})).await;
        issued.json()["token"].as_str().unwrap_or_else(|| panic!("{}", issued.body)).to_owned()
    }

    /// Lets the node call whom this section says, from its next start on.
    pub fn calls(&mut self, section: &ConnectivitySection) {
        let place = |file: &Option<PathBuf>| file.as_ref().expect("a place").display().to_string();
        self.configure(
            "# providers_dir = \"/etc/aurora/providers\"",
            &format!("providers_dir = {:?}", place(&section.providers_dir)),
        );
        self.configure("# ca_file = \"/etc/aurora/ca.pem\"", &format!("ca_file = {:?}", place(&section.ca_file)));
        // A node is made without probes, so that none calls anybody before it is told whom.
        if section.probe {
            self.configure("probe = false", "probe = true");
        }
        self.probes = section.probe;
    }

    /// A test calls nobody outside this machine: a node probes only if the test says whom.
    fn keep_in(&self) {
        let text = std::fs::read_to_string(self.config_file()).unwrap_or_default();
        if !self.probes && text.contains("\nprobe = true\n") {
            self.configure("probe = true", "probe = false");
        }
    }

    /// Starts the process; returns once it answers.
    pub async fn start(&mut self) {
        self.keep_in();
        let errors = File::options().create(true).append(true).open(self.log_file()).expect("a log");
        let mut command = aurora(&self.dir, ["up", "--exit-with-parent", "--config"]);
        command.arg(self.config_file()).env("AURORA_LOG", self.log);
        command.envs(self.failpoint.map(|name| ("AURORA_FAILPOINT", name)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        self.with_credentials(&mut command);
        let mut child = command.spawn().expect("the binary is there");
        let (socket, log) = (self.agent(), self.log_file());
        eventually(&format!("{} answers", self.name), || {
            if let Some(status) = child.try_wait().expect("our child") {
                panic!("ended with {status}: {}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            http::try_ask(&socket, "GET", "/health", &[], "")
        })
        .await;
        self.child = Some(child);
    }

    pub fn pid(&self) -> Pid {
        let id = self.child.as_ref().and_then(Child::id).expect("runs");
        Pid::from_raw(id.try_into().expect("a pid")).expect("a pid")
    }

    /// Waits for an end it brings about itself.
    pub async fn ended(&mut self) -> ExitStatus {
        self.child.take().expect("runs").wait().await.expect("our child")
    }

    /// Sends a signal and waits for the end it brings.
    pub async fn end(&mut self, signal: Signal) -> ExitStatus {
        kill_process(self.pid(), signal).expect("runs");
        self.child.take().expect("runs").wait().await.expect("our child")
    }

    /// Waits for an end that nobody asked for.
    pub async fn ends_by_itself(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("runs");
        eventually(&format!("{} ends", self.name), || {
            let ended = child.try_wait().expect("our child");
            async move { ended }
        })
        .await
    }

    /// `aurora` against this node.
    pub fn aurora(&self, arguments: &[&str]) -> Command {
        let mut command = aurora(&self.dir, arguments);
        command.env("AURORA_SOCKET", self.agent());
        command
    }

    /// The same, to its end.
    pub async fn run(&self, arguments: &[&str], input: &[u8]) -> Ended {
        run(&mut self.aurora(arguments), input).await
    }

    /// Stores a value over the admin socket, and gives the revision.
    pub async fn put(&self, name: &str, scope: &str, value: &str) -> u64 {
        let (service, key) = name.split_once('/').expect("SERVICE/KEY");
        let (scope, id) = scope.split_once(':').map_or((scope, None), |(scope, id)| (scope, Some(id)));
        let body = json!({"service": service, "key_name": key, "key_value": value, "scope": scope, "scope_id": id});
        let answer = http::post(&self.admin(), "/api/secrets", &body).await;
        answer.json()["revision"].as_u64().unwrap_or_else(|| panic!("{}", answer.body))
    }

    pub async fn health(&self) -> Value {
        http::get(&self.agent(), "/health").await.json()
    }

    /// Returns once this node has the revision.
    pub async fn reaches(&self, revision: u64) {
        eventually(&format!("{} reaches revision {revision}", self.name), || async {
            (self.health().await["revision"].as_u64()? >= revision).then_some(())
        })
        .await;
    }

    pub fn agent(&self) -> PathBuf {
        self.socket_dir().join("agent.sock")
    }

    pub fn admin(&self) -> PathBuf {
        self.socket_dir().join("admin.sock")
    }

    pub fn config_file(&self) -> PathBuf {
        self.dir.join(format!("{}.toml", self.name))
    }

    pub fn state_dir(&self) -> PathBuf {
        self.dir.join(&self.name)
    }

    pub fn socket_dir(&self) -> PathBuf {
        self.dir.join(format!("{}.run", self.name))
    }

    pub fn log_file(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name))
    }
}
