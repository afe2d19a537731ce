//! One node of `aurora dev`: a process of this same program, with its directory, its log and its sockets.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use super::client::Client;
use super::question::Question;
use super::views_node::StatusView;
use crate::crypto::plaintext::Plaintext;

/// A debug build on a busy machine starts in a second or two.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A node closes its store in milliseconds; after this it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two looks at a node: short against what is measured.
pub(super) const GLANCE: Duration = Duration::from_millis(1);

/// A node of the demonstration.
pub(super) struct DevNode {
    pub(super) name: &'static str,
    dir: PathBuf,
    process: Option<Child>,
}

impl DevNode {
    pub(super) fn new(name: &'static str, dir: &Path) -> Self {
        Self { name, dir: dir.to_owned(), process: None }
    }

    pub(super) fn config_file(&self) -> PathBuf {
        self.dir.join(format!("{}.toml", self.name))
    }

    fn socket_dir(&self) -> PathBuf {
        self.dir.join(format!("{}.run", self.name))
    }

    pub(super) fn agent_socket(&self) -> PathBuf {
        self.socket_dir().join("agent.sock")
    }

    pub(super) fn agent(&self) -> Client {
        Client::new(self.agent_socket())
    }

    pub(super) fn admin(&self) -> Client {
        Client::new(self.socket_dir().join("admin.sock"))
    }

    pub(super) fn exists(&self) -> bool {
        self.config_file().exists()
    }

    /// Runs `aurora init` or `aurora join` for this node, with `input` on its standard input.
    pub(super) async fn prepare(&self, arguments: &[&str], input: Option<&Plaintext>) -> Result<()> {
        let mut command = self.aurora(arguments)?;
        command.arg("--config").arg(self.config_file());
        command.arg("--state-dir").arg(self.dir.join(self.name));
        command.arg("--socket-dir").arg(self.socket_dir()).arg("--no-discovery");
        // The sample credentials are none: a provider must not see them come from here, again and again.
        command.arg("--no-probe");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().context("this program cannot start itself")?;
        if let (Some(mut to), Some(input)) = (child.stdin.take(), input) {
            to.write_all(input.expose()).await?;
        }
        let ended = child.wait_with_output().await?;
        if !ended.status.success() {
            bail!(
                "aurora {} failed for {}: {}",
                arguments.join(" "),
                self.name,
                String::from_utf8_lossy(&ended.stderr).trim()
            );
        }
        Ok(())
    }

    /// Runs `aurora up` and returns once the node answers.
    pub(super) async fn start(&mut self) -> Result<()> {
        let log = self.log_file();
        let errors = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = self.aurora(&["up", "--exit-with-parent"])?;
        command.arg("--config").arg(self.config_file());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        self.process = Some(command.spawn().context("this program cannot start itself")?);
        let answered = async {
            while self.health().await.is_err() {
                if let Some(status) = self.process.as_mut().and_then(|process| process.try_wait().ok().flatten()) {
                    bail!("{} ended with {status}; its log is {}:\n{}", self.name, log.display(), last_lines(&log));
                }
                tokio::time::sleep(GLANCE).await;
            }
            Ok(())
        };
        match tokio::time::timeout(START_TIMEOUT, answered).await {
            Ok(started) => started,
            Err(_) => bail!("{} does not answer; its log is {}:\n{}", self.name, log.display(), last_lines(&log)),
        }
    }

    /// How the node says it is.
    pub(super) async fn health(&self) -> Result<StatusView> {
        Ok(self.agent().ask(Question::get("/api/status")).await?)
    }

    /// Returns when the process has ended.
    pub(super) async fn ended(&mut self) {
        match &mut self.process {
            // An error means that there is no such process any more.
            Some(process) => drop(process.wait().await),
            None => std::future::pending().await,
        }
    }

    /// Stops the node in order; kills it if it does not go.
    pub(super) async fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let pid = process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let asked = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        if !asked || tokio::time::timeout(STOP_TIMEOUT, process.wait()).await.is_err() {
            // It is gone already, or it is killed now; either way nothing is left to do.
            drop(process.kill().await);
        }
    }

    pub(super) fn log_file(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name))
    }

    fn aurora(&self, arguments: &[&str]) -> Result<Command> {
        let program = std::env::current_exe().context("this program cannot find itself")?;
        let mut command = Command::new(program);
        command.args(arguments).kill_on_drop(true);
        // The nodes are described by their files alone, whatever the shell has set.
        for name in ["AURORA_CONFIG", "AURORA_ENVIRONMENT", "NODE_NAME", "NODE_ROLE", "NOTIFY_SOCKET"] {
            command.env_remove(name);
        }
        Ok(command)
    }
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(10).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
