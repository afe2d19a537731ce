//! `key`: new keys, and how the keys stand.

use std::time::Duration;

use super::arguments_keys::{KeyVerb, RotateArguments};
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::verbs_life::rehearsed;
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
    let question = rehearsed(session.in_environment(question), arguments.dry_run);
    let question = session.with_reason(question)?;
    let admin = session.admin()?;
    let mut rotation: RotationView = admin.ask(question).await?;
    if arguments.dry_run {
        return session.output.report(&rotation);
    }
    let bar = session.output.progress();
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
        let keys: KeysView = admin.ask(Question::get("/api/keys")).await.map_err(unseen)?;
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

/// A rotation goes on without whoever began it. One who may not see how far it is, any more, is not told that they may not
/// have begun it.
fn unseen(mut error: CliError) -> CliError {
    if let CliError::Refused { status: 401 | 403, message, hint, .. } = &mut error {
        *message = format!("the key rotation was begun and goes on, but you may not see how far it is: {message}");
        "Whoever manages the mesh sees it with: aurora key status".clone_into(hint);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: &str) -> CliError {
        let (code, message) = (code.to_owned(), "refused by policy".to_owned());
        CliError::Refused { status, code, message, hint: "Ask".to_owned(), request_id: "7".to_owned() }
    }

    #[test]
    fn who_may_not_see_a_rotation_any_more_is_told_that_it_was_begun() {
        let error = unseen(refusal(403, "denied"));
        assert!(error.to_string().contains("was begun") && error.to_string().ends_with("refused by policy"), "{error}");
        assert!(error.hint().contains("aurora key status"), "{}", error.hint());
        assert_eq!((error.exit_code(), error.code()), (4, "denied"));
        assert_eq!(unseen(refusal(503, "sealed")).to_string(), "refused by policy", "told as the node tells it");
    }
}
