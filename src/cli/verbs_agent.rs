//! `agent`: who acts by API keys, and what each may.

use std::time::Duration;

use super::arguments::Format;
use super::arguments_agent::{AgentVerb, NewAgentArguments, ReachArguments, UpdateArguments};
use super::confirm;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_agent::{AgentBody, AgentChangedView, AgentLine, AgentsView, ReachBody};
use super::views_signing::{SigningKeyView, UnsignedView};
use crate::config::duration;
use crate::model::actions::Capability;
use crate::model::glob::SecretGlob;
use crate::model::name::{AgentName, CompanyId, EnvironmentName};

/// Stands for all there are.
const ALL: &str = "*";

/// `aurora agent …`
pub(super) async fn agent(session: &mut Session<'_>, verb: AgentVerb) -> Result<(), CliError> {
    match verb {
        AgentVerb::Create(arguments) => create(session, *arguments).await,
        AgentVerb::List => list(session).await,
        AgentVerb::Show { agent } => {
            let line: AgentLine = session.admin()?.ask(Question::get(format!("/api/agents/{agent}"))).await?;
            session.output.show(&line)
        }
        AgentVerb::Update(arguments) => update(session, *arguments).await,
        AgentVerb::Suspend { agent } => deed(session, &agent, "suspend").await,
        AgentVerb::Activate { agent } => deed(session, &agent, "activate").await,
        AgentVerb::SigningKey { agent, grace, remove: false } => signing_key(session, &agent, grace).await,
        AgentVerb::SigningKey { agent, remove: true, .. } => {
            let question = Question::delete(format!("/api/agents/{agent}/signing-key"));
            let removed: UnsignedView = session.admin()?.ask(session.with_reason(question)?).await?;
            session.output.report(&removed)
        }
        AgentVerb::Archive { agent, yes } => {
            if !yes {
                confirm::possible("archiving an agent", &format!("aurora agent archive {agent} --yes"))?;
                confirm::ask(&format!("The agent {agent} ends for good, and its keys with it. Go on?"))?;
            }
            deed(session, &agent, "archive").await
        }
    }
}

async fn create(session: &mut Session<'_>, arguments: NewAgentArguments) -> Result<(), CliError> {
    let reach = reach(session, &arguments.reach);
    let missing =
        |what: &str, hint: &str| CliError::Usage { message: format!("it is not said {what}"), hint: hint.to_owned() };
    if reach.secrets.is_none() {
        return Err(missing(
            "which secrets the agent is about",
            "Give --allow 'SERVICE/*', or --allow '*' for every one.",
        ));
    }
    if reach.environments.is_none() {
        return Err(missing("in which environments the agent acts", "Give --environment NAME, or --all-environments."));
    }
    let body = AgentBody {
        name: Some(arguments.agent.to_string()),
        title: arguments.title.map(Some),
        kind: Some(arguments.kind.as_str()),
        capabilities: words(&arguments.capability),
        capability_note: arguments.note,
        reach,
        limit_rpm: arguments.limit.map(Some),
        signs: arguments.signs.then_some(true),
        ..AgentBody::default()
    };
    let question = session.with_reason(Question::post("/api/agents", &body)?)?;
    let changed: AgentChangedView = session.admin()?.ask(question).await?;
    session.output.report(&changed)
}

async fn update(session: &mut Session<'_>, arguments: UpdateArguments) -> Result<(), CliError> {
    let mut reach = reach(session, &arguments.reach);
    if arguments.no_company {
        reach.companies = Some(Vec::new());
    }
    let gives = !arguments.capability.is_empty();
    let body = AgentBody {
        add_capabilities: words(&arguments.capability),
        remove_capabilities: words(&arguments.without),
        capability_note: arguments.note.clone().filter(|_| gives),
        note: arguments.note.filter(|_| !gives).map(Some),
        title: arguments.title.map(Some),
        reach,
        limit_rpm: arguments.limit.map(Some).or(arguments.no_limit.then_some(None)),
        signs: arguments.signs,
        ..AgentBody::default()
    };
    if body == AgentBody::default() {
        return Err(CliError::Usage {
            message: "nothing is to be changed".to_owned(),
            hint: "Give what is to be different: aurora agent update --help lists it.".to_owned(),
        });
    }
    let target = format!("/api/agents/{}", arguments.agent);
    let question = session.with_reason(Question::patch(target, &body)?)?;
    let changed: AgentChangedView = session.admin()?.ask(question).await?;
    session.output.report(&changed)
}

async fn deed(session: &mut Session<'_>, agent: &AgentName, deed: &str) -> Result<(), CliError> {
    let question = session.with_reason(Question::post_nothing(format!("/api/agents/{agent}/{deed}")))?;
    let changed: AgentChangedView = session.admin()?.ask(question).await?;
    session.output.report(&changed)
}

/// Asks for a new signing key, and prints it: alone on standard output, so that it can be sent into a file.
async fn signing_key(session: &mut Session<'_>, agent: &AgentName, grace: Option<Duration>) -> Result<(), CliError> {
    let grace = grace.map(duration::print);
    let question = Question::post_nothing(format!("/api/agents/{agent}/signing-key")).with("grace", grace.as_deref());
    let new: SigningKeyView = session.admin()?.ask(session.with_reason(question)?).await?;
    match session.output.format() {
        Format::Json | Format::Yaml => session.output.data(&new),
        Format::Table => {
            session.output.write(new.signing_key.plaintext().expose())?;
            session.output.write(b"\n")?;
            session.output.note(&new.said());
            Ok(())
        }
    }
}

async fn list(session: &mut Session<'_>) -> Result<(), CliError> {
    let client = session.admin()?;
    let mut all: AgentsView = client.ask(Question::get("/api/agents?limit=1000")).await?;
    while let Some(cursor) = all.next_cursor.take() {
        let page: AgentsView =
            client.ask(Question::get("/api/agents?limit=1000").with("cursor", Some(&cursor))).await?;
        all.append(page);
    }
    session.output.show(&all)
}

/// How far something reaches, as far as it is said. The variable `AURORA_ENVIRONMENT` counts like the flag.
pub(super) fn reach(session: &Session<'_>, arguments: &ReachArguments) -> ReachBody {
    let companies: Vec<String> = session.companies.iter().map(CompanyId::to_string).collect();
    let named: Vec<String> = if arguments.environments.is_empty() {
        session.environment.iter().map(EnvironmentName::to_string).collect()
    } else {
        arguments.environments.iter().map(EnvironmentName::to_string).collect()
    };
    let said = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let all = || Some(vec![ALL.to_owned()]);
    ReachBody {
        secrets: said(arguments.allow.iter().map(SecretGlob::to_string).collect()),
        scopes: said(arguments.scopes.iter().map(|kind| kind.as_str().to_owned()).collect()),
        companies: if arguments.all_companies { all() } else { said(companies) },
        environments: if arguments.all_environments { all() } else { said(named) },
    }
}

fn words(capabilities: &[Capability]) -> Vec<&'static str> {
    capabilities.iter().map(|capability| capability.as_str()).collect()
}
