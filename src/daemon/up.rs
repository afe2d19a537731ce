//! `aurora up`: runs the node until it is told to stop or becomes unfit.

use anyhow::{Context, Result, bail};
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use super::node::RunningNode;
use super::seams::Seams;
use crate::config::node_config::NodeConfig;
use crate::crypto::plaintext::Plaintext;

/// Runs until SIGTERM, SIGINT or SIGHUP; tells systemd when the sockets answer and when it stops.
///
/// # Errors
/// When the node cannot start, or has become unfit: the service manager then starts it anew from the disk.
pub async fn up(config: &NodeConfig, passphrase: Option<&Plaintext>, seams: &Seams) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let mut hang_up = signal(SignalKind::hangup()).context("cannot wait for signals")?;
    let mut node = RunningNode::start(config, passphrase, seams).await?;
    tell_systemd(NotifyState::Ready);
    tracing::info!(
        node = %config.node.name,
        role = %config.node.role,
        environment = %config.node.environment,
        sockets = %node.socket_dir().display(),
        listen = node.address().map(tracing::field::display),
        "the node is up"
    );
    let unfit = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        _ = hang_up.recv() => None,
        reason = node.unfit() => Some(reason),
    };
    tell_systemd(NotifyState::Stopping);
    node.stop().await;
    match unfit {
        None => {
            tracing::info!("the node is down");
            Ok(())
        }
        Some(reason) => bail!("the node became unfit: {reason}"),
    }
}

/// Without systemd there is nobody to tell, and nothing to do about it.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}
