//! `render --watch`: the file follows the secrets it is made of, until SIGTERM or Ctrl-C.
//!
//! What fails while it runs is told and tried again; the file stays as it is until it can be made anew.

use std::ffi::OsString;
use std::future::pending;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::arguments_render::RenderArguments;
use super::client::Client;
use super::error::CliError;
use super::feed::Feed;
use super::render_command;
use super::render_target::{Target, Written};
use super::session::Session;
use super::verbs_render::Source;

/// The pauses before what failed is tried again: soon enough for a node that starts, rare enough for a grant that is gone.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// Renders, and again on each change. Returns without an error when it is told to stop.
///
/// # Errors
/// [`CliError`] when the first rendering fails, or the node refuses to be watched.
pub(super) async fn watch(
    session: &mut Session<'_>,
    arguments: &RenderArguments,
    source: &Source,
    target: &Target,
) -> Result<(), CliError> {
    let mut stop = Stop::new()?;
    let client = session.reader()?;
    let files = Files { source, target, client };
    let work = follow(session, arguments, &files);
    tokio::select! {
        () = stop.asked() => Ok(()),
        ended = work => ended,
    }
}

/// What is rendered, where it goes, and who is asked.
struct Files<'a> {
    source: &'a Source,
    target: &'a Target,
    client: Client,
}

async fn follow(session: &mut Session<'_>, arguments: &RenderArguments, files: &Files<'_>) -> Result<(), CliError> {
    // Before the first read, so that no change falls between the two.
    let mut feed = Feed::open(session, files.client.clone()).await?;
    files.write(session).await?;
    afterwards(session, &arguments.command).await;
    let mut retry = Retry::default();
    // After a failure those of the last success are watched: one of them went away.
    let mut used = files.source.template.used();
    loop {
        tokio::select! {
            changed = feed.changed(session, &used) => changed?,
            () = retry.due() => {}
        }
        gather(session, &mut feed, arguments.debounce).await?;
        match files.write(session).await {
            Ok(written) => {
                (retry, used) = (Retry::default(), files.source.template.used());
                if written == Written::Changed {
                    afterwards(session, &arguments.command).await;
                }
            }
            Err(error) => {
                retry.put_off();
                session.output.tell(&error);
            }
        }
    }
}

/// Takes in what changes within the time, so that several changes are one.
async fn gather(session: &Session<'_>, feed: &mut Feed, within: Duration) -> Result<(), CliError> {
    let end = Instant::now() + within;
    loop {
        tokio::select! {
            () = sleep_until(end) => return Ok(()),
            more = feed.changed(session, &[]) => more?,
        }
    }
}

impl Files<'_> {
    async fn write(&self, session: &mut Session<'_>) -> Result<Written, CliError> {
        let text = self.source.text(session, &self.client).await?;
        self.target.put(&text)
    }
}

/// A command that fails does not end the watch: the next change may cure it.
async fn afterwards(session: &mut Session<'_>, command: &[OsString]) {
    if let Err(error) = render_command::run(command).await {
        session.output.tell(&error);
    }
}

/// When to try again what failed.
#[derive(Default)]
struct Retry {
    at: Option<(Instant, Duration)>,
}

impl Retry {
    fn put_off(&mut self) {
        let pause = self.at.map_or(RETRY_MIN, |(_, pause)| (pause * 2).min(RETRY_MAX));
        self.at = Some((Instant::now() + pause, pause));
    }

    async fn due(&self) {
        match self.at {
            Some((at, _)) => sleep_until(at).await,
            None => pending().await,
        }
    }
}

/// The signals that end it.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> Result<Self, CliError> {
        let listen = |kind| signal(kind).map_err(|source| CliError::System { action: "wait for a signal", source });
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
