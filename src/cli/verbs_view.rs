//! `list`, `info`, `versions` and `explain`: what is known about secrets, without their values.

use super::arguments_secret::{ExplainArguments, InfoArguments, ListArguments, StateWord, VersionsArguments};
use super::error::CliError;
use super::listing::Listing;
use super::pages::Pages;
use super::question::Question;
use super::session::Session;
use super::verbs_secret::path;
use super::views_explain::ExplainView;
use super::views_record::{InfoView, ListView, VersionsView, WithNodes};
use crate::config::duration;
use crate::model::secret::SecretName;

/// `aurora list`: printed as it comes, page by page.
pub(super) async fn list(session: &mut Session<'_>, arguments: &ListArguments) -> Result<(), CliError> {
    let question = wanted(session, arguments);
    let mut pages = Pages::new(session.lister()?, question.into_target(), arguments.limit.unwrap_or(usize::MAX));
    let mut listing = Listing::new(session.output.format());
    while let Some(page) = pages.next().await? {
        listing.page(session.output, page)?;
    }
    listing.end(session.output)
}

fn wanted(session: &Session<'_>, arguments: &ListArguments) -> Question {
    let within = arguments.expires_within.map(duration::print);
    let before = arguments.expires_before.map(|time| time.to_string());
    let question = session
        .in_place(Question::get("/api/secrets"))
        .with("prefix", arguments.prefix.as_deref())
        .with("provider", arguments.provider.as_deref())
        .with("expires_within", within.as_deref())
        .with("expires_before", before.as_deref())
        .with("expired", arguments.expired.then_some("true"))
        .with("state", arguments.state.map(StateWord::as_str));
    arguments.tag.iter().fold(question, |question, tag| question.with("tag", Some(tag)))
}

/// `aurora info`
pub(super) async fn info(session: &mut Session<'_>, arguments: &InfoArguments) -> Result<(), CliError> {
    let name = &arguments.name;
    let all = each_scope(session, name).await?.filter(|all| !all.secrets.is_empty()).ok_or_else(|| {
        let message = format!("nothing is known here about {name}");
        CliError::NotFound { message, hint: format!("Look with: aurora explain {name}") }
    })?;
    session.output.show(&InfoView(all))
}

/// The records of one name. They come before those of the names that begin with it.
async fn each_scope(session: &Session<'_>, name: &SecretName) -> Result<Option<ListView>, CliError> {
    let text = name.to_string();
    let question = session.in_place(Question::get("/api/secrets")).with("prefix", Some(&text));
    let mut pages = Pages::new(session.lister()?, question.into_target(), usize::MAX);
    let mut all: Option<ListView> = None;
    while let Some(mut page) = pages.next().await? {
        let came = page.secrets.len();
        page.secrets.retain(|record| record.name() == text);
        page.next_cursor = None;
        let passed = page.secrets.len() < came;
        match &mut all {
            Some(all) => all.secrets.append(&mut page.secrets),
            None => all = Some(page),
        }
        if passed {
            break;
        }
    }
    Ok(all)
}

/// `aurora versions`
pub(super) async fn versions(session: &mut Session<'_>, arguments: &VersionsArguments) -> Result<(), CliError> {
    let question = Question::get(format!("{}/versions", path("secrets", &arguments.name)));
    let versions: VersionsView = session.reader()?.ask(session.in_place(question)).await?;
    if arguments.nodes { session.output.show(&WithNodes(versions)) } else { session.output.show(&versions) }
}

/// `aurora explain`
pub(super) async fn explain(session: &mut Session<'_>, arguments: &ExplainArguments) -> Result<(), CliError> {
    let question = session.in_environment(Question::get(path("explain", &arguments.name)));
    let explanation: ExplainView = session.reader()?.ask(session.in_context(question)?).await?;
    session.output.show(&explanation)
}
