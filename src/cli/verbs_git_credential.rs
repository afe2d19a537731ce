//! `git-credential`: git asks on standard input, and is told on standard output.
//!
//! What is refused here must not make git ask the person instead: whoever then types a password would work around a policy
//! without knowing. So git is told to quit where a rule names the secret. Where only the host is well known, another helper
//! may have its own answer, and git goes on.

use std::io;

use super::arguments_helpers::GitCredentialArguments;
use super::error::CliError;
use super::reads::{self, StaleUse};
use super::session::Session;
use super::value_source::gather_up_to;
use crate::crypto::plaintext::Plaintext;
use crate::delivery::answer::Answer;
use crate::delivery::git_credential::{PlainHttp, QUESTION_BYTES_MAX, QUIT, Question, Told};
use crate::delivery::git_hosts::{Chosen, choose};
use crate::delivery::login::{TOKEN_USER, login};
use crate::model::reference::Reference;

/// `aurora git-credential`
pub(super) async fn answer(session: &mut Session<'_>, arguments: &GitCredentialArguments) -> Result<(), CliError> {
    let input = gather_up_to(QUESTION_BYTES_MAX, io::stdin().lock(), "standard input", "the most git asks")?;
    // Of `store` and `erase`, and of what a later git may ask, nothing is kept: the lead holds what is right.
    if arguments.operation != "get" {
        return Ok(());
    }
    let question = Question::parse(input.expose()).map_err(|error| mistake(&error))?;
    drop(input);
    let plain_http = if arguments.allow_http { PlainHttp::Allowed } else { PlainHttp::LoopbackOnly };
    let Some(host) = question.destination(plain_http) else {
        if question.protocol.as_deref() == Some("http") {
            session.output.note("no credential is given to http:// beyond this machine, unless with --allow-http");
        }
        return Ok(());
    };
    let (reference, is_mapped) = match choose(&arguments.map, &host, question.path.as_deref()) {
        Some(Chosen::Mapped(reference)) => (reference, true),
        Some(Chosen::Known(reference)) => (reference, false),
        None => return Ok(()),
    };
    match told(session, arguments, &question, &reference).await {
        Ok(Some(lines)) => session.output.write(lines.expose()),
        Ok(None) => Ok(()),
        Err(error) if reads::is_absent(&error) => {
            session.output.note(&format!("there is no {} here for {host}", reference.name));
            Ok(())
        }
        Err(error) if is_mapped => session.output.write(QUIT).and(Err(error)),
        Err(error) => {
            session.output.note(&format!("{} is not given to git for {host}: {error}", reference.name));
            Ok(())
        }
    }
}

/// The lines for git; `None` when the secret is of another user than git wants.
async fn told(
    session: &mut Session<'_>,
    arguments: &GitCredentialArguments,
    question: &Question,
    reference: &Reference,
) -> Result<Option<Plaintext>, CliError> {
    let client = session.reader()?;
    let answer = reads::read(session, &client, reference).await?;
    let mut stale = StaleUse::default();
    stale.saw(reference, &answer);
    stale.told().iter().for_each(|note| session.output.note(note));
    let Some(told) = credential(arguments, question, reference, &answer)? else { return Ok(None) };
    told.print().map(Some).map_err(|error| mistake(&error))
}

fn credential(
    arguments: &GitCredentialArguments,
    question: &Question,
    reference: &Reference,
    answer: &Answer,
) -> Result<Option<Told>, CliError> {
    let login = login(answer, reference.field.as_ref()).map_err(|error| mistake(&error))?;
    let expires_at = answer.expires_at;
    if arguments.bearer && question.takes_authtype {
        return Ok(Some(Told::Bearer { token: login.password, expires_at }));
    }
    let own = |text: &str| Plaintext::new(text.as_bytes().to_vec());
    let wanted = arguments.username.as_deref().or(question.username.as_deref()).map(own);
    let username = match (wanted, login.username) {
        // The password of one user is not tried for another.
        (Some(wanted), Some(has)) if !wanted.equals(&has) => return Ok(None),
        (Some(wanted), _) => wanted,
        (None, Some(has)) => has,
        (None, None) => own(TOKEN_USER),
    };
    Ok(Some(Told::Password { username, password: login.password, expires_at }))
}

fn mistake(error: &dyn std::error::Error) -> CliError {
    CliError::Usage { message: error.to_string(), hint: "Look with: aurora git-credential --help".to_owned() }
}
