//! `whoami`: what the node sees of this command, and so of any program that is run like it.

use super::arguments_whoami::WhoamiArguments;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_whoami::WhoamiView;

/// `aurora whoami`
pub(super) async fn whoami(session: &mut Session<'_>, arguments: &WhoamiArguments) -> Result<(), CliError> {
    let secret = arguments.secret.as_ref().map(ToString::to_string);
    let question = Question::get("/api/whoami")
        .with("action", arguments.may.map(|action| action.as_str()))
        .with("secret", secret.as_deref());
    let question = session.in_context(session.in_place(question))?;
    let client = if arguments.admin { session.admin()? } else { session.agent()? };
    let told: WhoamiView = client.ask(question).await?;
    session.output.show(&told)
}
