//! The program that takes snapshots elsewhere: each on its standard input. It is told nothing of the node but the name of the
//! file, and what it prints is for the log.

use std::io;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy};
use tokio::process::{ChildStdin, Command};

use super::snapshot_error::SnapshotFailure;
use crate::snapshot::name::SnapshotName;

/// The longest a transfer may take: a large store over a slow line. It is killed then, and the next one is tried at its time.
const PATIENCE: Duration = Duration::from_secs(3600);

/// How long what it printed last is read once it has ended: it is in the pipes already.
const PIPES_PATIENCE: Duration = Duration::from_secs(1);

/// What is kept of the output of a program.
const OUTPUT_BYTES_MAX: usize = 2048;

/// Variables a program needs to find its files and other programs; it gets no others of the node's.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// In the words of the command: the name of the file.
const NAME: &str = "{name}";

/// Runs the command with the file on its standard input.
///
/// # Errors
/// [`SnapshotFailure::Command`] when it cannot be started, ends with another code than 0, or takes too long.
pub(super) async fn hand_over(command: &[String], file: &Path, name: &SnapshotName) -> Result<(), SnapshotFailure> {
    hand_over_within(command, file, name, PATIENCE).await
}

async fn hand_over_within(
    command: &[String],
    file: &Path,
    name: &SnapshotName,
    patience: Duration,
) -> Result<(), SnapshotFailure> {
    let failed = SnapshotFailure::Command;
    let mut words = command.iter().map(|word| word.replace(NAME, name.as_str()));
    let Some(program) = words.next() else { return Ok(()) };
    let input = File::open(file).await.map_err(SnapshotFailure::io("opening a snapshot"))?;
    let mut child = Command::new(&program);
    child.args(words).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    child.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    child.env("AURORA_SNAPSHOT_NAME", name.as_str()).kill_on_drop(true);
    let mut child = child.spawn().map_err(|error| failed(format!("{program:?} cannot be started: {error}")))?;
    let (stdin, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut fed, mut said, mut told) = (None, Vec::new(), Vec::new());
    let talk = async {
        let feeding = async { fed = Some(feed(stdin, input).await) };
        tokio::join!(feeding, beginning(output, &mut said), beginning(errors, &mut told));
    };
    let Ok(ended) = tokio::time::timeout(patience, ended(child.wait(), talk)).await else {
        return Err(failed(format!("{program:?} took longer than {} s, and was killed", patience.as_secs())));
    };
    let (said, told) = (plain(&said), plain(&told));
    if !(said.is_empty() && told.is_empty()) {
        tracing::info!(program, output = said, errors = told, "the command that takes snapshots elsewhere said this");
    }
    let ended = ended.map_err(|error| failed(format!("{program:?} cannot be waited for: {error}")))?;
    if !ended.success() {
        return Err(failed(format!("{program:?} ended with {ended}: {}", if told.is_empty() { &said } else { &told })));
    }
    let fed = fed.unwrap_or_else(|| Err(io::Error::other("it ended before")));
    fed.map_err(|error| failed(format!("{program:?} did not read the whole snapshot: {error}")))
}

/// Waits until the program has ended. Its pipes may outlive it: a program that it left behind, such as the master of a shared
/// connection of ssh, holds them for as long as it likes. What is still in them is read, and then they are let go.
async fn ended(
    program: impl Future<Output = io::Result<ExitStatus>>,
    talk: impl Future<Output = ()>,
) -> io::Result<ExitStatus> {
    let (mut program, mut talk) = (pin!(program), pin!(talk));
    tokio::select! {
        ended = &mut program => {
            // That they are still open tells nothing of the program.
            let _ = tokio::time::timeout(PIPES_PATIENCE, talk).await;
            ended
        }
        () = &mut talk => program.await,
    }
}

/// Gives the program the file, and its end, which is what tells it that this was all.
async fn feed(stdin: Option<ChildStdin>, mut input: File) -> io::Result<()> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    let fed = copy(&mut input, &mut stdin).await;
    let ended = stdin.shutdown().await;
    fed.and(ended)
}

/// Keeps the beginning of what a program prints; the rest is read and dropped, so that it can go on.
async fn beginning(from: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut buffer = [0_u8; 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(buffer.get(..room).unwrap_or_default());
    }
}

