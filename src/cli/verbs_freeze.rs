//! `freeze`, `unfreeze` and `freezes`.

use std::time::Duration;

use tokio::time::Instant;

use super::arguments_freeze::{FreezeArguments, UnfreezeArguments};
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_freeze::{FreezeBody, FreezesView, FrozenView, HoldersView, Told, UnfrozenView};

/// Before the lead is asked again who has it: nodes that are connected answer within milliseconds.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Longest pause between two questions: each is a line in the journal.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// `aurora freeze TARGET --level LEVEL --reason TEXT`
pub(super) async fn freeze(session: &mut Session<'_>, arguments: &FreezeArguments) -> Result<(), CliError> {
    let target = arguments.target.to_string();
    let reason = session.reason().ok_or_else(|| CliError::Usage {
        message: "a freeze needs a reason: whoever is refused reads it".to_owned(),
        hint: format!("Add it: aurora freeze {target} --level {} --reason TEXT", arguments.level.as_str()),
    })?;
    let body = FreezeBody { target: &target, level: arguments.level.as_str(), reason };
    let admin = session.admin()?;
    let frozen: FrozenView = admin.ask(Question::post("/api/freezes", &body)?).await?;
    let deadline = Instant::now() + arguments.wait;
    let mut pause = FIRST_PAUSE;
    let bar = session.output.progress();
    let holders = loop {
        let question = Question::get("/api/freezes/holders")
            .with("revision", Some(&frozen.revision.to_string()))
            .with("target", Some(&target));
        let holders: HoldersView = admin.ask(question).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        if !holders.is_awaited() || left.is_zero() {
            break holders;
        }
        bar.at("waiting for the nodes", holders.told(), Some(holders.concerned()));
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    };
    bar.end();
    if !frozen.known {
        session
            .output
            .note(&format!("{target} is not known so far; if it was mistyped, lift it: aurora unfreeze {target}"));
    }
    session.output.report(&Told { frozen, holders })
}

/// `aurora unfreeze TARGET`
pub(super) async fn unfreeze(session: &mut Session<'_>, arguments: &UnfreezeArguments) -> Result<(), CliError> {
    let question = Question::delete("/api/freezes").with("target", Some(&arguments.target.to_string()));
    let question = session.with_reason(question)?;
    let unfrozen: UnfrozenView = session.admin()?.ask(question).await?;
    session.output.report(&unfrozen)
}

/// `aurora freezes`
pub(super) async fn freezes(session: &mut Session<'_>) -> Result<(), CliError> {
    let freezes: FreezesView = session.admin()?.ask(Question::get("/api/freezes")).await?;
    session.output.show(&freezes)
}
