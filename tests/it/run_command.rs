//! `aurora run`: a program gets the values its variables refer to, or is not started; and whatever it prints, nobody
//! sees one.

mod changes;
mod freshness;
mod masking;
mod processes;
mod refusals;
mod sources;
mod terminal;

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::process::{Ended, Node, directory, run};

/// The value of `openai/api_key`.
const KEY: &str = "sk-example-0123456789abcdef";

/// The variable that gets it.
const MAP: [&str; 2] = ["--map", "KEY=openai/api_key"];

/// A lead, and what it was given.
struct Desk {
    dir: TempDir,
    lead: Node,
    values: Vec<String>,
}

impl Desk {
    async fn open() -> Self {
        let dir = directory();
        let lead = Node::lead(dir.path()).await;
        let mut desk = Self { dir, lead, values: Vec::new() };
        desk.keep("openai/api_key", KEY).await;
        desk
    }

    /// Stores a value that no output may show.
    async fn keep(&mut self, name: &str, value: &str) {
        self.lead.put(name, "global", value).await;
        self.values.push(value.to_owned());
    }

    /// Stores a value of two fields, one of which may be shown.
    async fn keep_oauth(&mut self) {
        let fields = r#"{"client_id":"example-id","client_secret":"example-secret"}"#;
        let options = ["put", "google/oauth", "-", "--field", "client_id:string", "--field", "client_secret:secret"];
        let stored = self.lead.run(&options, fields.as_bytes()).await;
        assert_eq!(stored.code, Some(0), "{stored:?}");
        self.values.push("example-secret".to_owned());
    }

    /// Writes a file, and gives its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("writable");
        path.to_str().expect("text").to_owned()
    }

    /// `aurora run` with these options, and a script of the shell as the program.
    fn command(&self, options: &[&str], script: &str) -> Command {
        self.lead.aurora(&[&["run"], options, &["--", "sh", "-c", script]].concat())
    }

    /// The same to its end. No value is in what it prints.
    async fn run(&self, options: &[&str], script: &str) -> Ended {
        let ended = run(&mut self.command(options, script), b"").await;
        self.assert_unseen(&ended);
        ended
    }

    /// The same with output that is left alone: what the program got is seen.
    async fn shown(&self, options: &[&str], script: &str) -> Ended {
        run(&mut self.command(&[options, &["--no-masking"]].concat(), script), b"").await
    }

    fn assert_unseen(&self, ended: &Ended) {
        let shown = [String::from_utf8_lossy(&ended.out).into_owned(), ended.err.clone()].concat();
        for value in &self.values {
            for line in value.lines().map(str::trim).filter(|line| line.len() >= 4 && !line.starts_with("-----")) {
                assert!(!shown.contains(line), "a value is in: {shown}");
            }
        }
    }
}

/// The same with every signal as it is by default. Whatever started these tests may have had some ignored (`nohup`, a job in the
/// background), and a shell that is started so cannot trap them.
fn hearing(command: &Command) -> Command {
    let command = command.as_std();
    let mut hearing = Command::new("/usr/bin/env");
    hearing.arg("--default-signal").arg(command.get_program()).args(command.get_args()).env_clear();
    hearing.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).kill_on_drop(true);
    hearing
}

/// Starts it, and gives the lines it prints.
fn started(command: Command) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = hearing(&command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary is there");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    (child, lines)
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = tokio::time::timeout(std::time::Duration::from_secs(20), lines.next_line()).await;
    line.expect("in time").expect("read").expect("a line")
}

fn exists(path: &Path) -> Option<()> {
    path.exists().then_some(())
}
