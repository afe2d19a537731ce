//! What is run after a file was rendered.

use std::ffi::OsString;

use tokio::process::Command;

use super::error::CliError;
use super::render_error::RenderError;

/// The variables with which `aurora` shows who it is: what it starts must not become that.
const OWN_CREDENTIALS: [&str; 4] = ["AURORA_TOKEN", "AURORA_TOKEN_FILE", "AURORA_SIGNING_KEY_FILE", "AURORA_AGENT"];

/// Runs the command, if there is one, to its end, on our standard output and error.
///
/// # Errors
/// [`RenderError::Command`] when it does not begin, or does not end with 0.
pub(super) async fn run(command: &[OsString]) -> Result<(), CliError> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let failed = |how: String| {
        CliError::from(Box::new(RenderError::Command { command: program.to_string_lossy().into_owned(), how }))
    };
    let mut child = Command::new(program);
    for name in OWN_CREDENTIALS {
        child.env_remove(name);
    }
    let status = child.args(arguments).status().await.map_err(|error| failed(format!("did not start: {error}")))?;
    if status.success() { Ok(()) } else { Err(failed(format!("ended with {status}"))) }
}
