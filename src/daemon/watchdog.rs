//! Tells systemd that the node is well, as often as its unit asks (`WatchdogSec=`): only while the node answers itself.
//! Once it does not, nothing is told, and systemd ends it and starts it anew from what the disk holds.

use std::convert::Infallible;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::actors::node::Pulse;
use crate::vault::parts::Vault;

/// Of the time that systemd waits: two may be late before the third is missed.
const BEATS: u32 = 3;

/// How long the one writer may be busy with one message. The largest change, 200,000 values on a slow disk, takes minutes,
/// and a node must not be ended over it; one that hangs for longer than any change may take is no use to anybody.
const BUSY_MAX: Duration = Duration::from_secs(600);

/// The most a node takes from its key to its first answer.
const OPENING_MAX: Duration = Duration::from_secs(600);

/// Tells systemd for as long as `is_fit` says so. Never returns; without a watchdog it does nothing.
pub(super) async fn keep(is_fit: impl AsyncFnMut() -> bool) -> Infallible {
    match sd_notify::watchdog_enabled() {
        Some(limit) if !limit.is_zero() => beat(limit, is_fit, told).await,
        Some(_) | None => std::future::pending().await,
    }
}

/// While the node opens: nobody serves yet, and nothing is asked but that it takes no longer than it may.
pub(super) async fn keep_opening() -> Infallible {
    let began = Instant::now();
    keep(async move || began.elapsed() < OPENING_MAX).await
}

async fn beat(limit: Duration, mut is_fit: impl AsyncFnMut() -> bool, mut tell: impl FnMut()) -> Infallible {
    let pause = limit / BEATS;
    let mut beats = interval(pause);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_fit = true;
    loop {
        beats.tick().await;
        let fit = timeout(pause, is_fit()).await.unwrap_or(false);
        if fit {
            tell();
        } else if was_fit {
            tracing::error!("the node does not answer itself; unless it does soon, systemd ends it and starts it anew");
        }
        was_fit = fit;
    }
}

fn told() {
    if let Err(error) = sd_notify::notify(&[NotifyState::Watchdog]) {
        tracing::debug!(%error, "systemd was not told");
    }
}

/// Whether a node that serves is fit, asked again and again.
pub(super) struct Checks {
    vault: Vault,
    pulse: Pulse,
    writer: Option<(Instant, oneshot::Receiver<()>)>,
}

impl Checks {
    /// Checks of a node.
    pub(super) fn new(vault: Vault, pulse: Pulse) -> Self {
        Self { vault, pulse, writer: None }
    }

    /// The door answers, the supervisor reads its messages, and the one writer has read one not too long ago.
    pub(super) async fn is_fit(&mut self) -> bool {
        // What it says is for people: that it says something is what counts.
        let _ = self.vault.health();
        let Some(asked) = self.pulse.ask().await else { return false };
        let (since, answer) = self.writer.get_or_insert_with(|| (Instant::now(), asked));
        match answer.try_recv() {
            Ok(()) => self.writer = None,
            Err(oneshot::error::TryRecvError::Empty) => return since.elapsed() < BUSY_MAX,
            Err(oneshot::error::TryRecvError::Closed) => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(30);

    /// How often systemd was told by when this was asked so many times.
    async fn told_in(asked_max: u32, fit: impl Fn(u32) -> bool) -> u32 {
        let (tell, mut told) = mpsc::channel(64);
        let (enough, ended) = oneshot::channel();
        let (mut asked, mut enough) = (0, Some(enough));
        let is_fit = async || {
            asked += 1;
            if asked > asked_max
                && let Some(enough) = enough.take()
            {
                enough.send(()).expect("waited for");
            }
            asked <= asked_max && fit(asked)
        };
        tokio::select! {
            never = beat(LIMIT, is_fit, move || tell.try_send(()).expect("room")) => match never {},
            _ = ended => {}
        }
        let mut count = 0;
        while told.try_recv().is_ok() {
            count += 1;
        }
        count
    }

    #[tokio::test]
    async fn systemd_is_told_whenever_the_node_is_found_fit_and_never_else() {
        assert_eq!(told_in(6, |_| true).await, 6);
        assert_eq!(told_in(6, |_| false).await, 0);
        assert_eq!(told_in(6, |asked| asked <= 2 || asked == 5).await, 3);
    }

    #[tokio::test]
    async fn a_node_that_hangs_tells_nothing() {
        let (tell, mut told) = mpsc::channel(64);
        let hangs = async || std::future::pending().await;
        let kept = timeout(LIMIT * 4, beat(LIMIT, hangs, move || tell.try_send(()).expect("room"))).await;
        assert!(kept.is_err() && told.try_recv().is_err());
    }

    #[tokio::test]
    async fn without_a_watchdog_nothing_is_asked() {
        assert!(timeout(LIMIT, keep(async || panic!("nobody asks"))).await.is_err());
    }
}
