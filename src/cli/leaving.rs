//! What `aurora leave` asks: the person whether it is meant, and the node that runs to tell its lead.

use std::path::Path;

use serde::Deserialize;

use super::arguments::Global;
use super::client::Client;
use super::confirm;
use super::error::CliError;
use super::question::Question;
use super::socket;
use crate::model::name::NodeName;

/// The node's answer.
#[derive(Debug, Deserialize)]
pub struct Departed {
    /// Whether nothing of what it held is in its memory and store any more.
    pub forgotten: bool,
}

/// Asks on the terminal, unless it was said already.
///
/// # Errors
/// [`CliError::Usage`] when it is not confirmed, or there is nobody to ask.
pub fn confirm(node: &NodeName) -> Result<(), CliError> {
    confirm::possible("leaving the mesh", "aurora leave --yes")?;
    confirm::ask(&format!("The lead forgets {node}, and its copies and keys are removed from this machine. Leave?"))
}

/// Has the node whose sockets are in this directory tell its lead that it leaves.
///
/// # Errors
/// [`CliError`]; [`CliError::NoDaemon`] when it does not run.
pub async fn tell(global: &Global, socket_dir: &Path) -> Result<Departed, CliError> {
    let client = Client::new(socket::admin(&socket_dir.join("agent.sock")));
    let question = Question::post_nothing("/api/leave").header("x-aurora-reason", global.reason.as_deref())?;
    client.ask(question).await
}

/// Whether the error says that no node runs there.
#[must_use]
pub fn is_stopped(error: &CliError) -> bool {
    matches!(error, CliError::NoDaemon { .. })
}