/// What a program printed, for people.
fn plain(kept: &[u8]) -> String {
    let text = String::from_utf8_lossy(kept);
    text.trim().chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::NodeName;
    use crate::model::number::Position;
    use crate::model::time::Timestamp;

    fn name() -> SnapshotName {
        SnapshotName::new(&NodeName::parse("aurora").expect("name"), Timestamp(0), Position::default())
    }

    async fn run(script: &str, content: &[u8], patience: Duration) -> (tempfile::TempDir, Result<(), String>) {
        let directory = tempfile::tempdir().expect("directory");
        let file = directory.path().join("snapshot");
        std::fs::write(&file, content).expect("written");
        let out = directory.path().join("out").to_string_lossy().into_owned();
        let command = ["/bin/sh", "-c", script, "{name}", &out].map(str::to_owned);
        let done = hand_over_within(&command, &file, &name(), patience).await;
        (directory, done.map_err(|error| error.to_string()))
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn the_command_gets_the_whole_file_on_its_standard_input_and_its_name_and_no_more() {
        let content = vec![7; 300_000];
        let (directory, done) =
            run("cat > \"$1\"; echo \"$0 $AURORA_SNAPSHOT_NAME\" >> \"$1\"; env >> \"$1\"", &content, LONG).await;
        assert_eq!(done, Ok(()));
        let out = std::fs::read(directory.path().join("out")).expect("written");
        assert_eq!(out[..content.len()], content);
        let rest = String::from_utf8(out[content.len()..].to_vec()).expect("text");
        assert!(rest.starts_with(&format!("{0} {0}\n", name())), "{rest}");
        assert!(!rest.contains("CARGO"), "variables of the node are its own: {rest}");
    }

    #[tokio::test]
    async fn what_the_command_ends_with_is_judged_and_what_it_prints_is_told() {
        let (_, refused) = run("cat > /dev/null; echo 'no room over there' >&2; exit 3", b"x", LONG).await;
        let refused = refused.expect_err("it failed");
        assert!(refused.contains("no room over there") && refused.contains('3'), "{refused}");
        let (_, unread) = run("exec <&-; exit 0", &vec![0; 1 << 20], LONG).await;
        assert!(unread.expect_err("it did not read").contains("did not read the whole snapshot"));
        let (_, noisy) = run("cat > /dev/null; head -c 1000000 /dev/zero | tr '\\0' x; exit 1", b"x", LONG).await;
        assert!(noisy.expect_err("it failed").len() < 3000);
    }

    /// ssh leaves the master of a shared connection behind, which holds its standard error: the transfer was done within
    /// seconds, and an hour later it was said that it had been killed.
    #[tokio::test]
    async fn a_command_that_leaves_a_program_behind_has_ended_when_it_has_ended() {
        let (directory, done) = run("cat > \"$1\"; sleep 60 & exit 0", b"x", Duration::from_secs(30)).await;
        assert_eq!(done, Ok(()));
        assert_eq!(std::fs::read(directory.path().join("out")).expect("written"), b"x");
        let failing = "cat > /dev/null; sleep 60 & echo 'no room over there' >&2; exit 3";
        let (_, refused) = run(failing, b"x", Duration::from_secs(30)).await;
        let refused = refused.expect_err("it failed");
        assert!(refused.contains("no room over there"), "{refused}");
        let (_, unread) = run("sleep 60 <&0 & exit 0", &vec![0; 1 << 20], Duration::from_secs(30)).await;
        assert!(unread.expect_err("it did not read").contains("did not read the whole snapshot"));
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_killed_and_one_that_is_not_there_is_told() {
        let (_, hangs) = run("exec cat < /dev/zero > /dev/null", b"x", Duration::from_millis(200)).await;
        assert!(hangs.expect_err("killed").contains("was killed"));
        let missing = ["/nonexistent/rclone".to_owned()];
        let file = tempfile::NamedTempFile::new().expect("file");
        let error = hand_over(&missing, file.path(), &name()).await.expect_err("not there");
        assert!(error.to_string().contains("cannot be started"), "{error}");
    }
}
