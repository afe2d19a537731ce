//! `apikey`: the keys of agents. A new key goes to standard output alone, so that it can be sent into a file; what is said
//! about it goes to standard error.

use super::arguments::Format;
use super::arguments_agent::{ApikeyVerb, Expires, NewKeyArguments};
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::verbs_agent::reach;
use super::views_apikey::{GraceBody, KeyBody, KeysView, NewKeyView, RevokedView};
use crate::config::duration;
use crate::model::name::AgentName;

/// `aurora apikey …`
pub(super) async fn apikey(session: &mut Session<'_>, verb: ApikeyVerb) -> Result<(), CliError> {
    match verb {
        ApikeyVerb::Create(arguments) => create(session, *arguments).await,
        ApikeyVerb::List { agent } => list(session, agent.as_ref()).await,
        ApikeyVerb::Rotate { agent, name, grace } => {
            let body = GraceBody { grace: grace.map(duration::print) };
            let question = Question::post(format!("/api/agents/{agent}/keys/{name}/rotate"), &body)?;
            show_once(session, question).await
        }
        ApikeyVerb::Revoke { agent, name } => {
            let question = session.with_reason(Question::delete(format!("/api/agents/{agent}/keys/{name}")))?;
            let revoked: RevokedView = session.admin()?.ask(question).await?;
            session.output.report(&revoked)
        }
    }
}

async fn create(session: &mut Session<'_>, arguments: NewKeyArguments) -> Result<(), CliError> {
    let mut reach = reach(session, &arguments.reach);
    if arguments.no_company {
        reach.companies = Some(Vec::new());
    }
    let body = KeyBody {
        name: arguments.name.as_str(),
        expires_at: (arguments.expires == Some(Expires::Never)).then_some("never"),
        expires_in: match arguments.expires {
            Some(Expires::After(life)) => Some(duration::print(life)),
            Some(Expires::Never) | None => None,
        },
        reach,
        limit_rpm: arguments.limit,
    };
    let question = Question::post(format!("/api/agents/{}/keys", arguments.agent), &body)?;
    show_once(session, question).await
}

/// Asks for a new text of a key, and prints it.
async fn show_once(session: &mut Session<'_>, question: Question) -> Result<(), CliError> {
    let question = session.with_reason(question)?;
    let new: NewKeyView = session.admin()?.ask(question).await?;
    match session.output.format() {
        Format::Json | Format::Yaml => session.output.data(&new),
        Format::Table => {
            session.output.write(new.key.plaintext().expose())?;
            session.output.write(b"\n")?;
            session.output.note(&new.said());
            Ok(())
        }
    }
}

async fn list(session: &mut Session<'_>, agent: Option<&AgentName>) -> Result<(), CliError> {
    let client = session.admin()?;
    let asked = || Question::get("/api/apikeys?limit=1000").with("agent", agent.map(AgentName::as_str));
    let mut all: KeysView = client.ask(asked()).await?;
    while let Some(cursor) = all.next_cursor.take() {
        let page: KeysView = client.ask(asked().with("cursor", Some(&cursor))).await?;
        all.append(page);
    }
    session.output.show(&all)
}
