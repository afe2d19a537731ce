//! `connectivity`, `expiring` and `unused`: which APIs work from where, and which credentials should be looked at.

use std::time::Duration;

use super::arguments::Format;
use super::arguments_connectivity::{ConnectivityArguments, ExpiringArguments, UnusedArguments};
use super::client::Client;
use super::error::CliError;
use super::output::Shown;
use super::question::Question;
use super::session::Session;
use super::views_best::BestView;
use super::views_connectivity::ConnectivityView;
use super::views_expiring::{ExpiringView, UnusedView};
use crate::config::duration;
use crate::model::name::ServiceName;

/// Between two looks: a change is seen while it is fresh, and a node is not kept busy.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// What to do where there is nothing to see.
const QUIET: &str = "a node watches the services of which it holds credentials; their names: aurora providers list";

/// Clears a terminal and goes to its first line (ECMA-48, ED and CUP).
const CLEAR: &[u8] = b"\x1b[2J\x1b[3J\x1b[H";

/// `aurora connectivity`
pub(super) async fn connectivity(session: &mut Session<'_>, arguments: &ConnectivityArguments) -> Result<(), CliError> {
    let client = session.lister()?;
    if !arguments.watch {
        return look(session, &client, arguments, false).await;
    }
    let again = session.output.is_terminal() && session.output.format() == Format::Table;
    let watching = async {
        loop {
            look(session, &client, arguments, again).await?;
            tokio::time::sleep(WATCH_EVERY).await;
        }
    };
    tokio::select! {
        ended = watching => ended,
        // Whoever has seen enough ends it so, and it went well.
        stopped = tokio::signal::ctrl_c() => {
            stopped.map_err(|source| CliError::System { action: "wait for Ctrl-C", source })
        }
    }
}

async fn look(
    session: &mut Session<'_>,
    client: &Client,
    arguments: &ConnectivityArguments,
    again: bool,
) -> Result<(), CliError> {
    match &arguments.best {
        Some(service) => {
            let question = asked("/api/connectivity/best", Some(service));
            let best: BestView = client.ask(question).await?;
            show(session, &best, again)
        }
        None => {
            let question = asked("/api/connectivity/status", arguments.service.as_ref());
            let mut told: ConnectivityView = client.ask(question).await?;
            told.fit(session.output.columns());
            told.about(arguments.service.as_ref().map(ServiceName::as_str));
            show(session, &told, again)?;
            if told.is_quiet() && !arguments.watch {
                session.output.note(QUIET);
            }
            Ok(())
        }
    }
}

fn asked(path: &str, service: Option<&ServiceName>) -> Question {
    Question::get(path).with("service", service.map(ServiceName::as_str))
}

fn show(session: &mut Session<'_>, answer: &impl Shown, again: bool) -> Result<(), CliError> {
    if again {
        session.output.write(CLEAR)?;
    }
    session.output.show(answer)
}

/// `aurora expiring`
pub(super) async fn expiring(session: &mut Session<'_>, arguments: &ExpiringArguments) -> Result<(), CliError> {
    let within = duration::print(arguments.within);
    let question = Question::get("/api/expiring").with("within", Some(&within));
    let expiring: ExpiringView = session.lister()?.patiently().ask(question).await?;
    session.output.show(&expiring)?;
    for note in expiring.notes() {
        session.output.note(&note);
    }
    Ok(())
}

/// `aurora unused`
pub(super) async fn unused(session: &mut Session<'_>, arguments: &UnusedArguments) -> Result<(), CliError> {
    let span = duration::print(arguments.span);
    let question = Question::get("/api/unused").with("for", Some(&span));
    let unused: UnusedView = session.admin()?.patiently().ask(question).await?;
    session.output.show(&unused)?;
    for note in unused.notes() {
        session.output.note(&note);
    }
    Ok(())
}
