//! `aurora up`: runs the node until it is told to stop or becomes unfit.

use anyhow::{Context, Result, bail};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::node::RunningNode;
use super::sealed::SealedNode;
use super::seams::Seams;
use super::watchdog;
use crate::config::node_config::{NodeConfig, UnsealSource};
use crate::crypto::plaintext::Plaintext;

/// Runs until SIGTERM, SIGINT or SIGHUP; tells systemd when the sockets answer and when it stops.
///
/// A node whose key people bring later counts as started when its sockets answer, sealed as it is: nobody knows when the
/// last share comes, and a service that is not ready in time is killed. Its status line says what it waits for.
///
/// # Errors
/// When the node cannot start, or has become unfit: the service manager then starts it anew from the disk.
pub async fn up(config: &NodeConfig, passphrase: Option<&Plaintext>, seams: &Seams) -> Result<()> {
    let mut ends = Ends::listen().context("cannot wait for signals")?;
    let Some(mut node) = begin(config, passphrase, seams, &mut ends).await? else { return Ok(()) };
    tracing::info!(
        node = %config.node.name,
        role = %config.node.role,
        environment = %config.node.environment,
        sockets = %node.socket_dir().display(),
        listen = node.address().map(tracing::field::display),
        loopback = node.loopback().map(tracing::field::display),
        "the node is up"
    );
    let mut checks = node.checks();
    let unfit = tokio::select! {
        () = ends.next() => None,
        reason = node.unfit() => Some(reason),
        never = watchdog::keep(async || checks.is_fit().await) => match never {},
    };
    tell_systemd(&[NotifyState::Stopping]);
    node.stop().await;
    match unfit {
        None => {
            tracing::info!("the node is down");
            Ok(())
        }
        Some(reason) => bail!("the node became unfit: {reason}"),
    }
}

/// The node once it serves; none if it was told to stop while it was sealed.
async fn begin(
    config: &NodeConfig,
    passphrase: Option<&Plaintext>,
    seams: &Seams,
    ends: &mut Ends,
) -> Result<Option<RunningNode>> {
    let waits_for = match (&config.unseal, passphrase) {
        (UnsealSource::Shamir, _) => "its shares",
        (UnsealSource::Passphrase, None) => "its passphrase",
        (UnsealSource::Passphrase, Some(_))
        | (UnsealSource::File { .. } | UnsealSource::SystemdCredential { .. }, _) => {
            let node = RunningNode::start(config, passphrase, seams).await?;
            tell_systemd(&[NotifyState::Ready]);
            return Ok(Some(node));
        }
    };
    let mut sealed = SealedNode::start(config, seams).await?;
    tell_systemd(&[NotifyState::Ready, NotifyState::Status(&format!("sealed, waits for {waits_for}: aurora unseal"))]);
    tracing::warn!(
        sockets = %config.api.socket_dir.display(),
        loopback = sealed.loopback().map(tracing::field::display),
        "the node is sealed and waits for {waits_for}: aurora unseal"
    );
    let door = sealed.door();
    let key = tokio::select! {
        () = ends.next() => None,
        key = sealed.unsealed() => Some(key?),
        // What it waits for is told to people; that the door tells it is what counts.
        never = watchdog::keep(async || !door.awaits().to_string().is_empty()) => match never {},
    };
    if let Some(key) = key {
        let node = tokio::select! {
            node = sealed.open(key) => node?,
            never = watchdog::keep_opening() => match never {},
        };
        tell_systemd(&[NotifyState::Status("unsealed")]);
        return Ok(Some(node));
    }
    tell_systemd(&[NotifyState::Stopping]);
    sealed.stop().await;
    tracing::info!("the node is down; it was sealed");
    Ok(None)
}

/// The signals that end a node.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Ends {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Returns when one came.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

/// Without systemd there is nobody to tell, and nothing to do about it.
fn tell_systemd(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
