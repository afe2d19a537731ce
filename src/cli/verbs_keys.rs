//! `key`: new keys, and how the keys stand.

use std::time::Duration;

use super::arguments_keys::{KeyVerb, RotateArguments};
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_keys::{KeysView, RootView, RotationView};
use crate::model::secret::Scope;

/// Before the node is asked for the first time how far it is: a small store is done by then.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Longest pause between two questions: each is a line in the journal.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// `aurora key …`
pub(super) async fn key(session: &mut Session<'_>, verb: &KeyVerb) -> Result<(), CliError> {
    match verb {
        KeyVerb::Rotate(arguments) => rotate(session, arguments).await,
        KeyVerb::RotateRoot => {
            let question = session.with_reason(Question::post_nothing("/api/keys/rotate-root"))?;
            let replaced: RootView = session.admin()?.ask(question).await?;
            session.output.report(&replaced)
        }
        KeyVerb::Status => {
            let keys: KeysView = session.admin()?.ask(Question::get("/api/keys")).await?;
            session.output.show(&keys)
        }
    }
}

/// Begins, and follows until the old key is gone.
async fn rotate(session: &mut Session<'_>, arguments: &RotateArguments) -> Result<(), CliError> {
    let question = Question::post_nothing("/api/keys/rotate")
        .with("all", arguments.all.then_some("true"))
        .with("scope", arguments.which.as_ref().map(Scope::kind))
        .with("scope_id", arguments.which.as_ref().and_then(Scope::id));
    let question = session.with_reason(session.in_environment(question))?;
    let admin = session.admin()?;
    let mut rotation: RotationView = admin.ask(question).await?;
    let bar = session.output.progress();
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
        let keys: KeysView = admin.ask(Question::get("/api/keys")).await?;
        if !keys.has_unfinished(&rotation.started) {
            break;
        }
        if let Some(progress) = keys.rotation {
            if let Some(reason) = progress.failure {
                bar.end();
                return Err(CliError::RotationStands { reason });
            }
            bar.at(progress.what(), progress.resealed, progress.total);
        }
    }
    bar.end();
    "Key rotation done".clone_into(&mut rotation.message);
    session.output.report(&rotation)
}
